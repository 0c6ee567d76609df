//! A booster as a base learner of a version, by the built program.

mod made;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use made::{HEADER, csv, listing, output_text, program};
use registry::Directory;
use serde_json::Value;

/// One member of few, or of many, small trees.
fn settings(rounds: usize) -> String {
    format!(
        "[prepare]\nfolds = 3\n\n[[prepare.members]]\nname = \"trees\"\noptions = {{ kind = \"boosted\", growth = \
         \"leaf-wise\", rounds = {rounds}, rate = 0.2, leaves = 8, depth = 5, leaf_rows = 5.0, row_share = 0.8, \
         column_share = 0.8, penalty = 1.0, trusted = 0.9, patience = {rounds} }}\n"
    )
}

fn text(path: &Path) -> String {
    path.to_str().expect("a plain path").to_owned()
}

fn run(registry: &Path, flags: &[&str]) -> Output {
    let mut command = program();
    command.args(flags).arg("--registry").arg(registry);
    command.output().expect("the program runs")
}

#[test]
fn a_booster_that_helps_becomes_a_version_and_one_that_does_not_is_refused() {
    let home = tempfile::tempdir().expect("temporary directory");
    let home = home.path();
    let file = |name: &str| home.join(name);
    std::fs::write(file("listings.csv"), csv(1500)).expect("file");
    let mut judged = format!("{HEADER}\n");
    for id in 1500..2500 {
        writeln!(judged, "{}", listing(id).join(",")).expect("a text");
    }
    std::fs::write(file("judged.csv"), judged).expect("file");
    let (data, booster) = (text(&file("listings.csv")), text(&file("booster.json")));
    let judged = text(&file("judged.csv"));

    // The same rows give both the same columns of trees.
    for (registry, rounds) in [("weak", 3), ("strong", 60)] {
        let config = file(&format!("{registry}.toml"));
        std::fs::write(&config, settings(rounds)).expect("file");
        let flags = [
            "train",
            "--force",
            "--data",
            &data,
            "--config",
            &text(&config),
        ];
        let output = run(&file(registry), &flags);
        let (out, error) = output_text(&output);
        assert_eq!(output.status.code(), Some(0), "{out}{error}");
    }
    let strong = text(&file("strong").join("v000001"));
    let flags = [
        "export", "--model", &strong, "--format", "xgboost", "--to", &booster,
    ];
    let output = run(&file("strong"), &flags);
    assert_eq!(output.status.code(), Some(0), "{:?}", output_text(&output));

    let import = ["import", "--json", "--xgboost", &booster, "--data", &judged];
    let output = run(&file("weak"), &import);
    let (out, error) = output_text(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    let report: Value = serde_json::from_str(&out).expect("one JSON object");
    assert_eq!(report["name"], "xgboost", "{report}");
    let number = |key: &str| report[key].as_f64().expect("a number");
    assert!(number("weight") > 0.5, "{report}");
    assert!(number("with") < 0.9 * number("without"), "{report}");
    let rows = number("weighed_rows") + number("judged_rows");
    assert_eq!(rows, 1000.0, "{report}");

    let registry = Directory::new(file("weak"));
    let versions = registry.versions().expect("reads");
    assert_eq!(versions.len(), 2);
    let model = valuation::Model::load(&versions[1].path).expect("the version loads");
    let names: Vec<&str> = model
        .report()
        .members
        .iter()
        .map(|member| member.name.as_str())
        .collect();
    assert_eq!(names, ["trees", "xgboost"]);
    assert_eq!(model.report().baseline_name, "the model without xgboost");

    // The version that has it already, and one that it does not help.
    let again = run(&file("weak"), &[&import[..], &["--version", "2"]].concat());
    assert_eq!(again.status.code(), Some(1));
    assert!(output_text(&again).1.contains("a new name"), "{again:?}");
    let useless = run(&file("strong"), &import);
    let (out, error) = output_text(&useless);
    assert_eq!(useless.status.code(), Some(1), "{out}");
    assert!(error.contains("not better with the booster"), "{error}");
    let versions = Directory::new(file("strong")).versions().expect("reads");
    assert_eq!(versions.len(), 1);
}
