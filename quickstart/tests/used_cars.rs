//! Used cars go through the same services by a schema file and settings alone, as
//! docs/recipes/used-cars.md says: batches arrive, each is stored and trained on, what was held back is
//! asked for, its prices become known, and live quality tells how good the answers were.

mod recipe;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::Shutdown;
use producer_emulator::replay::{Account, Batches, Job, Part, Summary, replay};
use recipe::{LIMIT, Recipe, generate, job};
use serde_json::{Value, json};
use testbed::{Running, eventually};
use valuation::Model;

const ROWS: u64 = 1500;
const BATCHES: u64 = 3;
const HELD_BACK: f64 = 0.2;
/// The next batch waits for the test, not for the clock.
const NEVER: Duration = Duration::from_secs(1_000_000);

/// The recipe's generated listings; the first mileage in miles is turned into kilometres.
fn cars() -> String {
    let text = generate("used-cars.awk", &[("rows", &ROWS.to_string())]);
    assert_eq!(text.lines().count() as u64, ROWS + 1);
    assert!(text.contains(" mi\""), "mileages have their unit");
    text.replacen(" mi\"", " km\"", 1)
}

/// Sends one batch of what is not held back, and stops as the next is waited for.
async fn send_batch(recipe: &Recipe, file: &Path, skip: u64, end: u64) -> Summary {
    let job = Job {
        skip,
        batches: Some(Batches {
            count: BATCHES,
            every: NEVER,
        }),
        ..job(file, "new_data", Part::Rest(HELD_BACK))
    };
    let sender = recipe.sender();
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
    let (sent, ()) = tokio::join!(replay(&sender, &job, &account, &shutdown), stopping);
    sent.expect("the batch is sent")
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_trained_on_and_what_was_held_back_is_judged_live() {
    let settings = [
        ("prepare.watch.new_rows", "250"),
        ("prepare.watch.pause_s", "1"),
        ("quality.every_s", "1"),
    ];
    let recipe = Recipe::start("used-cars", "used_cars", &settings).await;
    let file = recipe.file("used_cars.csv", &cars());

    let config = model_prepare::Config::new(&recipe.settings).expect("valid settings");
    let prepare =
        Running::start(|listener, leave| model_prepare::watch(config, None, listener, leave));
    let applier = recipe.applier();
    let loader = recipe.loader().await;

    let (mut stored, mut rejected, mut skip) = (0, 0, 0);
    for batch in 1..=BATCHES {
        let sent = send_batch(&recipe, &file, skip, ROWS * batch / BATCHES).await;
        assert_eq!(sent.batch, Some((batch, BATCHES)), "{sent}");
        (stored, rejected, skip) = (stored + sent.sent, rejected + sent.rejected, sent.position);
        recipe.rows("used_cars", stored).await;
        eventually("the batch is trained on", LIMIT, || async {
            let (_, status) = prepare.get("/status").await;
            assert_eq!(status["failures"], 0, "{status}");
            status["trainings"].as_u64() >= Some(batch) && status["training"] == false
        })
        .await;
    }
    assert_eq!(rejected, 1, "the mileage in kilometres");
    let in_miles = "SELECT count(*) FROM used_cars WHERE mileage > 1000";
    assert!(recipe.bed.number(in_miles).await > stored as i64 / 2);

    let versions = recipe.versions();
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
    let held_back = Part::HeldBack(HELD_BACK);
    let requested = recipe.send(&file, "requests", held_back).await;
    assert_eq!(
        requested.sent + requested.left_out + requested.rejected,
        ROWS
    );
    recipe.rows("answers", requested.sent).await;
    let labels = recipe
        .send(&file, "actuals", Part::HeldBack(HELD_BACK))
        .await;
    assert_eq!(labels.sent, requested.sent);
    let day = async || {
        let (code, quality) = applier.get("/quality?window=24h&segment=").await;
        assert_eq!(code, 200, "{quality}");
        quality["groups"][0].clone()
    };
    eventually("live quality rests on all of them", LIMIT, || async {
        day().await["labelled"].as_u64() == Some(labels.sent)
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

    recipe::stop([loader, prepare, applier]).await;
}
