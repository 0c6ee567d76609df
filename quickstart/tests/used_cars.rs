//! Used cars go through the same services by a schema file and settings alone, as
//! docs/recipes/used-cars.md says: batches arrive, each is stored and trained on, what was held back is
//! asked for, its prices become known, and live quality tells how good the answers were.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::{Layered, Shutdown};
use producer_emulator::replay::{Account, Batches, Job, Part, Summary, replay};
use registry::{Directory, RegistryConfig};
use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};
use valuation::Model;

const LIMIT: Duration = Duration::from_secs(180);
const ROWS: u64 = 1500;
const BATCHES: u64 = 3;
const HELD_BACK: f64 = 0.2;
/// The next batch waits for the test, not for the clock.
const NEVER: Duration = Duration::from_secs(1_000_000);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The recipe's made listings; the first mileage in miles is turned into kilometres.
fn cars(home: &Path) -> PathBuf {
    let made = Command::new("awk")
        .args(["-v", &format!("rows={ROWS}"), "-f"])
        .arg(root().join("docs/recipes/used-cars.awk"))
        .output()
        .expect("awk is there, as on any Unix");
    assert!(made.status.success(), "{made:?}");
    let text = String::from_utf8(made.stdout).expect("text");
    assert_eq!(text.lines().count() as u64, ROWS + 1);
    assert!(text.contains(" mi\""), "mileages have their unit");
    let file = home.join("used_cars.csv");
    std::fs::write(&file, text.replacen(" mi\"", " km\"", 1)).expect("the file can be written");
    file
}

