//! The loader and the training beside this service: how they stand, and a training that is asked for.
//! Both are optional: `dashboard.loader` and `dashboard.training` name their addresses.

use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Dashboard, ask};
use crate::config::DashboardConfig;
use crate::http::refused::Refused;

/// Longest wait for a status: the overview does not wait for a service that stands still.
const WAIT: Duration = Duration::from_millis(700);
/// How long a status is good for.
const GOOD_FOR: Duration = Duration::from_millis(1500);
/// Longest wait for the end of a training: one that takes longer goes on.
const TRIGGER: Duration = Duration::from_secs(10);

pub(super) struct Peers {
    config: DashboardConfig,
    /// Why there is none, where it cannot be made.
    client: Result<reqwest::Client, String>,
    known: tokio::sync::Mutex<Option<(Instant, Value)>>,
}

impl Peers {
    pub(super) fn new(config: DashboardConfig) -> Peers {
        let client = reqwest::Client::builder().no_proxy().build();
        Peers {
            config,
            client: client.map_err(|error| error.to_string()),
            known: tokio::sync::Mutex::default(),
        }
    }

    /// How both stand; null for one whose address is not set.
    pub(super) async fn statuses(&self) -> Value {
        let mut known = self.known.lock().await;
        if let Some((at, statuses)) = &*known
            && at.elapsed() < GOOD_FOR
        {
            return statuses.clone();
        }
        let (loader, training) = tokio::join!(
            self.status(&self.config.loader),
            self.status(&self.config.training)
        );
        let statuses = json!({ "loader": loader, "training": training });
        *known = Some((Instant::now(), statuses.clone()));
        statuses
    }

    async fn status(&self, address: &str) -> Value {
        if address.is_empty() {
            return Value::Null;
        }
        let asking = async {
            let request = self.request(reqwest::Method::GET, address, "/status")?;
            let answer = request.timeout(WAIT).send().await.map_err(reason)?;
            answer.json::<Value>().await.map_err(reason)
        };
        match asking.await {
            Ok(mut status) => {
                if let Some(status) = status.as_object_mut() {
                    status.remove("partitions");
                }
                status
            }
            Err(why) => json!({ "unreachable": why }),
        }
    }

    fn request(
        &self,
        method: reqwest::Method,
        address: &str,
        path: &str,
    ) -> Result<reqwest::RequestBuilder, String> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let request = client.request(method, format!("{}{path}", address.trim_end_matches('/')));
        let token = &self.config.token;
        Ok(match token.is_empty() {
            true => request,
            false => request.bearer_auth(token.expose()),
        })
    }
}

/// Without its URL, which may hold a password.
fn reason(error: reqwest::Error) -> String {
    let error = anyhow::Error::new(error.without_url());
    format!("{error:#}")
}

/// What may stand behind `/train?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Who asks and why: the version keeps it.
    #[serde(default)]
    why: String,
}

/// The part of a path that says why; empty for nothing.
fn asking(why: &str) -> String {
    if why.is_empty() {
        return String::new();
    }
    // Its host does not matter: it encodes the text.
    let mut url = reqwest::Url::parse("http://training").expect("a URL that stands here");
    url.query_pairs_mut().append_pair("why", why);
    format!("?{}", url.query().unwrap_or_default())
}

/// Asks the training to begin now.
pub(super) async fn train(
    dashboard: web::Data<Dashboard>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Refused> {
    let peers = &dashboard.peers;
    let address = &peers.config.training;
    if address.is_empty() {
        let why = "dashboard.training names no address: set it to that of model-prepare --watch";
        return Err(Refused::new(404, why));
    }
    let away = |why: String| Refused::new(503, format!("the training does not answer: {why}"));
    let path = format!("/train{}", asking(query.why.trim()));
    let request = peers.request(reqwest::Method::POST, address, &path);
    let answer = request.map_err(away)?.timeout(TRIGGER).send().await;
    let answer = match answer {
        // It has begun, and goes on without whoever asked for it.
        Err(error) if error.is_timeout() => {
            return Ok(HttpResponse::Accepted().json(json!({ "training": true })));
        }
        answer => answer.map_err(|error| away(reason(error)))?,
    };
    let code = answer.status().as_u16();
    let body: Value = answer.json().await.map_err(|error| away(reason(error)))?;
    match code {
        200..=299 => Ok(ask::json(body.to_string())),
        409 => Err(Refused::new(
            409,
            body["error"].as_str().unwrap_or("it is busy"),
        )),
        _ => Err(away(format!("{code}: {body}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_said_stays_one_parameter() {
        assert_eq!(asking(""), "");
        assert_eq!(
            asking("a & b=c? (Анна)"),
            "?why=a+%26+b%3Dc%3F+%28%D0%90%D0%BD%D0%BD%D0%B0%29"
        );
    }
}
