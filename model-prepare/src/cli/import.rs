//! `import`: a booster of XGBoost as a member of a version.

use std::path::PathBuf;

use common::cli::print;
use model_prepare::Import;

use super::settings::Settings;

/// Flags of `import`.
#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    /// The booster: XGBoost's JSON (Booster.save_model("model.json"))
    #[arg(long, value_name = "FILE")]
    xgboost: PathBuf,
    /// Records with prices that neither the version nor the booster has learned from
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The version whose design the booster was fitted on: v000007, 7 or an alias
    #[arg(long, value_name = "VERSION", default_value = "champion")]
    version: String,
    /// Name of the new base learner
    #[arg(long, value_name = "NAME", default_value = "xgboost")]
    name: String,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl ImportArgs {
    /// Publishes the version with the booster, and prints what it is worth.
    ///
    /// # Errors
    /// When the booster cannot be read or does not fit, or the version is not better with it.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let config = settings.config()?;
        let options = Import {
            version: self.version,
            booster: self.xgboost,
            data: self.data,
            name: self.name,
        };
        let import = move || model_prepare::import(&config, &options);
        let shown = tokio::task::spawn_blocking(import).await??;
        match self.json {
            true => print(&serde_json::to_string_pretty(&shown.json)?),
            false => print(&shown.text),
        }
    }
}
