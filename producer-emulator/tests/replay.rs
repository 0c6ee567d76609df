//! Files replayed to a broker: exactly the good records arrive, decodable.

// Helpers of tests: their panic is the message.
#![allow(clippy::unwrap_used)]

mod bed;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use bed::Bed;
use common::Shutdown;
use parquet::arrow::ArrowWriter;
use producer_emulator::replay::{Account, Batches, Config, End, Job, Part, Summary, replay};
use records::{Decoder, Purpose, Schema};

/// Every fifth of 1000 records is bad: the floor is absurd.
const RECORDS: usize = 1000;

fn is_bad(number: usize) -> bool {
    number.is_multiple_of(5)
}

fn csv(path: &Path) {
    let mut text = String::from("id;city;street;floor;rooms;price;colour\n");
    for number in 0..RECORDS {
        let floor = if is_bad(number) { 999 } else { 3 };
        text.push_str(&format!("c{number};Kazan;Lenina;{floor};2;5400000;red\n"));
    }
    std::fs::write(path, text).unwrap();
}

fn parquet(path: &Path) {
    parquet_of(path, 0..RECORDS);
}

fn parquet_of(path: &Path, numbers: Range<usize>) {
    let texts = |text: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(numbers.clone().map(text)))
    };
    let count = numbers.len();
    let floors = numbers.clone();
    let floors = floors.map(|number| if is_bad(number) { 999 } else { 3 });
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", texts(&|number| format!("c{number}"))),
        ("city", texts(&|_| "Kazan".to_owned())),
        ("street", texts(&|_| "Lenina".to_owned())),
        ("floor", Arc::new(Int32Array::from_iter_values(floors))),
        ("rooms", Arc::new(Int32Array::from(vec![2; count]))),
        ("price", Arc::new(Float64Array::from(vec![5.4e6; count]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn job(file: &Path, topic: &str) -> Job {
    Job {
        file: file.to_owned(),
        topic: topic.to_owned(),
        rate: None,
        limit: None,
        skip: 0,
        batches: None,
        part: Part::Whole,
    }
}

async fn run(bed: &Bed, job: &Job) -> anyhow::Result<Summary> {
    let config = Config::new(&bed.settings(&[])).unwrap();
    replay(&config, job, &Account::default(), &Shutdown::new()).await
}

/// The good records, each once, as the loader would read them.
async fn exactly_the_good_ones(bed: &Bed, topic: &str, purpose: Purpose) {
    let received = bed.receive(topic, RECORDS * 4 / 5).await;
    let keys: BTreeSet<&str> = received.iter().map(|(key, _)| &**key).collect();
    let good = (0..RECORDS).filter(|number| !is_bad(*number));
    let names: Vec<String> = good.map(|number| format!("c{number}")).collect();
    assert_eq!(keys, names.iter().map(String::as_str).collect());
    assert_eq!(received.len(), keys.len(), "each once");
    let mut decoder = Decoder::new(&Schema::real_estate(), purpose);
    for (key, payload) in &received {
        let arrived_us = chrono::Utc::now().timestamp_micros();
        decoder.push(payload, arrived_us).unwrap();
        let record: serde_json::Value = serde_json::from_slice(payload).unwrap();
        assert_eq!(&record["id"], key);
        assert_eq!(record["floor"], 3);
        assert_eq!(record["colour"], serde_json::Value::Null);
        match purpose {
            Purpose::Listing => assert_eq!(record["price"], 5.4e6),
            Purpose::Request => assert_eq!(record.get("price"), None),
        }
    }
    assert_eq!(decoder.finish().unknown_fields, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_arrives_and_its_bad_lines_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("listings.csv");
    csv(&file);
    let bed = Bed::start();
    let summary = run(&bed, &job(&file, "new_data")).await.unwrap();
    assert_eq!((summary.sent, summary.rejected), (800, 200));
    assert_eq!(summary.end, End::File);
    assert_eq!(summary.named_rejects.len(), 5);
    assert!(
        summary.named_rejects[1].starts_with("line 7: field \"floor\" is 999"),
        "{summary:?}"
    );
    assert_eq!(summary.to_json()["skip"], serde_json::Value::Null);
    exactly_the_good_ones(&bed, &bed.kafka().topics.new_data, Purpose::Listing).await;
}

/// What is not chosen is not sent, and not looked at: its bad values reject nothing.
#[tokio::test(flavor = "multi_thread")]
async fn chosen_fields_arrive_with_the_key_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("listings.csv");
    csv(&file);
    let bed = Bed::start();
    let chosen = ["price", "city"].map(str::to_owned);
    let config = Config::new(&bed.settings(&[])).unwrap();
    let config = config.choosing(&chosen).unwrap();
    let (account, shutdown) = (Account::default(), Shutdown::new());
    let sent = replay(&config, &job(&file, "new_data"), &account, &shutdown).await;
    assert_eq!(sent.unwrap().sent, RECORDS as u64);
    for (key, payload) in bed.receive(&bed.kafka().topics.new_data, RECORDS).await {
        let record: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        let expected = serde_json::json!({"id": key, "city": "Kazan", "price": 5.4e6});
        assert_eq!(record, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parquet_file_arrives_as_requests_without_their_prices() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("listings.parquet");
    parquet(&file);
    let bed = Bed::start();
    let summary = run(&bed, &job(&file, "requests")).await.unwrap();
    assert_eq!((summary.sent, summary.rejected), (800, 200));
    assert!(
        summary.named_rejects[1].starts_with("row 6: field"),
        "{summary:?}"
    );
    let topic = bed.kafka().topics.requests;
    exactly_the_good_ones(&bed, &topic, Purpose::Request).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_and_a_skip_go_on_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("listings.csv");
    csv(&file);
    let bed = Bed::start();
    let mut job = job(&file, "new_data");
    job.limit = Some(300);
    let summary = run(&bed, &job).await.unwrap();
    assert_eq!((summary.sent, summary.end), (300, End::Limit));
    assert_eq!(summary.to_json()["skip"], summary.position);
    (job.limit, job.skip) = (None, summary.position);
    let rest = run(&bed, &job).await.unwrap();
    assert_eq!(summary.sent + rest.sent, 800);
    assert_eq!(summary.rejected + rest.rejected, 200);
    exactly_the_good_ones(&bed, &bed.kafka().topics.new_data, Purpose::Listing).await;

    job.skip = 1001;
    let error = run(&bed, &job).await.unwrap_err().to_string();
    assert!(error.contains("has only 1000 records"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pace_is_kept_and_a_stop_says_how_to_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("listings.csv");
    csv(&file);
    let bed = Bed::start();
    let mut job = job(&file, "new_data");
    (job.rate, job.limit) = (Some(50.0), Some(101));
    let started = Instant::now();
    let summary = run(&bed, &job).await.unwrap();
    assert_eq!(summary.sent, 101);
    assert!(started.elapsed() >= Duration::from_secs(2));
    assert!((10.0..51.0).contains(&summary.rate_per_s), "{summary:?}");

    // One in 20 s: the stop does not wait for the next.
    (job.rate, job.limit, job.skip) = (Some(0.05), None, summary.position);
    let config = Config::new(&bed.settings(&[])).unwrap();
    let (account, shutdown) = (Account::default(), Shutdown::new());
    let stopping = async {
        let is_sent = || async { account.sent.load(std::sync::atomic::Ordering::Relaxed) == 1 };
        testbed::eventually("the first is sent", bed::LIMIT, is_sent).await;
        shutdown.cancel();
        Instant::now()
    };
    let (stopped, at) = tokio::join!(replay(&config, &job, &account, &shutdown), stopping);
    let stopped = stopped.unwrap();
    assert!(at.elapsed() < Duration::from_secs(15));
    assert_eq!((stopped.sent, stopped.end), (1, End::Stopped));
    let words = stopped.to_string();
    assert!(
        words.contains(&format!("continue with --skip {}", stopped.position)),
        "{words}"
    );

    (job.rate, job.skip) = (None, stopped.position);
    let rest = run(&bed, &job).await.unwrap();
    assert_eq!(summary.sent + stopped.sent + rest.sent, 800);
    exactly_the_good_ones(&bed, &bed.kafka().topics.new_data, Purpose::Listing).await;
}

/// A file in parts that appear one after the other, stopped in between and gone on with.
#[tokio::test(flavor = "multi_thread")]
async fn batches_come_one_after_the_other_and_a_stop_keeps_the_cuts() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("listings.csv");
    csv(&file);
    let bed = Bed::start();
    let mut job = job(&file, "new_data");
    // The next part is never due: what is sent is the first.
    let every = Duration::from_secs(100_000);
    job.batches = Some(Batches { count: 4, every });
    let config = Config::new(&bed.settings(&[])).unwrap();
    let (account, shutdown) = (Account::default(), Shutdown::new());
    let stopping = async {
        let is_sent = || async { account.sent.load(std::sync::atomic::Ordering::Relaxed) == 200 };
        testbed::eventually("the first part is sent", bed::LIMIT, is_sent).await;
        shutdown.cancel();
    };
    let (stopped, ()) = tokio::join!(replay(&config, &job, &account, &shutdown), stopping);
    let stopped = stopped.unwrap();
    assert_eq!(
        (stopped.sent, stopped.rejected, stopped.position),
        (200, 50, 250)
    );
    assert_eq!((stopped.end, stopped.batch), (End::Stopped, Some((1, 4))));

    // Gone on with in the middle of a part: what is left of it comes at once.
    job.skip = stopped.position;
    job.limit = Some(100);
    let limited = run(&bed, &job).await.unwrap();
    assert_eq!((limited.sent, limited.batch), (100, Some((2, 4))));
    (job.skip, job.limit) = (limited.position, None);
    let every = Duration::from_millis(400);
    job.batches = Some(Batches { count: 4, every });
    let started = Instant::now();
    let rest = run(&bed, &job).await.unwrap();
    assert!(
        started.elapsed() >= 2 * every,
        "two more parts, each in its time"
    );
    assert_eq!((rest.end, rest.batch), (End::File, Some((4, 4))));
    assert!(rest.to_string().contains("batch 4 of 4"), "{rest}");
    assert_eq!(stopped.sent + limited.sent + rest.sent, 800);
    exactly_the_good_ones(&bed, &bed.kafka().topics.new_data, Purpose::Listing).await;

    job.batches = Some(Batches { count: 1001, every });
    job.skip = 0;
    let error = run(&bed, &job).await.unwrap_err().to_string();
    assert!(error.contains("found 1000 records"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_is_asked_for_and_its_prices_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("listings.csv");
    csv(&file);
    let bed = Bed::start();
    let topics = bed.kafka().topics;
    let mut job = job(&file, "new_data");
    let share = 0.3;
    job.part = Part::Rest(share);
    let kept = run(&bed, &job).await.unwrap();
    assert_eq!(kept.sent + kept.left_out + kept.rejected, 1000, "{kept}");
    job.part = Part::HeldBack(share);
    job.topic = "requests".to_owned();
    // In two goes: the cut stays where it is.
    job.limit = Some(77);
    let asked = run(&bed, &job).await.unwrap();
    (job.limit, job.skip) = (None, asked.position);
    let rest = run(&bed, &job).await.unwrap();
    assert_eq!(asked.sent + rest.sent, kept.left_out);
    (job.skip, job.topic) = (0, "actuals".to_owned());
    let outcome = run(&bed, &job).await.unwrap();
    assert_eq!(outcome.sent, kept.left_out);

    let keys = |received: &[(String, Vec<u8>)]| -> BTreeSet<String> {
        received.iter().map(|(key, _)| key.clone()).collect()
    };
    let listings = bed.receive(&topics.new_data, kept.sent as usize).await;
    let requests = bed.receive(&topics.requests, outcome.sent as usize).await;
    let actuals = bed.receive(&topics.actuals, outcome.sent as usize).await;
    assert_eq!(requests.len() as u64, outcome.sent, "each once");
    assert_eq!(keys(&requests), keys(&actuals));
    assert!(keys(&listings).is_disjoint(&keys(&requests)));
    assert_eq!(keys(&listings).len() + keys(&requests).len(), 800);
    for (key, payload) in &actuals {
        let actual: serde_json::Value = serde_json::from_slice(payload).unwrap();
        assert_eq!(&actual["id"], key);
        assert_eq!(actual["price"], 5.4e6);
        let observed_at = actual["observed_at"].as_str().unwrap();
        assert!(records::timestamp::parse(observed_at).is_some(), "{actual}");
        assert_eq!(actual.as_object().unwrap().len(), 3, "{actual}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_replayed_is_said_before_a_broker_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let bed = Bed::on("127.0.0.1:9");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    for (path, expected) in [
        (
            file("short.csv", "id,city,street,rooms,price\n"),
            "there is no column \"floor\"",
        ),
        (
            file("priceless.csv", "id,city,street,floor,rooms\n"),
            "there is no column \"price\"",
        ),
        (file("empty.csv", ""), "is empty"),
        (file("x.parquet", "no parquet"), "is not valid Parquet"),
        (file("x.doc", "a"), "expected a file named"),
        (directory.path().join("away.csv"), "cannot read"),
    ] {
        let error = run(&bed, &job(&path, "new_data")).await.unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains(expected), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_parquet_files_is_sent_as_one_file() {
    let (bed, directory) = (Bed::start(), tempfile::tempdir().unwrap());
    let folder = directory.path().join("listings");
    std::fs::create_dir(&folder).unwrap();
    parquet_of(&folder.join("part-1.parquet"), 400..RECORDS);
    parquet_of(&folder.join("part-0.parquet"), 0..400);
    std::fs::write(folder.join("_SUCCESS"), "").unwrap();
    let summary = run(&bed, &job(&folder, "new_data")).await.unwrap();
    assert_eq!((summary.sent, summary.position), (800, 1000));
    let topics = bed.kafka().topics;
    exactly_the_good_ones(&bed, &topics.new_data, Purpose::Listing).await;
    // From the middle of the second file, in batches over both.
    let rest = Job {
        skip: 500,
        batches: Some(Batches {
            count: 4,
            every: Duration::from_millis(10),
        }),
        ..job(&folder, "requests")
    };
    let summary = run(&bed, &rest).await.unwrap();
    assert_eq!((summary.sent, summary.position), (400, 1000));
    std::fs::remove_file(folder.join("part-0.parquet")).unwrap();
    std::fs::remove_file(folder.join("part-1.parquet")).unwrap();
    let error = run(&bed, &job(&folder, "new_data")).await.unwrap_err();
    assert!(
        error.to_string().contains("expected Parquet files"),
        "{error}"
    );
}
