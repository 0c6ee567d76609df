//! Following a topic, on a Kafka and a PostgreSQL of the test's own.

mod made;

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model_prepare::{Base, Follow, Screen};
use rdkafka::consumer::{BaseConsumer, Consumer};
use registry::{Directory, Registry};
use serde_json::Value;
use sqlx::Row;
use testbed::{Running, Testbed, eventually};
use valuation::Model;

const LIMIT: Duration = Duration::from_secs(180);

/// A made listing in a market that rises: the price is `rise` higher in the logarithm.
fn record(id: usize, rise: f64) -> Vec<u8> {
    let [key, _, city, street, floor, rooms, area, price] = made::listing(id);
    // In no order: a record may be older than those before it.
    let at = 1_700_000_000 + 3600 * (id * 7919 % 5000);
    let price: f64 = price.parse::<f64>().expect("a price") * rise.exp();
    format!(
        r#"{{"id":"{key}","listed_at":{at},"city":"{city}","street":"{street}","floor":{floor},"rooms":{rooms},"area":{area},"price":{price:.0}}}"#
    )
    .into_bytes()
}

/// `count` messages after the first `from`, one in a hundred of which is not a record; all of one key, so that
/// they are in one partition, in order.
fn messages(from: usize, count: usize) -> Vec<(String, Vec<u8>)> {
    (from..from + count)
        .map(|number| {
            let payload = match number % 100 {
                50 => br#"{"id":"x","city":"#.to_vec(),
                _ => record(1000 + number, 0.4 * number as f64 / 3000.0),
            };
            ("one".to_owned(), payload)
        })
        .collect()
}

fn csv(directory: &std::path::Path) -> std::path::PathBuf {
    let file = directory.join("listings.csv");
    std::fs::write(&file, made::csv(1000)).expect("a file");
    file
}

/// What is kept of a follower.
async fn kept(bed: &Testbed, group: &str) -> Option<(Vec<u8>, Value, i64)> {
    let row = sqlx::query("SELECT state, counts, read FROM follows WHERE consumer = $1")
        .bind(group)
        .fetch_optional(bed.pool())
        .await;
    // The table is made by the first follower.
    let row = row.ok().flatten()?;
    let counts: String = row.get(1);
    let counts = serde_json::from_str(&counts).expect("counts");
    Some((row.get(0), counts, row.get(2)))
}

/// The program, following as `group`; ended when dropped.
struct Program(Mutex<Child>);

