//! A schema of task clustering, by the built program: trained, judged by the silhouette, told, reported.

mod made;

use std::path::{Path, PathBuf};
use std::process::Command;

use made::output_text;
use serde_json::Value;
use tempfile::TempDir;
use valuation::{Clusters, TrainedModel};

struct Home(TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().expect("temporary directory"))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The recipe's made foods.
    fn foods(&self, rows: u32, seed: u32) -> String {
        let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recipes/food.awk");
        let mut awk = Command::new("awk");
        awk.arg("-v").arg(format!("rows={rows}"));
        awk.arg("-v").arg(format!("seed={seed}"));
        let made = awk.arg("-f").arg(recipe).output().expect("awk is there");
        assert!(made.status.success(), "{made:?}");
        let file = self.at(&format!("foods-{seed}.csv"));
        std::fs::write(&file, made.stdout).expect("the file can be written");
        file.display().to_string()
    }

    /// The program's output, and whether it succeeded.
    fn run(&self, flags: &[&str]) -> (bool, String) {
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/food.toml");
        // Its own --registry goes away: a command's own flags come before those of all.
        let made = made::command(&self.at("models"), &[]);
        let mut command = Command::new(made.get_program());
        for (name, _) in made.get_envs() {
            command.env_remove(name);
        }
        command.args(flags).arg("--schema").arg(schema);
        let output = command.output().expect("the program runs");
        let (out, error) = output_text(&output);
        (output.status.success(), format!("{out}{error}"))
    }

    fn does(&self, flags: &[&str]) -> String {
        let models = self.at("models").display().to_string();
        let (is_done, printed) = self.run(&[flags, &["--registry", &models]].concat());
        assert!(is_done, "{flags:?}: {printed}");
        printed
    }
}

fn says(printed: &str, parts: &[&str]) {
    for part in parts {
        assert!(printed.contains(part), "{printed}\ndoes not say {part:?}");
    }
}

#[test]
fn clusters_are_found_judged_and_promoted_by_rule_or_force() {
    let home = Home::new();
    let first = home.does(&["--data", &home.foods(900, 7)]);
    says(
        &first,
        &[
            "the best silhouette",
            "cluster 4",
            "saturated_fat_100g",
            "out_of_bounds in fat_100g",
            "promoted: there is no other version yet",
        ],
    );
    let second = home.does(&["--data", &home.foods(1100, 8)]);
    says(
        &second,
        &["promoted: it passes all 1 checks", "silhouette   passes"],
    );

    // Two heaps of five kinds tell less apart than the champion's five.
    let file = home.foods(1000, 9);
    let two = ["--data", &file, "--set", "prepare.clustering.clusters=2"];
    let third = home.does(&two);
    says(
        &third,
        &[
            "set by prepare.clustering.clusters",
            "kept as challenger: it fails silhouette",
            "with 2 clusters, the champion's 0.9",
        ],
    );
    let compared = home.does(&["compare", "3", "champion"]);
    says(
        &compared,
        &["it would not be promoted", "silhouette   FAILS"],
    );
    let forced = home.does(&["promote", "3", "--force", "--why", "two will do"]);
    says(&forced, &["v000003 is the champion"]);
    let versions = home.does(&["versions"]);
    says(&versions, &["clusters", "silhouette"]);
    assert!(!versions.contains("MdAPE"), "{versions}");
    let shown = home.does(&["show", "2"]);
    says(
        &shown,
        &["tried.silhouette", "cluster.rows", "clustering.starts"],
    );

    let directory = home.at("models/v000001");
    let clusters = Clusters::load(&directory).expect("the version loads");
    assert_eq!(clusters.report().clusters, 5);
    assert!(matches!(
        TrainedModel::load(&directory),
        Ok(TrainedModel::Clusters(_))
    ));
    let error = valuation::Model::load(&directory).expect_err("no prices");
    says(
        &error.to_string(),
        &["model.json is not what the format says"],
    );
}

#[test]
fn a_file_is_reported_on_without_a_version() {
    let home = Home::new();
    let (json, html, csv) = (
        home.at("food.json"),
        home.at("food.html"),
        home.at("food.csv"),
    );
    let path = |path: &Path| path.display().to_string();
    let file = home.foods(600, 7);
    let (is_done, printed) = home.run(&[
        "--data",
        &file,
        "--report",
        &path(&json),
        "--html",
        &path(&html),
        "--predictions",
        &path(&csv),
    ]);
    assert!(is_done, "{printed}");
    says(
        &printed,
        &["the best silhouette", "rows rejected by the schema: "],
    );
    let read = |path: &Path| std::fs::read_to_string(path).expect("it was written");
    let report: Value = serde_json::from_str(&read(&json)).expect("JSON");
    assert_eq!(report["clusters"], 5);
    assert_eq!(report["found"].as_array().map(Vec::len), Some(5));
    assert!(report["silhouette"].as_f64() > Some(0.9), "{report}");
    let page = read(&html);
    says(
        &page,
        &[
            "food: clusters of similar records",
            "Silhouette by the number of clusters",
            "Records and centres",
            "cluster 4",
            "Centres",
        ],
    );
    assert!(!page.contains("NaN"), "every mark has a place");
    let predictions = read(&csv);
    let rows = report["rows"].as_u64().expect("a number") as usize;
    assert_eq!(predictions.lines().count(), rows + 1);
    assert!(
        predictions.starts_with("line,prediction\n2,"),
        "{predictions}"
    );
    assert!(!home.at("models").exists(), "no version was asked for");
}
