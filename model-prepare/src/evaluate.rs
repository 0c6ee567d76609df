//! `--report`: fit on a part of a file, judge on the rest, and write every measure down.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use records::{Decoder, Purpose, Schema};
use serde::Serialize;
use valuation::{JudgedRow, Model, Report, SplitBy};

use crate::listings::{self, Listings};
use crate::progress::Stage;
use crate::{Config, html};

/// Single rows timed for the latency.
const SINGLE_ROWS: usize = 2_000;
/// Rows of the batch that is timed: the file's own, repeated.
const BATCH_ROWS: usize = 100_000;
/// Runs of the batch; the median counts.
const BATCH_RUNS: usize = 3;

/// What is to be judged, and where it is written.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// Every measure, as one JSON object.
    pub report: Option<PathBuf>,
    /// A page for people, complete in itself.
    pub html: Option<PathBuf>,
    /// Every row of the file: which side it was on, and what was said of it.
    pub predictions: Option<PathBuf>,
    /// How the rows to judge on are chosen.
    pub split: SplitBy,
    /// Share of the rows to judge on.
    pub test_fraction: f64,
    /// Seed of the split, of folds and of trees.
    pub seed: u64,
    /// Where the judged model is saved too.
    pub registry: Option<PathBuf>,
}

/// How quickly the model answers, through the whole pipeline.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Speed {
    /// Median of one record's way from its columns to its price and range, in microseconds.
    pub one_row_us: f64,
    /// Ninety-ninth percentile of the same.
    pub one_row_p99_us: f64,
    /// The same from the bytes of a JSON record, decoding included.
    pub one_json_us: f64,
    /// Rows a second in batches of 100,000 on all cores.
    pub rows_per_second: f64,
}

/// What an evaluation came to.
#[derive(Debug, Serialize)]
pub struct Evaluated {
    /// Name of the schema.
    pub schema: String,
    /// The program's version.
    pub version: &'static str,
    /// `random` or `time`.
    pub split: &'static str,
    /// Share of the rows judged on.
    pub test_fraction: f64,
    /// Seed of the split.
    pub seed: u64,
    /// Rows that the schema refused.
    pub rows_rejected: usize,
    /// Nominal coverage of the ranges.
    pub interval: f64,
    /// Seconds of the fit: cleaning, features, folds, members, weights, and judging.
    pub fit_seconds: f64,
    /// How quickly it answers.
    pub speed: Speed,
    /// Share of what each value of a row takes from the error, the greatest first.
    pub importance: Vec<(String, f64)>,
    /// Every measure of quality.
    pub report: Report,
}

/// Fits on a part of a file and judges on the rest.
///
/// # Errors
/// When the file cannot be read or learned from, or something cannot be written.
pub fn evaluate(config: &Config, file: &Path, wanted: &Evaluation) -> anyhow::Result<Evaluated> {
    let schema = &config.schema;
    let listings = listings::of_file(file, schema)?;
    let mut options = crate::options(config);
    options.split = wanted.split;
    options.holdout_fraction = wanted.test_fraction;
    options.seed = wanted.seed;
    options.refit = false;
    let stage = Stage::start(format!("fitting on {} rows", listings.batch.num_rows()));
    let (model, report) = valuation::fit(
        schema,
        &listings.batch,
        &options,
        env!("CARGO_PKG_VERSION"),
        records::timestamp::now_us(),
    )?;
    drop(stage);
    let evaluated = Evaluated {
        schema: schema.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        split: match wanted.split {
            SplitBy::Random => "random",
            SplitBy::Time => "time",
        },
        test_fraction: wanted.test_fraction,
        seed: wanted.seed,
        rows_rejected: listings.rejected.len(),
        interval: options.interval,
        fit_seconds: report.fit_seconds,
        speed: speed(&model, schema, &listings)?,
        importance: model.importance(),
        report,
    };
    let write = |path: &Option<PathBuf>, text: &dyn Fn() -> anyhow::Result<String>| match path {
        Some(path) => std::fs::write(path, text()?)
            .with_context(|| format!("cannot write {}", path.display())),
        None => Ok(()),
    };
    write(&wanted.report, &|| {
        Ok(serde_json::to_string_pretty(&evaluated)?)
    })?;
    write(&wanted.html, &|| {
        Ok(html::page(&evaluated, schema, &listings.batch))
    })?;
    write(&wanted.predictions, &|| {
        Ok(predictions(&listings, &evaluated.report))
    })?;
    if let Some(registry) = &wanted.registry {
        registry::Directory::new(registry).publish(|path| model.save(path))?;
    }
    Ok(evaluated)
}

/// A line for each row of the file that the schema took.
fn predictions(listings: &Listings, report: &Report) -> String {
    let rejected: BTreeSet<u64> = listings.rejected.iter().copied().collect();
    // The header is line 1. Texts that span lines would shift what follows them.
    let lines = (2..).filter(|line| !rejected.contains(line));
    let mut judged: Vec<&JudgedRow> = report.judged.iter().collect();
    judged.sort_by_key(|one| one.row);
    let mut judged = judged.into_iter().peekable();
    let mut text = "line,side,actual,value,low,high\n".to_owned();
    for (row, line) in (0..listings.batch.num_rows()).zip(lines) {
        // Writing to a String cannot fail.
        let _ = match judged.next_if(|one| one.row == row) {
            Some(one) => writeln!(
                text,
                "{line},test,{},{},{},{}",
                one.actual, one.value, one.low, one.high
            ),
            None => writeln!(text, "{line},train,,,,"),
        };
    }
    text
}

