//! `hedonic`: everything in one process.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use quickstart::Options;

/// Runs all of Hedonic in one process: listings are made, stored and learned from, requests are
/// answered with a price and a range.
///
/// Needs no server: it starts a private PostgreSQL and an embedded broker, on loopback. What it
/// learns stays in --data-dir; a second start goes on from there. Ctrl-C leaves.
#[derive(Parser)]
#[command(name = "hedonic", version)]
struct Args {
    /// Where everything is kept
    #[arg(long, value_name = "DIR", default_value = ".hedonic")]
    data_dir: PathBuf,
    /// Leave once so many requests are answered and stored
    #[arg(long, value_name = "N")]
    stop_after: Option<u64>,
    /// With --stop-after: give up after so many seconds, with exit code 1
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout_s: u64,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    /// A PostgreSQL of your own instead of the embedded one
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Kafka brokers of your own instead of the embedded one, host:port[,host:port]
    #[arg(long, value_name = "BROKERS")]
    kafka: Option<String>,
    /// One setting, e.g. --set emulator.requests_count=50 (repeatable; see config/default.toml)
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    common::telemetry::log("warn", false);
    common::telemetry::record_metrics();
    common::telemetry::choose_tls_provider();
    let json = args.json;
    match start(args).await {
        Ok(summary) if json => println!("{}", summary.to_json()),
        Ok(summary) => println!(
            "produced {}; in the tables: {} listings, {} rejects, {} answers; \
             model {}; first answer after {:.1} s; latency p50 {:.1} ms, p99 {:.1} ms",
            summary.produced,
            summary.listings,
            summary.rejects,
            summary.answers,
            summary.model,
            summary.first_answer_s,
            summary.p50_ms,
            summary.p99_ms
        ),
        Err(error) => {
            eprintln!("hedonic: {error:#}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn start(args: Args) -> anyhow::Result<quickstart::Summary> {
    let mut set = Vec::new();
    for setting in &args.set {
        match setting.split_once('=') {
            Some((key, value)) => set.push((key.to_owned(), value.to_owned())),
            None => anyhow::bail!("--set {setting}: expected SECTION.KEY=VALUE"),
        }
    }
    let options = Options {
        data_dir: args.data_dir,
        stop_after: args.stop_after,
        timeout: Duration::from_secs(args.timeout_s),
        database_url: args.database_url,
        kafka: args.kafka,
        set,
        live: true,
    };
    quickstart::run(options, common::shutdown::on_signals()).await
}
