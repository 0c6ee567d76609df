//! Streets from a local server that answers well, hangs, errs, and sends garbage.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use producer_emulator::streets::{StreetSource, StreetsError, built_in, fetch, streets};
use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const KEY: &str = "s3cret-k3y";

/// What the server does with one request.
#[derive(Clone)]
enum Reply {
    /// Answers with a status line and a body.
    Says(&'static str, String),
    /// Never answers.
    Hangs,
    /// Promises a body, sends a part and never the rest.
    HangsInBody,
    /// Closes without an answer.
    HangsUp,
    /// Sends a body without a length, forever.
    Floods,
}

struct Server {
    url: String,
    hits: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

/// Serves the replies in turn; the last one again and again.
async fn serve(replies: Vec<Reply>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/streets.json", listener.local_addr().unwrap());
    let server = Server {
        url,
        hits: Arc::default(),
        requests: Arc::default(),
    };
    let (hits, requests) = (server.hits.clone(), server.requests.clone());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let hit = hits.fetch_add(1, Ordering::SeqCst);
            let reply = replies[hit.min(replies.len() - 1)].clone();
            let requests = requests.clone();
            tokio::spawn(async move {
                let mut request = Vec::new();
                let mut chunk = [0; 1024];
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut chunk).await {
                        Ok(count) if count > 0 => request.extend_from_slice(&chunk[..count]),
                        _ => return,
                    }
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                requests.lock().unwrap().push(text);
                let head = |status: &str| format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
                match reply {
                    Reply::Says(status, body) => {
                        let length = body.len();
                        let head = head(status);
                        let text = format!("{head}Content-Length: {length}\r\n\r\n{body}");
                        stream.write_all(text.as_bytes()).await.ok();
                    }
                    Reply::Hangs => tokio::time::sleep(Duration::from_secs(60)).await,
                    Reply::HangsInBody => {
                        let text = head("200 OK") + "Content-Length: 900\r\n\r\n[\"Lenina\",";
                        stream.write_all(text.as_bytes()).await.ok();
                        tokio::time::sleep(Duration::from_secs(60)).await;
                    }
                    Reply::HangsUp => {}
                    Reply::Floods => {
                        let text = head("200 OK") + "\r\nstreet\n";
                        let mut open = stream.write_all(text.as_bytes()).await;
                        while open.is_ok() {
                            open = stream.write_all(&[b'a'; 65_536]).await;
                        }
                    }
                }
            });
        }
    });
    server
}

fn ok(body: impl Into<String>) -> Reply {
    Reply::Says("200 OK", body.into())
}

fn source(server: &Server) -> StreetSource {
    StreetSource {
        url: Some(server.url.clone()),
        key: Some(KEY.to_owned()),
        count: 100,
        timeout_ms: 10_000,
        attempts: 3,
        backoff_ms: 10,
        file: None,
    }
}

fn client() -> Client {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    Client::builder().no_proxy().build().unwrap()
}

/// Everything a log could show of an error.
fn all_of(error: &StreetsError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        write!(text, " {error} {error:?}").unwrap();
        source = error.source();
    }
    text
}

