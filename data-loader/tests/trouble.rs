//! A database that cannot be written to is waited for, and nothing is lost; what arrives is reported.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::{Value, json};
use sqlx::postgres::PgListener;
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

fn loader(bed: &Testbed) -> Running {
    loader_with(bed, &[])
}

fn loader_with(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = data_loader::Config::new(&bed.settings(set)).expect("valid settings");
    Running::start(|listener, shutdown| data_loader::run(config, listener, shutdown))
}

fn listings(numbers: std::ops::Range<u32>) -> Vec<(String, Vec<u8>)> {
    let listing = |number: u32| {
        let listing = json!({
            "id": number.to_string(), "city": "Kazan", "street": "Lenina".repeat(20),
            "floor": 3, "rooms": 2, "price": 5e6,
        });
        (number.to_string(), listing.to_string().into_bytes())
    };
    numbers.map(listing).collect()
}

async fn run(bed: &Testbed, sql: &str) {
    sqlx::raw_sql(sql)
        .execute(bed.pool())
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn stored(bed: &Testbed, expected: i64) {
    let what = format!("{expected} listings");
    eventually(&what, LIMIT, || async {
        bed.number("SELECT count(*) FROM listings").await == expected
    })
    .await;
}

async fn says(running: &Running, error: &str) {
    eventually(error, LIMIT, || async {
        let (_, status) = running.get("/status").await;
        let last = status["last_error"].as_str();
        last.is_some_and(|last| last.contains(error))
    })
    .await;
}

/// Makes the tables before the loader does, to have them as a test needs them.
async fn tables(bed: &Testbed) {
    let config = data_loader::Config::new(&bed.settings(&[])).expect("valid settings");
    run(bed, &data_loader::tables(&config.schema)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_turns_read_only_is_waited_for() {
    let bed = Testbed::start().await;
    let topic = bed.kafka(&[]).topics.new_data;
    tables(&bed).await;
    let running = loader(&bed);
    bed.send(&topic, &listings(0..100)).await;
    stored(&bed, 100).await;

    let database = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET \
                    default_transaction_read_only = ', current_database()) || VALUE; END $$";
    let end_others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
    run(&bed, &database.replace("VALUE", "'on'")).await;
    run(&bed, end_others).await;
    bed.send(&topic, &listings(100..200)).await;
    says(&running, "read-only transaction").await;
    let metrics = running.text("/metrics").await;
    assert!(
        metrics.contains("hedonic_loader_retries_total"),
        "{metrics}"
    );

    let writable =
        "BEGIN READ WRITE; ".to_owned() + &database.replace("VALUE", "'off'") + "; COMMIT";
    run(&bed, &writable).await;
    stored(&bed, 200).await;
    running.stop().await;
}

async fn pauses(running: &Running) -> f64 {
    let metrics = running.text("/metrics").await;
    let mut lines = metrics.lines();
    let line = lines.find(|line| line.starts_with("hedonic_loader_pauses_total"));
    line.map_or(0.0, |line| {
        let count = line.rsplit(' ').next().expect("a value");
        count.parse().expect("a number")
    })
}

/// Another member of the loader's group: joins, holds partitions for a while, and leaves.
fn visit(bed: &Testbed) -> std::thread::JoinHandle<()> {
    let consumer: BaseConsumer = bed
        .kafka(&[])
        .consumer(&bed.group("loader"), 5)
        .create()
        .expect("a consumer");
    let topic = bed.kafka(&[]).topics.new_data;
    consumer.subscribe(&[&topic]).expect("a topic's name");
    std::thread::spawn(move || {
        let until = Instant::now() + LIMIT;
        while Instant::now() < until {
            // What it gets is read by the loader later: no offset is stored for it.
            consumer.poll(Duration::from_millis(100));
            if consumer.assignment().is_ok_and(|held| held.count() > 0) {
                return;
            }
        }
        panic!("no partition was given to it");
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_were_paused_when_they_were_lost_are_read_when_they_come_back() {
    let bed = Testbed::start().await;
    let topic = bed.kafka(&[]).topics.new_data;
    tables(&bed).await;
    let set = [
        ("loader.batch_rows", "10"),
        // A client that is made again knows of no pause.
        ("liveness.rejoin_s", "3600"),
        ("liveness.stall_s", "3600"),
    ];
    let running = loader_with(&bed, &set);
    bed.send(&topic, &listings(0..100)).await;
    stored(&bed, 100).await;

    let before = pauses(&running).await;
    let mut locked = bed.pool().begin().await.expect("a transaction");
    let lock = "LOCK TABLE listings IN ACCESS EXCLUSIVE MODE";
    sqlx::query(lock)
        .execute(&mut *locked)
        .await
        .expect("a lock");
    bed.send(&topic, &listings(100..200)).await;
    eventually("the partitions are paused", LIMIT, || async {
        pauses(&running).await > before
    })
    .await;
    let visiting = visit(&bed);
    let visited = tokio::task::spawn_blocking(|| visiting.join());
    visited.await.expect("runs").expect("it held a partition");
    locked.rollback().await.expect("the lock is given up");
    stored(&bed, 200).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loader_that_stands_still_is_not_ready_and_ends_where_it_is_to() {
    let bed = Testbed::start().await;
    let topic = bed.kafka(&[]).topics.new_data;
    tables(&bed).await;
    // The lock outlasts all of the loader's patience, so that only the watchdog speaks.
    let set = [
        ("liveness.stall_s", "2"),
        ("database.timeouts.lock_ms", "600000"),
        ("database.timeouts.statement_ms", "600000"),
        ("loader.write_timeout_ms", "600000"),
    ];
    let running = loader_with(&bed, &set);
    bed.send(&topic, &listings(0..10)).await;
    stored(&bed, 10).await;
    assert!(running.is_ready().await);

    let lock = "LOCK TABLE listings IN ACCESS EXCLUSIVE MODE";
    let mut locked = bed.pool().begin().await.expect("a transaction");
    sqlx::query(lock)
        .execute(&mut *locked)
        .await
        .expect("a lock");
    bed.send(&topic, &listings(10..20)).await;
    eventually("it is not ready, with the reason", LIMIT, || async {
        let (code, health) = running.get("/health/ready").await;
        code == 503 && health.to_string().contains("nothing was committed for")
    })
    .await;
    let metrics = running.text("/metrics").await;
    assert!(metrics.contains("hedonic_kafka_stalls_total"), "{metrics}");
    locked.rollback().await.expect("the lock is given up");
    stored(&bed, 20).await;
    eventually("it is ready again", LIMIT, || running.is_ready()).await;
    running.stop().await;

    let ends = [&set[..], &[("liveness.exit_on_stall", "true")]].concat();
    let running = loader_with(&bed, &ends);
    eventually("it is ready", LIMIT, || running.is_ready()).await;
    let mut locked = bed.pool().begin().await.expect("a transaction");
    sqlx::query(lock)
        .execute(&mut *locked)
        .await
        .expect("a lock");
    bed.send(&topic, &listings(20..30)).await;
    let reason = running.failure(LIMIT).await;
    assert!(reason.contains("exit_on_stall"), "{reason}");
    locked.rollback().await.expect("the lock is given up");
    let running = loader(&bed);
    stored(&bed, 30).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for() {
    let disk = tempfile::tempdir().expect("a directory");
    let Some(disk) = Disk::mount(disk.path()) else {
        eprintln!("SKIPPED: a_full_disk_is_waited_for needs the right to mount a tmpfs (root)");
        return;
    };
    let bed = Testbed::start().await;
    let topic = bed.kafka(&[]).topics.new_data;
    tables(&bed).await;
    disk.give_to_the_owner_of(&bed).await;
    let place = disk.path.join("space");
    run(
        &bed,
        &format!("CREATE TABLESPACE small LOCATION '{}'", place.display()),
    )
    .await;
    run(&bed, "ALTER TABLE listings SET TABLESPACE small").await;
    let running = loader(&bed);
    bed.send(&topic, &listings(0..20_000)).await;
    says(&running, "No space left on device").await;
    let (_, status) = running.get("/status").await;
    assert_eq!(
        status["rejected"], 0,
        "a full disk is no row's fault: {status}"
    );

    disk.remount("64m");
    stored(&bed, 20_000).await;
    running.stop().await;
    assert_eq!(bed.number("SELECT count(*) FROM rejects").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_is_counted_by_minute_and_told_when_it_is_committed() {
    let bed = Testbed::start().await;
    let topic = bed.kafka(&[]).topics.new_data;
    tables(&bed).await;
    let mut listener = PgListener::connect_with(bed.pool())
        .await
        .expect("connects");
    listener
        .listen(ledger::arrivals::CHANNEL)
        .await
        .expect("listens");
    let running = loader(&bed);
    let mut messages = listings(0..300);
    messages.push(("broken".to_owned(), b"{".to_vec()));
    bed.send(&topic, &messages).await;
    let (mut stored, mut rejected) = (0, 0);
    while stored + rejected < 301 {
        let notification = tokio::time::timeout(LIMIT, listener.recv()).await;
        let notification = notification.expect("told in time").expect("a notification");
        let payload: Value = serde_json::from_str(notification.payload()).expect("JSON");
        assert_eq!(payload["table"], "listings");
        stored += payload["stored"].as_u64().expect("a number");
        rejected += payload["rejected"].as_u64().expect("a number");
    }
    assert_eq!((stored, rejected), (300, 1));
    assert_eq!(
        bed.number("SELECT sum(stored)::bigint FROM arrivals").await,
        300
    );
    assert_eq!(
        bed.number("SELECT sum(rejected)::bigint FROM arrivals")
            .await,
        1
    );
    let metrics = running.text("/metrics").await;
    for name in [
        "hedonic_loader_received_total",
        "hedonic_loader_received_bytes_total",
        "hedonic_loader_commits_total",
        "hedonic_loader_batch_records_bucket",
        "hedonic_loader_stage_seconds_bucket{stage=\"copy\"",
        "hedonic_loader_stage_seconds_bucket{stage=\"commit\"",
    ] {
        assert!(metrics.contains(name), "{name} is not among\n{metrics}");
    }
    running.stop().await;
}

/// A disk of four megabytes.
struct Disk {
    path: std::path::PathBuf,
}

impl Disk {
    fn mount(path: &Path) -> Option<Disk> {
        let path = path.to_owned();
        let mounted = mount(&["-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs"], &path);
        mounted.then_some(Disk { path })
    }

    fn remount(&self, size: &str) {
        let option = format!("remount,size={size}");
        assert!(mount(&["-o", &option], &self.path), "the disk grows");
    }

    /// A directory on it that PostgreSQL may use.
    async fn give_to_the_owner_of(&self, bed: &Testbed) {
        let data: String = sqlx::query_scalar("SHOW data_directory")
            .fetch_one(bed.pool())
            .await
            .expect("PostgreSQL says where its data are");
        let space = self.path.join("space");
        std::fs::create_dir(&space).expect("makes a directory");
        let owner = std::fs::metadata(data).expect("the data are there");
        use std::os::unix::fs::MetadataExt;
        std::os::unix::fs::chown(&space, Some(owner.uid()), Some(owner.gid())).expect("gives it");
        let parent = self.path.parent().expect("it lies somewhere");
        use std::os::unix::fs::PermissionsExt;
        assert!(parent.metadata().expect("is there").permissions().mode() & 0o001 != 0);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: PostgreSQL may still have files open.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

fn mount(flags: &[&str], path: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(flags).arg(path);
    command.output().is_ok_and(|output| output.status.success())
}
