//! `train`: one training, then leave.

use std::path::PathBuf;

use common::Health;
use model_prepare::Config;

use super::effort::EffortFlag;
use super::settings::Settings;
use common::cli::print;

/// Flags of `train`.
#[derive(clap::Args)]
pub(crate) struct TrainArgs {
    /// Fit on a CSV or Parquet file instead of the database
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Fit on the cleaned fields of a feature table: its name, or its .parquet file (same as
    /// prepare.features)
    #[arg(long, value_name = "TABLE|FILE", conflicts_with = "data")]
    pub(crate) features: Option<String>,
    /// Effort of the fit (same as prepare.effort)
    #[arg(long, value_name = "EFFORT")]
    pub(crate) effort: Option<EffortFlag>,
    /// Share of the rows in the hold-out (same as prepare.holdout_fraction)
    #[arg(long, value_name = "SHARE")]
    pub(crate) test_fraction: Option<f64>,
    /// Seed of the folds and the trees (same as prepare.seed)
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Publish the version even if it does not beat its baseline on the hold-out
    #[arg(long)]
    pub(crate) force: bool,
}

/// Whether the name of a feature table is that of a file.
pub(crate) fn is_file(features: &str) -> bool {
    features.to_ascii_lowercase().ends_with(".parquet")
}

impl TrainArgs {
    /// Trains, and prints the measures.
    ///
    /// # Errors
    /// When the rows cannot be read or fitted, or nothing can be written.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let mut config = settings.config()?;
        let prepare = &mut config.prepare;
        prepare.seed = self.seed.unwrap_or(prepare.seed);
        prepare.publishes_worse = self.force;
        prepare.effort = self.effort.map_or(prepare.effort, Into::into);
        prepare.holdout_fraction = self.test_fraction.unwrap_or(prepare.holdout_fraction);
        let mut data = self.data;
        match self.features {
            Some(file) if is_file(&file) => data = Some(file.into()),
            Some(table) => prepare.features = table,
            None => {}
        }
        match data {
            Some(file) => on_file(config, file).await,
            None => on_database(&config).await,
        }
    }
}

async fn on_file(config: Config, file: PathBuf) -> anyhow::Result<()> {
    let train = move || model_prepare::train_on_file(&config, &file);
    print(&tokio::task::spawn_blocking(train).await??.table())
}

async fn on_database(config: &Config) -> anyhow::Result<()> {
    let (health, shutdown) = (Health::default(), common::shutdown::on_signals());
    match common::database::connect(&config.database.patient(), &health, &shutdown).await? {
        Some(pool) => print(
            &model_prepare::train_on_database(config, &pool)
                .await?
                .table(),
        ),
        // A signal came before the database answered.
        None => Ok(()),
    }
}
