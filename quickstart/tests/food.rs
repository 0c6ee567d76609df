//! Foods go through the same services by a schema file and settings alone, as docs/recipes/food.md says:
//! they are stored, clusters are found, and every food, stored or new, is put into one.

mod recipe;

use std::collections::BTreeMap;

use producer_emulator::replay::Part;
use recipe::{LIMIT, Recipe, generate};
use serde_json::{Value, json};
use testbed::eventually;
use valuation::Clusters;

const ROWS: u64 = 1200;
/// Every tenth food is not stored, but asked for.
const HELD_BACK: f64 = 0.1;
const KINDS: usize = 5;

/// The recipe's generated foods as CSV, and the kind of each by its id.
fn foods() -> (String, BTreeMap<String, String>) {
    let text = generate("food.awk", &[("rows", &ROWS.to_string()), ("key", "1")]);
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
    (file, kinds)
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
    let (text, kinds) = foods();
    let recipe = Recipe::start("food", "food", &[]).await;
    let file = recipe.file("foods.csv", &text);

    let loader = recipe.loader().await;
    let sent = recipe.send(&file, "new_data", Part::Rest(HELD_BACK)).await;
    assert!(sent.rejected > 0, "222 g of fat in 100 g: {sent}");
    recipe.rows("foods", sent.sent).await;

    let config = model_prepare::Config::new(&recipe.settings).expect("valid settings");
    let trained = model_prepare::train_on_database(&config, recipe.bed.pool()).await;
    let trained = trained.expect("clusters are found");
    let table = trained.table();
    for part in ["the best silhouette", "cluster 4", "fat_100g", "promoted: "] {
        assert!(table.contains(part), "{table}");
    }
    let versions = recipe.versions();
    let clusters = Clusters::load(&versions[0].path).expect("the version loads");
    let report = clusters.report();
    assert_eq!(report.rows as u64, sent.sent);
    assert_eq!(report.clusters, KINDS, "{:?}", report.tried);
    assert_eq!(report.features.len(), 9);
    assert!(report.silhouette > 0.9, "{}", report.silhouette);

    let applier = recipe.applier();
    eventually("the applier has the clusters", LIMIT, || applier.is_ready()).await;
    let requested = recipe
        .send(&file, "requests", Part::HeldBack(HELD_BACK))
        .await;
    let answers = recipe.answers(requested.sent).await;
    for answer in &answers {
        assert_eq!(answer["model"], "food@v000001", "{answer}");
    }
    recipe.check_no_intervals(&answers).await;
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

    recipe::stop([loader, applier]).await;
}
