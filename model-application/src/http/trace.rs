//! The trace that a request over HTTP belongs to: its header `traceparent` (W3C Trace Context) is logged, and returned
//! with the answer.

use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::refused::Refused;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// A longer one is not a trace context: the standard's has 55 bytes, and later versions may have more.
const MOST_BYTES: usize = 256;

/// The answer with the request's `traceparent`, if it has one.
pub(super) fn traced(
    request: &HttpRequest,
    answer: Result<HttpResponse, Refused>,
) -> Result<HttpResponse, Refused> {
    let traceparent = request.headers().get(TRACEPARENT);
    let Some(traceparent) = traceparent.filter(|value| value.len() <= MOST_BYTES) else {
        return answer;
    };
    let mut response = answer.unwrap_or_else(|refused| refused.error_response());
    tracing::debug!(
        traceparent = traceparent.to_str().unwrap_or_default(),
        status = response.status().as_u16(),
        path = request.path(),
        "answered a request over HTTP"
    );
    response
        .headers_mut()
        .insert(TRACEPARENT, traceparent.clone());
    Ok(response)
}
