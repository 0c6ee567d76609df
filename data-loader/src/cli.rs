//! The command line: flags to the service, or to a command.

mod rejects;

use std::net::TcpListener;

use clap::{Parser, Subcommand};
use common::args::CommonArgs;
use common::check::Needs;
use common::cli::Generate;
use common::service::{self, Program};
use common::{Layered, Service, Shutdown};

use self::rejects::Rejects;

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
pub(crate) struct Cli {
    #[command(flatten)]
    common: CommonArgs,
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
    #[command(flatten)]
    Generate(Generate),
}

impl Program for Cli {
    type Config = data_loader::Config;
    const SECTION: &'static str = "loader";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn http(&self) -> Option<&str> {
        self.http.as_deref()
    }

    fn command(&mut self) -> Option<service::Command> {
        let common = self.common.clone();
        Some(match self.command.take()? {
            Command::Rejects(command) => {
                Box::pin(async move { command.run(&common.layered()?).await })
            }
            Command::Generate(command) => Box::pin(async move { command.run::<Cli>() }),
        })
    }

    fn config(layered: &Layered) -> anyhow::Result<Self::Config> {
        data_loader::Config::new(layered)
    }

    fn needs(config: &Self::Config) -> Needs {
        config.needs()
    }

    fn address(config: &mut Self::Config) -> &mut String {
        &mut config.loader.http
    }

    fn run(config: Self::Config, listener: TcpListener, shutdown: Shutdown) -> Service {
        data_loader::run(config, listener, shutdown)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn verify_cli() {
        super::Cli::command().debug_assert();
    }
}
