//! Requests over HTTP as strangers spoil them, to all four services at once: none panics, none answers with a
//! 5xx but 503 (not ready, or too much to do: docs/serving.md, docs/operations.md), and all are well
//! afterwards.
//!
//! `HEDONIC_TEST_FUZZ=200000` sends as many, `HEDONIC_TEST_FUZZ_SEED=7` others than by default.

mod start;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown as End, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use self::random::Random;
use common::Shutdown;
use start::{open_home, options};

const FEW: u64 = 3000;
/// Clients at a time.
const CLIENTS: u64 = 8;
/// Requests of a connection at most.
const OF_A_CONNECTION: usize = 12;
/// Longest wait for what is missing of an answer: half a request has none.
const ANSWER: Duration = Duration::from_millis(300);
/// Longest wait for a whole request's.
const WHOLE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(300);

/// Draws without a library: the test needs no other randomness.
mod random {
    pub struct Random(pub u64);

    impl Random {
        pub fn next(&mut self) -> u64 {
            // SplitMix64.
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }

        pub fn below(&mut self, count: usize) -> usize {
            (self.next() % count.max(1) as u64) as usize
        }

        pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
            of[self.below(of.len())]
        }
    }
}

const METHODS: [&str; 10] = [
    "GET", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "BREW",
];
const PATHS: [&str; 32] = [
    "/",
    "/assets/app.js",
    "/what-if",
    "/similar?limit=2",
    "/records/1",
    "/market?cell=1",
    "/values?field=street&within=city&value=x",
    "/quality/history?window=1h",
    "/models/v000001",
    "/predict",
    "/predict",
    "/predict",
    "/predict?explain=true",
    "/predict?explain=true&comparables=5",
    "/v2",
    "/v2/health/ready",
    "/v2/models/real-estate",
    "/v2/models/real-estate/infer",
    "/v2/models/real-estate/versions/1/infer",
    "/models",
    "/models/v000001/activate",
    "/models/v9/activate",
    "/models/rollback",
    "/features/1",
    "/quality?window=7d",
    "/status",
    "/metrics",
    "/health/ready",
    "/openapi.json",
    "/generate/requests?count=1",
    "/generate/new_data?count=1",
    "/start",
];
const PIECES: [&str; 26] = [
    "%00",
    "%2e%2e/",
    "../",
    "//",
    "%",
    "%zz",
    "?",
    "#",
    "&&&=",
    ";",
    "\\",
    "{}",
    "*",
    "@",
    "\u{442}",
    "\u{0}",
    "%ff%fe",
    "?count=-1",
    "?count=18446744073709551616",
    "?count=1e9",
    "?window=",
    "?explain=%00",
    "'",
    "\"",
    "<script>",
    "\r\nx: y",
];
const HEADERS: [&str; 22] = [
    "Content-Type: application/json",
    "Content-Type: text/plain",
    "Content-Type: application/x-www-form-urlencoded",
    "Content-Type: \u{0}",
    "Content-Encoding: gzip",
    "Content-Length: 0",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Content-Length: 7",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked",
    "Expect: 100-continue",
    "Upgrade: h2c",
    "Connection: close",
    "Connection: upgrade",
    "Authorization: Bearer \u{7f}",
    "Host: else.where",
    "Origin: http://else.where",
    "Inference-Header-Content-Length: 99",
    "X: \u{e9}\u{fffd}",
    "Accept: */*;q=9",
    "Range: bytes=0-",
];
const BODIES: [&str; 9] = [
    r#"{"id":"m1","city":"Kazan","street":"Lenina","floor":3,"rooms":2}"#,
    r#"[{"id":"m2","city":"Kazan","street":"Lenina","floor":3,"rooms":2},{"id":"m3"}]"#,
    r#"{"inputs":[{"name":"city","shape":[1],"datatype":"BYTES","data":["Kazan"]},{"name":"rooms","shape":[1],"datatype":"INT64","data":[2]}]}"#,
    r#"{"inputs":[{"name":"record","shape":[1,1],"datatype":"FP64","data":[[1.5]]}],"outputs":[{"name":"x"}]}"#,
    r#"{"records":[{"id":1}],"explain":true}"#,
    r#"{"count":3}"#,
    r#"{"why":"a test"}"#,
    "",
    "null",
];

fn spoil(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() + 1);
    match random.below(8) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = random.next() as u8,
        2 => bytes.truncate(at),
        3 => drop(bytes.splice(at..at, *b"\0")),
        4 => drop(bytes.splice(at..at, b"[".repeat([2, 130, 5000][random.below(3)]))),
        5 => drop(bytes.splice(at..at, b"9".repeat(random.below(500)))),
        6 => drop(bytes.splice(at..at, "я".repeat(random.below(3000)).into_bytes())),
        _ => {
            let end = (at + random.below(60)).min(bytes.len());
            let again = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, again));
        }
    }
}

