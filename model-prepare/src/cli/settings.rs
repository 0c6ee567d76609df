//! The flags of every command, and the settings that they give.

use std::path::PathBuf;

use common::Layered;
use common::args::CommonArgs;
use model_prepare::Config;

/// The flags of every command.
#[derive(clap::Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    /// Directory of the model versions (same as registry.path)
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) registry: Option<PathBuf>,
}

impl Settings {
    /// The settings with the flags on top, but for `--registry`.
    ///
    /// # Errors
    /// When the file, a variable or a flag is not valid.
    pub(crate) fn layered(&self) -> anyhow::Result<Layered> {
        Ok(self.common.layered()?)
    }

    /// The settings of a training.
    ///
    /// # Errors
    /// When a setting or the schema is not valid.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        let mut config = self.config_without_registry()?;
        if let Some(registry) = &self.registry {
            config.registry.path.clone_from(registry);
        }
        Ok(config)
    }

    /// The same where `--registry` has another meaning.
    ///
    /// # Errors
    /// As [`Settings::config`].
    pub(crate) fn config_without_registry(&self) -> anyhow::Result<Config> {
        Config::new(&self.layered()?)
    }
}
