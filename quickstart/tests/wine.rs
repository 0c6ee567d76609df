//! Wines go through the same services by a schema file and settings alone, as docs/recipes/wine.md says:
//! they are stored, a classifier is trained, a sweep's best takes over, and the held-back wines are classified.

mod recipe;

use std::collections::BTreeMap;

use model_prepare::{SamplerKind, Sweep, TrialLedger};
use producer_emulator::replay::Part;
use recipe::{LIMIT, Recipe, generate};
use serde_json::{Value, json};
use testbed::eventually;
use valuation::ClassMetrics;

const ROWS: u64 = 1500;
/// Every fifth wine is not stored, but asked for.
const HELD_BACK: f64 = 0.2;
const TRIALS: usize = 4;

/// The recipe's generated wines as CSV, and which are good.
fn wines() -> (String, BTreeMap<String, bool>) {
    let text = generate("wine.awk", &[("rows", &ROWS.to_string())]);
    let quality = |line: &str| -> (String, bool) {
        let (record, quality) = line.rsplit_once(',').expect("a quality at the end");
        let id = record.split(',').next().expect("an id at the start");
        (id.to_owned(), quality.parse::<u8>().expect("a number") >= 7)
    };
    let good: BTreeMap<String, bool> = text.lines().skip(1).map(quality).collect();
    assert_eq!(good.len() as u64, ROWS);
    (text, good)
}

/// The predicted probabilities of wines, and which are good.
fn pairs(answers: &[Value], good: &BTreeMap<String, bool>) -> (Vec<f64>, Vec<bool>) {
    let pair = |answer: &Value| {
        let id = answer["id"].as_str().expect("an id");
        let predicted = answer["prediction"].as_f64().expect("a probability");
        assert_eq!(
            answer["class"].as_bool(),
            Some(predicted >= 0.5),
            "{answer}"
        );
        (predicted, good[id])
    };
    answers.iter().map(pair).unzip()
}

#[tokio::test(flavor = "multi_thread")]
async fn wines_are_stored_and_classified_and_a_sweeps_best_takes_over() {
    let (text, good) = wines();
    let recipe = Recipe::start("wine", "wine", &[("prepare.sweep.warmup", "2")]).await;
    let file = recipe.file("wines.csv", &text);

    let loader = recipe.loader().await;
    let sent = recipe.send(&file, "new_data", Part::Rest(HELD_BACK)).await;
    recipe.rows("wines", sent.sent).await;

    let config = model_prepare::Config::new(&recipe.settings).expect("valid settings");
    let trained = model_prepare::train_on_database(&config, recipe.bed.pool()).await;
    let trained = trained.expect("a class is learned");
    let table = trained.table();
    for part in [
        "AUC",
        "a constant probability of",
        "at threshold 0.5 for \"good\"",
        "promoted: ",
    ] {
        assert!(table.contains(part), "{table}");
    }
    let report = trained.report.class().expect("a class's report").clone();
    let names: Vec<&str> = report
        .members
        .iter()
        .map(|member| member.name.as_str())
        .collect();
    assert_eq!(names, ["logistic", "boosted", "forest"]);
    assert!(report.model.auc.value > 0.8, "{:?}", report.model);

    let applier = recipe.applier();
    eventually("the applier has a model", LIMIT, || applier.is_ready()).await;
    let requested = recipe
        .send(&file, "requests", Part::HeldBack(HELD_BACK))
        .await;
    let answers = recipe.answers(requested.sent).await;
    for answer in &answers {
        assert_eq!(answer["model"], "wine@v000001", "{answer}");
        assert_eq!(answer["threshold"], 0.5, "{answer}");
    }
    recipe.check_no_intervals(&answers).await;
    let (predicted, classes) = pairs(&answers, &good);
    let live = ClassMetrics::of(&predicted, &classes, 0.5).expect("both classes");
    assert!(live.auc.value > 0.8, "{live:?}");
    assert!(live.log_loss < report.baseline.log_loss, "{live:?}");

    // Settings side by side; the best takes over without a restart.
    let sweep = Sweep {
        name: "wines".to_owned(),
        data: Some(file.clone()),
        trials: TRIALS,
        parallel: 2,
        round: 2,
        time_limit: None,
        sampler: SamplerKind::Tpe,
        ledger: TrialLedger::Directory,
        lease: std::time::Duration::from_secs(60),
    };
    let found = tokio::task::spawn_blocking(move || {
        let swept = model_prepare::sweep(&config, &sweep)?;
        let registry = registry::open(&config.registry)?;
        let promoted = model_prepare::promote(
            &*registry,
            &config.prepare,
            "challenger",
            true,
            "test",
            "best of the sweep",
        );
        promoted.map(|_| swept)
    });
    let swept = found
        .await
        .expect("it ends")
        .expect("it is swept and promoted");
    assert_eq!(swept.json["trials"].as_array().map(Vec::len), Some(TRIALS));
    assert_eq!(swept.json["version"], "v000002", "{}", swept.text);
    eventually("the sweep's best answers", LIMIT, || async {
        let (_, status) = applier.get("/status").await;
        status["model"] == "wine@v000002"
    })
    .await;
    let (_, status) = applier.get("/status").await;
    assert!(status["holdout_auc"].as_f64() > Some(0.8), "{status}");

    // Over HTTP as over Kafka; what is not known is not asked for.
    let wine = |alcohol: f64| json!({"id": format!("of {alcohol} %"), "colour": "red", "alcohol": alcohol});
    let (code, strong) = applier.post("/predict", &wine(13.5).to_string()).await;
    assert_eq!(code, 200, "{strong}");
    let (_, weak) = applier
        .post("/predict?explain=3", &wine(9.0).to_string())
        .await;
    assert!(
        strong["prediction"].as_f64() > weak["prediction"].as_f64(),
        "{strong} {weak}"
    );
    let explanation = &weak["explanation"];
    let amounts = explanation["reasons"].as_array().expect("reasons").iter();
    let amounts = amounts.map(|reason| reason["amount"].as_f64().expect("a number"));
    let sum = explanation["base"].as_f64().expect("a number") + amounts.sum::<f64>();
    let probability = weak["prediction"].as_f64().expect("a number");
    assert!(
        (sum - (probability / (1.0 - probability)).ln()).abs() < 1e-6,
        "{weak}"
    );
    assert_eq!(explanation["scale"], "log odds", "{weak}");
    let (_, refused) = applier.post("/predict", &wine(130.0).to_string()).await;
    assert!(
        refused.to_string().contains("between 0 and 30 %"),
        "{refused}"
    );
    let (code, quality) = applier.get("/quality").await;
    assert_eq!(code, 200, "{quality}");

    recipe::stop([loader, applier]).await;
}
