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
    /// End at the first line that is not a record, with exit code 1, instead of writing its error in its place
    #[arg(long)]
    strict: bool,
    /// Also write what each field adds to a price (of a class to its log odds), and of prices so many comparables with what
    /// they differ by: 5, or N up to 50
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        default_missing_value = "5",
        value_parser = clap::value_parser!(u8).range(0..=50)
    )]
    explain: Option<u8>,
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
            let input = std::io::stdin().lock();
            let priced = model_prepare::price(
                &directory,
                input,
                out,
                self.strict,
                self.explain.map(usize::from),
            )?;
            if priced.refused > 0 {
                let (refused, lines) = (priced.refused, priced.rows + priced.refused);
                tracing::warn!(
                    refused,
                    "{refused} of {lines} lines are not records of the schema: their answers have an error"
                );
            }
            Ok(())
        };
        tokio::task::spawn_blocking(price).await?
    }
}
