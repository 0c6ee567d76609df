//! `hedonic wait`: until services have a state, or a deadline has passed.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use common::http::HttpConfig;
use common::secret::Secret;
use common::{Layered, Service};
use serde_json::Value;
use tokio::time::Instant;

/// Sections of the settings whose services can be waited for.
const SERVICES: [&str; 6] = [
    "emulator", "loader", "applier", "prepare", "follow", "crawler",
];
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// How long a consumer lag of 0 must last: a service looks at its lag once a second.
const IDLE: Duration = Duration::from_secs(3);
/// Longest wait for an answer of a service.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest piece of a value that a message repeats, in characters.
const SHOWN_CHARS: usize = 200;

/// What is waited for.
#[derive(Debug, Clone)]
pub struct Wait {
    /// Settings file of the services.
    pub config: Option<PathBuf>,
    /// Further settings.
    pub set: Vec<(String, String)>,
    /// A file that must exist and not be empty.
    pub file: Option<PathBuf>,
    /// Services that must be ready.
    pub ready: Vec<String>,
    /// Services that must have read everything.
    pub idle: Vec<String>,
    /// Conditions on `/status`, such as `loader.stored>=100`.
    pub until: Vec<String>,
    /// Longest wait.
    pub timeout: Duration,
}

/// One thing that is waited for.
#[derive(Debug, PartialEq)]
enum Goal {
    File(PathBuf),
    Ready {
        service: String,
    },
    Idle {
        service: String,
    },
    Status {
        service: String,
        /// Within `/status`, with dots.
        key: String,
        comparison: Comparison,
    },
}

#[derive(Debug, PartialEq)]
enum Comparison {
    Equal(String),
    AtLeast(f64),
}

impl Goal {
    /// Reads `SERVICE.KEY=VALUE` or `SERVICE.KEY>=NUMBER`.
    fn of_condition(text: &str) -> anyhow::Result<Goal> {
        let expected = || {
            format!(
                "--until {text}: expected SERVICE.KEY=VALUE or SERVICE.KEY>=NUMBER, such as \
                 loader.stored>=100; services are {}",
                SERVICES.join(", ")
            )
        };
        let (place, comparison) = match text.split_once(">=") {
            Some((place, number)) => {
                let number = number.trim().parse().with_context(expected)?;
                (place, Comparison::AtLeast(number))
            }
            None => {
                let (place, value) = text.split_once('=').with_context(expected)?;
                (place, Comparison::Equal(value.trim().to_owned()))
            }
        };
        let (service, key) = place.trim().split_once('.').with_context(expected)?;
        ensure!(SERVICES.contains(&service) && !key.is_empty(), expected());
        Ok(Goal::Status {
            service: service.to_owned(),
            key: key.to_owned(),
            comparison,
        })
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Goal::File(path) => write!(out, "the file {}", path.display()),
            Goal::Ready { service } => write!(out, "{service} to be ready"),
            Goal::Idle { service } => write!(out, "{service} to have read everything"),
            Goal::Status {
                service,
                key,
                comparison: Comparison::Equal(value),
            } => write!(out, "{service}.{key}={value}"),
            Goal::Status {
                service,
                key,
                comparison: Comparison::AtLeast(number),
            } => write!(out, "{service}.{key}>={number}"),
        }
    }
}

impl Wait {
    fn goals(&self) -> anyhow::Result<Vec<Goal>> {
        for service in self.ready.iter().chain(&self.idle) {
            ensure!(
                SERVICES.contains(&service.as_str()),
                "there is no service {service}; expected one of {}",
                SERVICES.join(", ")
            );
        }
        let mut goals: Vec<Goal> = self.file.iter().cloned().map(Goal::File).collect();
        goals.extend(
            self.ready
                .iter()
                .cloned()
                .map(|service| Goal::Ready { service }),
        );
        goals.extend(
            self.idle
                .iter()
                .cloned()
                .map(|service| Goal::Idle { service }),
        );
        for condition in &self.until {
            goals.push(Goal::of_condition(condition)?);
        }
        ensure!(
            !goals.is_empty(),
            "nothing to wait for: name it with --servers, --ready, --idle or --until"
        );
        Ok(goals)
    }

    /// Waits for all, one after the other.
    ///
    /// # Errors
    /// When a goal or a setting is not valid, or the deadline passes; the message has what is missing.
    pub fn run(self) -> Service {
        Box::pin(async move { self.work().await })
    }