/// The recipe's settings on the servers of this test, with smaller batches.
fn settings(bed: &Testbed) -> Layered {
    let schema = root().join("schemas/used_cars.toml").display().to_string();
    let flags = bed.flags(&[
        ("schema.source", &schema),
        ("prepare.watch.new_rows", "250"),
        ("prepare.watch.pause_s", "1"),
        ("quality.every_s", "1"),
    ]);
    let pairs: Vec<(String, String)> = flags
        .iter()
        .filter_map(|flag| flag.strip_prefix("--set=")?.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let file = root().join("config/used-cars.toml");
    Layered::load(Some(&file), &pairs).expect("the settings are valid")
}

/// A part of the file to a topic, in one go.
async fn send(settings: &Layered, file: &Path, topic: &str, part: Part) -> Summary {
    let job = Job {
        file: file.to_owned(),
        topic: topic.to_owned(),
        rate: None,
        limit: None,
        skip: 0,
        batches: None,
        part,
    };
    let config = producer_emulator::replay::Config::new(settings).expect("valid settings");
    let sent = replay(&config, &job, &Account::default(), &Shutdown::new()).await;
    sent.expect("the file is sent")
}

/// Sends one batch of what is not held back, and stops as the next is waited for.
async fn send_batch(settings: &Layered, file: &Path, skip: u64, end: u64) -> Summary {
    let job = Job {
        file: file.to_owned(),
        topic: "new_data".to_owned(),
        rate: None,
        limit: None,
        skip,
        batches: Some(Batches {
            count: BATCHES,
            every: NEVER,
        }),
        part: Part::Rest(HELD_BACK),
    };
    let config = producer_emulator::replay::Config::new(settings).expect("valid settings");
    let (account, shutdown) = (Account::default(), Shutdown::new());
    let stopping = async {
        eventually("the batch is sent", LIMIT, || async {
            let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
            let done = of(&account.sent) + of(&account.rejected) + of(&account.left_out);
            of(&account.passed) == end && done == end - skip
        })
        .await;
        shutdown.cancel();
    };
    let (sent, ()) = tokio::join!(replay(&config, &job, &account, &shutdown), stopping);
    sent.expect("the batch is sent")
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_trained_on_and_what_was_held_back_is_judged_live() {
    let bed = Testbed::start().await;
    let home = tempfile::tempdir().expect("a temporary directory");
    let file = cars(home.path());
    let settings = settings(&bed);

    let config = data_loader::Config::new(&settings).expect("valid settings");
    let loader = Running::start(|listener, leave| data_loader::run(config, listener, leave));
    let config = model_prepare::Config::new(&settings).expect("valid settings");
    let prepare =
        Running::start(|listener, leave| model_prepare::watch(config, None, listener, leave));
    let config = model_application::Config::new(&settings).expect("valid settings");
    let applier = Running::start(|listener, leave| model_application::run(config, listener, leave));
    eventually("the loader is ready", LIMIT, || loader.is_ready()).await;

    let (mut stored, mut rejected, mut skip) = (0, 0, 0);
    for batch in 1..=BATCHES {
        let sent = send_batch(&settings, &file, skip, ROWS * batch / BATCHES).await;
        assert_eq!(sent.batch, Some((batch, BATCHES)), "{sent}");
        (stored, rejected, skip) = (stored + sent.sent, rejected + sent.rejected, sent.position);
        eventually("the batch is stored", LIMIT, || async {
            bed.number("SELECT count(*) FROM used_cars").await == stored as i64
        })
        .await;
        eventually("the batch is trained on", LIMIT, || async {
            let (_, status) = prepare.get("/status").await;
            assert_eq!(status["failures"], 0, "{status}");
            status["trainings"].as_u64() >= Some(batch) && status["training"] == false
        })
        .await;
    }
    assert_eq!(rejected, 1, "the mileage in kilometres");
    let in_miles = "SELECT count(*) FROM used_cars WHERE mileage > 1000";
    assert!(bed.number(in_miles).await > stored as i64 / 2);

    let config: RegistryConfig = settings.section("registry").expect("a section");
    let versions = Directory::new(&config.path).versions().expect("reads");
    assert!(versions.len() as u64 >= BATCHES, "{versions:?}");
    let newest = versions.last().expect("a version");
    let model = Model::load(&newest.path).expect("the version loads");
    let report = model.report();
    let members: Vec<&str> = report
        .members
        .iter()
        .map(|member| member.name.as_str())
        .collect();
    assert_eq!(members, ["linear", "boosted"]);
    assert!(!report.folds.is_empty(), "weighed across folds");
    let mut dropped: Vec<&str> = report
        .dropped
        .iter()
        .map(|dropped| dropped.field.as_str())
        .collect();
    dropped.sort_unstable();
    assert_eq!(
        dropped,
        [
            "bed_height",
            "combine_fuel_economy",
            "is_cab",
            "is_certified",
            "is_cpo",
            "is_new",
            "listing_id",
            "main_picture_url",
            "vehicle_damage_category",
        ]
    );

    eventually("the applier has a model", LIMIT, || applier.is_ready()).await;
    let asked = send(&settings, &file, "requests", Part::HeldBack(HELD_BACK)).await;
    assert_eq!(asked.sent + asked.left_out + asked.rejected, ROWS);
    eventually("all are answered", LIMIT, || async {
        bed.number("SELECT count(*) FROM answers").await == asked.sent as i64
    })
    .await;
    let told = send(&settings, &file, "actuals", Part::HeldBack(HELD_BACK)).await;
    assert_eq!(told.sent, asked.sent);
    let day = async || {
        let (code, quality) = applier.get("/quality?window=24h&segment=").await;
        assert_eq!(code, 200, "{quality}");
        quality["groups"][0].clone()
    };
    eventually("live quality rests on all of them", LIMIT, || async {
        day().await["labelled"].as_u64() == Some(told.sent)
    })
    .await;
    let found = day().await;
    let mdape = found["figures"]["mdape"]["value"].as_f64();
    assert!(mdape.is_some_and(|mdape| mdape < 0.12), "{found}");
    let metrics = applier.text("/metrics").await;
    assert!(metrics.contains("used-cars@v"), "{metrics}");

    // Over HTTP as everywhere: a text with its unit is the number.
    let price = async |mileage: Value| {
        let record = json!({"vin": format!("mine, {mileage}"), "make_name": "Corvus", "model_name": "Corvus 300",
            "year": 2019, "mileage": mileage, "engine_displacement": "2.9 L"});
        applier.post("/predict", &record.to_string()).await
    };
    let (code, as_text) = price(json!("31,400 mi")).await;
    assert_eq!(code, 200, "{as_text}");
    let (_, as_number) = price(json!(31_400)).await;
    assert_eq!(as_text["prediction"], as_number["prediction"]);
    let (_, unknown) = price(json!("--")).await;
    assert!(unknown["prediction"].is_number(), "{unknown}");
    let (_, refused) = price(json!("50,000 km")).await;
    let refused = refused.to_string();
    assert!(refused.contains("expected it in mi"), "{refused}");

    for service in [loader, prepare, applier] {
        service.stop().await;
    }
}
