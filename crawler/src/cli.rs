//! The command line: flags to the service, or to a command.

mod pages;

use std::net::TcpListener;

use clap::{Parser, Subcommand};
use common::args::CommonArgs;
use common::check::Needs;
use common::cli::Generate;
use common::service::{self, Program};
use common::{Layered, Service, Shutdown};

use self::pages::Pages;

/// Reads web pages that a program may read, and sends their listings to the Kafka topic new_data.
///
/// It reads nothing until you name the hosts and a contact for their owners, and confirm your permission:
///
///   crawler --set crawler.hosts=example.com --set crawler.contact=crawl@example.org \
///     --set crawler.right_to_crawl=true
///   curl -X POST localhost:8086/start; curl localhost:8086/status
///
/// It obeys robots.txt, requests one page of a host at a time with a pause, reads sitemaps first, and does
/// not send unchanged listings again. You can kill it at any moment: the next start continues. To see the
/// state of each page:
///
///   crawler pages list --state refused
///   crawler pages show https://example.com/flats/1
///   crawler pages retry --reason missing_field
///
/// docs/recipes/crawl.md is a complete example, from a sitemap to priced listings.
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
    /// Shows the state of pages, and requests them again
    #[command(subcommand)]
    Pages(Pages),
    #[command(flatten)]
    Generate(Generate),
}

impl Program for Cli {
    type Config = crawler::Config;
    const SECTION: &'static str = "crawler";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn http(&self) -> Option<&str> {
        self.http.as_deref()
    }

    fn command(&mut self) -> Option<service::Command> {
        let common = self.common.clone();
        Some(match self.command.take()? {
            Command::Pages(command) => Box::pin(async move {
                let config = crawler::Config::new(&common.layered()?)?;
                command.run(&config).await
            }),
            Command::Generate(command) => Box::pin(async move { command.run::<Cli>() }),
        })
    }

    fn config(layered: &Layered) -> anyhow::Result<Self::Config> {
        crawler::Config::new(layered)
    }

    fn needs(config: &Self::Config) -> Needs {
        config.needs()
    }

    fn address(config: &mut Self::Config) -> &mut String {
        &mut config.crawler.http
    }

    fn allow(config: &Self::Config) -> anyhow::Result<()> {
        crawler::Permission::of(&config.crawler).map(drop)
    }

    fn run(config: Self::Config, listener: TcpListener, shutdown: Shutdown) -> Service {
        crawler::run(config, listener, shutdown)
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
