//! What every home must do.

use std::fs;
use std::path::Path;

use registry::{Action, Alias, Artifact, Reason, Registry, RegistryError, Run, RunStatus};
use serde_json::json;

/// Writes a model of two files with their checksums.
pub fn model(path: &Path, text: &str) -> Result<(), registry::BoxError> {
    let mut sums = String::new();
    for file in ["model.json", "golden.json"] {
        let content = format!("{text} {file}");
        fs::write(path.join(file), &content)?;
        use sha2::Digest;
        let digest = sha2::Sha256::digest(content.as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        sums.push_str(&format!("{digest}  {file}\n"));
    }
    Ok(fs::write(path.join("SHA256SUMS"), sums)?)
}

fn reason(why: &str) -> Reason {
    Reason {
        who: "the test".to_owned(),
        why: why.to_owned(),
        evidence: json!({ "error": 0.08, "rows": [1, 2, 3] }),
    }
}

pub fn contract(registry: &dyn Registry) {
    assert!(registry.versions().expect("reads").is_empty());
    assert_eq!(registry.champion().expect("reads"), None);
    assert!(registry.aliases().expect("reads").is_empty());
    assert!(registry.history().expect("reads").is_empty());
    assert_eq!(registry.run("0123abcd").expect("reads"), None);
    let error = registry
        .promote(1, &reason("too early"))
        .expect_err("there is none");
    assert!(error.to_string().contains("v000001"), "{error}");

    let first = runs(registry);
    versions(registry, &first);
    decisions(registry);
    deletion(registry);
}

/// Logs runs and reads them back; gives the id of the first.
fn runs(registry: &dyn Registry) -> String {
    let home = tempfile::tempdir().expect("temporary directory");
    let report = home.path().join("report.html");
    fs::write(&report, "<html>").expect("file");
    let mut run = Run::start("a training");
    run.param("linear.kind", "linear");
    run.tags
        .insert("schema".to_owned(), "real-estate".to_owned());
    registry.log_run(&run, &[]).expect("logs");
    for fold in 0..5 {
        run.measure("fold.rmsle", fold, 0.1 + fold as f64 / 100.0);
    }
    run.measure("rmsle", 0, 0.125);
    run.measure("nothing", 0, f64::NAN);
    run.end(RunStatus::Finished);
    let artifact = Artifact {
        name: "report/page.html".to_owned(),
        path: report,
    };
    for _ in 0..2 {
        registry
            .log_run(&run, std::slice::from_ref(&artifact))
            .expect("logs, once or twice");
    }
    let mut found = registry.run(&run.id).expect("reads").expect("is there");
    found
        .measures
        .sort_by_key(|measure| (measure.key.clone(), measure.step));
    let mut expected = run.clone();
    expected
        .measures
        .sort_by_key(|measure| (measure.key.clone(), measure.step));
    assert_eq!(found, expected);
    assert_eq!(found.value("fold.rmsle"), Some(0.14));
    let page = registry
        .artifact(&run.id, "report/page.html")
        .expect("reads")
        .expect("is kept");
    assert_eq!(fs::read_to_string(page).expect("reads"), "<html>");
    for name in ["report/other.html", "other", "../run.json"] {
        assert_eq!(registry.artifact(&run.id, name).expect("reads"), None);
    }

    let mut part = Run::start("a trial");
    part.parent = Some(run.id.clone());
    part.started_ms = run.started_ms + 1000;
    part.end(RunStatus::Killed);
    registry.log_run(&part, &[]).expect("logs");
    let all = registry.runs().expect("reads");
    let ids: Vec<&str> = all.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, [&part.id, &run.id], "the newest first");
    assert_eq!(all[0].parent.as_ref(), Some(&run.id));
    assert_eq!(all[0].status, RunStatus::Killed);
    registry.delete_run(&part.id).expect("deletes");
    registry.delete_run("0123abcd").expect("there is none");
    assert_eq!(registry.runs().expect("reads").len(), 1);
    run.id
}

