//! `rejects`: shows rejects, and sends them again.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use common::{Health, Layered, database};
use data_loader::rejects::{self, Place, Selection};

#[derive(Subcommand)]
pub(super) enum Rejects {
    /// Lists the newest rejects, with counts by code
    List {
        #[command(flatten)]
        selection: Selection,
        /// Number of rejects to show
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// Print one JSON object per line, with the complete messages
        #[arg(long)]
        json: bool,
    },
    /// Prints the original message of a reject, and the reason on standard error
    Show {
        /// topic/partition/offset, as `list` shows it
        place: Place,
        /// Id of the Kafka cluster, if two clusters have a reject at this position
        #[arg(long, value_name = "ID")]
        cluster: Option<String>,
        /// Print everything about it as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Sends rejects again to their topics, where they are loaded or rejected like any other message. It
    /// skips rejects that were sent again before, unless you name them.
    Replay {
        /// topic/partition/offset, as `list` shows it
        #[arg(required_unless_present_any = ["all", "code", "topic", "since"])]
        places: Vec<Place>,
        /// All rejects that were not sent again before
        #[arg(long, conflicts_with = "places")]
        all: bool,
        #[command(flatten)]
        selection: Selection,
        /// Send this file's content instead of the message (with one position)
        #[arg(long, value_name = "FILE", requires = "places")]
        with: Option<PathBuf>,
    },
}

impl Rejects {
    /// Runs the command.
    ///
    /// # Errors
    /// When a setting is not valid, PostgreSQL or Kafka fails, or there is no such reject.
    pub(super) async fn run(self, layered: &Layered) -> anyhow::Result<()> {
        let config = data_loader::Config::new(layered)?;
        let shutdown = common::shutdown::on_signals();
        let tables = data_loader::tables(&config.schema);
        let opened =
            database::open(&config.database, &tables, &Health::default(), &shutdown).await?;
        let Some(pool) = opened else {
            return Ok(());
        };
        match self {
            Rejects::List {
                selection,
                limit,
                json,
            } => rejects::list(&pool, &selection, limit, json).await,
            Rejects::Show {
                place,
                cluster,
                json,
            } => rejects::show(&pool, &place, cluster.as_deref(), json).await,
            Rejects::Replay {
                places,
                selection,
                with,
                ..
            } => {
                let payload = with
                    .map(|file| {
                        anyhow::ensure!(
                            places.len() == 1,
                            "--with sends one message: expected one position, found {}",
                            places.len()
                        );
                        std::fs::read(&file)
                            .with_context(|| format!("cannot read {}", file.display()))
                    })
                    .transpose()?;
                let kafka = &config.kafka;
                let sent =
                    rejects::replay(&pool, kafka, &places, &selection, payload, &shutdown).await?;
                println!(
                    "sent again: {sent}; they will be loaded or rejected like any other \
                          message"
                );
                Ok(())
            }
        }
    }
}
