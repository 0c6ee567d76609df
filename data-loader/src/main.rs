//! `data-loader`: listings from Kafka to PostgreSQL, exactly once.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};
use common::{Health, database};
use data_loader::rejects::{self, Place, Selection};

/// Loads listings from Kafka into PostgreSQL, exactly once.
///
/// Invalid records go to the table and the topic `rejects` (the dead-letter queue) with their reason.
/// PostgreSQL stores the offsets beside the rows: you can kill the loader at any moment, and nothing is lost
/// or duplicated.
///
///   data-loader --kafka localhost:9092 --database-url postgres://me:secret@localhost/hedonic
///   curl -X POST localhost:8082/stop; curl localhost:8082/status
///
/// Rejects can be inspected, corrected and sent again:
///
///   data-loader rejects list
///   data-loader rejects show new_data/0/1234 > message.json
///   data-loader rejects replay new_data/0/1234 --with message.json
#[derive(Parser)]
#[command(version, verbatim_doc_comment)]
struct Args {
    #[command(flatten)]
    common: common::args::CommonArgs,
    /// Address of the HTTP interface (port 0 takes a free one)
    #[arg(long, value_name = "HOST:PORT")]
    http: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Shows rejects, and sends them again
    #[command(subcommand)]
    Rejects(Rejects),
}

#[derive(Subcommand)]
enum Rejects {
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

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(probe) = args.common.healthcheck {
        return probe.ask(&args.common, "loader", args.http.as_deref());
    }
    if let Some(format) = args.common.check {
        let config = args.common.layered().map_err(anyhow::Error::from);
        let config = config.and_then(|layered| data_loader::Config::new(&layered));
        common::check::answer(config.map(|config| config.needs()), format).await;
    }
    common::telemetry::log("info", args.common.log_json);
    common::telemetry::choose_tls_provider();
    if let Some(Command::Rejects(command)) = args.command {
        return command.run(&args.common.layered()?).await;
    }
    common::telemetry::record_metrics();
    let mut config = data_loader::Config::new(&args.common.layered()?)?;
    if let Some(http) = args.http {
        config.loader.http = http;
    }
    let listener = common::http::listen(&config.loader.http)?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    data_loader::run(config, listener, common::shutdown::on_signals()).await
}

impl Rejects {
    async fn run(self, layered: &common::Layered) -> anyhow::Result<()> {
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
