//! `price`: price records of standard input.

use std::path::PathBuf;

use anyhow::Context;

use super::settings::Settings;

/// Flags of `price`.
#[derive(clap::Args)]
pub(crate) struct PriceArgs {
    /// Directory of the version [default: the champion]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
}

impl PriceArgs {
    /// Prices every line of standard input.
    ///
    /// # Errors
    /// When there is no version, or it cannot be read.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let config = settings.config()?;
        let price = move || -> anyhow::Result<()> {
            let directory = match self.model {
                Some(directory) => directory,
                None => {
                    let registry = registry::open(&config.registry)?;
                    let champion = registry.champion()?.with_context(|| {
                        format!("expected a version in {}, found none", registry.place())
                    })?;
                    registry.fetch(&champion)?
                }
            };
            let out = std::io::BufWriter::new(std::io::stdout().lock());
            model_prepare::price(&directory, std::io::stdin().lock(), out)
        };
        tokio::task::spawn_blocking(price).await?
    }
}
