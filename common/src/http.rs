//! The HTTP interface every service has: health, metrics, status, and routes of its own.

mod answer;
mod body;
mod config;
mod connections;
mod drain;
mod files;
mod guard;
pub mod openapi;
mod request;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::error::QueryPayloadError;
use actix_web::http::header::{ALLOW, CONTENT_TYPE};
use actix_web::middleware::{ErrorHandlerResponse, ErrorHandlers, from_fn};
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;

pub use self::answer::error_answer;
use self::body::Pace;
pub use self::config::{HttpConfig, Open};
use self::connections::Connections;
pub use self::drain::drained;
use self::guard::Guard;
use self::request::Rules;
pub use self::request::trigger;
use crate::health::Health;
use crate::shutdown::Shutdown;
use crate::telemetry;

/// Seconds given to open requests when the service leaves.
const GRACE_S: u64 = 2;
/// Connections of `http.health`.
const MOST_PROBES: usize = 64;
/// Connections a worker may take up beyond its places, to close them.
const BEFORE_THE_DOOR: usize = 32;
/// Characters of a query string that an error repeats.
const SHOWN_CHARS: usize = 200;
/// A connection is closed so long after the latest moment at which its client should have been heard of.
const LATER: Duration = Duration::from_secs(5);

/// Gives the service's own part of `/status`.
pub type Status = Arc<dyn Fn() -> serde_json::Value + Send + Sync>;

/// Opens the address; port 0 takes a free one.
///
/// # Errors
/// When the address is taken or not one of this machine's.
pub fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| {
        format!(
            "cannot listen on {address}: another process may use it; the setting `http` \
                 chooses another address"
        )
    })
}

/// Serves `/health/live`, `/health/ready`, `/metrics`, `/status` and `routes` until shutdown, to those
/// whom `config` lets in.
///
/// # Errors
/// When a setting is wrong, or the server cannot be started.
pub async fn serve(
    config: HttpConfig,
    listener: TcpListener,
    health: Health,
    status: Status,
    routes: impl Fn(&mut web::ServiceConfig) + Send + Sync + 'static,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    serve_on(1, config, listener, health, status, routes, shutdown).await
}

/// The same on so many threads; 0 for as many as there are cores.
///
/// # Errors
/// As [`serve`].
pub async fn serve_on(
    workers: usize,
    config: HttpConfig,
    listener: TcpListener,
    health: Health,
    status: Status,
    routes: impl Fn(&mut web::ServiceConfig) + Send + Sync + 'static,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    config.check()?;
    let workers = match workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    // Those before the door have files too.
    let room = files::connections().saturating_sub(BEFORE_THE_DOOR * workers);
    let most = config.max_connections.min(room.max(files::LEAST));
    let main = Door {
        workers,
        most,
        is_reserved: false,
        listener,
        routes: Arc::new(routes),
    };
    let main = serve_at(
        &config,
        main,
        health.clone(),
        status.clone(),
        shutdown.clone(),
    );
    if config.health.is_empty() {
        return main.await;
    }
    let listener = listen(&config.health).context("http.health")?;
    tracing::info!(at = %listener.local_addr()?, "serving health probes and metrics");
    let probes = Door {
        workers: 1,
        most: MOST_PROBES,
        is_reserved: true,
        listener,
        routes: Arc::new(|_: &mut web::ServiceConfig| {}),
    };
    let probes = serve_at(&config, probes, health, status, shutdown);
    tokio::try_join!(main, probes).map(|_| ())
}

/// One listener and what is served there.
struct Door {
    workers: usize,
    /// Most connections.
    most: usize,
    /// Whether it has places of its own, beside those that the limit on open files leaves room for.
    is_reserved: bool,
    listener: TcpListener,
    routes: Arc<dyn Fn(&mut web::ServiceConfig) + Send + Sync>,
}

