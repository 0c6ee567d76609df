//! Why a request over HTTP is not answered.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use common::http::error_answer;
use serde_json::Value;

use crate::answer::CONFLICT;

/// A message with its status code.
#[derive(Debug)]
pub(super) enum Refused {
    /// The message for the client.
    Told { code: u16, why: String },
    /// A record that cannot be priced: its id, the reason and its code.
    Record(Box<Value>),
    /// The body that was answering the same id has failed.
    Unanswered,
    /// N requests are being answered, as many as may be.
    Busy { most: usize },
}

impl Refused {
    pub fn new(code: u16, why: impl Into<String>) -> Refused {
        let why = why.into();
        Refused::Told { code, why }
    }

    /// There is nothing to answer with yet.
    pub fn no_model() -> Refused {
        Refused::new(503, "there is no model yet: run model-prepare")
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Told { why, .. } => out.write_str(why),
            Refused::Record(refusal) => write!(out, "{refusal}"),
            Refused::Unanswered => out.write_str(
                "another request with the same id was in progress and failed: send it again",
            ),
            Refused::Busy { most } => write!(
                out,
                "{most} requests are in progress, which is the limit: send it again"
            ),
        }
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        let code = match self {
            Refused::Told { code, .. } => *code,
            Refused::Record(refusal) if refusal["code"] == CONFLICT => 409,
            Refused::Record(_) => 400,
            Refused::Unanswered | Refused::Busy { .. } => 503,
        };
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let code = self.status_code();
        match self {
            Refused::Told { why, .. } => error_answer(code.as_u16(), why),
            Refused::Record(refusal) => HttpResponse::build(code).json(refusal),
            Refused::Unanswered | Refused::Busy { .. } => {
                let mut answer = error_answer(code.as_u16(), &self.to_string());
                let seconds = HeaderValue::from_static("1");
                answer.headers_mut().insert(RETRY_AFTER, seconds);
                answer
            }
        }
    }
}
