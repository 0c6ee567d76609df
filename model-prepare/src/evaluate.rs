//! `--report`: fit on a part of a file, judge on the rest, and write every measure down.

mod effects;
mod predictions;
mod speed;
mod summary;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;
use valuation::{Model, SplitBy};

pub(crate) use self::effects::effects;
use self::predictions::predictions;
pub use self::speed::Speed;
use self::speed::speed;
pub(crate) use self::summary::members_used;
pub use self::summary::summary;
use crate::listings;
use crate::{Config, Found, Refused, html};
use common::progress::Stage;

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
    /// The same by what is wrong with them, the most frequent first.
    pub refused: Vec<Refused>,
    /// Columns of the file that the schema does not name.
    pub columns_ignored: Vec<String>,
    /// Features that no row has a value for.
    pub fields_empty: Vec<String>,
    /// Nominal coverage of the ranges.
    pub interval: f64,
    /// Seconds of the fit: cleaning, features, folds, members, weights, and judging.
    pub fit_seconds: f64,
    /// How quickly it answers.
    pub speed: Speed,
    /// What each field adds to or takes from a price, as a share of it: the mean of judged rows.
    pub effects: Vec<(String, f64)>,
    /// Share of what each value of a row takes from the error, the greatest first.
    pub importance: Vec<(String, f64)>,
    /// Every measure of quality.
    #[serde(rename = "report")]
    pub found: Found,
}

/// Fits on a part of a file and judges on the rest.
///
/// # Errors
/// When the file cannot be read or learned from, or something cannot be written.
pub fn evaluate(config: &Config, file: &Path, wanted: &Evaluation) -> anyhow::Result<Evaluated> {
    let began = Instant::now();
    let schema = &config.schema;
    let listings = listings::of_file(file, schema)?;
    let mut options = crate::options(config);
    options.split = wanted.split;
    options.holdout_fraction = wanted.test_fraction;
    options.seed = wanted.seed;
    options.refit = false;
    let stage = Stage::start(format!("fitting on {} rows", listings.batch.num_rows()));
    let (model, found) = crate::found::fit(config, &listings.batch, &options)?;
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
        refused: listings.refused.clone(),
        columns_ignored: listings.ignored.clone(),
        fields_empty: listings::empty_fields(schema, &listings.batch)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        interval: options.interval,
        fit_seconds: found.fit_seconds(),
        speed: speed(&model, schema, &listings)?,
        effects: effects(&model, &listings, &found)?,
        importance: model.price().map_or_else(Vec::new, Model::importance),
        found,
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
        Ok(predictions(&listings, &evaluated.found))
    })?;
    if let Some(registry) = &wanted.registry {
        let mut config = config.clone();
        config.registry.path.clone_from(registry);
        config.prepare.holdout_fraction = wanted.test_fraction;
        config.prepare.seed = wanted.seed;
        crate::publish_judged(&crate::training::Fitted {
            config: &config,
            listings: &listings,
            model: &model,
            found: &evaluated.found,
            source: &file.display().to_string(),
            arrived: None,
            began,
        })?;
    }
    Ok(evaluated)
}
