//! `crawler`: listings from web pages onto Kafka, politely.

use clap::{Parser, Subcommand};
use common::{Health, Shutdown};
use crawler::pages::{self, Selection};

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
    /// Shows the state of pages, and requests them again
    #[command(subcommand)]
    Pages(Pages),
}

#[derive(Subcommand)]
enum Pages {
    /// Lists the pages visited last, with counts by state and reason
    List {
        #[command(flatten)]
        selection: Selection,
        /// Number of pages to show
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Prints everything about a page: values with their places, and rejected values with reasons
    Show {
        /// Its address, as `list` shows it
        url: String,
    },
    /// Requests pages again in the next run; with --host, continues with a stopped host
    Retry {
        /// Their addresses, as `list` shows them
        urls: Vec<String>,
        #[command(flatten)]
        selection: Selection,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(probe) = args.common.healthcheck {
        return probe.ask(&args.common, "crawler", args.http.as_deref());
    }
    if let Some(format) = args.common.check {
        let config = args.common.layered().map_err(anyhow::Error::from);
        let config = config.and_then(|layered| crawler::Config::new(&layered));
        common::check::answer(config.map(|config| config.needs()), format).await;
    }
    common::telemetry::log("info", args.common.log_json);
    common::telemetry::choose_tls_provider();
    let mut config = crawler::Config::new(&args.common.layered()?)?;
    if let Some(Command::Pages(command)) = args.command {
        return command.run(&config).await;
    }
    common::telemetry::record_metrics();
    if let Some(http) = args.http {
        config.crawler.http = http;
    }
    // What is missing is named before an address is taken.
    crawler::Permission::of(&config.crawler)?;
    let listener = common::http::listen(&config.crawler.http)?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    crawler::run(config, listener, common::shutdown::on_signals()).await
}

impl Pages {
    async fn run(self, config: &crawler::Config) -> anyhow::Result<()> {
        let shutdown: Shutdown = common::shutdown::on_signals();
        let Some(pool) = crawler::open(config, &Health::default(), &shutdown).await? else {
            return Ok(());
        };
        match self {
            Pages::List {
                selection,
                limit,
                json,
            } => pages::list(&pool, &selection, limit, json).await,
            Pages::Show { url } => pages::show(&pool, &url).await,
            Pages::Retry { urls, selection } => {
                let count = pages::retry(&pool, &urls, &selection).await?;
                println!("pages to request in the next run: {count}");
                Ok(())
            }
        }
    }
}
