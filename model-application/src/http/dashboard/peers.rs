//! The loader and the training beside this service, and how they stand.
//! Both are optional: `dashboard.loader` and `dashboard.training` name their addresses.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::config::DashboardConfig;

/// Longest wait for a status: the overview does not wait for a service that is stalled.
const WAIT: Duration = Duration::from_millis(700);
/// How long a status is good for.
const GOOD_FOR: Duration = Duration::from_millis(1500);

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

/// Without its URL, which may hold a password.
pub(super) fn reason(error: reqwest::Error) -> String {
    let error = anyhow::Error::new(error.without_url());
    format!("{error:#}")
}