/// Not generic: the server is compiled once, not once a service.
async fn serve_at(
    config: &HttpConfig,
    door: Door,
    health: Health,
    status: Status,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let Door {
        workers,
        most,
        is_reserved,
        listener,
        routes,
    } = door;
    let rules = web::Data::new(Rules {
        guard: Guard::new(config),
        pace: Pace::new(config),
    });
    guard::warn_where_open(&rules.guard, listener.local_addr()?);
    let seconds = Duration::from_secs;
    let slowest = config.body_s.max(config.head_s).max(config.keep_alive_s);
    let connections = Connections::new(most, seconds(slowest) + LATER, is_reserved);
    let places = Arc::clone(&connections);
    let server = HttpServer::new(move || {
        let json = web::JsonConfig::default().error_handler(|error, _| {
            let answer = error_answer(400, &error.to_string());
            actix_web::error::InternalError::from_response(error, answer).into()
        });
        let query = web::QueryConfig::default().error_handler(|error, request| {
            let detail = match &error {
                QueryPayloadError::Deserialize(detail) => detail.to_string(),
                other => other.to_string(),
            };
            let found: String = request.query_string().chars().take(SHOWN_CHARS).collect();
            let why = format!("found ?{found}: {detail}; /openapi.json lists the parameters");
            actix_web::error::InternalError::from_response(error, error_answer(400, &why)).into()
        });
        App::new()
            .wrap(ErrorHandlers::new().default_handler_client(as_json))
            .wrap(from_fn(request::take))
            .app_data(rules.clone())
            .app_data(json)
            .app_data(query)
            .app_data(web::Data::new(health.clone()))
            .app_data(web::Data::new(Arc::clone(&status)))
            .service(web::resource("/health/live").route(web::get().to(live)))
            .service(web::resource("/health/ready").route(web::get().to(ready)))
            .service(web::resource("/metrics").route(web::get().to(metrics)))
            .service(web::resource("/status").route(web::get().to(full_status)))
            .configure(|config| routes(config))
            .default_service(web::to(nothing_here))
    })
    .on_connect(move |stream, data| {
        let stream = stream.downcast_ref::<actix_web::rt::net::TcpStream>();
        if let Some(place) = stream.and_then(|stream| places.take(stream)) {
            data.insert(Arc::new(place));
        }
    })
    .workers(workers)
    // Those beyond the places are closed, not left waiting before the door.
    .max_connections(most.div_ceil(workers) + BEFORE_THE_DOOR)
    .client_request_timeout(seconds(config.head_s))
    .client_disconnect_timeout(Duration::from_secs(1))
    .keep_alive(seconds(config.keep_alive_s))
    .disable_signals()
    .shutdown_timeout(GRACE_S)
    .listen(listener)
    .context("cannot start the HTTP server")?
    .run();
    let handle = server.handle();
    let mut task = tokio::spawn(server);
    let closing = async {
        loop {
            tokio::time::sleep(connections::LOOK).await;
            connections.close_late();
        }
    };
    tokio::select! {
        result = &mut task => return Ok(result.context("the HTTP server ended unexpectedly")??),
        () = closing => {}
        () = shutdown.cancelled() => {}
    }
    handle.stop(true).await;
    Ok(())
}

/// What the server itself refuses (a broken query, a body that is too large) is reported as JSON too.
fn as_json<B: MessageBody + 'static>(
    answer: ServiceResponse<B>,
) -> actix_web::Result<ErrorHandlerResponse<B>> {
    let kind = answer.headers().get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
        let unchanged = answer.map_into_left_body();
        return Ok(ErrorHandlerResponse::Response(unchanged));
    }
    let code = answer.status();
    let allowed = answer.headers().get(ALLOW).cloned();
    let (request, answer) = answer.into_parts();
    let why = answer
        .error()
        .map_or_else(|| code.to_string(), ToString::to_string);
    let response = match allowed {
        Some(methods) => {
            let (method, path) = (request.method(), request.path());
            let allowed = methods.to_str().unwrap_or_default();
            let why = format!("{path} does not accept {method}; it accepts {allowed}");
            let mut answer = error_answer(code.as_u16(), &why);
            answer.headers_mut().insert(ALLOW, methods);
            answer
        }
        None => error_answer(code.as_u16(), &why),
    };
    let answer = ServiceResponse::new(request, response).map_into_boxed_body();
    Ok(ErrorHandlerResponse::Response(answer.map_into_right_body()))
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "live": true }))
}

async fn ready(health: web::Data<Health>) -> HttpResponse {
    let body = serde_json::json!({ "ready": health.is_ready(), "parts": health.report() });
    if health.is_ready() {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().json(body)
    }
}

async fn metrics() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(telemetry::render_metrics())
}

async fn full_status(health: web::Data<Health>, status: web::Data<Status>) -> HttpResponse {
    let mut body = status();
    if let Some(body) = body.as_object_mut() {
        // The same keys in all services: one without a consumer has no lag.
        for key in ["lag_records", "lag_seconds", "last_error"] {
            body.entry(key).or_insert(serde_json::Value::Null);
        }
        body.entry("partitions")
            .or_insert_with(|| serde_json::json!({}));
        body.insert("ready".to_owned(), health.is_ready().into());
        body.insert("parts".to_owned(), serde_json::json!(health.report()));
    }
    HttpResponse::Ok().json(body)
}

async fn nothing_here(request: actix_web::HttpRequest) -> HttpResponse {
    let (method, path) = (request.method(), request.path());
    error_answer(
        404,
        &format!(
            "nothing at {method} {path}; try /status, /metrics, /health/live or /health/ready"
        ),
    )
}
