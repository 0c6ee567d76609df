//! `versions`: what there is, and which of it answers.

use std::collections::HashMap;

use registry::{Registry, Run};
use report::text::grid;
use serde_json::json;

use super::{Shown, percent, time};

const HEADING: [&str; 12] = [
    "version",
    "made (UTC)",
    "is",
    "MdAPE",
    "RMSLE",
    "coverage",
    "AUC",
    "log loss",
    "clusters",
    "silhouette",
    "rows",
    "run",
];

/// All versions, the oldest first.
///
/// # Errors
/// When the registry cannot be read.
pub fn versions(registry: &dyn Registry) -> anyhow::Result<Shown> {
    let runs: HashMap<String, Run> = registry
        .runs()?
        .into_iter()
        .map(|run| (run.id.clone(), run))
        .collect();
    let champion = registry.champion()?.map(|champion| champion.number);
    let named = registry.aliases_of()?;
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for version in registry.versions()? {
        let info = registry.info(version.number)?;
        let run = info.run.as_ref().and_then(|id| runs.get(id));
        let value = |key: &str| run.and_then(|run| run.value(key));
        let mut aliases: Vec<String> = named
            .get(&version.number)
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect();
        if aliases.iter().all(|alias| alias != "champion") && champion == Some(version.number) {
            aliases.insert(0, "champion (the newest)".to_owned());
        }
        rows.push(vec![
            version.to_string(),
            time(info.created_ms),
            aliases.join(", "),
            percent(value("mdape")),
            four(value("rmsle")),
            percent(value("coverage")),
            four(value("auc")),
            four(value("log_loss")),
            value("clusters").map_or_else(|| "-".to_owned(), |clusters| clusters.to_string()),
            four(value("silhouette")),
            run.and_then(|run| run.params.get("data.rows").cloned())
                .unwrap_or_else(|| "-".to_owned()),
            info.run.as_deref().map_or("-", short).to_owned(),
        ]);
        all.push(json!({
            "version": version.to_string(),
            "number": version.number,
            "created_ms": info.created_ms,
            "champion": champion == Some(version.number),
            "aliases": named.get(&version.number).cloned().unwrap_or_default(),
            "mdape": value("mdape"),
            "rmsle": value("rmsle"),
            "coverage": value("coverage"),
            "auc": value("auc"),
            "log_loss": value("log_loss"),
            "clusters": value("clusters"),
            "silhouette": value("silhouette"),
            "run": info.run,
            "tags": info.tags,
        }));
    }
    let text = match rows.is_empty() {
        true => format!("no version yet in {}", registry.place()),
        false => {
            let (heading, rows) = filled(&HEADING, &rows);
            grid(&heading, &rows)
        }
    };
    Ok(Shown {
        text,
        json: json!({ "place": registry.place(), "versions": all }),
    })
}

/// The columns that have a value: a class has no coverage, prices have no AUC, clusters neither.
fn filled<'a>(heading: &[&'a str], rows: &[Vec<String>]) -> (Vec<&'a str>, Vec<Vec<String>>) {
    let is_filled = |column: &usize| rows.iter().any(|row| row[*column] != "-");
    let columns: Vec<usize> = (0..heading.len()).filter(is_filled).collect();
    let cells = |row: &Vec<String>| columns.iter().map(|column| row[*column].clone()).collect();
    let heading = columns.iter().map(|column| heading[*column]);
    (heading.collect(), rows.iter().map(cells).collect())
}

/// As much of a run's id as people need.
pub(super) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

fn four(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}
