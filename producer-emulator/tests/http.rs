//! The service over HTTP: triggers, schedules, prices that become known, and what is refused.

mod bed;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bed::{Bed, LIMIT, ready, status};
use records::{Decoder, Purpose, Schema};
use testbed::eventually;

const KEY: &str = "s3cret-k3y";

/// How many of the payloads the schema takes.
fn good(purpose: Purpose, messages: &[(String, Vec<u8>)]) -> usize {
    let mut decoder = Decoder::new(&Schema::real_estate(), purpose);
    let arrived_us = chrono::Utc::now().timestamp_micros();
    let taken = messages
        .iter()
        .filter(|(_, payload)| decoder.push(payload, arrived_us).is_ok());
    taken.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_delivered_and_counted() {
    let bed = Bed::start();
    let service = bed.emulator(&[("dirty_share", "0.2")]);
    ready(&service).await;

    let (code, answer) = service.post("/generate/new_data?count=3000", "").await;
    assert_eq!((code, &answer["sent"]), (200, &3000.into()), "{answer}");
    let (code, answer) = service.post("/generate/requests?count=30", "").await;
    assert_eq!((code, &answer["sent"]), (200, &30.into()), "{answer}");
    let (code, answer) = service.get("/generate_and_produce_new_data").await;
    assert_eq!((code, &answer["sent"]), (200, &100.into()), "{answer}");
    let (code, answer) = service.get("/generate_and_produce_requests?count=7").await;
    assert_eq!((code, &answer["sent"]), (200, &7.into()), "{answer}");

    let (_, account) = service.get("/status").await;
    assert_eq!(account["new_data_made"], 3100, "{account}");
    assert_eq!(account["new_data_sent"], 3100, "{account}");
    assert_eq!(account["requests_sent"], 37, "{account}");
    assert_eq!(account["undelivered"], 0, "{account}");
    let topics = bed.kafka().topics;
    let listings = bed.receive(&topics.new_data, 3100).await;
    let requests = bed.receive(&topics.requests, 37).await;
    assert_eq!((listings.len(), requests.len()), (3100, 37));
    let keys: BTreeSet<&String> = listings
        .iter()
        .chain(&requests)
        .map(|(key, _)| key)
        .collect();
    assert_eq!(keys.len(), 3137, "every id once");
    let dirty = 3137 - good(Purpose::Listing, &listings) - good(Purpose::Request, &requests);
    assert_eq!(account["dirty_sent"], dirty, "{account}");
    let (code, document) = service.get("/openapi.json").await;
    assert_eq!(code, 200);
    let generate = &document["paths"]["/generate/new_data"]["post"];
    assert_eq!(generate["parameters"][0]["name"], "count");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_count_is_refused_with_what_was_expected() {
    let bed = Bed::start();
    let service = bed.emulator(&[]);
    ready(&service).await;
    for count in [
        "?count=",
        "?count=0",
        "?count=-5",
        "?count=ten",
        "?count=2.5",
        "?count=1000001",
        "?count=99999999999999999999999",
        "?cuont=5",
        "?count=5&count=6",
    ] {
        for path in ["/generate/new_data", "/generate/requests"] {
            let (code, answer) = service.post(&format!("{path}{count}"), "").await;
            let text = answer["error"].as_str().expect("an error");
            assert_eq!(code, 400, "{path}{count}: {answer}");
            assert!(text.contains("from 1 to 1000000"), "{path}{count}: {text}");
        }
        let path = format!("/generate_and_produce_requests{count}");
        let (code, answer) = service.get(&path).await;
        assert_eq!(code, 400, "{path}: {answer}");
    }
    let (code, answer) = service.post("/generate/new_data", "").await;
    assert_eq!(code, 400, "the count is missing: {answer}");
    assert_eq!(status(&service, "new_data_made").await, 0);
    assert_eq!(status(&service, "requests_made").await, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedules_send_from_start_to_stop() {
    let bed = Bed::start();
    let service = bed.emulator(&[
        ("new_data_every_s", "1"),
        ("new_data_count", "7"),
        ("requests_every_s", "1"),
        ("requests_count", "5"),
    ]);
    ready(&service).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(status(&service, "new_data_made").await, 0, "not started");

    let (code, answer) = service.post("/start", "").await;
    assert_eq!((code, &answer["running"]), (200, &true.into()));
    eventually("both schedules send twice", LIMIT, || async {
        status(&service, "new_data_sent").await >= 14
            && status(&service, "requests_sent").await >= 10
    })
    .await;
    let (code, answer) = service.post("/stop", "").await;
    assert_eq!((code, &answer["running"]), (200, &false.into()));
    // A batch may be under way.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (listings, requests) = (
        status(&service, "new_data_sent").await,
        status(&service, "requests_sent").await,
    );
    assert_eq!((listings % 7, requests % 5), (0, 0), "whole batches");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(status(&service, "new_data_sent").await, listings);
    assert_eq!(status(&service, "requests_sent").await, requests);
    let topics = bed.kafka().topics;
    let received = bed.receive(&topics.new_data, listings as usize).await;
    assert_eq!(received.len() as u64, listings);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_become_known_after_the_delay() {
    let bed = Bed::start();
    let service = bed.emulator(&[("actuals_share", "0.5"), ("actuals_delay_s", "2")]);
    ready(&service).await;
    service.post("/generate/requests?count=400", "").await;
    let pending = status(&service, "actuals_pending").await;
    assert!((130..270).contains(&pending), "{pending}");
    assert_eq!(status(&service, "actuals_sent").await, 0);
    eventually("all prices are known", LIMIT, || async {
        status(&service, "actuals_sent").await == pending
    })
    .await;
    assert_eq!(status(&service, "actuals_pending").await, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_not_yet_known_are_told_when_the_service_leaves() {
    let bed = Bed::start();
    let service = bed.emulator(&[
        ("actuals_share", "1"),
        ("actuals_delay_s", "3600"),
        ("dirty_share", "0"),
    ]);
    ready(&service).await;
    service.post("/generate/requests?count=2500", "").await;
    assert_eq!(status(&service, "actuals_pending").await, 2500);
    let leaving = Instant::now();
    service.stop().await;
    assert!(leaving.elapsed() < LIMIT);

    let topics = bed.kafka().topics;
    let actuals = bed.receive(&topics.actuals, 2500).await;
    assert_eq!(actuals.len(), 2500, "each once");
    let requests = bed.receive(&topics.requests, 2500).await;
    let asked: BTreeSet<String> = requests.into_iter().map(|(key, _)| key).collect();
    for (key, payload) in &actuals {
        let actual: serde_json::Value = serde_json::from_slice(payload).expect("JSON");
        assert_eq!(&actual["id"], key);
        assert!(asked.contains(key), "{key}");
        assert!(
            actual["price"]
                .as_f64()
                .is_some_and(|price| price >= 1000.0)
        );
        assert!(actual["observed_at"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_cities_and_streets_are_used_and_bad_files_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (cities, streets) = (path("cities.csv"), path("streets.csv"));
    let header = "city,region,population,latitude,longitude,price_level";
    std::fs::write(&cities, format!("{header}\nOz,Emerald,9000,1,2,5000\n")).expect("written");
    std::fs::write(&streets, "street\nYellow Brick Road\n").expect("written");
    let bed = Bed::start();
    let service = bed.emulator(&[
        ("cities_file", &cities),
        ("streets_file", &streets),
        ("dirty_share", "0"),
    ]);
    ready(&service).await;
    service.post("/generate/new_data?count=20", "").await;
    for (_, payload) in bed.receive(&bed.kafka().topics.new_data, 20).await {
        let listing: serde_json::Value = serde_json::from_slice(&payload).expect("JSON");
        assert_eq!(listing["city"], "Oz");
        assert_eq!(listing["street"], "Yellow Brick Road");
    }
    service.stop().await;

    std::fs::write(&streets, "name\nnone\n").expect("written");
    for (key, file, expected) in [
        ("cities_file", "away.csv", "away.csv: check the path"),
        ("cities_file", "streets.csv", "expected CSV with the header"),
        ("streets_file", "away.csv", "away.csv: check the path"),
        (
            "streets_file",
            "streets.csv",
            "a header without that column",
        ),
    ] {
        let set = [(format!("emulator.{key}"), path(file))];
        let set: Vec<(&str, &str)> = set.iter().map(|(k, v)| (&**k, &**v)).collect();
        let config = producer_emulator::Config::new(&bed.settings(&set)).expect("valid");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let ran = producer_emulator::run(config, listener, common::Shutdown::new()).await;
        let error = format!("{:#}", ran.expect_err(file));
        assert!(error.contains(expected), "{error}");
    }
}

/// The service is there while Mockaroo hangs, and continues without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_mockaroo_that_hangs_is_waited_for_in_the_open() {
    // Connections are taken by the system; nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/streets",
        silent.local_addr().expect("an address")
    );
    let bed = Bed::start();
    let service = bed.emulator(&[
        ("mockaroo_url", &url),
        ("mockaroo_key", KEY),
        ("mockaroo_timeout_ms", "1500"),
    ]);
    let text = service.text("/status").await;
    assert!(text.contains("requesting street names"), "{text}");
    assert!(!text.contains(KEY), "{text}");
    assert!(!service.is_ready().await);
    ready(&service).await;
    let (code, _) = service.post("/generate/new_data?count=5", "").await;
    assert_eq!(code, 200);
    service.stop().await;
}

/// The key would go along with a redirect.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_of_mockaroo_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("a port");
    let there = elsewhere.local_addr().expect("an address");
    elsewhere.set_nonblocking(true).expect("set");
    let asked = Arc::new(AtomicU64::new(0));
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/streets",
        server.local_addr().expect("an address")
    );
    let counted = Arc::clone(&asked);
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = server.accept() {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: http://{there}/x\r\nContent-Length: 0\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let bed = Bed::start();
    let service = bed.emulator(&[("mockaroo_url", &url), ("mockaroo_key", KEY)]);
    ready(&service).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1, "asked once");
    assert!(elsewhere.accept().is_err(), "nobody came");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mockaroo_is_asked_for_each_batch_and_noticed_when_it_is_back() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/streets",
        server.local_addr().expect("an address")
    );
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    // Another street each time; at the third it is away.
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = server.accept() {
            let time = counted.fetch_add(1, Ordering::SeqCst) + 1;
            let _ = stream.read(&mut [0; 4096]);
            let status = match time {
                3 => "503 Service Unavailable",
                _ => "200 OK",
            };
            let body = format!("[\"Street {time}\"]");
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let bed = Bed::start();
    let service = bed.emulator(&[
        ("mockaroo_url", &url),
        ("mockaroo_key", KEY),
        ("dirty_share", "0"),
    ]);
    ready(&service).await;
    for _ in 0..2 {
        let (code, _) = service.post("/generate/new_data?count=5", "").await;
        assert_eq!(code, 200);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    eventually("it is asked again", LIMIT, || async {
        service.post("/generate/new_data?count=5", "").await;
        asked.load(Ordering::SeqCst) == 4
    })
    .await;
    let sent = service.get("/status").await.1["new_data_sent"].clone();
    let sent = usize::try_from(sent.as_u64().expect("a count")).expect("few");
    let listings = bed.receive(&bed.kafka().topics.new_data, sent).await;
    let street = |payload: &[u8]| {
        let listing: serde_json::Value = serde_json::from_slice(payload).expect("JSON");
        listing["street"].to_string()
    };
    let streets: BTreeSet<String> = listings
        .iter()
        .map(|(_, payload)| street(payload))
        .collect();
    let expected = ["\"Street 2\"", "\"Street 4\""].map(str::to_owned);
    assert_eq!(streets, BTreeSet::from(expected));
    service.stop().await;
}