fn versions(registry: &dyn Registry, run: &str) {
    let published = registry
        .publish_from(Some(run), &mut |path| model(path, "first"))
        .expect("publishes");
    assert_eq!(published.number, 1);
    for text in ["second", "third", "fourth"] {
        registry
            .publish_from(None, &mut |path| model(path, text))
            .expect("publishes");
    }
    let error = registry
        .publish_from(None, &mut |path| {
            model(path, "half")?;
            Err("no room".into())
        })
        .expect_err("it was not written");
    assert!(matches!(error, RegistryError::Write(_)), "{error}");
    let numbers: Vec<u64> = registry
        .versions()
        .expect("reads")
        .iter()
        .map(|version| version.number)
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let champion = registry.champion().expect("reads").expect("the newest");
    assert_eq!(champion.number, 4);

    let second = registry.version(2).expect("reads").expect("is there");
    let path = registry.fetch(&second).expect("fetches");
    let text = fs::read_to_string(path.join("model.json")).expect("reads");
    assert_eq!(text, "second model.json");
    assert_eq!(registry.version(9).expect("reads"), None);

    registry.tag(1, "note", "kept for its age").expect("tags");
    registry.tag(1, "other", "x").expect("tags");
    registry.tag(1, "other", "").expect("takes the tag away");
    registry.tag(9, "note", "x").expect_err("there is none");
    let info = registry.info(1).expect("reads");
    assert_eq!(info.run.as_deref(), Some(run));
    assert_eq!(info.tags.len(), 1);
    assert_eq!(info.tags["note"], "kept for its age");
    let year_2020_ms = 1_577_836_800_000;
    assert!(info.created_ms > year_2020_ms, "{info:?}");
}

fn decisions(registry: &dyn Registry) {
    let champion = || {
        registry
            .champion()
            .expect("reads")
            .map(|version| version.number)
    };
    let alias = |alias| registry.aliases().expect("reads").get(&alias).copied();
    let error = registry
        .rollback("the test", "there is no alias yet")
        .expect_err("nothing to go back to");
    assert!(matches!(error, RegistryError::NoPrevious { .. }), "{error}");

    registry.promote(1, &reason("the first")).expect("promotes");
    assert_eq!((champion(), alias(Alias::Previous)), (Some(1), Some(4)));
    registry.promote(2, &reason("better")).expect("promotes");
    assert_eq!((champion(), alias(Alias::Previous)), (Some(2), Some(1)));
    registry.keep(3, &reason("worse")).expect("keeps");
    assert_eq!((champion(), alias(Alias::Challenger)), (Some(2), Some(3)));
    registry
        .promote(3, &reason("all the same"))
        .expect("promotes");
    assert_eq!((champion(), alias(Alias::Challenger)), (Some(3), None));
    assert_eq!(alias(Alias::Previous), Some(2));

    let back = registry
        .rollback("the test", "live errors")
        .expect("rolls back");
    assert_eq!((back.number, champion()), (2, Some(2)));
    assert_eq!(alias(Alias::Previous), Some(1));
    let back = registry.rollback("the test", "again").expect("rolls back");
    assert_eq!((back.number, champion()), (1, Some(1)));

    let history = registry.history().expect("reads");
    let changes: Vec<(u64, Action, u64, Option<u64>)> = history
        .iter()
        .map(|change| (change.number, change.action, change.version, change.from))
        .collect();
    assert_eq!(
        changes,
        [
            (1, Action::Promoted, 1, Some(4)),
            (2, Action::Promoted, 2, Some(1)),
            (3, Action::Kept, 3, Some(2)),
            (4, Action::Promoted, 3, Some(2)),
            (5, Action::RolledBack, 2, Some(3)),
            (6, Action::RolledBack, 1, Some(2)),
        ]
    );
    assert_eq!(history[2].why, "worse");
    assert_eq!(history[2].who, "the test");
    assert_eq!(history[2].evidence["rows"], json!([1, 2, 3]));

    // Evidence too long for a tag.
    let long: Vec<u32> = (0..5000).collect();
    let mut reason = reason("at length");
    reason.evidence = json!(long);
    registry.keep(4, &reason).expect("keeps");
    let history = registry.history().expect("reads");
    assert_eq!(history.last().expect("a change").evidence, json!(long));
}

fn deletion(registry: &dyn Registry) {
    let error = registry.delete(1).expect_err("it is the champion");
    assert!(error.to_string().contains("champion"), "{error}");
    registry.delete(2).expect("nothing names it");
    let error = registry.delete(2).expect_err("it is gone");
    assert!(matches!(error, RegistryError::NoVersion { .. }), "{error}");
    let next = registry
        .publish_from(None, &mut |path| model(path, "fifth"))
        .expect("publishes");
    assert_eq!(next.number, 5);
    let numbers: Vec<u64> = registry
        .versions()
        .expect("reads")
        .iter()
        .map(|version| version.number)
        .collect();
    assert_eq!(numbers, [1, 3, 4, 5]);
}
