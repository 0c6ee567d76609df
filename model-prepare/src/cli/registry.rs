//! The flags of what is done with the registry by hand.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use model_prepare::{Config, Shown};

/// What is done with the registry.
#[derive(clap::Subcommand)]
pub(crate) enum RegistryCommand {
    /// List the versions: which is the champion, how good each was on its hold-out
    Versions {
        #[command(flatten)]
        form: Form,
    },
    /// List the runs, the newest first
    Runs {
        /// How many
        #[arg(long, value_name = "COUNT", default_value_t = 20)]
        last: usize,
        /// The parts of this run instead, such as a sweep's trials
        #[arg(long, value_name = "RUN")]
        of: Option<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Show a version: its run's parameters and measures, what was decided of it and why
    Show {
        /// v000007, 7, champion, challenger or previous
        version: String,
        #[command(flatten)]
        form: Form,
    },
    /// Compare two versions on the first's hold-out, by the rule of promotion
    ///
    /// Only rows count that neither had learned from when it valued them. Nothing is promoted.
    #[command(verbatim_doc_comment)]
    Compare {
        /// v000007, 7, champion, challenger or previous
        version: String,
        /// The one to be compared with
        #[arg(default_value = "champion")]
        other: String,
        #[command(flatten)]
        form: Form,
    },
    /// Make a version the champion, where it passes the rule; model-application takes it up
    Promote {
        /// v000007, 7, challenger or previous
        version: String,
        /// Promote it though it does not pass; that is kept in the history
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        reason: Why,
        #[command(flatten)]
        form: Form,
    },
    /// Make the champion before the champion again
    Rollback {
        #[command(flatten)]
        reason: Why,
        #[command(flatten)]
        form: Form,
    },
    /// Tell who promoted what, when and why
    History {
        #[command(flatten)]
        form: Form,
    },
    /// Take old versions and their runs away; those with an alias stay
    Gc {
        /// How many of the newest versions stay
        #[arg(long, value_name = "COUNT", default_value_t = 20)]
        keep: usize,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        form: Form,
    },
    /// Send to the MLflow server what it could not take when it was away
    Sync {
        #[command(flatten)]
        form: Form,
    },
}

/// How it is told.
#[derive(clap::Args)]
pub(crate) struct Form {
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Why something is done; kept in the history.
#[derive(clap::Args)]
pub(crate) struct Why {
    /// The reason, in a sentence
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    /// Who asks for it
    #[arg(long, value_name = "NAME", env = "USER", default_value = "somebody")]
    who: String,
}

impl RegistryCommand {
    /// Does it and prints what it came to; blocks.
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
        let text = match self.json {
            true => serde_json::to_string_pretty(&shown.json)?,
            false => shown.text.clone(),
        };
        match writeln!(std::io::stdout(), "{text}") {
            // Whoever reads has seen enough: `model-prepare versions | head`.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }
}

/// Prices standard input by a version's files, or by the champion.
pub(crate) fn price(config: &Config, model: Option<PathBuf>) -> anyhow::Result<()> {
    let directory = match model {
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
}
