//! Who may ask.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::web;
use common::http::error_answer;

use super::Predictor;

const SCHEME: &[u8] = b"Bearer ";

/// Lets a request through that carries the token, where one is set.
pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let admitted = match request.app_data::<web::Data<Predictor>>() {
        Some(predictor) => {
            let said = request.headers().get(AUTHORIZATION);
            let token = said.and_then(|said| said.as_bytes().strip_prefix(SCHEME));
            predictor.admits(token.unwrap_or_default())
        }
        None => false,
    };
    if admitted {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let why = "expected the header Authorization: Bearer TOKEN with the token of applier.token";
    let mut answer = error_answer(401, why);
    answer
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Ok(request.into_response(answer))
}
