//! `show`: everything that is known of a version.

use std::fmt::Write as _;

use registry::{Change, Measure, Registry};
use report::text::grid;
use serde_json::json;

use super::{Shown, named, time};
use crate::promotion::verdict::Verdict;

/// A version with its run, its measures and what was decided of it.
///
/// # Errors
/// When there is no such version or the registry cannot be read.
pub fn show(registry: &dyn Registry, which: &str) -> anyhow::Result<Shown> {
    let version = named(registry, which)?;
    let info = registry.info(version.number)?;
    let aliases = registry
        .aliases_of()?
        .remove(&version.number)
        .unwrap_or_default();
    let run = match &info.run {
        Some(id) => registry.run(id)?,
        None => None,
    };
    let decisions: Vec<Change> = registry
        .history()?
        .into_iter()
        .filter(|change| change.version == version.number || change.from == Some(version.number))
        .collect();

    let is: Vec<String> = aliases.iter().map(ToString::to_string).collect();
    let is = match is.is_empty() {
        true => "no alias".to_owned(),
        false => is.join(", "),
    };
    let mut text = format!(
        "{version} ({is}), made {} UTC\nin {}\n",
        time(info.created_ms),
        registry.place()
    );
    // Writing to a String cannot fail.
    for (key, value) in &info.tags {
        let _ = writeln!(text, "{key}: {value}");
    }
    if let Some(run) = &run {
        let _ = writeln!(text, "\nrun {} ({})", run.id, run.name);
        let params = run.params.iter();
        let rows: Vec<Vec<String>> = params
            .map(|(key, value)| vec![key.clone(), value.clone()])
            .collect();
        let _ = writeln!(text, "{}", grid(&["parameter", "value"], &rows));
        let mut measures: Vec<&Measure> = run.measures.iter().collect();
        measures.sort_by(|one, other| (&one.key, one.step).cmp(&(&other.key, other.step)));
        let rows: Vec<Vec<String>> = measures
            .chunk_by(|one, other| one.key == other.key)
            .map(|steps| {
                let values = steps.iter().map(|step| format!("{:.6}", step.value));
                vec![steps[0].key.clone(), values.collect::<Vec<_>>().join("  ")]
            })
            .collect();
        let _ = writeln!(
            text,
            "\n{}",
            grid(&["measure", "value, fold by fold where there are"], &rows)
        );
    }
    for change in &decisions {
        let _ = writeln!(text, "\n{}", decision(change));
        if change.version == version.number
            && let Ok(verdict) = serde_json::from_value::<Verdict>(change.evidence.clone())
        {
            // Its sentence is in the line above.
            let text_of_verdict = verdict.to_string();
            let further = text_of_verdict
                .split_once('\n')
                .map_or("", |(_, further)| further);
            let _ = writeln!(text, "{further}");
        }
    }
    Ok(Shown {
        text: text.trim_end().to_owned(),
        json: json!({
            "version": version.to_string(),
            "info": info,
            "aliases": aliases,
            "run": run,
            "decisions": decisions,
        }),
    })
}

/// A decision in a line.
pub(super) fn decision(change: &Change) -> String {
    let from = match change.from {
        Some(from) if from != change.version => {
            format!(" (champion before: {})", registry::Version::name(from))
        }
        _ => String::new(),
    };
    format!(
        "{} UTC  {} {}{from} by {}: {}",
        time(change.at_ms),
        change.action,
        registry::Version::name(change.version),
        change.who,
        change.why
    )
}
