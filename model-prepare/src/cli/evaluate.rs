//! `evaluate`: fit on a part of a file, judge on the rest.

use std::path::PathBuf;

use model_prepare::Evaluation;
use records::Task;
use valuation::SplitBy;

use super::effort::EffortFlag;
use super::settings::Settings;
use common::cli::print;

/// Flags of `evaluate`.
#[derive(clap::Args)]
pub(crate) struct EvaluateArgs {
    /// The CSV or Parquet file
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// Write every measure as JSON to this file
    #[arg(long, value_name = "OUT.json")]
    pub(crate) report: Option<PathBuf>,
    /// Write a page with plots to this file
    #[arg(long, value_name = "OUT.html")]
    pub(crate) html: Option<PathBuf>,
    /// Write each row's side of the split and its prediction
    #[arg(long, value_name = "OUT.csv")]
    pub(crate) predictions: Option<PathBuf>,
    /// Hold out the newest rows (time), or random rows (random)
    #[arg(long, value_name = "HOW", default_value = "time")]
    pub(crate) split: Split,
    /// Effort of the fit (same as prepare.effort)
    #[arg(long, value_name = "EFFORT")]
    pub(crate) effort: Option<EffortFlag>,
    /// Share of the rows in the hold-out (same as prepare.holdout_fraction)
    #[arg(long, value_name = "SHARE")]
    pub(crate) test_fraction: Option<f64>,
    /// Seed of the split, the folds and the trees (same as prepare.seed)
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Publish the version even if it does not beat its baseline on the hold-out
    #[arg(long)]
    pub(crate) force: bool,
}

/// How the hold-out is chosen.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Split {
    Time,
    Random,
}

impl EvaluateArgs {
    /// Evaluates, writes the files, and prints a summary.
    ///
    /// # Errors
    /// When the file cannot be read or fitted, or something cannot be written.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        // A version is saved only where --registry is given.
        let mut config = settings.config_without_registry()?;
        let prepare = &mut config.prepare;
        prepare.seed = self.seed.unwrap_or(prepare.seed);
        prepare.publishes_worse = self.force;
        prepare.effort = self.effort.map_or(prepare.effort, Into::into);
        prepare.holdout_fraction = self.test_fraction.unwrap_or(prepare.holdout_fraction);
        let evaluation = Evaluation {
            report: self.report,
            html: self.html,
            predictions: self.predictions,
            split: match self.split {
                Split::Random => SplitBy::Random,
                Split::Time => SplitBy::Time,
            },
            test_fraction: prepare.holdout_fraction,
            seed: prepare.seed,
            registry: settings.registry.clone(),
        };
        let file = self.data;
        let evaluate = move || -> anyhow::Result<String> {
            if config.schema.task == Task::Clustering {
                return model_prepare::evaluate_clusters(&config, &file, &evaluation);
            }
            let evaluated = model_prepare::evaluate(&config, &file, &evaluation)?;
            Ok(report::text::evaluation(&evaluated))
        };
        print(&tokio::task::spawn_blocking(evaluate).await??)
    }
}
