//! `pages`: shows the state of pages, and requests them again.

use clap::Subcommand;
use common::{Health, Shutdown};
use crawler::pages::{self, Selection};

#[derive(Subcommand)]
pub(super) enum Pages {
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

impl Pages {
    /// Runs the command.
    ///
    /// # Errors
    /// When PostgreSQL fails, or there is no such page.
    pub(super) async fn run(self, config: &crawler::Config) -> anyhow::Result<()> {
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
