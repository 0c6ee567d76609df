//! The web app (`dashboard/`): its files at `/` and `/assets`, and what it shows, as JSON that anybody may
//! ask for. It reads; what changes something is a POST.

mod assets;
mod cache;
mod changes;
mod details;
mod events;
mod life;
mod market;
mod overview;
mod peers;
mod quality;
mod query;
mod record_sql;
mod rejects;
mod replay;
mod schema;
mod state;
mod streams;
mod sweeps;
mod train;
mod versions;
mod what_if;

use std::sync::Arc;

use actix_web::web;

pub(crate) use self::state::Dashboard;

/// Paths that require a token, where one is set; `/` and `/assets` hold nothing of the data.
pub(super) const GUARDED: [&str; 13] = [
    "/schema",
    "/values",
    "/overview",
    "/events",
    "/newest",
    "/records",
    "/similar",
    "/what-if",
    "/market",
    "/train",
    "/rejects",
    "/changes",
    "/sweeps",
];

/// Before those of `models`: `/models/history` is not a version.
pub(super) fn routes(
    dashboard: &Arc<Dashboard>,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + Sync + 'static {
    let dashboard = Arc::clone(dashboard);
    move |config| {
        config
            .app_data(web::Data::from(Arc::clone(&dashboard)))
            .service(web::resource("/").route(web::get().to(assets::page)))
            .service(web::resource("/assets/{name}").route(web::get().to(assets::asset)))
            .service(web::resource("/schema").route(web::get().to(schema::schema)))
            .service(web::resource("/values").route(web::get().to(schema::values)))
            .service(web::resource("/overview").route(web::get().to(overview::overview)))
            .service(web::resource("/events").route(web::get().to(events::events)))
            .service(web::resource("/newest").route(web::get().to(life::newest)))
            .service(web::resource("/records").route(web::get().to(life::records)))
            .service(web::resource("/records/{id:.+}").route(web::get().to(life::life)))
            .service(web::resource("/similar").route(web::post().to(market::similar)))
            .service(web::resource("/market").route(web::get().to(market::market)))
            .service(web::resource("/what-if").route(web::post().to(what_if::what_if)))
            .service(web::resource("/train").route(web::post().to(train::train)))
            .service(web::resource("/changes").route(web::get().to(changes::changes)))
            .service(web::resource("/rejects").route(web::get().to(rejects::reasons)))
            .service(
                web::resource("/rejects/{topic}/{partition}/{offset}")
                    .route(web::get().to(rejects::one)),
            )
            .service(
                web::resource("/rejects/{topic}/{partition}/{offset}/replay")
                    .route(web::post().to(rejects::replay)),
            )
            .service(web::resource("/sweeps").route(web::get().to(sweeps::sweeps)))
            .service(web::resource("/sweeps/{run}/page").route(web::get().to(sweeps::sweep_page)))
            .service(web::resource("/quality/history").route(web::get().to(quality::history)))
            .service(web::resource("/quality/tenths").route(web::get().to(quality::tenths)))
            .service(web::resource("/quality/segments").route(web::get().to(quality::segments)))
            .service(web::resource("/quality/drift").route(web::get().to(quality::drift)))
            .service(web::resource("/models/history").route(web::get().to(versions::history)))
            .service(web::resource("/models/{version}").route(web::get().to(versions::version)))
            .service(
                web::resource("/models/{version}/report").route(web::get().to(versions::report)),
            );
    }
}