fn speed(model: &Model, schema: &Schema, listings: &Listings) -> anyhow::Result<Speed> {
    let batch = &listings.batch;
    let rows = batch.num_rows();
    let stride = (rows / SINGLE_ROWS).max(1);
    let single: Vec<usize> = (0..rows).step_by(stride).take(SINGLE_ROWS).collect();
    let (mut one_row, mut one_json) = (Vec::new(), Vec::new());
    for row in &single {
        let own = batch.slice(*row, 1);
        let started = Instant::now();
        model.predict(&own)?;
        one_row.push(started.elapsed().as_secs_f64() * 1e6);
    }
    let mut decoder = Decoder::new(schema, Purpose::Request);
    for row in &single {
        let record = serde_json::to_vec(&records::encode::to_json(batch, *row))?;
        let started = Instant::now();
        if decoder.push(&record, records::timestamp::now_us()).is_ok() {
            model.predict(&decoder.finish().batch)?;
            one_json.push(started.elapsed().as_secs_f64() * 1e6);
        }
    }
    let repeats = BATCH_ROWS.div_ceil(rows);
    let parts = vec![batch; repeats];
    let many = arrow_select::concat::concat_batches(&batch.schema(), parts)?;
    let many = many.slice(0, BATCH_ROWS.min(many.num_rows()));
    let mut runs = Vec::new();
    for _ in 0..BATCH_RUNS {
        let started = Instant::now();
        model.predict(&many)?;
        runs.push(many.num_rows() as f64 / started.elapsed().as_secs_f64());
    }
    let at = |values: &mut Vec<f64>, share: f64| {
        values.sort_by(f64::total_cmp);
        let last = values.len().saturating_sub(1) as f64;
        values
            .get((last * share).round() as usize)
            .copied()
            .unwrap_or(0.0)
    };
    Ok(Speed {
        one_row_us: at(&mut one_row, 0.5),
        one_row_p99_us: at(&mut one_row, 0.99),
        one_json_us: at(&mut one_json, 0.5),
        rows_per_second: at(&mut runs, 0.5),
    })
}

/// The measures as text, for people.
pub fn summary(evaluated: &Evaluated) -> String {
    let report = &evaluated.report;
    let (model, baseline) = (&report.model, &report.baseline);
    let mut text = format!(
        "{} rows: {} to learn from, {} judged on ({}); {} rejected; fitted in {:.2} s\n",
        report.rows,
        report.train_rows,
        report.holdout_rows,
        evaluated.split,
        evaluated.rows_rejected,
        evaluated.fit_seconds
    );
    let mut line = |what: &str, ours: String, theirs: String| {
        let _ = writeln!(text, "{what:<14}{ours:>16}{theirs:>16}");
    };
    line("", "model".to_owned(), "baseline".to_owned());
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    for (what, of) in [
        (
            "RMSE",
            (|m: &valuation::Metrics| format!("{:.0}", m.rmse))
                as fn(&valuation::Metrics) -> String,
        ),
        ("MAE", |m| format!("{:.0}", m.mae)),
        ("R²", |m| format!("{:.4}", m.r2)),
        ("RMSLE", |m| format!("{:.4}", m.rmsle)),
    ] {
        line(what, of(model), of(baseline));
    }
    line("MdAPE", percent(model.mdape), percent(baseline.mdape));
    line("MAPE", percent(model.mape), percent(baseline.mape));
    line(
        "within 5 %",
        percent(model.within_5),
        percent(baseline.within_5),
    );
    line(
        "within 10 %",
        percent(model.within_10),
        percent(baseline.within_10),
    );
    line(
        "within 20 %",
        percent(model.within_20),
        percent(baseline.within_20),
    );
    if let Some(ratios) = &report.ratios {
        for (what, one) in [
            ("median ratio", ratios.median_ratio),
            ("COD", ratios.cod),
            ("PRD", ratios.prd),
            ("PRB", ratios.prb),
        ] {
            let _ = writeln!(
                text,
                "{what:<14}{:>16.4}  95 % interval {:.4} to {:.4}; IAAO {} to {}: {}",
                one.value,
                one.low,
                one.high,
                one.band_low,
                one.band_high,
                if one.passes { "passes" } else { "fails" }
            );
        }
    }
    let _ = writeln!(
        text,
        "the {:.0} % range holds {} ({} to {})",
        evaluated.interval * 100.0,
        percent(report.coverage),
        percent(report.coverage_low),
        percent(report.coverage_high)
    );
    for member in &report.members {
        let _ = writeln!(
            text,
            "member {:<12} weight {:.3}, {} trees, log error {:.4} by folds, {:.4} judged",
            member.name, member.weight, member.trees, member.fold_error, member.holdout_error
        );
    }
    let _ = write!(
        text,
        "one row {:.1} µs (p99 {:.1}), from JSON {:.1} µs; {:.0} rows/s in batches",
        evaluated.speed.one_row_us,
        evaluated.speed.one_row_p99_us,
        evaluated.speed.one_json_us,
        evaluated.speed.rows_per_second
    );
    text
}
