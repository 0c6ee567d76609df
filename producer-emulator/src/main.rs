//! `producer-emulator`: makes listings and requests, and sends them to Kafka; replays files.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use common::Shutdown;
use common::args::CommonArgs;
use producer_emulator::replay::{Account, Batches, Config, Job, Part, progress, replay};

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
struct Arguments {
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
}

/// Sends the records of a CSV or Parquet file through a schema to a topic, as the JSON messages
/// that the other services read, keyed by the schema's key.
///
///   producer-emulator replay listings.csv                 as fast as possible
///   producer-emulator replay listings.csv --rate 0.5      one every two seconds
///   producer-emulator replay listings.parquet --topic requests --limit 100
///   producer-emulator replay cars.csv --schema cars.toml --topic cars --json
///
/// --topic requests omits the price (the schema's target); --topic actuals sends only the key and the
/// price, as labels. Invalid records are counted, and the first ones listed with their lines. A message
/// counts as sent when Kafka has confirmed it. Progress is on standard error, the summary on standard
/// output.
///
/// To send only some fields, and the key:
///
///   producer-emulator replay listings.csv --fields city,rooms,area,price
///
/// Ctrl-C stops after the messages in flight and prints how to continue:
///
///   producer-emulator replay listings.csv --skip 12000
///
/// To send the file in ten equal parts over time:
///
///   producer-emulator replay listings.csv --batches 10 --every 30s
///
/// To hold back a fifth of the file, request its prices later, and then send its labels:
///
///   producer-emulator replay listings.csv --hold-back 0.2
///   producer-emulator replay listings.csv --held-back 0.2 --topic requests
///   producer-emulator replay listings.csv --held-back 0.2 --topic actuals
#[derive(Args)]
#[command(verbatim_doc_comment)]
struct ReplayArgs {
    /// A .csv, .tsv or .parquet file; its columns are named as the schema's fields
    file: PathBuf,
    /// new_data, requests, actuals, or the name of any topic
    #[arg(long, value_name = "TOPIC", default_value = "new_data")]
    topic: String,
    /// Send only these fields of the schema and the key, such as city,area,price
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    fields: Option<Vec<String>>,
    /// Messages per second, evenly spaced, such as 200 or 0.5; without it as fast as possible
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// A schema file, or the name of a built-in schema (same as schema.source)
    #[arg(long, value_name = "SCHEMA.toml")]
    schema: Option<String>,
    /// Stop after this many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Skip this many records, valid or not (lines below a CSV's header)
    #[arg(long, value_name = "LINES", default_value_t = 0)]
    skip: u64,
    /// Split the file into this many equal parts and send one after another (the file is read twice)
    #[arg(long, value_name = "N", requires = "every",
        value_parser = clap::value_parser!(u64).range(1..))]
    batches: Option<u64>,
    /// Time between the starts of two batches, such as 30s, 5m or 1h
    #[arg(long, value_name = "TIME", requires = "batches", value_parser = every)]
    every: Option<Duration>,
    /// Omit this share of the records, evenly over the file
    #[arg(long, value_name = "SHARE", value_parser = share, conflicts_with = "held_back")]
    hold_back: Option<f64>,
    /// Send only the records that --hold-back with the same share omits
    #[arg(long, value_name = "SHARE", value_parser = share)]
    held_back: Option<f64>,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
}

/// Longest time between two batches, in seconds: a year.
const LONGEST_S: f64 = 365.0 * 86_400.0;

fn every(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time, such as 500ms, 30s, 5m or 1h, of at most a year".to_owned();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit_s = match &text[digits.len()..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(expected()),
    };
    match digits.parse::<f64>().map(|count| count * unit_s) {
        Ok(seconds) if (0.001..=LONGEST_S).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(expected()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("expected a share of the records between 0 and 1, such as 0.2".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (1e-6..=1e7).contains(&rate) => Ok(rate),
        _ => Err("expected messages per second, such as 200 or 0.5".to_owned()),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(probe) = arguments.common.healthcheck {
        return probe.ask(&arguments.common, "emulator", arguments.http.as_deref());
    }
    if let Some(format) = arguments.common.check {
        let config = arguments.common.layered().map_err(anyhow::Error::from);
        let config = config.and_then(|layered| producer_emulator::Config::new(&layered));
        common::check::answer(config.map(|config| config.needs()), format).await;
    }
    common::telemetry::log("info", arguments.common.log_json);
    if let Some(Command::Replay(replay)) = arguments.command {
        return send(arguments.common, replay).await;
    }
    common::telemetry::record_metrics();
    let mut config = producer_emulator::Config::new(&arguments.common.layered()?)?;
    if let Some(http) = arguments.http {
        config.emulator.http = http;
    }
    let listener = common::http::listen(&config.emulator.http)?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    producer_emulator::run(config, listener, common::shutdown::on_signals()).await
}

async fn send(mut common: CommonArgs, arguments: ReplayArgs) -> anyhow::Result<()> {
    if let Some(schema) = &arguments.schema {
        common.set.push(format!("schema.source={schema}"));
    }
    let mut config = Config::new(&common.layered()?)?;
    if let Some(fields) = &arguments.fields {
        config = config.choosing(fields)?;
    }
    let job = Job {
        file: arguments.file,
        topic: arguments.topic,
        rate: arguments.rate,
        limit: arguments.limit,
        skip: arguments.skip,
        batches: arguments
            .batches
            .zip(arguments.every)
            .map(|(count, every)| Batches { count, every }),
        part: match (arguments.hold_back, arguments.held_back) {
            (Some(share), _) => Part::Rest(share),
            (_, Some(share)) => Part::HeldBack(share),
            _ => Part::Whole,
        },
    };
    let shutdown = common::shutdown::on_signals();
    let (account, end) = (Account::default(), Shutdown::new());
    let sending = async {
        let result = replay(&config, &job, &account, &shutdown).await;
        end.cancel();
        result
    };
    let (result, ()) = tokio::join!(sending, progress::show(&account, &end));
    let summary = result?;
    if arguments.json {
        println!("{}", summary.to_json());
    } else {
        println!("{summary}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_between_batches_have_a_unit() {
        for (text, ms) in [
            ("30s", 30_000),
            ("1.5m", 90_000),
            ("1h", 3_600_000),
            ("5ms", 5),
        ] {
            assert_eq!(every(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["30", "s", "-1s", "0s", "1d", "9999999h", "NaNs", "1 s", ""] {
            let error = every(text).expect_err(text);
            assert!(error.contains("such as 500ms, 30s"), "{text}: {error}");
        }
        assert_eq!(share("0.2"), Ok(0.2));
        for text in ["0", "1", "-0.1", "20%", "NaN"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
