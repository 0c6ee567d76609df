//! `compare`: two versions on the same rows, by the rule, without consequences.

use anyhow::ensure;
use registry::{Registry, Version};
use report::amount;
use report::text::grid;
use serde_json::json;

use super::{Shown, named};
use crate::config::PrepareConfig;
use crate::promotion::contest::{Contest, Side};
use crate::promotion::judge::judge;

/// Judges the first against the second, on the first's hold-out.
///
/// # Errors
/// When one of them is not there, or the registry cannot be read.
pub fn compare(
    registry: &dyn Registry,
    settings: &PrepareConfig,
    one: &str,
    other: &str,
) -> anyhow::Result<Shown> {
    let (one, other) = (named(registry, one)?, named(registry, other)?);
    ensure!(
        one != other,
        "expected two versions to compare, found {one} twice"
    );
    let seed = settings.seed;
    let verdict = judge(
        registry,
        &settings.promotion,
        one.number,
        Some(&other),
        seed,
    )?;
    let mut text = format!("{one} against {other}: ");
    text += match verdict.passes {
        true => "it would be promoted\n",
        false => "it would not be promoted\n",
    };
    if let Some(contest) = &verdict.contest {
        text += &sides(contest);
        text.push('\n');
    }
    text += &verdict.to_string();
    Ok(Shown {
        text,
        json: json!({
            "one": one.to_string(),
            "other": other.to_string(),
            "verdict": verdict,
        }),
    })
}

fn sides(contest: &Contest) -> String {
    let line = |name: &str, of: &dyn Fn(&Side) -> String| {
        vec![
            name.to_owned(),
            of(&contest.challenger),
            of(&contest.champion),
        ]
    };
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let rows = [
        line("mean |ln|", &|judged| {
            format!("{:.5}", judged.mean_log_error)
        }),
        line("MdAPE", &|judged| percent(judged.metrics.mdape)),
        line("RMSLE", &|judged| format!("{:.5}", judged.metrics.rmsle)),
        line("RMSE", &|judged| amount(judged.metrics.rmse)),
        line("MAE", &|judged| amount(judged.metrics.mae)),
        line("within 10 %", &|judged| percent(judged.metrics.within_10)),
        line("coverage", &|judged| percent(judged.coverage.value)),
        line("µs a row", &|judged| format!("{:.0}", judged.row_us)),
        line("MB", &|judged| format!("{:.2}", judged.bytes as f64 / 1e6)),
    ];
    let name = |side: &Side| Version::name(side.version);
    let (one, other) = (name(&contest.challenger), name(&contest.champion));
    grid(&["", &one, &other], &rows)
}