/// The error of a fetch, in which the key must not appear, and how often the server was asked.
async fn fails(replies: Vec<Reply>, timeout_ms: u64) -> (StreetsError, usize) {
    let server = serve(replies).await;
    let source = StreetSource {
        timeout_ms,
        ..source(&server)
    };
    let error = fetch(&source, &client()).await.unwrap_err();
    assert!(!all_of(&error).contains(KEY), "{}", all_of(&error));
    (error, server.hits.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_good_answer_is_taken_in_every_form() {
    for body in [
        r#"[{"street":"Lenina"},{"street":" Mira "},{"street":"Lenina"},{"street":""}]"#,
        r#"[{"id":1,"street_name":"Lenina"},{"id":2,"street_name":"Mira"}]"#,
        r#"["Lenina","Mira"]"#,
        "id,street\n1,Lenina\n2,Mira\n",
        "street_name\r\nLenina\r\nMira\r\n",
    ] {
        let server = serve(vec![ok(body)]).await;
        let names = fetch(&source(&server), &client()).await.unwrap();
        assert_eq!(names, ["Lenina", "Mira"], "{body}");
    }
    let server = serve(vec![ok(r#"{"street":"Lenina"}"#)]).await;
    let names = fetch(&source(&server), &client()).await.unwrap();
    assert_eq!(names, ["Lenina"]);
}

#[tokio::test]
async fn the_key_and_the_count_are_sent_and_the_count_is_kept() {
    let server = serve(vec![ok(r#"["A","B","C"]"#)]).await;
    let source = StreetSource {
        count: 2,
        ..source(&server)
    };
    let names = fetch(&source, &client()).await.unwrap();
    assert_eq!(names, ["A", "B"]);
    let request = server.requests.lock().unwrap()[0].to_lowercase();
    assert!(
        request.starts_with(&format!("get /api/streets.json?key={KEY}&count=2 http/1.1")),
        "{request}"
    );
    assert!(request.contains(&format!("x-api-key: {KEY}")), "{request}");
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_attempts_and_no_more() {
    for reply in [Reply::Hangs, Reply::HangsInBody] {
        let start = Instant::now();
        let (error, hits) = fails(vec![reply], 150).await;
        assert!(
            matches!(error, StreetsError::Timeout { attempts: 3, .. }),
            "{error}"
        );
        assert_eq!(hits, 3);
        assert!(start.elapsed() >= Duration::from_millis(450));
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn passing_faults_are_tried_again() {
    for fault in [
        Reply::Says("500 Internal Server Error", "oops".to_owned()),
        Reply::Says("429 Too Many Requests", String::new()),
        Reply::HangsUp,
    ] {
        let server = serve(vec![fault.clone(), fault, ok(r#"["Lenina"]"#)]).await;
        let names = fetch(&source(&server), &client()).await.unwrap();
        assert_eq!(names, ["Lenina"]);
        assert_eq!(server.hits.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_given_up() {
    let reply = Reply::Says("503 Service Unavailable", String::new());
    let (error, hits) = fails(vec![reply], 10_000).await;
    assert!(
        matches!(error, StreetsError::Status { attempts: 3, .. }),
        "{error}"
    );
    assert_eq!(hits, 3);
}

#[tokio::test]
async fn a_refusal_is_not_tried_again_and_what_it_says_is_not_repeated() {
    let reply = Reply::Says("401 Unauthorized", format!("bad key {KEY}"));
    let (error, hits) = fails(vec![reply], 10_000).await;
    assert!(error.to_string().contains("401"), "{error}");
    assert!(error.to_string().contains("check the key"), "{error}");
    assert_eq!(hits, 1);
}

#[tokio::test]
async fn garbage_is_refused_at_once() {
    for body in [
        String::new(),
        "<html>hello</html>".to_owned(),
        r#"{"error":"no such schema"}"#.to_owned(),
        r#"[{"street":"Lenina""#.to_owned(),
        "[]".to_owned(),
        r#"[{"street":7}]"#.to_owned(),
        r#"["  ","\u0000"]"#.to_owned(),
        format!("[\"{}\"]", "x".repeat(300)),
        "street\n".to_owned(),
        format!("key={KEY}"),
    ] {
        let (error, hits) = fails(vec![ok(body.clone())], 10_000).await;
        assert!(
            matches!(error, StreetsError::Unreadable { .. }),
            "{body}: {error}"
        );
        assert_eq!(hits, 1);
    }
}

#[tokio::test]
async fn too_much_is_cut_off() {
    for reply in [ok("a".repeat(1024 * 1024 + 1)), Reply::Floods] {
        let (error, hits) = fails(vec![reply], 30_000).await;
        assert!(matches!(error, StreetsError::TooLarge { .. }), "{error}");
        assert_eq!(hits, 1);
    }
}

#[tokio::test]
async fn a_closed_port_is_named_without_the_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let source = StreetSource {
        url: Some(format!("http://{address}/x?key={KEY}")),
        key: Some(KEY.to_owned()),
        count: 1,
        timeout_ms: 5_000,
        attempts: 2,
        backoff_ms: 1,
        file: None,
    };
    let error = fetch(&source, &client()).await.unwrap_err();
    let text = all_of(&error);
    assert!(
        matches!(error, StreetsError::Unreachable { attempts: 2, .. }),
        "{text}"
    );
    assert!(text.contains(&address.to_string()), "{text}");
    assert!(!text.contains(KEY), "{text}");
    assert!(!format!("{source:?}").contains(KEY));
}

#[tokio::test]
async fn wrong_settings_are_named_without_the_key() {
    let server = serve(vec![ok("[]")]).await;
    let good = source(&server);
    let url = |text: &str| StreetSource {
        url: Some(text.to_owned()),
        ..good.clone()
    };
    let key = |text: &str| StreetSource {
        key: Some(text.to_owned()),
        ..good.clone()
    };
    for (source, expected) in [
        (url("mockaroo"), "URL"),
        (url("file:///etc"), "URL"),
        (url(" "), "no URL"),
        (key(""), "no key"),
        (key(&format!("{KEY}\n{KEY}")), "key is invalid"),
    ] {
        let error = fetch(&source, &client()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!all_of(&error).contains(KEY), "{error}");
    }
    assert_eq!(server.hits.load(Ordering::SeqCst), 0);
}

/// Keeps the warnings of one thread as text.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = String::new();
        event.record(
            &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                write!(text, "{field}={value:?} ").unwrap();
            },
        );
        self.0.lock().unwrap().push(text);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// The streets and the warnings given on the way.
async fn names_and_warnings(source: &StreetSource) -> (Vec<String>, Vec<String>) {
    let client = client();
    let warnings = Warnings::default();
    // The test's runtime has one thread, so the whole call is seen.
    let guard = tracing::subscriber::set_default(warnings.clone());
    let names = streets(source, &client).await;
    drop(guard);
    let texts = warnings.0.lock().unwrap().clone();
    assert!(!texts.concat().contains(KEY), "{texts:?}");
    (names, texts)
}

#[tokio::test]
async fn whatever_fails_one_warning_is_given_and_there_are_streets() {
    let refused = Reply::Says("401 Unauthorized", String::new());
    for (reply, reason) in [
        (refused, "401"),
        (ok("<html>"), "expected a JSON array"),
        (Reply::Hangs, "did not answer"),
        (Reply::HangsUp, "could not be reached"),
        (Reply::Floods, "more than"),
    ] {
        let server = serve(vec![reply]).await;
        let source = StreetSource {
            timeout_ms: 2_000,
            attempts: 1,
            ..source(&server)
        };
        let (names, warnings) = names_and_warnings(&source).await;
        assert_eq!(names, built_in());
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains(reason), "{warnings:?}");
    }
}

#[tokio::test]
async fn a_good_server_gives_no_warning() {
    let server = serve(vec![ok(r#"["Lenina"]"#)]).await;
    let (names, warnings) = names_and_warnings(&source(&server)).await;
    assert_eq!(names, ["Lenina"]);
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[tokio::test]
async fn without_a_key_the_file_serves_and_without_the_file_the_built_in_list() {
    assert!(built_in().len() >= 500);
    let server = serve(vec![ok("[]")]).await;
    let mut file = std::env::temp_dir();
    file.push(format!("hedonic-streets-{}.csv", std::process::id()));
    let mut open = std::fs::File::create(&file).unwrap();
    open.write_all(b"street\nOwn street\n").unwrap();
    let mut source = StreetSource {
        key: None,
        file: Some(file.clone()),
        ..source(&server)
    };

    let (names, warnings) = names_and_warnings(&source).await;
    assert_eq!(names, ["Own street"]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("no key"), "{warnings:?}");

    std::fs::remove_file(&file).unwrap();
    let (names, warnings) = names_and_warnings(&source).await;
    assert_eq!(names, built_in());
    assert_eq!(warnings.len(), 1, "both reasons in one: {warnings:?}");
    assert!(
        warnings[0].contains("cannot read the file of streets"),
        "{warnings:?}"
    );

    (source.url, source.file) = (None, None);
    let (names, warnings) = names_and_warnings(&source).await;
    assert_eq!(names, built_in());
    assert!(
        warnings.is_empty(),
        "nothing was asked for, nothing failed: {warnings:?}"
    );
    assert_eq!(server.hits.load(Ordering::SeqCst), 0);
}
