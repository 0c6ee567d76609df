//! A service that is asked to stop: not ready at once, requests answered until the drain is over.

// Helpers of tests: their panic is the message.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::http::{self, HttpConfig};
use common::{Health, Layered, Shutdown};

const DRAIN: Duration = Duration::from_secs(2);

fn config(drain_s: &str) -> HttpConfig {
    let set = [("http.drain_s".to_owned(), drain_s.to_owned())];
    let layered = Layered::load(None, &set).unwrap();
    layered.section("http").unwrap()
}

/// Starts a service; the second token is the one it obeys.
fn serve(drain_s: &str, asked: &Shutdown) -> (SocketAddr, Health, Shutdown) {
    let config = config(drain_s);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let health = Health::needing(&["database"]);
    health.ready("database");
    let obeyed = http::drained(&config, &health, asked);
    let status: http::Status = Arc::new(|| serde_json::json!({ "service": "test" }));
    tokio::spawn(http::serve(
        config,
        listener,
        health.clone(),
        status,
        |_| {},
        obeyed.clone(),
    ));
    (at, health, obeyed)
}

/// A request without "Connection: close" and its answer, which is whole once its JSON is.
fn get(stream: &mut TcpStream, path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    while !answer.ends_with(b"}") {
        let read = stream.read(&mut part).unwrap();
        assert!(read > 0, "closed before {path} was answered");
        answer.extend_from_slice(&part[..read]);
    }
    String::from_utf8(answer).unwrap()
}

fn connect(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_falls_first_and_no_request_fails_until_the_drain_is_over() {
    let asked = Shutdown::new();
    let (at, health, obeyed) = serve("2", &asked);
    tokio::task::spawn_blocking(move || {
        let mut kept = connect(at);
        let answer = get(&mut kept, "/health/ready");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(
            !answer.to_lowercase().contains("connection: close"),
            "{answer}"
        );
        let began = Instant::now();
        asked.cancel();
        while !health.is_leaving() {
            assert!(began.elapsed() < DRAIN / 2, "readiness does not fall");
            std::thread::sleep(Duration::from_millis(1));
        }
        // What becomes ready meanwhile does not make the service ready again.
        health.ready("database");
        let answer = get(&mut connect(at), "/health/ready");
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("leaving"), "{answer}");
        // A connection that was kept is answered, and sent elsewhere.
        let answer = get(&mut kept, "/status");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(
            answer.to_lowercase().contains("connection: close"),
            "{answer}"
        );
        let mut answered = 0;
        while began.elapsed() < DRAIN * 3 / 4 {
            let answer = get(&mut connect(at), "/status");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            answered += 1;
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(answered > 10, "{answered} requests in the drain");
        assert!(
            !obeyed.is_cancelled(),
            "the service stops before the drain is over"
        );
        while TcpStream::connect(at).is_ok() {
            assert!(began.elapsed() < DRAIN * 10, "the service does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(began.elapsed() >= DRAIN, "{:?}", began.elapsed());
        assert!(obeyed.is_cancelled());
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn without_a_drain_a_service_stops_at_once_and_one_that_stops_by_itself_ends_the_wait() {
    let asked = Shutdown::new();
    let (_, health, obeyed) = serve("0", &asked);
    asked.cancel();
    assert!(obeyed.is_cancelled() && !health.is_leaving());

    let asked = Shutdown::new();
    let (_, health, obeyed) = serve("3600", &asked);
    obeyed.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    asked.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(
        !health.is_leaving(),
        "nobody waits for a service that is gone"
    );
    let error = config("3601").check().unwrap_err().to_string();
    assert!(error.contains("http.drain_s is 3601"), "{error}");
}