    async fn work(&self) -> anyhow::Result<()> {
        common::telemetry::choose_tls_provider();
        let goals = self.goals()?;
        let layered = Layered::load(self.config.as_deref(), &self.set)?;
        let client = reqwest::Client::builder().timeout(ANSWER).build()?;
        let services = Services { layered, client };
        let until = Instant::now() + self.timeout;
        for goal in &goals {
            let mut idle_since = None;
            loop {
                let looking = services.look(goal, &mut idle_since);
                let found = match tokio::time::timeout_at(until, looking).await {
                    Ok(found) => found?,
                    Err(_) => Some("no answer in time".to_owned()),
                };
                let Some(found) = found else { break };
                if Instant::now() + LOOK > until {
                    let seconds = self.timeout.as_secs();
                    bail!("waited {seconds} s for {goal}: {found}");
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        Ok(())
    }
}

/// How services are asked.
struct Services {
    layered: Layered,
    client: reqwest::Client,
}

impl Services {
    /// What is missing; `None` where the goal is reached.
    ///
    /// # Errors
    /// When a setting is not valid.
    async fn look(
        &self,
        goal: &Goal,
        idle_since: &mut Option<Instant>,
    ) -> anyhow::Result<Option<String>> {
        Ok(match goal {
            Goal::File(path) => match std::fs::metadata(path) {
                Ok(found) if found.len() > 0 => None,
                Ok(_) => Some("it is empty".to_owned()),
                Err(error) => Some(error.to_string()),
            },
            Goal::Ready { service } => match self.get(service, "/health/ready").await? {
                Ok((200, _)) => None,
                Ok((code, body)) => Some(format!("HTTP {code}, {}", shown(&body))),
                Err(why) => Some(why),
            },
            Goal::Idle { service } => {
                let lag = match self.get(service, "/status").await? {
                    Ok((200, status)) => status["lag_records"].clone(),
                    Ok((code, body)) => return Ok(Some(format!("HTTP {code}, {}", shown(&body)))),
                    Err(why) => return Ok(Some(why)),
                };
                if lag.as_u64() != Some(0) {
                    *idle_since = None;
                    return Ok(Some(format!("lag_records is {lag}")));
                }
                let since = *idle_since.get_or_insert_with(Instant::now);
                (since.elapsed() < IDLE).then(|| "lag_records is 0 for a moment".to_owned())
            }
            Goal::Status {
                service,
                key,
                comparison,
            } => match self.get(service, "/status").await? {
                Ok((200, status)) => {
                    let value = status.pointer(&format!("/{}", key.replace('.', "/")));
                    missing(value, comparison).map(|found| format!("{key} is {found}"))
                }
                Ok((code, body)) => Some(format!("HTTP {code}, {}", shown(&body))),
                Err(why) => Some(why),
            },
        })
    }

    /// Status and body of an answer, or why there is none.
    async fn get(&self, service: &str, path: &str) -> anyhow::Result<Result<(u16, Value), String>> {
        let section: Value = self.layered.section(service)?;
        let address = section["http"].as_str().unwrap_or_default();
        let http: HttpConfig = self.layered.section("http")?;
        let own: Option<Secret> = serde_json::from_value(section["token"].clone())?;
        let http = http.with_token(&own.unwrap_or_default());
        let mut request = self.client.get(format!("http://{address}{path}"));
        if http.has_token() {
            request = request.bearer_auth(http.token.expose());
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(_) => return Ok(Err(format!("nothing answers at {address}"))),
        };
        let code = answer.status().as_u16();
        let body = answer.json().await.unwrap_or(Value::Null);
        Ok(Ok((code, body)))
    }
}

/// The value that was found, where it is not what was asked for.
fn missing(value: Option<&Value>, comparison: &Comparison) -> Option<String> {
    let Some(value) = value else {
        return Some("not in /status".to_owned());
    };
    let is_reached = match comparison {
        Comparison::AtLeast(number) => value.as_f64().is_some_and(|found| found >= *number),
        Comparison::Equal(text) => match value {
            Value::String(found) => found == text,
            other => {
                let found = other.to_string();
                found == *text
            }
        },
    };
    (!is_reached).then(|| shown(value))
}

fn shown(value: &Value) -> String {
    value.to_string().chars().take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wait(until: &[&str]) -> Wait {
        Wait {
            config: None,
            set: Vec::new(),
            file: None,
            ready: Vec::new(),
            idle: Vec::new(),
            until: until.iter().map(|text| (*text).to_owned()).collect(),
            timeout: Duration::from_millis(500),
        }
    }

    #[test]
    fn conditions_are_read_and_bad_ones_say_what_was_expected() {
        let goal = Goal::of_condition("loader.stored >= 2994").expect("a condition");
        assert_eq!(goal.to_string(), "loader.stored>=2994");
        let goal = Goal::of_condition("applier.model=food@v000001").expect("a condition");
        assert_eq!(goal.to_string(), "applier.model=food@v000001");
        for bad in [
            "loader",
            "loader.stored",
            "loader>=1",
            "baker.bread=1",
            "loader.stored>=many",
        ] {
            let error = Goal::of_condition(bad).expect_err(bad).to_string();
            assert!(
                error.contains("expected SERVICE.KEY=VALUE"),
                "{bad}: {error}"
            );
        }
        let error = wait(&[]).goals().expect_err("no goal").to_string();
        assert!(error.contains("nothing to wait for"), "{error}");
    }

    #[test]
    fn values_are_compared_as_they_are_shown() {
        let status = json!({"stored": 7, "running": false, "model": "x@v1", "last_error": null});
        let is_reached = |key: &str, comparison| missing(status.get(key), &comparison).is_none();
        let equal = |text: &str| Comparison::Equal(text.to_owned());
        assert!(is_reached("stored", equal("7")) && is_reached("stored", Comparison::AtLeast(7.0)));
        assert!(!is_reached("stored", Comparison::AtLeast(7.5)));
        assert!(is_reached("running", equal("false")) && is_reached("model", equal("x@v1")));
        assert!(is_reached("last_error", equal("null")) && !is_reached("none", equal("null")));
    }

    #[tokio::test]
    async fn a_deadline_that_passes_names_what_is_missing() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = closed.local_addr().expect("an address").to_string();
        drop(closed);
        let mut wait = wait(&["loader.stored>=1"]);
        wait.set = vec![("loader.http".to_owned(), address.clone())];
        let error = wait
            .clone()
            .run()
            .await
            .expect_err("nobody answers")
            .to_string();
        assert!(
            error.contains("for loader.stored>=1: nothing answers"),
            "{error}"
        );
        assert!(error.contains(&address), "{error}");

        let home = tempfile::tempdir().expect("a directory");
        wait.until.clear();
        wait.file = Some(home.path().join("servers.env"));
        wait.clone().run().await.expect_err("no file");
        std::fs::write(home.path().join("servers.env"), "x").expect("writes");
        wait.run().await.expect("it is there");
    }
}
