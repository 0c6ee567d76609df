//! The HTTP interface: `POST /predict` with records, the Open Inference Protocol under `/v2`, the
//! models by hand, rows of the datamart, and the web app at `/`.

mod binary;
mod dashboard;
mod features;
mod guarded;
mod micro_batch;
mod models;
mod openapi;
mod outputs;
mod predict;
mod predictor;
mod protocol;
mod refused;
mod statistics;
mod tensor;
mod trace;
mod unknown_fields;

use std::rc::Rc;
use std::sync::Arc;

use actix_web::web;

pub(crate) use self::dashboard::Dashboard;
pub(crate) use self::features::Datamart;
use self::micro_batch::MicroBatch;
pub(crate) use self::predictor::Predictor;

/// All routes beside health, metrics and status.
pub(crate) fn routes(
    predictor: Arc<Predictor>,
    datamart: Arc<Datamart>,
    dashboard: &Arc<Dashboard>,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + Sync + 'static {
    let of_dashboard = dashboard::routes(dashboard);
    move |config| {
        config
            // One a worker thread.
            .app_data(Rc::new(MicroBatch::default()))
            .app_data(web::PayloadConfig::new(predictor.max_body_bytes))
            .app_data(web::Data::from(Arc::clone(&predictor)))
            .app_data(web::Data::from(Arc::clone(&datamart)))
            .service(web::resource("/openapi.json").route(web::get().to(openapi::document)))
            .service(web::resource("/predict").route(web::post().to(predict::predict)))
            .configure(protocol::routes)
            .service(
                // An id may have slashes.
                web::resource("/features/{id:.+}").route(web::get().to(features::features)),
            )
            .configure(models::routes)
            .configure(&of_dashboard);
    }
}
