//! `features`: materialise cleaned records and their features.

use std::path::PathBuf;

use common::Shutdown;
use model_prepare::Materialise;

use super::settings::Settings;
use common::cli::print;

/// Flags of `features`.
#[derive(clap::Args)]
pub(crate) struct FeaturesArgs {
    /// A table's name, or a file ending in .parquet (same as features.table)
    #[arg(long, value_name = "TABLE|FILE")]
    to: Option<String>,
    /// Read the records from this CSV or Parquet file instead of the database
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Fit the state again and write every row with it; readers see the old rows until all are written
    #[arg(long)]
    refit: bool,
}

impl FeaturesArgs {
    /// Materialises, and prints how many rows were written.
    ///
    /// # Errors
    /// When the records cannot be read, or the table or file cannot be written.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let config = settings.config_without_registry()?;
        let options = Materialise {
            to: self.to,
            data: self.data,
            refit: self.refit,
        };
        // A signal ends it at once: what is not whole was never there.
        let made = model_prepare::features(&config, &options, &Shutdown::new()).await?;
        print(&made.to_string())
    }
}
