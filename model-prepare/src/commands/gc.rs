//! `gc`: old versions and their runs go.

use std::collections::BTreeSet;

use registry::{Registry, Run};
use serde_json::json;

use super::Shown;
use super::versions::short;

/// Takes away all versions but the `keep` newest and those that an alias names, with the runs that
/// made them; and of the runs that made no version all but the `keep` newest, parts with their whole.
/// Nothing is taken away where `dry`.
///
/// # Errors
/// When the registry cannot be read or written.
pub fn gc(registry: &dyn Registry, keep: usize, dry: bool) -> anyhow::Result<Shown> {
    let versions = registry.versions()?;
    let named: BTreeSet<u64> = registry.aliases()?.into_values().collect();
    let champion = registry.champion()?.map(|champion| champion.number);
    // The newest stays whatever is requested: its number must not be given twice.
    let old = versions.len().saturating_sub(keep.max(1));
    let (mut gone, mut made) = (Vec::new(), BTreeSet::new());
    for (index, version) in versions.iter().enumerate() {
        let is_used = named.contains(&version.number) || champion == Some(version.number);
        let run = registry.info(version.number)?.run;
        if index < old && !is_used {
            gone.push((version, run));
        } else {
            made.extend(run);
        }
    }
    let runs = registry.runs()?;
    let of_gone: BTreeSet<&str> = gone.iter().filter_map(|(_, run)| run.as_deref()).collect();
    let idle = |run: &&Run| {
        let id = run.id.as_str();
        run.parent.is_none() && !made.contains(id) && !of_gone.contains(id)
    };
    let mut runs_gone: BTreeSet<&str> = of_gone.clone();
    runs_gone.extend(
        runs.iter()
            .filter(idle)
            .skip(keep)
            .map(|run| run.id.as_str()),
    );
    let parts: Vec<&str> = runs
        .iter()
        .filter(|run| {
            run.parent
                .as_deref()
                .is_some_and(|parent| runs_gone.contains(parent))
        })
        .map(|run| run.id.as_str())
        .filter(|id| !made.contains(*id))
        .collect();
    runs_gone.extend(parts);

    if !dry {
        for (version, _) in &gone {
            registry.delete(version.number)?;
        }
        for run in &runs_gone {
            registry.delete_run(run)?;
        }
    }
    let names: Vec<String> = gone
        .iter()
        .map(|(version, _)| version.to_string())
        .collect();
    let ids: Vec<&str> = runs_gone.iter().copied().collect();
    let shorts: Vec<&str> = ids.iter().map(|id| short(id)).collect();
    let would = if dry { "would take away" } else { "took away" };
    let list = |what: &[String]| match what.is_empty() {
        true => "none".to_owned(),
        false => what.join(", "),
    };
    let shorts: Vec<String> = shorts.into_iter().map(str::to_owned).collect();
    Ok(Shown {
        text: format!(
            "{would} versions: {}; runs: {}",
            list(&names),
            list(&shorts)
        ),
        json: json!({ "dry": dry, "versions": names, "runs": ids }),
    })
}
