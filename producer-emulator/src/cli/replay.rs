//! `replay`: sends a file.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use common::Shutdown;
use common::args::CommonArgs;
use producer_emulator::replay::{Account, Batches, Config, Job, Part, progress, replay};

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
pub(super) struct ReplayArgs {
    /// A .csv, .tsv or .parquet file, or a folder of Parquet files (by name, as one file); its columns are named as the schema's fields
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

impl ReplayArgs {
    /// Sends the file, and prints the summary.
    ///
    /// # Errors
    /// When a setting is not valid, the file cannot be read, or Kafka fails.
    pub(super) async fn run(self, common: CommonArgs) -> anyhow::Result<()> {
        let mut config = Config::new(&common.layered()?)?;
        if let Some(fields) = &self.fields {
            config = config.choosing(fields)?;
        }
        let job = Job {
            file: self.file,
            topic: self.topic,
            rate: self.rate,
            limit: self.limit,
            skip: self.skip,
            batches: self
                .batches
                .zip(self.every)
                .map(|(count, every)| Batches { count, every }),
            part: match (self.hold_back, self.held_back) {
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
        if self.json {
            println!("{}", summary.to_json());
        } else {
            println!("{summary}");
        }
        Ok(())
    }
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
