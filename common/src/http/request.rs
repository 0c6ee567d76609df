//! What every request goes through: a name for the log, the guard, its body's pace, and an answer
//! also where a handler panics.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};

use super::answer::error_answer;
use super::body::{self, Pace, Paced, Progress};
use super::connections::Place;
use super::guard::{Guard, Refusal};
use crate::Health;
use crate::metrics::{HTTP_REFUSED, HTTP_REQUEST_SECONDS};

/// By which a request is found in the log; a client may give one.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id taken from a client.
const ID_BYTES: usize = 64;

/// What the requests of one listener are judged by.
pub(super) struct Rules {
    pub guard: Guard,
    pub pace: Pace,
}

/// A request's place among the connections, shared with its body.
type Held = Option<Arc<Place>>;

/// Lets a request in or refuses it; there is an answer in any case.
pub(super) async fn take(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let id = id_of(&request);
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let place: Held = request.conn_data::<Arc<Place>>().cloned();
    let rules = request.app_data::<web::Data<Rules>>().cloned();
    let admitted = rules
        .as_ref()
        .map_or(Ok(()), |rules| rules.guard.admit(&request));
    let progress = Rc::new(Progress::default());
    let answered: Result<Result<ServiceResponse<BoxBody>, Error>, _> = match (admitted, rules) {
        (Err(refusal), _) => {
            tracing::debug!(request_id = id, code = refusal.code, %method, path, "{}", refusal.why);
            Ok(Ok(refuse(request, &refusal)))
        }
        (Ok(()), rules) => {
            if let Some(rules) = rules {
                follow_body(&mut request, rules.pace, &progress, &place);
            }
            let answering = async { Ok(next.call(request).await?.map_into_boxed_body()) };
            caught(answering).await
        }
    };
    let answered = match answered {
        Ok(answered) => answered?,
        Err(panic) => {
            tracing::error!(
                request_id = id,
                %method,
                path,
                "a bug of this program ended a request: {}",
                what(&*panic)
            );
            let mut answer = error_answer(
                500,
                &format!("internal error; the log has details of request {id}"),
            );
            answer.headers_mut().insert(REQUEST_ID, header(&id));
            return Err(InternalError::from_response("a handler panicked", answer).into());
        }
    };
    let mut answered = if progress.late.get() {
        refuse_late(answered)
    } else {
        answered
    };
    answered.headers_mut().insert(REQUEST_ID, header(&id));
    let health = answered.request().app_data::<web::Data<Health>>();
    if health.is_some_and(|health| health.is_leaving()) {
        // The client's next request goes to one that stays.
        let head = answered.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    if let Some(place) = &place {
        // Of a stream that continues without end nobody knows whether the client is slow.
        match answered.response().body().size() {
            BodySize::None | BodySize::Sized(_) => place.waits(),
            BodySize::Stream => place.works(),
        }
    }
    let status = answered.status().as_u16();
    let took = began.elapsed();
    measure(&path, status, took);
    let ms = took.as_secs_f64() * 1e3;
    // 503 is for a part that is away, which is logged where it is known.
    if status >= 500 && status != 503 {
        let why = answered.response().error().map(ToString::to_string);
        tracing::error!(request_id = id, %method, path, status, ms, why, "an HTTP request failed");
    }
    let peer = answered.request().peer_addr().map(|peer| peer.to_string());
    tracing::debug!(request_id = id, %method, path, status, ms, peer, "answered an HTTP request");
    Ok(answered)
}

/// Counts a request's time, except for those that machines make by themselves.
fn measure(path: &str, status: u16, took: Duration) {
    if path.starts_with("/health/") || path == "/metrics" {
        return;
    }
    let status = match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    metrics::histogram!(HTTP_REQUEST_SECONDS.name(), "status" => status).record(took);
}

/// Refuses a GET request with an effect where the guard does not admit it.
///
/// # Errors
/// Those of the handler.
pub async fn trigger(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let rules = request.app_data::<web::Data<Rules>>();
    let admitted = rules.map_or(Ok(()), |rules| rules.guard.admit_trigger(&request));
    match admitted {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(refusal) => Ok(refuse(request, &refusal)),
    }
}

/// The body must keep its pace; the client is waited for until all of it is there.
fn follow_body(request: &mut ServiceRequest, pace: Pace, progress: &Rc<Progress>, place: &Held) {
    if !body::is_there(request.headers()) {
        if let Some(place) = place {
            place.works();
        }
        return;
    }
    if let Some(place) = place {
        place.waits();
        let place = Arc::clone(place);
        progress.ended.set(Some(Box::new(move || place.works())));
    }
    let inner = request.take_payload();
    let paced = Paced::new(inner, pace, Rc::clone(progress));
    request.set_payload(Payload::Stream {
        payload: Box::pin(paced),
    });
}

fn refuse(request: ServiceRequest, refusal: &Refusal) -> ServiceResponse<BoxBody> {
    metrics::counter!(HTTP_REFUSED.name(), "code" => refusal.code).increment(1);
    let mut answer = error_answer(refusal.status, &refusal.why);
    if refusal.status == 401 {
        let bearer = HeaderValue::from_static("Bearer");
        answer.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    }
    request.into_response(answer)
}

/// The body ended too early because it was too slow, whatever the handler made of it.
fn refuse_late(answered: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    metrics::counter!(HTTP_REFUSED.name(), "code" => "slow_body").increment(1);
    let (request, _) = answered.into_parts();
    let why = "the body arrives too slowly (http.body_bytes_per_s, http.body_s): send it again";
    let mut answer = error_answer(StatusCode::REQUEST_TIMEOUT.as_u16(), why);
    answer.head_mut().set_connection_type(ConnectionType::Close);
    ServiceResponse::new(request, answer)
}

/// The client's id of a request, where it has a sane one; else one of this process.
fn id_of(request: &ServiceRequest) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let given = request.headers().get(REQUEST_ID);
    let given = given.and_then(|given| given.to_str().ok());
    let is_sane = |given: &&str| {
        (1..=ID_BYTES).contains(&given.len()) && given.bytes().all(|byte| byte.is_ascii_graphic())
    };
    given.filter(is_sane).map_or_else(
        || {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            format!("{:x}-{number:x}", std::process::id())
        },
        str::to_owned,
    )
}

fn header(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

/// The future's output, or what it panicked with.
async fn caught<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        // After an interruption it is not polled again.
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

fn what(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
