//! `import`: a booster that another program fitted becomes a member of a version.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use records::timestamp;
use valuation::{FitReport, ImportReport, Provenance, TrainedModel};

use crate::commands::{Shown, named};
use crate::config::Config;
use crate::listings;
use crate::training::fitted::Fitted;
use crate::training::supervised::publish_judged;

/// A larger file is not read.
const MOST_BYTES: u64 = 256 << 20;

/// What is to be imported.
#[derive(Debug, Clone)]
pub struct Import {
    /// The version whose design the booster was fitted on: its number or an alias.
    pub version: String,
    /// XGBoost's JSON.
    pub booster: PathBuf,
    /// Records with prices that neither version nor booster has learned from.
    pub data: PathBuf,
    /// The new member's name.
    pub name: String,
}

/// Publishes the version with the booster as a further member; it is compared with the champion, and promoted by
/// rule.
///
/// # Errors
/// When a file cannot be read, the booster does not fit the version, or the version is not better with it.
pub fn import(config: &Config, import: &Import) -> anyhow::Result<Shown> {
    let began = Instant::now();
    let registry = registry::open(&config.registry)?;
    let version = named(&*registry, &import.version)?;
    let model = TrainedModel::load(&registry.fetch(&version)?)
        .with_context(|| format!("cannot load the version {version}"))?;
    let model = model.price().with_context(|| {
        let task = model.schema().task;
        format!("expected a model of prices, found {version} of task {task:?}")
    })?;
    model.fits(&config.schema)?;
    let listings = listings::of_file(&import.data, &config.schema)?;
    let provenance = Provenance {
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        trained_at_us: timestamp::now_us(),
    };
    let bytes = read(&import.booster)?;
    let (imported, report, told) = model.import_xgboost(
        &import.name,
        &bytes,
        &listings.batch,
        config.prepare.seed,
        provenance,
    )?;
    let mut config = config.clone();
    // Most rows that the version has learned from are in no file here: the newest of their times stands for them.
    config.prepare.keep_training_set = false;
    publish_judged(&Fitted {
        config: &config,
        listings: &listings,
        model: &TrainedModel::Price(Box::new(imported)),
        report: &FitReport::Price(Box::new(report)),
        source: &format!("{} on {version}", import.booster.display()),
        arrived: None,
        began,
    })?;
    Ok(Shown {
        text: text(&told),
        json: serde_json::to_value(&told)?,
    })
}

/// The bytes of the booster's file.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let failed = || format!("cannot read {}", path.display());
    let bytes = std::fs::metadata(path).with_context(failed)?.len();
    ensure!(
        bytes <= MOST_BYTES,
        "expected a booster of at most {MOST_BYTES} bytes, found {bytes} in {}",
        path.display()
    );
    std::fs::read(path).with_context(failed)
}

fn text(told: &ImportReport) -> String {
    format!(
        "{}: {} trees, weight {:.3}\nerror (root mean square, logarithm) on {} rows: {:.5}; {:.5} without it, {:.5} it \
         alone\n{:.1} % of the prices are in their intervals",
        told.name,
        told.trees,
        told.weight,
        told.judged_rows,
        told.with,
        told.without,
        told.alone,
        100.0 * told.coverage.value
    )
}
