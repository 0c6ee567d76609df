//! `GET /quality`.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::results::Quality;
use super::round::Rounds;

/// What may stand behind `/quality?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    /// Of this window only, such as `24h`.
    window: Option<String>,
    /// Of this version only, such as `real-estate@v000003`.
    model: Option<String>,
    /// Of this segment only; empty for whole models.
    segment: Option<String>,
}

pub(crate) fn routes(
    rounds: Arc<Rounds>,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + Sync + 'static {
    move |config| {
        config
            .app_data(web::Data::from(Arc::clone(&rounds)))
            .service(web::resource("/quality").route(web::get().to(quality)));
    }
}

async fn quality(rounds: web::Data<Rounds>, query: web::Query<Query>) -> HttpResponse {
    let mut quality = Quality::clone(&rounds.last());
    let Query {
        window,
        model,
        segment,
    } = query.into_inner();
    let is_of =
        |asked: &Option<String>, found: &str| asked.as_ref().is_none_or(|name| name == found);
    quality.groups.retain(|group| {
        is_of(&window, &group.window)
            && is_of(&model, &group.model)
            && is_of(&segment, group.segment.as_deref().unwrap_or_default())
    });
    quality
        .drift
        .retain(|moved| is_of(&window, &moved.window) && is_of(&model, &moved.model));
    HttpResponse::Ok().json(quality)
}
