//! `follow`: stay, and learn from every record of the topic.

use std::io::IsTerminal;
use std::path::PathBuf;

use model_prepare::{Base, Follow, Screen};

use super::settings::Settings;
use common::service::listen;

/// Flags of `follow`.
#[derive(clap::Args)]
pub(crate) struct FollowArgs {
    /// Where a new follower starts: listings (those stored in the last prepare.window_days), followed
    /// (the version that a follower published last), or a version
    #[arg(long, value_name = "WHICH", default_value = "listings")]
    base: String,
    /// Start from a linear model fitted on this CSV or Parquet file
    #[arg(long, value_name = "FILE", conflicts_with = "base")]
    data: Option<PathBuf>,
    /// Discard the stored state, and start again from the base
    #[arg(long)]
    afresh: bool,
    /// Stop after this number of messages, including those before a restart
    #[arg(long, value_name = "RECORDS")]
    stop_after: Option<u64>,
    /// Address of the HTTP interface (same as follow.http)
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) http: Option<String>,
}

impl FollowArgs {
    /// Follows until a signal, or until `--stop-after`.
    ///
    /// # Errors
    /// When a setting is not valid, or the service fails.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let mut follow = Follow::new(&settings.layered()?)?;
        if let Some(registry) = &settings.registry {
            follow.training.registry.path.clone_from(registry);
        }
        follow.follow.http = self.http.unwrap_or(follow.follow.http);
        follow.afresh = self.afresh;
        follow.stop_after = self.stop_after;
        follow.base = match (self.data, self.base.as_str()) {
            (Some(file), _) => Base::File(file),
            (None, "listings") => Base::Listings,
            (None, "followed") => Base::Followed,
            (None, version) => Base::Version(version.to_owned()),
        };
        let listener = listen(&follow.follow.http)?;
        let out = std::io::stdout();
        let is_terminal = out.is_terminal();
        let screen = Screen::new(Box::new(out), is_terminal);
        let shutdown = common::shutdown::on_signals();
        model_prepare::follow(follow, screen, listener, shutdown).await
    }
}
