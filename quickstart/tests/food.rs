//! Foods go through the same services by a schema file and settings alone, as docs/recipes/food.md says:
//! they are stored, clusters are found, and every food, stored or new, is put into one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::{Layered, Shutdown};
use producer_emulator::replay::{Account, Job, Part, Summary, replay};
use registry::{Directory, RegistryConfig};
use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};
use valuation::Clusters;

const LIMIT: Duration = Duration::from_secs(180);
const ROWS: u64 = 1200;
/// Every tenth food is not stored, but asked for.
const HELD_BACK: f64 = 0.1;
const KINDS: usize = 5;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The recipe's made foods, and by id what each was made of.
fn foods(home: &Path) -> (PathBuf, BTreeMap<String, String>) {
    let made = Command::new("awk")
        .args(["-v", &format!("rows={ROWS}"), "-v", "key=1", "-f"])
        .arg(root().join("docs/recipes/food.awk"))
        .output()
        .expect("awk is there, as on any Unix");
    assert!(made.status.success(), "{made:?}");
    let text = String::from_utf8(made.stdout).expect("text");
    let (mut file, mut kinds) = (String::new(), BTreeMap::new());
    for line in text.lines() {
        let (record, kind) = line.rsplit_once(',').expect("a kind at the end");
        let id = record.split(',').next().expect("an id at the start");
        if !id.is_empty() {
            kinds.insert(id.to_owned(), kind.to_owned());
        }
        file.push_str(record);
        file.push('\n');
    }
    assert!(file.starts_with(",completeness,energy-kcal_100g,"));
    assert_eq!(kinds.len() as u64, ROWS);
    let path = home.join("foods.csv");
    std::fs::write(&path, file).expect("the file can be written");
    (path, kinds)
}

/// The recipe's settings on the servers of this test.
fn settings(bed: &Testbed) -> Layered {
    let schema = root().join("schemas/food.toml").display().to_string();
    let flags = bed.flags(&[("schema.source", &schema)]);
    let pairs: Vec<(String, String)> = flags
        .iter()
        .filter_map(|flag| flag.strip_prefix("--set=")?.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let file = root().join("config/food.toml");
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

/// How many of the foods are in the cluster of most of their kind.
fn agreeing(found: &[(String, f64)], kinds: &BTreeMap<String, String>) -> usize {
    let mut counts: BTreeMap<&str, BTreeMap<u64, usize>> = BTreeMap::new();
    for (id, cluster) in found {
        let of_kind = counts.entry(&kinds[id]).or_default();
        *of_kind.entry(*cluster as u64).or_default() += 1;
    }
    let most = |of_kind: &BTreeMap<u64, usize>| {
        let most = of_kind.iter().max_by_key(|(_, count)| **count);
        most.map(|(cluster, count)| (*cluster, *count))
    };
    let most: Vec<(u64, usize)> = counts.values().filter_map(most).collect();
    let mut clusters: Vec<u64> = most.iter().map(|(cluster, _)| *cluster).collect();
    clusters.sort_unstable();
    assert_eq!(
        clusters,
        [0, 1, 2, 3, 4],
        "a cluster for each kind: {counts:?}"
    );
    most.iter().map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn foods_are_stored_clustered_and_put_into_their_clusters() {
    let bed = Testbed::start().await;
    let home = tempfile::tempdir().expect("a temporary directory");
    let (file, kinds) = foods(home.path());
    let settings = settings(&bed);

    let config = data_loader::Config::new(&settings).expect("valid settings");
    let loader = Running::start(|listener, leave| data_loader::run(config, listener, leave));
    eventually("the loader is ready", LIMIT, || loader.is_ready()).await;
    let sent = send(&settings, &file, "new_data", Part::Rest(HELD_BACK)).await;
    assert!(sent.rejected > 0, "222 g of fat in 100 g: {sent}");
    eventually("the foods are stored", LIMIT, || async {
        bed.number("SELECT count(*) FROM foods").await == sent.sent as i64
    })
    .await;

    let config = model_prepare::Config::new(&settings).expect("valid settings");
    let trained = model_prepare::train_on_database(&config, bed.pool()).await;
    let trained = trained.expect("clusters are found");
    let told = trained.table();
    for part in ["the best silhouette", "cluster 4", "fat_100g", "promoted: "] {
        assert!(told.contains(part), "{told}");
    }
    let config: RegistryConfig = settings.section("registry").expect("a section");
    let versions = Directory::new(&config.path).versions().expect("reads");
    let clusters = Clusters::load(&versions[0].path).expect("the version loads");
    let report = clusters.report();
    assert_eq!(report.rows as u64, sent.sent);
    assert_eq!(report.clusters, KINDS, "{:?}", report.tried);
    assert_eq!(report.features.len(), 9);
    assert!(report.silhouette > 0.9, "{}", report.silhouette);

    let config = model_application::Config::new(&settings).expect("valid settings");
    let applier = Running::start(|listener, leave| model_application::run(config, listener, leave));
    eventually("the applier has the clusters", LIMIT, || applier.is_ready()).await;
    let asked = send(&settings, &file, "requests", Part::HeldBack(HELD_BACK)).await;
    eventually("all are answered", LIMIT, || async {
        bed.number("SELECT count(*) FROM answers").await == asked.sent as i64
    })
    .await;
    let answers = bed.kafka(&[]).topics.answers;
    let topic = bed.receive(&answers, asked.sent as usize, LIMIT).await;
    assert_eq!(topic.len() as u64, asked.sent);
    let answers: Vec<Value> = topic.iter().map(|answer| answer.json()).collect();
    for answer in &answers {
        assert_eq!(answer["model"], "food@v000001", "{answer}");
        for absent in ["low", "high", "confidence", "unit"] {
            assert!(answer.get(absent).is_none(), "{answer}");
        }
    }
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let found: Vec<(String, f64)> = answers
        .iter()
        .map(|answer| {
            (
                text(&answer["id"]),
                answer["prediction"].as_f64().expect("a number"),
            )
        })
        .collect();
    let right = agreeing(&found, &kinds);
    assert!(
        right as f64 >= 0.97 * found.len() as f64,
        "{right} of {}",
        found.len()
    );
    let ranges = "SELECT count(*) FROM answers WHERE low IS NOT NULL OR high IS NOT NULL";
    assert_eq!(bed.number(ranges).await, 0);

    // Over HTTP the same, and texts with their unit are numbers.
    let oil = json!({"id": "oil", "energy_kcal_100g": 884, "energy_100g": "3,699 kJ",
        "fat_100g": "100 g", "saturated_fat_100g": 14});
    let (code, answer) = applier.post("/predict", &oil.to_string()).await;
    assert_eq!(code, 200, "{answer}");
    assert_eq!(answer["prediction"], 4, "the fewest are oils: {answer}");
    let wrong = json!({"id": "wrong", "fat_100g": 222});
    let (_, refused) = applier.post("/predict", &wrong.to_string()).await;
    assert!(
        refused.to_string().contains("between 0 and 100 g"),
        "{refused}"
    );
    let (code, interface) = applier.get("/openapi.json").await;
    assert_eq!(code, 200);
    assert!(interface.to_string().contains("saturated_fat_100g"));
    let (code, status) = applier.get("/status").await;
    assert_eq!(code, 200, "{status}");

    for service in [loader, applier] {
        service.stop().await;
    }
}
