//! The command line: flags to the service, or to a command.

mod replay;

use std::net::TcpListener;

use clap::{Parser, Subcommand};
use common::args::CommonArgs;
use common::check::Needs;
use common::cli::Generate;
use common::service::{self, Program};
use common::{Layered, Service, Shutdown};

use self::replay::ReplayArgs;

/// Generates listings and requests, and sends them to the Kafka topics new_data and requests.
///
/// Without a subcommand it serves HTTP at emulator.http (127.0.0.1:8081) until Ctrl-C:
///
///   producer-emulator --kafka localhost:9092
///   curl -X POST localhost:8081/start                     starts the schedules
///   curl -X POST localhost:8081/stop                      stops the schedules
///   curl -X POST 'localhost:8081/generate/new_data?count=1000'
///   curl -X POST 'localhost:8081/generate/requests?count=50'
///   curl localhost:8081/status
///
/// Prices follow a documented function (docs/price-function.md). With your own cities and streets, a
/// higher rate, no invalid messages, and an immediate start:
///
///   producer-emulator --set emulator.cities_file=my-cities.csv \
///     --set emulator.streets_file=my-streets.csv --set emulator.requests_every_s=1 \
///     --set emulator.dirty_share=0 --set emulator.autostart=true
///
/// `replay` sends a file of your own instead:
///
///   producer-emulator replay listings.csv --topic new_data --rate 500
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
    /// Sends a CSV or Parquet file through a schema to a topic
    Replay(ReplayArgs),
    #[command(flatten)]
    Generate(Generate),
}

impl Program for Cli {
    type Config = producer_emulator::Config;
    const SECTION: &'static str = "emulator";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn http(&self) -> Option<&str> {
        self.http.as_deref()
    }

    fn command(&mut self) -> Option<service::Command> {
        let common = self.common.clone();
        Some(match self.command.take()? {
            Command::Replay(command) => Box::pin(command.run(common)),
            Command::Generate(command) => Box::pin(async move { command.run::<Cli>() }),
        })
    }

    fn config(layered: &Layered) -> anyhow::Result<Self::Config> {
        producer_emulator::Config::new(layered)
    }

    fn needs(config: &Self::Config) -> Needs {
        config.needs()
    }

    fn address(config: &mut Self::Config) -> &mut String {
        &mut config.emulator.http
    }

    fn run(config: Self::Config, listener: TcpListener, shutdown: Shutdown) -> Service {
        producer_emulator::run(config, listener, shutdown)
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
