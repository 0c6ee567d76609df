//! `serve` and `watch`: stay, and train by schedule, on demand, and on what arrives.

use common::service::listen;

use super::settings::Settings;

/// Flags of `serve`.
#[derive(clap::Args)]
pub(crate) struct ServeArgs {
    /// Train by schedule: second minute hour day month weekday, in UTC
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) cron: Option<String>,
    /// Address of the HTTP interface; port 0 takes a free one (same as prepare.http)
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) http: Option<String>,
    /// Fit on the cleaned fields of this feature table (same as prepare.features)
    #[arg(long, value_name = "TABLE")]
    pub(crate) features: Option<String>,
}

/// Flags of `watch`.
#[derive(clap::Args)]
pub(crate) struct WatchArgs {
    /// Train when this number of listings is stored since the last training (same as prepare.watch.new_rows)
    #[arg(long, value_name = "COUNT")]
    new_rows: Option<u64>,
    /// Train by schedule too: second minute hour day month weekday, in UTC
    #[arg(long, value_name = "EXPRESSION")]
    cron: Option<String>,
    /// Address of the HTTP interface (same as prepare.http)
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) http: Option<String>,
}

impl ServeArgs {
    /// Serves until a signal.
    ///
    /// # Errors
    /// When a setting is not valid, or the service fails.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        if let Some(expression) = &self.cron {
            model_prepare::check_schedule(expression)?;
        }
        let mut config = settings.config()?;
        let prepare = &mut config.prepare;
        prepare.http = self.http.unwrap_or_else(|| prepare.http.clone());
        prepare.features = self.features.unwrap_or_else(|| prepare.features.clone());
        let shutdown = common::shutdown::on_signals();
        let listener = listen(&config.prepare.http)?;
        model_prepare::run(config, self.cron, listener, shutdown).await
    }
}

impl WatchArgs {
    /// Watches until a signal.
    ///
    /// # Errors
    /// When a setting is not valid, or the service fails.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        if let Some(expression) = &self.cron {
            model_prepare::check_schedule(expression)?;
        }
        let mut config = settings.config()?;
        let prepare = &mut config.prepare;
        prepare.http = self.http.unwrap_or_else(|| prepare.http.clone());
        prepare.watch.new_rows = self.new_rows.unwrap_or(prepare.watch.new_rows);
        let shutdown = common::shutdown::on_signals();
        let listener = listen(&config.prepare.http)?;
        model_prepare::watch(config, self.cron, listener, shutdown).await
    }
}
