//! A training that is requested.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::peers::reason;
use super::{Dashboard, query};
use crate::http::refused::Refused;

/// Longest wait for the end of a training: one that takes longer continues.
const TRIGGER: Duration = Duration::from_secs(10);

/// What may stand behind `/train?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Who asks and why: the version keeps it.
    #[serde(default)]
    why: String,
}

/// The part of a path that states why; empty for nothing.
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
        // It has begun, and continues without the client that requested it.
        Err(error) if error.is_timeout() => {
            return Ok(HttpResponse::Accepted().json(json!({ "training": true })));
        }
        answer => answer.map_err(|error| away(reason(error)))?,
    };
    let code = answer.status().as_u16();
    let body: Value = answer.json().await.map_err(|error| away(reason(error)))?;
    match code {
        200..=299 => Ok(query::json(body.to_string())),
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
