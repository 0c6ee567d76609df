//! The models by hand: which there are, which answers, and another one or the one before.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use common::http::error_answer;
use registry::{RegistryError, Version};
use serde::Deserialize;

use super::Predictor;
use crate::serving::{NoSuchVersion, Swapped};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/models").route(web::get().to(list)))
        .service(web::resource("/models/rollback").route(web::post().to(roll_back)))
        .service(web::resource("/models/{version}/activate").route(web::post().to(activate)));
}

/// Why, in the registry's history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default = "asked_for")]
    why: String,
}

fn asked_for() -> String {
    "asked for over HTTP".to_owned()
}

async fn list(predictor: web::Data<Predictor>) -> HttpResponse {
    let serving = Arc::clone(&predictor.serving);
    match web::block(move || serving.versions()).await {
        Ok(Ok(versions)) => HttpResponse::Ok().json(serde_json::json!({ "models": versions })),
        Ok(Err(error)) => failed(&error),
        Err(error) => error_answer(500, &error.to_string()),
    }
}

async fn activate(
    predictor: web::Data<Predictor>,
    version: web::Path<String>,
    query: web::Query<Query>,
) -> HttpResponse {
    let Some(number) = Version::parse(&version) else {
        let why = format!("expected a version such as v000007, found {version}");
        return error_answer(400, &why);
    };
    let serving = Arc::clone(&predictor.serving);
    swapped(web::block(move || serving.activate(number, &query.why)).await)
}

async fn roll_back(predictor: web::Data<Predictor>, query: web::Query<Query>) -> HttpResponse {
    let serving = Arc::clone(&predictor.serving);
    swapped(web::block(move || serving.roll_back(&query.why)).await)
}

fn swapped(
    result: Result<anyhow::Result<Swapped>, actix_web::error::BlockingError>,
) -> HttpResponse {
    match result {
        Ok(Ok(swapped)) => HttpResponse::Ok().json(swapped),
        Ok(Err(error)) => failed(&error),
        Err(error) => error_answer(500, &error.to_string()),
    }
}

/// 404 for what there is not, 503 for a registry that is away, 409 for a version that is refused.
fn failed(error: &anyhow::Error) -> HttpResponse {
    let code = match error.downcast_ref::<RegistryError>() {
        _ if error.is::<NoSuchVersion>() => 404,
        Some(error) if error.may_pass() => 503,
        _ => 409,
    };
    error_answer(code, &format!("{error:#}"))
}
