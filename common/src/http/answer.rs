//! How errors are answered.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

/// An error as JSON: `{"error": …}`.
pub fn error_answer(code: u16, message: &str) -> HttpResponse {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(code).json(serde_json::json!({ "error": message }))
}
