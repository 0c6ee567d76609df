//! Wines go through the same services by a schema file and settings alone, as docs/recipes/wine.md says:
//! they are stored, a class is learned, a sweep's best takes over, and what was held back is told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::{Layered, Shutdown};
use model_prepare::{SamplerKind, Sweep};
use producer_emulator::replay::{Account, Job, Part, Summary, replay};
use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};
use valuation::ClassMetrics;

const LIMIT: Duration = Duration::from_secs(180);
const ROWS: u64 = 1500;
/// Every fifth wine is not stored, but asked for.
const HELD_BACK: f64 = 0.2;
const TRIALS: usize = 4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The recipe's made wines, and which are good.
fn wines(home: &Path) -> (PathBuf, BTreeMap<String, bool>) {
    let made = Command::new("awk")
        .args(["-v", &format!("rows={ROWS}"), "-f"])
        .arg(root().join("docs/recipes/wine.awk"))
        .output()
        .expect("awk is there, as on any Unix");
    assert!(made.status.success(), "{made:?}");
    let text = String::from_utf8(made.stdout).expect("text");
    let quality = |line: &str| -> (String, bool) {
        let (record, quality) = line.rsplit_once(',').expect("a quality at the end");
        let id = record.split(',').next().expect("an id at the start");
        (id.to_owned(), quality.parse::<u8>().expect("a number") >= 7)
    };
    let good: BTreeMap<String, bool> = text.lines().skip(1).map(quality).collect();
    assert_eq!(good.len() as u64, ROWS);
    let path = home.join("wines.csv");
    std::fs::write(&path, text).expect("the file can be written");
    (path, good)
}

/// The recipe's settings on the servers of this test.
fn settings(bed: &Testbed) -> Layered {
    let schema = root().join("schemas/wine.toml").display().to_string();
    let flags = bed.flags(&[("schema.source", &schema), ("prepare.sweep.warmup", "2")]);
    let pairs: Vec<(String, String)> = flags
        .iter()
        .filter_map(|flag| flag.strip_prefix("--set=")?.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let file = root().join("config/wine.toml");
    Layered::load(Some(&file), &pairs).expect("the settings are valid")
}

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

/// Probabilities said of wines, and which are good.
fn pairs(answers: &[Value], good: &BTreeMap<String, bool>) -> (Vec<f64>, Vec<bool>) {
    let pair = |answer: &Value| {
        let id = answer["id"].as_str().expect("an id");
        let said = answer["prediction"].as_f64().expect("a probability");
        assert_eq!(answer["class"].as_bool(), Some(said >= 0.5), "{answer}");
        (said, good[id])
    };
    answers.iter().map(pair).unzip()
}

#[tokio::test(flavor = "multi_thread")]
async fn wines_are_stored_learned_from_and_told_and_a_sweeps_best_takes_over() {
    let bed = Testbed::start().await;
    let home = tempfile::tempdir().expect("a temporary directory");
    let (file, good) = wines(home.path());
    let settings = settings(&bed);

    let config = data_loader::Config::new(&settings).expect("valid settings");
    let loader = Running::start(|listener, leave| data_loader::run(config, listener, leave));
    eventually("the loader is ready", LIMIT, || loader.is_ready()).await;
    let sent = send(&settings, &file, "new_data", Part::Rest(HELD_BACK)).await;
    eventually("the wines are stored", LIMIT, || async {
        bed.number("SELECT count(*) FROM wines").await == sent.sent as i64
    })
    .await;

    let config = model_prepare::Config::new(&settings).expect("valid settings");
    let trained = model_prepare::train_on_database(&config, bed.pool()).await;
    let trained = trained.expect("a class is learned");
    let told = trained.table();
    for part in [
        "AUC",
        "a constant probability of",
        "at threshold 0.5 for \"good\"",
        "promoted: ",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let report = trained.report.class().expect("a class's report").clone();
    let names: Vec<&str> = report.members.iter().map(|own| own.name.as_str()).collect();
    assert_eq!(names, ["logistic", "boosted", "forest"]);
    assert!(report.model.auc.value > 0.8, "{:?}", report.model);

    let applier_config = model_application::Config::new(&settings).expect("valid settings");
    let applier =
        Running::start(|listener, leave| model_application::run(applier_config, listener, leave));
    eventually("the applier has a model", LIMIT, || applier.is_ready()).await;
    let asked = send(&settings, &file, "requests", Part::HeldBack(HELD_BACK)).await;
    eventually("all are answered", LIMIT, || async {
        bed.number("SELECT count(*) FROM answers").await == asked.sent as i64
    })
    .await;
    let answers = bed.kafka(&[]).topics.answers;
    let topic = bed.receive(&answers, asked.sent as usize, LIMIT).await;
    let answers: Vec<Value> = topic.iter().map(|answer| answer.json()).collect();
    for answer in &answers {
        assert_eq!(answer["model"], "wine@v000001", "{answer}");
        assert_eq!(answer["threshold"], 0.5, "{answer}");
        for absent in ["low", "high", "confidence", "unit"] {
            assert!(answer.get(absent).is_none(), "{answer}");
        }
    }
    let (said, classes) = pairs(&answers, &good);
    let live = ClassMetrics::of(&said, &classes, 0.5).expect("both classes");
    assert!(live.auc.value > 0.8, "{live:?}");
    assert!(live.log_loss < report.baseline.log_loss, "{live:?}");
    let ranges = "SELECT count(*) FROM answers WHERE low IS NOT NULL OR high IS NOT NULL";
    assert_eq!(bed.number(ranges).await, 0);

    // Settings side by side; the best takes over without a restart.
    let sweep = Sweep {
        name: "wines".to_owned(),
        data: Some(file.clone()),
        trials: TRIALS,
        parallel: 2,
        time_limit: None,
        sampler: SamplerKind::Tpe,
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
    assert!(weak.get("explanation").is_none(), "{weak}");
    let (_, refused) = applier.post("/predict", &wine(130.0).to_string()).await;
    assert!(
        refused.to_string().contains("between 0 and 30 %"),
        "{refused}"
    );
    let (code, quality) = applier.get("/quality").await;
    assert_eq!(code, 200, "{quality}");

    for service in [loader, applier] {
        service.stop().await;
    }
}
