//! The commands on the registry: `versions`, `promote`, `rollback` and others.

use model_prepare::{Config, Shown};

use common::cli::print;

/// The commands on the registry.
#[derive(clap::Subcommand)]
pub(crate) enum RegistryCommand {
    /// List the versions: aliases, and the measures of each on its hold-out
    Versions {
        #[command(flatten)]
        form: Form,
    },
    /// List the runs, the newest first
    Runs {
        /// Number of runs
        #[arg(long, value_name = "COUNT", default_value_t = 20)]
        last: usize,
        /// List the parts of this run instead, such as the trials of a sweep
        #[arg(long, value_name = "RUN")]
        of: Option<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Show a version: parameters and measures of its run, the decisions on it and their reasons
    Show {
        /// v000007, 7, champion, challenger or previous
        version: String,
        #[command(flatten)]
        form: Form,
    },
    /// Compare two versions on the first's hold-out, by the rule of promotion
    ///
    /// Only rows that neither version was fitted on count. Nothing is promoted.
    #[command(verbatim_doc_comment)]
    Compare {
        /// v000007, 7, champion, challenger or previous
        version: String,
        /// The other version
        #[arg(default_value = "champion")]
        other: String,
        #[command(flatten)]
        form: Form,
    },
    /// Make a version the champion, if it passes the rule; model-application loads it
    Promote {
        /// v000007, 7, challenger or previous
        version: String,
        /// Promote it even if it fails the rule; the history records that
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        reason: Why,
        #[command(flatten)]
        form: Form,
    },
    /// Make the previous champion the champion again
    Rollback {
        #[command(flatten)]
        reason: Why,
        #[command(flatten)]
        form: Form,
    },
    /// List who promoted what, when and why
    History {
        #[command(flatten)]
        form: Form,
    },
    /// Remove old versions and their runs; versions with an alias stay
    Gc {
        /// Number of the newest versions to keep
        #[arg(long, value_name = "COUNT", default_value_t = 20)]
        keep: usize,
        /// Only list what would be removed
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        form: Form,
    },
    /// Send the runs and versions that wait for the MLflow server
    Sync {
        #[command(flatten)]
        form: Form,
    },
}

/// The form of the output.
#[derive(clap::Args)]
pub(crate) struct Form {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// The reason of a decision; kept in the history.
#[derive(clap::Args)]
pub(crate) struct Why {
    /// The reason, in a sentence
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    /// Who decides
    #[arg(long, value_name = "NAME", env = "USER", default_value = "somebody")]
    who: String,
}

impl RegistryCommand {
    /// Runs the command and prints the result; blocks.
    ///
    /// # Errors
    /// When the registry cannot be read or written, or the version is not there.
    pub(crate) fn run(self, config: &Config) -> anyhow::Result<()> {
        let registry = registry::open(&config.registry)?;
        let (registry, settings) = (&*registry, &config.prepare);
        let (shown, form) = match self {
            Self::Versions { form } => (model_prepare::versions(registry)?, form),
            Self::Runs { last, of, form } => {
                (model_prepare::runs(registry, last, of.as_deref())?, form)
            }
            Self::Show { version, form } => (model_prepare::show(registry, &version)?, form),
            Self::Compare {
                version,
                other,
                form,
            } => {
                let compared = model_prepare::compare(registry, settings, &version, &other);
                (compared?, form)
            }
            Self::Promote {
                version,
                force,
                reason: Why { why, who },
                form,
            } => {
                let promoted =
                    model_prepare::promote(registry, settings, &version, force, &who, &why);
                (promoted?, form)
            }
            Self::Rollback {
                reason: Why { why, who },
                form,
            } => (model_prepare::rollback(registry, &who, &why)?, form),
            Self::History { form } => (model_prepare::history(registry)?, form),
            Self::Gc {
                keep,
                dry_run,
                form,
            } => (model_prepare::gc(registry, keep, dry_run)?, form),
            Self::Sync { form } => (model_prepare::sync(registry, config)?, form),
        };
        form.print(&shown)
    }
}

impl Form {
    fn print(&self, shown: &Shown) -> anyhow::Result<()> {
        match self.json {
            true => print(&serde_json::to_string_pretty(&shown.json)?),
            false => print(&shown.text),
        }
    }
}
