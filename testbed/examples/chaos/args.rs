//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::plan::Kind;

/// Injects random faults into the services, and checks that no message is lost, duplicated or left waiting.
///
/// Two loaders and two appliers run as separate processes on an Apache Kafka and a PostgreSQL that this
/// program starts. Faults come in rounds; after each round, every earlier message must be stored, answered
/// or rejected within --bound-s. A service must not report ready while messages wait for longer than
/// --ready-s without an active fault. The same seed gives the same plan.
///
///   scripts/chaos --minutes 60
///   scripts/chaos --faults 200 --seed 7
///   scripts/chaos --faults 10 --only database-silence,poison-long-id
#[derive(Parser)]
#[command(name = "scripts/chaos", verbatim_doc_comment)]
pub struct Args {
    /// End after N minutes; without --faults, plan as many faults as fit
    #[arg(long, value_name = "N")]
    pub minutes: Option<f64>,
    /// Seed of the plan and of all random choices (default: random, and printed)
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Number of faults
    #[arg(long, value_name = "N", env = "HEDONIC_TEST_CHAOS_FAULTS")]
    pub faults: Option<usize>,
    /// Only these kinds of fault, separated by commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub only: Vec<Kind>,
    /// Not these kinds of fault
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub without: Vec<Kind>,
    /// Number of loaders
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub loaders: usize,
    /// Number of appliers
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub appliers: usize,
    /// Longest wait of a message after all faults of a round, in seconds
    #[arg(long, value_name = "S", default_value_t = 60)]
    pub bound_s: u64,
    /// Longest time in seconds that all services of a kind may report ready while a message waits without a fault
    #[arg(long, value_name = "S", default_value_t = 30)]
    pub ready_s: u64,
    /// A setting of the services, as section.key=value (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Directory of the services' programs (default: that of this program's build)
    #[arg(long, value_name = "DIR")]
    pub programs: Option<PathBuf>,
    /// Skip the last phase, in which the topics are deleted and created again
    #[arg(long)]
    pub no_recreation: bool,
    /// Print the plan and exit
    #[arg(long)]
    pub plan: bool,
    /// Restart the services and continue after a message has waited too long
    #[arg(long)]
    pub go_on: bool,
}

impl Args {
    /// How many faults are planned.
    pub fn count(&self) -> usize {
        /// As measured: rounds of two or three, and the wait after each.
        const A_MINUTE: f64 = 30.0;
        let fit = |minutes: f64| (minutes * A_MINUTE).ceil() as usize;
        self.faults
            .unwrap_or_else(|| self.minutes.map_or(200, fit))
            .max(1)
    }

    pub fn limit(&self) -> Option<Duration> {
        let minutes = self.minutes?;
        Some(Duration::from_secs_f64((minutes * 60.0).max(0.0)))
    }

    pub fn bound(&self) -> Duration {
        Duration::from_secs(self.bound_s)
    }

    pub fn ready_bound(&self) -> Duration {
        Duration::from_secs(self.ready_s)
    }
}
