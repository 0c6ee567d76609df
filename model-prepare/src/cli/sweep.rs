//! `sweep`: try many hyperparameters, register the best as challenger.

use std::path::PathBuf;
use std::time::Duration;

use model_prepare::{SamplerKind, Sweep, TrialLedger};

use super::settings::Settings;
use common::cli::print;

/// Flags of `sweep`.
#[derive(clap::Args)]
pub(crate) struct SweepArgs {
    /// The CSV or Parquet file to fit on; a sweep that resumes has its own copy. Without one, trials in the
    /// database are fitted on the stored listings (prepare.window_days)
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Number of trials, including those of earlier calls
    #[arg(long, value_name = "COUNT", default_value_t = 30)]
    trials: usize,
    /// Number of trials at a time in this process; they share the cores
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    parallel: usize,
    /// Trials per round, which depends only on the rounds before it; the same for all workers of a sweep
    /// [default: --parallel]
    #[arg(long, value_name = "COUNT")]
    round: Option<usize>,
    /// Start no further round after so long
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<u64>,
    /// How the next trial is chosen
    #[arg(long, value_name = "HOW", default_value = "tpe")]
    sampler: Sampler,
    /// Name of the sweep; the same name resumes it
    #[arg(long, value_name = "NAME", default_value = "sweep")]
    name: String,
    /// Where the trials are kept. In the database, any number of workers share them: start the same
    /// command several times. auto: there if one is set (--database-url), else in a directory
    #[arg(long, value_name = "WHERE", default_value = "auto")]
    ledger: Ledger,
    /// Seconds after which a trial of a worker that sends no sign of life is given to another
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lease: u64,
    /// Seed of the sampler and the fits (same as prepare.seed)
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Sampler {
    Tpe,
    Random,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Ledger {
    Auto,
    Database,
    Directory,
}

impl SweepArgs {
    /// Runs the trials, and prints the best.
    ///
    /// # Errors
    /// When the data cannot be fitted, the sweep was started with other settings, or the registry cannot
    /// be written.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let mut config = settings.config()?;
        config.prepare.seed = self.seed.unwrap_or(config.prepare.seed);
        let options = Sweep {
            name: self.name,
            data: self.data,
            trials: self.trials,
            parallel: self.parallel,
            round: self.round.unwrap_or(self.parallel.max(1)),
            time_limit: self.time_limit.map(Duration::from_secs),
            sampler: match self.sampler {
                Sampler::Tpe => SamplerKind::Tpe,
                Sampler::Random => SamplerKind::Random,
            },
            ledger: match self.ledger {
                Ledger::Auto => TrialLedger::Auto,
                Ledger::Database => TrialLedger::Database,
                Ledger::Directory => TrialLedger::Directory,
            },
            lease: Duration::from_secs(self.lease),
        };
        let sweep = move || model_prepare::sweep(&config, &options);
        let shown = tokio::task::spawn_blocking(sweep).await??;
        match self.json {
            true => print(&serde_json::to_string_pretty(&shown.json)?),
            false => print(&shown.text),
        }
    }
}
