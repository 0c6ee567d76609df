//! `evaluate`: fits on a part of a file, judges on the rest, and writes every measure.

pub(crate) mod clusters;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use report::Evaluated;
use report::html::evaluation_page;
use report::text::predictions;
use valuation::{Model, SplitBy};

use crate::config::Config;
use crate::listings;
use crate::measures::effects::effects;
use crate::measures::processor::processor_seconds;
use crate::measures::speed::speed;
use crate::training::fit::fit;
use crate::training::fitted::Fitted;
use crate::training::supervised::publish_judged;

/// How to evaluate, and which files to write.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// Every measure, as one JSON object.
    pub report: Option<PathBuf>,
    /// A page for people, complete in itself.
    pub html: Option<PathBuf>,
    /// Every row of the file: its side of the split, and its prediction.
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

/// Fits on a part of a file and judges on the rest.
///
/// # Errors
/// When the file cannot be read or learned from, or something cannot be written.
pub fn evaluate(
    config: &Config,
    file: &Path,
    evaluation: &Evaluation,
) -> anyhow::Result<Evaluated> {
    let began = Instant::now();
    let schema = &config.schema;
    let listings = listings::of_file(file, schema)?;
    let mut options = config.prepare.fit_options();
    options.split = evaluation.split;
    options.holdout_fraction = evaluation.test_fraction;
    options.seed = evaluation.seed;
    options.refit = false;
    let before = processor_seconds();
    let (model, report) = fit(config, &listings.batch, &options)?;
    let after = processor_seconds();
    let evaluated = Evaluated {
        schema: schema.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        split: match evaluation.split {
            SplitBy::Random => "random",
            SplitBy::Time => "time",
        },
        test_fraction: evaluation.test_fraction,
        seed: evaluation.seed,
        rows_rejected: listings.rejected.len(),
        refused: listings.refused.clone(),
        columns_ignored: listings.ignored.clone(),
        fields_empty: listings::empty_fields(schema, &listings.batch)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        interval: options.interval,
        fit_seconds: report.fit_seconds(),
        fit_processor_seconds: after.zip(before).map(|(after, before)| after - before),
        speed: speed(&model, schema, &listings)?,
        effects: effects(&model, &listings, &report)?,
        importance: model.price().map_or_else(Vec::new, Model::importance),
        report,
    };
    let write = |path: &Option<PathBuf>, text: &dyn Fn() -> anyhow::Result<String>| match path {
        Some(path) => std::fs::write(path, text()?)
            .with_context(|| format!("cannot write {}", path.display())),
        None => Ok(()),
    };
    write(&evaluation.report, &|| {
        Ok(serde_json::to_string_pretty(&evaluated)?)
    })?;
    write(&evaluation.html, &|| {
        Ok(evaluation_page(&evaluated, schema, &listings.batch))
    })?;
    write(&evaluation.predictions, &|| {
        Ok(predictions(&listings.lines, &evaluated.report))
    })?;
    if let Some(registry) = &evaluation.registry {
        let mut config = config.clone();
        config.registry.path.clone_from(registry);
        config.prepare.holdout_fraction = evaluation.test_fraction;
        config.prepare.seed = evaluation.seed;
        publish_judged(&Fitted {
            config: &config,
            listings: &listings,
            model: &model,
            report: &evaluated.report,
            source: &file.display().to_string(),
            arrived: None,
            began,
        })?;
    }
    Ok(evaluated)
}
