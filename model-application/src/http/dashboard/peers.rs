//! The loader and the training beside this service, and how they stand.
//! Both are optional: `dashboard.loader` and `dashboard.training` name their addresses.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::config::DashboardConfig;

/// Longest wait for a status: the overview does not wait for a service that is stalled.
const WAIT: Duration = Duration::from_millis(700);
/// How long a status is good for.
const GOOD_FOR: Duration = Duration::from_millis(1500);
/// The same while a training runs, whose progress is watched.
const GOOD_FOR_OF_TRAINING: Duration = Duration::from_millis(400);

pub(super) struct Peers {
    pub config: DashboardConfig,
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
            && at.elapsed() < good_for(statuses)
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

    pub(super) fn request(
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

/// Whether the trainer's status says that a training runs.
pub(super) fn is_training(status: &Value) -> bool {
    status["training"] == true
}

/// How long such statuses are good for.
fn good_for(statuses: &Value) -> Duration {
    match is_training(&statuses["training"]) {
        true => GOOD_FOR_OF_TRAINING,
        false => GOOD_FOR,
    }
}

/// Without its URL, which may hold a password.
pub(super) fn reason(error: reqwest::Error) -> String {
    let error = anyhow::Error::new(error.without_url());
    format!("{error:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_that_runs_is_looked_at_more_often() {
        let idle = json!({ "loader": null, "training": { "training": false } });
        let away = json!({ "loader": null, "training": { "unreachable": "timed out" } });
        let running = json!({ "loader": null, "training": { "training": true } });
        for statuses in [&idle, &away, &json!({ "training": null })] {
            assert_eq!(good_for(statuses), GOOD_FOR, "{statuses}");
        }
        assert!(good_for(&running) < GOOD_FOR);
    }
}