impl Program {
    fn start(bed: &Testbed, home: &std::path::Path, group: &str, stop_after: usize) -> Program {
        let mut flags = bed.flags(&[
            ("follow.group", group),
            ("follow.publish_every", "1000"),
            ("follow.judge_rows", "400"),
            ("follow.fetch_wait_ms", "5"),
            ("follow.show_every_s", "1"),
        ]);
        let stop = stop_after.to_string();
        let file = home.join("listings.csv").display().to_string();
        flags.extend(
            [
                "--http",
                "127.0.0.1:0",
                "--stop-after",
                &stop,
                "--data",
                &file,
            ]
            .map(String::from),
        );
        let registry = home.join(group);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(home.join(format!("{group}.log")))
            .expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_model-prepare"));
        for (name, _) in std::env::vars() {
            let is_ours = name.starts_with("HEDONIC") || name.starts_with("MLFLOW");
            if is_ours || name == "DATABASE_URL" || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        let child = command
            .arg("follow")
            .arg("--registry")
            .arg(&registry)
            .args(flags)
            .stdout(Stdio::from(log.try_clone().expect("a log")))
            .stderr(Stdio::from(log))
            .spawn()
            .expect("the program starts");
        Program(Mutex::new(child))
    }

    fn is_running(&self) -> bool {
        let ended = self.0.lock().expect("ours").try_wait().expect("ours");
        ended.is_none()
    }

    async fn ends(&self) {
        let left = || async { !self.is_running() };
        eventually("the program leaves by itself", LIMIT, left).await;
        let status = self.0.lock().expect("ours").wait().expect("it has ended");
        assert!(status.success(), "{status:?}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let child = self.0.get_mut().expect("ours");
        // One that has left by itself needs no kill.
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_again_it_has_learned_the_same_to_the_last_bit() {
    const ALL: usize = 3000;
    const CHUNK: usize = 250;
    let bed = Testbed::start().await;
    let home = tempfile::tempdir().expect("a directory");
    csv(home.path());
    let topic = bed.kafka(&[]).topics.new_data;
    let mut killed = 0;
    let mut sent = 0;
    let mut program = Program::start(&bed, home.path(), "parted", ALL);
    let log = |home: &std::path::Path, group: &str| {
        std::fs::read_to_string(home.join(format!("{group}.log"))).expect("a log")
    };
    while sent < ALL {
        bed.send(&topic, &messages(sent, CHUNK)).await;
        sent += CHUNK;
        // Somewhere in the middle of what it has: after some of it is stored, not after all.
        if sent % 1000 == 500 {
            let least = sent as i64 - 400;
            eventually("something is learned", LIMIT, || async {
                assert!(program.is_running(), "{}", log(home.path(), "parted"));
                kept(&bed, "parted")
                    .await
                    .is_some_and(|state| state.2 >= least)
            })
            .await;
            bed.send(&topic, &messages(sent, CHUNK)).await;
            sent += CHUNK;
            drop(program);
            killed += 1;
            program = Program::start(&bed, home.path(), "parted", ALL);
        }
    }
    program.ends().await;
    assert_eq!(killed, 3);
    Program::start(&bed, home.path(), "whole", ALL).ends().await;

    let (parted, whole) = (kept(&bed, "parted").await, kept(&bed, "whole").await);
    let (parted, whole) = (parted.expect("is kept"), whole.expect("is kept"));
    assert_eq!(whole.2, ALL as i64);
    assert_eq!(whole.1["learned"], 2970);
    assert_eq!(whole.1["rejected"]["malformed"], 30, "{}", whole.1);
    assert_eq!(whole.1["published_at"], 2000);
    for key in ["read", "learned", "rejected", "published_at", "version"] {
        assert_eq!(parted.1[key], whole.1[key], "{key}");
    }
    assert!(parted.0 == whole.0, "the states differ");
    let records = |group: &'static str| {
        let sql = format!(
            "SELECT md5(string_agg(concat_ws(' ', number, payload, price, value, low, high, base), \
             '|' ORDER BY number)) FROM followed WHERE consumer = '{group}'"
        );
        let pool = bed.pool().clone();
        async move {
            let found: Option<String> = sqlx::query_scalar(&sql)
                .fetch_one(&pool)
                .await
                .expect("reads");
            found.expect("records are kept")
        }
    };
    assert_eq!(records("parted").await, records("whole").await);
    assert_eq!(
        bed.number("SELECT count(*) FROM followed WHERE consumer = 'whole'")
            .await,
        400
    );

    // Each version once, an ordinary one, better than what it began from.
    for group in ["parted", "whole"] {
        let registry = Directory::new(home.path().join(group));
        let versions = Registry::versions(&registry).expect("reads");
        assert_eq!(versions.len(), 2, "{group}");
        for version in &versions {
            let model = Model::load(&version.path).expect("is verified");
            let report = model.report();
            assert!(report.model.mdape < report.baseline.mdape, "{report:?}");
            assert_eq!(report.holdout_rows, 400);
        }
        // The second is judged on what came after the first, whatever time it says.
        let history = Registry::history(&registry).expect("reads");
        let contest = &history.last().expect("a decision").evidence["contest"];
        assert_eq!(contest["champion"]["version"], 1, "{history:?}");
        assert_eq!(contest["rows_new"], 400, "{contest}");
    }
    let logged = log(home.path(), "parted");
    for expected in [
        "resuming after",
        "what it adds to the log price",
        "from the base",
        "city = city",
        "is not a valid record and is skipped (malformed)",
    ] {
        assert!(logged.contains(expected), "{expected}: {logged}");
    }
    assert!(
        !logged.contains('\u{1b}'),
        "plain lines, as it is no terminal"
    );
}

/// A screen that can be read.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Shown {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("ours").clone()).expect("text")
    }
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("ours").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn start(follow: &Follow, shown: &Shown, is_terminal: bool) -> Running {
    let (follow, shown) = (follow.clone(), shown.clone());
    Running::start(move |listener, shutdown| {
        let screen = Screen::new(Box::new(shown), is_terminal);
        model_prepare::follow(follow, screen, listener, shutdown)
    })
}

async fn status_where(service: &Running, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut status = Value::Null;
    let last = Mutex::new(&mut status);
    eventually(what, LIMIT, || async {
        let (_, found) = service.get("/status").await;
        let held = holds(&found);
        **last.lock().expect("ours") = found;
        held
    })
    .await;
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn it_begins_from_what_the_loader_has_stored_and_where_it_was() {
    let bed = Testbed::start().await;
    let home = tempfile::tempdir().expect("a directory");
    let registry = home.path().join("models").display().to_string();
    let settings = bed.settings(&[
        ("follow.group", "follower"),
        ("follow.publish_every", "300"),
        ("follow.judge_rows", "200"),
        ("follow.fetch_wait_ms", "5"),
        ("follow.show_every_s", "1"),
        ("registry.path", &registry),
    ]);
    let mut follow = Follow::new(&settings).expect("settings");
    let topic = follow.kafka.topics.new_data.clone();
    let schema = &follow.training.schema;
    let tables = format!("{}{}", records::table::ddl(schema), ledger::offsets::DDL);
    common::database::make_tables(bed.pool(), &tables)
        .await
        .expect("the loader's tables");
    bed.send(&topic, &messages(0, 40)).await;

    // Nothing is stored yet: it waits, and says for what.
    let shown = Shown::default();
    let service = start(&follow, &shown, true);
    let status = status_where(&service, "it waits for listings", |status| {
        status["parts"]["base"]
            .as_str()
            .is_some_and(|why| why.contains("no base yet"))
    })
    .await;
    assert_eq!(status["ready"], false);

    let rows: Vec<String> = (0..800)
        .map(|id| {
            let [key, _, city, street, floor, rooms, area, price] = made::listing(id);
            format!(
                "('{key}', now() - interval '1 day' - interval '{id} seconds', '{city}', \
                 '{street}', {floor}, {rooms}, {area}, {price})"
            )
        })
        .collect();
    // As the loader does it: the rows and the next offset in one transaction.
    let mut transaction = bed.pool().begin().await.expect("begins");
    let sql = format!(
        "INSERT INTO listings (id, listed_at, city, street, floor, rooms, area, price) VALUES {}",
        rows.join(", ")
    );
    sqlx::query(&sql)
        .execute(&mut *transaction)
        .await
        .expect("inserts");
    for partition in 0..3 {
        sqlx::query("INSERT INTO offsets SELECT $1, $2, $3, $4, $5")
            .bind(cluster_id(&follow).await)
            .bind(bed.group("loader"))
            .bind(&topic)
            .bind(partition)
            .bind(end_of(&follow, &topic, partition).await)
            .execute(&mut *transaction)
            .await
            .expect("inserts");
    }
    transaction.commit().await.expect("commits");
    status_where(&service, "it follows", |status| status["ready"] == true).await;
    bed.send(&topic, &messages(40, 400)).await;
    let status = status_where(&service, "all is read", |status| status["read"] == 400).await;
    assert_eq!(
        status["learned"], 396,
        "the first 40 were the loader's: {status}"
    );
    assert_eq!(status["rejected"]["malformed"], 4);
    assert!(
        status["last_reject"]
            .as_str()
            .expect("a reject")
            .contains("/350"),
        "{status}"
    );
    assert!(
        status["base"]
            .as_str()
            .expect("words")
            .contains("800 listings"),
        "{status}"
    );
    assert_eq!(status["published_at"], 300);
    assert_eq!(status["version"], "v000001");
    let publication = status["last_publication"].as_str().expect("words");
    assert!(
        publication.contains("promoted"),
        "the first there is: {publication}"
    );
    assert!(status["distance"].as_f64().expect("a number") > 0.0);
    assert_eq!(
        status["coefficients"][0]["name"],
        "(ln price where all else is 0)"
    );
    let metrics = service.text("/metrics").await;
    for metric in [
        "hedonic_follow_learned_total 396",
        "hedonic_follow_published_total 1",
        "hedonic_follow_error{of=\"base\"}",
        "hedonic_kafka_consumer_lag_records{consumer=\"follower\"}",
    ] {
        assert!(metrics.contains(metric), "{metric}: {metrics}");
    }

    // A second of the same name waits; it continues when the first has left.
    let second = start(&follow, &Shown::default(), false);
    status_where(&second, "it waits for its turn", |status| {
        status["parts"]["turn"]
            .as_str()
            .is_some_and(|why| why.contains("another follower"))
    })
    .await;
    service.stop().await;
    let status = status_where(&second, "it goes on", |status| status["read"] == 400).await;
    assert_eq!(status["learned"], 396);
    second.stop().await;
    let text = shown.text();
    assert!(text.contains("what it adds to the log price"), "{text}");
    assert!(text.contains("\u{1b}["), "drawn over on a terminal: {text}");

    // The version is one as any other: with a run, judged, served with a range.
    let registry = Directory::new(&registry);
    let champion = registry.champion().expect("reads").expect("a champion");
    let run = registry
        .info(champion.number)
        .expect("reads")
        .run
        .expect("a run");
    let run = Registry::run(&registry, &run)
        .expect("reads")
        .expect("is kept");
    assert_eq!(run.tags["followed"], "follower");
    assert_eq!(run.params["follow.learned"], "300");
    assert!(
        run.value("follow.distance")
            .is_some_and(|value| value > 0.0)
    );
    assert!(
        registry
            .artifact(&run.id, "holdout.parquet")
            .expect("reads")
            .is_some()
    );
    let model = Model::load(&champion.path).expect("is verified");
    let mut decoder = records::Decoder::new(model.schema(), records::Purpose::Request);
    decoder
        .push(&record(7, 0.0), i64::MAX / 2)
        .expect("a record");
    let predicted = model.predict(&decoder.finish().batch).expect("a price")[0];
    assert!(
        predicted.low < predicted.value && predicted.value < predicted.high,
        "{predicted:?}"
    );

    // Another begins from that version; one of other records does not continue.
    follow.follow.group = "another".to_owned();
    follow.base = Base::Followed;
    follow.stop_after = Some(100);
    let (listener, shutdown) = (
        common::http::listen("127.0.0.1:0").expect("listens"),
        common::Shutdown::new(),
    );
    let screen = || Screen::new(Box::new(std::io::sink()), false);
    model_prepare::follow(follow.clone(), screen(), listener, shutdown.clone())
        .await
        .expect("reads 100 and leaves");
    let (_, counts, read) = kept(&bed, "another").await.expect("is kept");
    assert_eq!((read, counts["base"].as_str()), (100, Some("v000001")));
    let mut schema = (*follow.training.schema).clone();
    schema.version += 1;
    follow.training.schema = Arc::new(schema);
    let listener = common::http::listen("127.0.0.1:0").expect("listens");
    let error = model_prepare::follow(follow, screen(), listener, shutdown)
        .await
        .expect_err("another schema");
    assert!(format!("{error:#}").contains("--afresh"), "{error:#}");
}

/// The offset after a partition's last message: a stored one beyond it would be of a topic made again.
async fn end_of(follow: &Follow, topic: &str, partition: i32) -> i64 {
    let (client, topic) = (follow.kafka.client(), topic.to_owned());
    let asking = move || {
        let consumer: BaseConsumer = client.create().expect("a client");
        let within = Duration::from_secs(60);
        let ends = consumer.fetch_watermarks(&topic, partition, within);
        ends.expect("the broker answers").1
    };
    tokio::task::spawn_blocking(asking).await.expect("it asks")
}

async fn cluster_id(follow: &Follow) -> String {
    common::kafka::connect(
        &follow.kafka,
        &common::Health::default(),
        &common::Shutdown::new(),
    )
    .await
    .expect("answers")
    .expect("an id")
}