fn chunked(random: &mut Random, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in body.chunks(1 + random.below(40)) {
        bytes.extend(format!("{:x}\r\n", part.len()).bytes());
        bytes.extend(part);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

/// A request, and whether it is whole: then an answer is due.
fn request(random: &mut Random) -> (Vec<u8>, bool) {
    let mut path = random.one(&PATHS).to_owned();
    let method = random.one(&METHODS);
    let mut whole = true;
    if random.below(4) == 0 {
        let pieces: Vec<&str> = (0..1 + random.below(3))
            .map(|_| random.one(&PIECES))
            .collect();
        let mut at = random.below(path.len() + 1);
        while !path.is_char_boundary(at) {
            at -= 1;
        }
        path.insert_str(at, &pieces.concat());
        whole = false;
    }
    if random.below(200) == 0 {
        path.push_str(&"a".repeat(100_000));
        whole = false;
    }
    let mut body = random.one(&BODIES).as_bytes().to_vec();
    for _ in 0..[0, 0, 1, 2][random.below(4)] {
        spoil(random, &mut body);
    }
    let version = random.one(&["1.1", "1.1", "1.1", "1.1", "1.1", "1.1", "1.0", "2.0", "9"]);
    let mut head = format!("{method} {path} HTTP/{version}\r\nHost: 127.0.0.1\r\n");
    for _ in 0..[0, 0, 0, 1, 2][random.below(5)] {
        head.push_str(random.one(&HEADERS));
        head.push_str("\r\n");
        whole = false;
    }
    if random.below(300) == 0 {
        head.push_str(&"X: y\r\n".repeat(2000));
        whole = false;
    }
    if random.below(4) == 0 {
        body = chunked(random, &body);
        head.push_str("Transfer-Encoding: chunked\r\n\r\n");
    } else {
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    }
    whole &= version == "1.1" && method != "BREW" && method != "get";
    let mut bytes = head.into_bytes();
    bytes.extend(body);
    if random.below(8) == 0 {
        spoil(random, &mut bytes);
        whole = false;
    }
    (bytes, whole)
}

/// Status codes in what came.
fn statuses(bytes: &[u8]) -> Vec<u16> {
    let mark = b"HTTP/1.";
    let starts = bytes.windows(mark.len()).enumerate();
    starts
        .filter(|(_, seen)| seen == mark)
        .filter_map(|(at, _)| {
            let code = bytes.get(at + 9..at + 12)?;
            std::str::from_utf8(code).ok()?.parse().ok()
        })
        .collect()
}

/// What one client met.
#[derive(Default)]
struct Met {
    statuses: BTreeMap<u16, u64>,
    /// Whole requests that had no answer.
    silent: u64,
    /// The first answers of 5xx, with what they were given for.
    faults: Vec<String>,
}

/// Sends N requests to a service.
fn client(to: SocketAddr, seed: u64, count: u64, sent: &AtomicU64) -> Met {
    let (mut random, mut met, mut left) = (Random(seed), Met::default(), count);
    while left > 0 {
        let Ok(mut stream) = TcpStream::connect_timeout(&to, PATIENCE) else {
            // Too many connections are turned away for a moment.
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        let in_a_row = (1 + random.below(OF_A_CONNECTION)).min(usize::try_from(left).unwrap_or(1));
        let (mut bytes, mut all_whole) = (Vec::new(), true);
        for _ in 0..in_a_row {
            let (accepted, whole) = request(&mut random);
            all_whole &= whole;
            bytes.extend(accepted);
        }
        left -= in_a_row as u64;
        sent.fetch_add(in_a_row as u64, Ordering::Relaxed);
        // The last of them ends the connection, where those before it are understood.
        let last = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
        bytes.extend(last);
        let wait = if all_whole { WHOLE } else { ANSWER };
        let _ = stream.set_read_timeout(Some(wait));
        let _ = stream.set_write_timeout(Some(WHOLE));
        // In pieces, at times; a service may have closed it before all is written.
        let half = random.below(bytes.len());
        let written = match random.below(3) {
            0 => stream
                .write_all(&bytes[..half])
                .and_then(|()| stream.flush())
                .and_then(|()| {
                    std::thread::sleep(Duration::from_millis(1));
                    stream.write_all(&bytes[half..])
                }),
            _ => stream.write_all(&bytes),
        };
        let hangs_up = !all_whole && random.below(4) == 0;
        if written.is_ok() && hangs_up {
            let _ = stream.shutdown(End::Write);
        }
        let mut answer = Vec::new();
        let mut part = [0; 16384];
        while let Ok(length) = stream.read(&mut part) {
            if length == 0 {
                break;
            }
            answer.extend_from_slice(&part[..length]);
        }
        let found = statuses(&answer);
        if all_whole && found.is_empty() {
            met.silent += 1;
        }
        for status in found {
            *met.statuses.entry(status).or_default() += 1;
            if status >= 500 && status != 503 && met.faults.len() < 3 {
                met.faults.push(format!(
                    "{status} for {:.2000}\n-- {:.1000}",
                    String::from_utf8_lossy(&bytes),
                    String::from_utf8_lossy(&answer)
                ));
            }
        }
    }
    met
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

async fn status(address: SocketAddr, path: &str) -> Option<u16> {
    let asked = reqwest::get(format!("http://{address}{path}")).await;
    asked.ok().map(|answer| answer.status().as_u16())
}

async fn wait_for(address: SocketAddr, path: &str) {
    let until = Instant::now() + PATIENCE;
    let mut last = None;
    while Instant::now() < until {
        last = status(address, path).await;
        if last == Some(200) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{address}{path} does not answer 200, but {last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mutated_requests_to_all_services_do_no_harm() {
    // A panic on a server's thread would be an answer that never comes, and no test that fails.
    static PANICS: AtomicU64 = AtomicU64::new(0);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        before(panic);
    }));
    let (count, seed) = (
        setting("HEDONIC_TEST_FUZZ", FEW),
        setting("HEDONIC_TEST_FUZZ_SEED", 1),
    );
    let home = open_home();
    let names = ["emulator", "loader", "applier", "prepare"];
    let services = names.map(|name| (name, free_address()));
    let mut options = options(home.path());
    // However long it takes, the run does not end by itself.
    options.timeout = Duration::from_secs(24 * 3600);
    options.set = services
        .iter()
        .map(|(name, address)| (format!("{name}.http"), address.to_string()))
        .collect();
    let shutdown = Shutdown::new();
    let run = tokio::spawn(quickstart::run(options, shutdown.clone()));
    for (_, address) in services {
        wait_for(address, "/health/live").await;
    }
    wait_for(services[2].1, "/health/ready").await;

    let sent = std::sync::Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (name, address) = services[(number % 4) as usize];
            let sent = std::sync::Arc::clone(&sent);
            let seed = seed.wrapping_mul(1000).wrapping_add(number);
            let client = tokio::task::spawn_blocking(move || {
                client(address, seed, count.div_ceil(CLIENTS), &sent)
            });
            (name, client)
        })
        .collect();
    let mut by_service = BTreeMap::<&str, Met>::new();
    for (name, client) in clients {
        let outcome = client.await.expect("a client does not panic");
        let met = by_service.entry(name).or_default();
        for (status, count) in outcome.statuses {
            *met.statuses.entry(status).or_default() += count;
        }
        met.silent += outcome.silent;
        met.faults.extend(outcome.faults);
    }
    let sent = sent.load(Ordering::Relaxed);
    for (name, met) in &by_service {
        println!(
            "{name}: {:?}, {} without an answer",
            met.statuses, met.silent
        );
    }
    println!("{sent} requests");

    assert_eq!(
        PANICS.load(Ordering::Relaxed),
        0,
        "something panicked: see above"
    );
    for (name, met) in &by_service {
        assert!(met.faults.is_empty(), "{name}: {}", met.faults.join("\n\n"));
        assert_eq!(met.silent, 0, "{name}: whole requests without an answer");
        // The requests reach what they are for: not all are turned away at the door.
        assert!(
            met.statuses.contains_key(&200),
            "{name}: {:?}",
            met.statuses
        );
    }
    assert!(sent >= count);
    for (_, address) in services {
        wait_for(address, "/health/live").await;
    }
    wait_for(services[2].1, "/health/ready").await;
    let good = r#"{"id":"after","city":"Kazan","street":"Lenina","floor":3,"rooms":2}"#;
    let asked = reqwest::Client::new()
        .post(format!("http://{}/predict", services[2].1))
        .header("content-type", "application/json")
        .body(good)
        .send();
    let answer = asked.await.expect("the applier answers");
    assert_eq!(answer.status().as_u16(), 200, "{:?}", answer.text().await);
    shutdown.cancel();
    let left = tokio::time::timeout(PATIENCE, run)
        .await
        .expect("it leaves in time");
    left.expect("no panic").expect("no error");
    assert_eq!(
        PANICS.load(Ordering::Relaxed),
        0,
        "something panicked: see above"
    );
}
