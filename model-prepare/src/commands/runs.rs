//! `runs`: what was tried, the newest first.

use std::collections::BTreeMap;

use registry::{Registry, Run, RunStatus};
use report::text::grid;
use serde_json::json;

use super::versions::short;
use super::{Shown, percent, time};

/// The `last` runs that are not part of another; with `of`, the parts of the run whose id begins so.
///
/// # Errors
/// When the registry cannot be read.
pub fn runs(registry: &dyn Registry, last: usize, of: Option<&str>) -> anyhow::Result<Shown> {
    let all = registry.runs()?;
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    for parent in all.iter().filter_map(|run| run.parent.as_deref()) {
        *parts.entry(parent).or_default() += 1;
    }
    let is_listed = |run: &&Run| match (of, &run.parent) {
        (None, parent) => parent.is_none(),
        (Some(of), Some(parent)) => parent.starts_with(of),
        (Some(_), None) => false,
    };
    let listed: Vec<&Run> = all.iter().filter(is_listed).take(last).collect();
    let rows: Vec<Vec<String>> = listed
        .iter()
        .map(|run| {
            let seconds = run
                .ended_ms
                .map(|ended| (ended - run.started_ms) as f64 / 1e3);
            let parts = parts.get(run.id.as_str());
            vec![
                short(&run.id).to_owned(),
                time(run.started_ms),
                seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1} s")),
                status(run.status).to_owned(),
                run.tags
                    .get("version")
                    .cloned()
                    .unwrap_or_else(|| "-".to_owned()),
                percent(run.value("mdape")),
                match parts {
                    Some(parts) => format!("{} ({parts} parts)", run.name),
                    None => run.name.clone(),
                },
            ]
        })
        .collect();
    let text = match rows.is_empty() {
        true => format!("no run yet in {}", registry.place()),
        false => grid(
            &[
                "run",
                "began (UTC)",
                "took",
                "status",
                "version",
                "MdAPE",
                "what",
            ],
            &rows,
        ),
    };
    Ok(Shown {
        text,
        json: json!({ "place": registry.place(), "runs": listed }),
    })
}

pub(super) fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Finished => "finished",
        RunStatus::Failed => "failed",
        RunStatus::Killed => "stopped",
    }
}
