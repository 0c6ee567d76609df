//! A file of the user's own: its schema is inferred, a model is trained on four fifths of it, and prices are
//! answered over HTTP and for the held-out fifth.

mod start;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::Shutdown;
use quickstart::{Options, OwnData};
use serde_json::Value;
use start::{open_home, options};

/// Flats in the file; a fifth is held out.
const FLATS: usize = 600;
const HELD_OUT: u64 = 120;
/// Longest wait for a price over HTTP.
const LIMIT: Duration = Duration::from_secs(180);

/// A file whose prices follow city and size, with noise.
fn flats(home: &Path) -> PathBuf {
    let mut text = "id;city;size;rooms;asking price\n".to_owned();
    for id in 0..FLATS {
        let (city, level) = [("Kazan", 60_000), ("Moscow", 190_000), ("Perm", 45_000)][id % 3];
        let size = 25 + (id * 37) % 95;
        let noise = 90 + (id * 7919) % 21;
        let price = level * size * noise / 100;
        text.push_str(&format!("f{id};{city};{size};{};{price}\n", 1 + size / 35));
    }
    let file = home.join("flats.csv");
    std::fs::write(&file, text).expect("the file can be written");
    file
}

fn own(home: &Path, stop_after: Option<u64>) -> Options {
    Options {
        stop_after,
        data: Some(OwnData {
            file: flats(home),
            schema: None,
            target: Some("asking price".to_owned()),
        }),
        ..options(home)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_held_out_part_is_answered_and_a_second_start_keeps_the_model() {
    let home = open_home();
    let first = quickstart::run(own(home.path(), Some(40)), Shutdown::new());
    let first = first.await.expect("first run");
    assert!(first.answered >= 40, "{first:?}");
    assert_eq!(first.accounted, first.produced, "nothing lost or doubled");
    assert_eq!(first.listings as usize, FLATS - HELD_OUT as usize);
    assert!(first.model.starts_with("flats@v"), "{first:?}");
    assert!(
        first.holdout_mdape.is_some_and(|error| error < 0.2),
        "{first:?}"
    );

    let second = quickstart::run(own(home.path(), Some(40)), Shutdown::new());
    let second = second.await.expect("second run");
    assert_eq!(second.listings, first.listings, "stored once");
    assert_eq!(second.accounted, second.produced, "nothing lost or doubled");

    let many = quickstart::run(own(home.path(), Some(HELD_OUT + 1)), Shutdown::new());
    let error = many.await.expect_err("there are no more").to_string();
    assert!(error.contains(&format!("{HELD_OUT} held-out")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_over_http_have_the_files_fields_reasons_and_comparables() {
    let home = open_home();
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = port.local_addr().expect("an address");
    drop(port);
    let mut options = own(home.path(), None);
    options
        .set
        .push(("applier.http".to_owned(), address.to_string()));
    let leave = Shutdown::new();
    let running = tokio::spawn(quickstart::run(options, leave.clone()));
    let client = reqwest::Client::new();
    let began = Instant::now();
    let answer: Value = loop {
        assert!(began.elapsed() < LIMIT, "no price in time");
        assert!(!running.is_finished(), "it ended by itself");
        let request = client
            .post(format!("http://{address}/predict?explain=3"))
            .timeout(Duration::from_secs(10))
            .body(r#"{"id":"mine","city":"Kazan","size":50,"rooms":2}"#);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => {
                break answer.json().await.expect("JSON");
            }
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    };
    let price = answer["prediction"].as_f64().expect("a price");
    assert!((2_000_000.0..5_000_000.0).contains(&price), "{answer}");
    let explanation = &answer["explanation"];
    let fields: Vec<&str> = explanation["reasons"]
        .as_array()
        .expect("reasons")
        .iter()
        .filter_map(|reason| reason["field"].as_str())
        .collect();
    assert!(
        fields.contains(&"city") && fields.contains(&"size"),
        "{answer}"
    );
    let comparables = explanation["comparables"].as_array().expect("comparables");
    assert_eq!(comparables.len(), 3, "{answer}");
    leave.cancel();
    running.await.expect("it ends").expect("it leaves in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_too_short_is_refused_with_the_numbers() {
    let home = open_home();
    let options = own(home.path(), None);
    let file = home.path().join("flats.csv");
    let text = std::fs::read_to_string(&file).expect("the file");
    let short: Vec<&str> = text.lines().take(101).collect();
    std::fs::write(&file, short.join("\n")).expect("the file can be written");
    let refused = quickstart::run(options, Shutdown::new()).await;
    let error = refused.expect_err("too short").to_string();
    assert!(error.contains("expected at least 250 listings"), "{error}");
    assert!(error.contains("found 100"), "{error}");
}
