//! The HTTP interface under clients that are slow, many or strange.

// Helpers of tests: their panic is the message.
#![allow(clippy::unwrap_used)]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use common::http::{self, HttpConfig};
use common::{Health, Layered, Shutdown};

/// Longest wait for what must come.
const LIMIT: Duration = Duration::from_secs(120);
/// Places of a listener here.
const PLACES: usize = 8;

struct Served {
    at: SocketAddr,
    shutdown: Shutdown,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Starts a service with settings of `[http]`.
fn serve(set: &[(&str, &str)]) -> Served {
    let places = PLACES.to_string();
    let mut all = vec![("http.max_connections".to_owned(), places)];
    all.extend(
        set.iter()
            .map(|(key, value)| (format!("http.{key}"), (*value).to_owned())),
    );
    let layered = Layered::load(None, &all).unwrap();
    let config: HttpConfig = layered.section("http").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let status: http::Status = Arc::new(|| serde_json::json!({ "service": "test" }));
    let health = Health::default();
    tokio::spawn(http::serve(
        config,
        listener,
        health,
        status,
        routes,
        shutdown.clone(),
    ));
    Served { at, shutdown }
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/echo", web::post().to(|body: String| async { body }))
        .route("/ignore", web::post().to(HttpResponse::Ok))
        .route("/panic", web::get().to(panics))
        .route("/busy", web::get().to(busy));
}

async fn panics() -> HttpResponse {
    panic!("a secret of the program")
}

async fn busy() -> HttpResponse {
    tokio::time::sleep(LIMIT).await;
    HttpResponse::Ok().finish()
}

/// Sends text as it is; the connection stays.
fn send(at: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// What comes until the service closes.
fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    match stream.read_to_end(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection stays open: {error}"),
    }
    String::from_utf8(text).unwrap()
}

fn get(at: SocketAddr, path: &str, headers: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n{headers}\r\n");
    rest(send(at, &head))
}

fn half_a_body(at: SocketAddr, path: &str) -> TcpStream {
    let head = format!("POST {path} HTTP/1.1\r\nHost: {at}\r\nContent-Length: 100\r\n\r\nhalf");
    send(at, &head)
}

/// Runs what waits beside the runtime.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// The fault was seen on a service of the release before: with as many of them as it may have open
/// files, `/health/live` was not answered any more.
#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_do_not_keep_others_out() {
    let served = serve(&[("health", "127.0.0.1:0")]);
    let at = served.at;
    aside(move || {
        let half_heads: Vec<_> = (0..2 * PLACES)
            .map(|_| send(at, "GET /status HTTP/1.1\r\n"))
            .collect();
        assert!(get(at, "/health/live", "").starts_with("HTTP/1.1 200"));
        let halves: Vec<_> = (0..10 * PLACES).map(|_| half_a_body(at, "/echo")).collect();
        for _ in 0..5 {
            assert!(get(at, "/health/live", "").starts_with("HTTP/1.1 200"));
            assert!(get(at, "/status", "").starts_with("HTTP/1.1 200"));
        }
        let metrics = get(at, "/metrics", "");
        assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
        // No place is held forever: the last get status 408, the others are closed.
        let answers: Vec<String> = halves.into_iter().map(rest).collect();
        let timed_out = answers.iter().filter(|answer| answer.contains("408"));
        assert!(timed_out.count() > 0, "{answers:?}");
        assert!(
            answers
                .iter()
                .all(|answer| answer.is_empty() || answer.contains("body_bytes_per_s"))
        );
        half_heads.into_iter().map(rest).for_each(drop);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_nobody_reads_or_that_has_no_end_holds_no_connection() {
    let served = serve(&[("body_s", "1"), ("keep_alive_s", "1"), ("head_s", "1")]);
    let at = served.at;
    aside(move || {
        let ignored = rest(half_a_body(at, "/ignore"));
        assert!(ignored.starts_with("HTTP/1.1 200"), "{ignored}");
        for path in ["/ignore", "/echo"] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: {at}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
            );
            rest(send(at, &head));
        }
        // A client that does not read what it asked for is let go as well, and so is one without information.
        rest(send(at, ""));
        rest(send(at, &format!("GET /status HTTP/1.1\r\nHost: {at}\r\n\r\n")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_are_at_work_a_new_connection_is_closed_and_not_left_waiting() {
    let served = serve(&[]);
    let at = served.at;
    aside(move || {
        let head = format!("GET /busy HTTP/1.1\r\nHost: {at}\r\n\r\n");
        let mut working: Vec<_> = (0..PLACES).map(|_| send(at, &head)).collect();
        let until = Instant::now() + LIMIT;
        loop {
            // In place of one that was let go before its request was there.
            working.push(send(at, &head));
            std::thread::sleep(Duration::from_millis(100));
            let answer = get(at, "/health/live", "");
            // The client may have been cut off before it read why.
            if answer.is_empty() || answer.starts_with("HTTP/1.1 503") {
                break;
            }
            assert!(Instant::now() < until, "there is always a place: {answer}");
        }
        drop(working);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_answered_without_its_words_and_each_answer_has_an_id() {
    let served = serve(&[]);
    let at = served.at;
    aside(move || {
        let answer = get(at, "/panic", "X-Request-Id: mine-7\r\n");
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
        assert!(
            answer.contains("mine-7") && !answer.contains("secret"),
            "{answer}"
        );
        let answer = get(at, "/status", "X-Request-Id: with a space\r\n");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("x-request-id: "), "{answer}");
        assert!(!answer.contains("with a space"), "{answer}");
        // More headers than anybody needs.
        let many = "X-Filler: 0123456789012345678901234567890123456789\r\n".repeat(5_000);
        let answer = get(at, "/status", &many);
        assert!(!answer.contains("200 OK"), "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_with_a_reason() {
    let served = serve(&[("token", "a-secret"), ("open", "health")]);
    let at = served.at;
    aside(move || {
        let answer = get(at, "/status", "");
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(answer.contains("www-authenticate: Bearer"), "{answer}");
        assert!(answer.contains("http.token"), "{answer}");
        let answer = get(at, "/status", "Authorization: Bearer a-secret\r\n");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(get(at, "/health/ready", "").starts_with("HTTP/1.1 200"));
        let head = "GET /status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
        let answer = rest(send(at, head));
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(answer.contains(r#"{"error":"the Host header is"#), "{answer}");
        let head = format!(
            "POST /ignore HTTP/1.1\r\nHost: {at}\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\
             Authorization: Bearer a-secret\r\nConnection: close\r\n\r\n"
        );
        let answer = rest(send(at, &head));
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(answer.contains("evil.example"), "{answer}");
        for (encoding, status) in [("gzip", 415), ("br", 415), ("identity", 200)] {
            let head = format!(
                "POST /ignore HTTP/1.1\r\nHost: {at}\r\nContent-Encoding: {encoding}\r\nContent-Length: 0\r\n\
                 Authorization: Bearer a-secret\r\nConnection: close\r\n\r\n"
            );
            let answer = rest(send(at, &head));
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
            assert_eq!(answer.contains("send it unpacked"), status == 415, "{answer}");
        }
    })
    .await;
}
