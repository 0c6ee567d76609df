//! The emulator's settings.

use anyhow::ensure;
use common::Secret;
use common::http::HttpConfig;
use common::kafka::KafkaConfig;
use serde::Deserialize;

use crate::streets;

/// Most messages that one trigger may ask for: a larger number is a slip of the hand.
pub const MOST: usize = 1_000_000;
/// Longest pause and delay that a schedule can keep, in seconds: a year.
const LONGEST_S: u64 = 365 * 24 * 3600;
/// Furthest history that still lies within the calendar.
const MOST_DAYS: u32 = 36_500;
/// Above it, prices leave the schema's bounds.
const MOST_SIGMA: f64 = 2.0;
/// Above it, prices leave the schema's bounds within a few years.
const MOST_DRIFT: f64 = 2.0;
/// Times three a minute: as much as anybody can watch.
const MOST_DRIFT_PER_HOUR: f64 = 60.0;
/// Longest wait for Mockaroo, in milliseconds.
const LONGEST_ANSWER_MS: u64 = 600_000;

/// Section `[emulator]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmulatorConfig {
    /// Address of the HTTP interface.
    pub http: String,
    /// The same seed makes the same listings.
    pub seed: u64,
    /// CSV of the user's own cities; empty: those compiled in.
    pub cities_file: String,
    /// CSV of the user's own street names; empty: those compiled in.
    pub streets_file: String,
    /// Whether the schedules start without `POST /start`.
    pub autostart: bool,
    /// Pause between two batches of listings.
    pub new_data_every_s: u64,
    /// Listings of a batch; 0: none by schedule.
    pub new_data_count: usize,
    /// Most of them, where each batch draws its size; 0: always the same.
    pub new_data_count_most: usize,
    /// Pause between two batches of requests.
    pub requests_every_s: u64,
    /// Requests of a batch; 0: none by schedule.
    pub requests_count: usize,
    /// Most of them, where each batch draws its size; 0: always the same.
    pub requests_count_most: usize,
    /// Share of messages corrupted on purpose.
    pub dirty_share: f64,
    /// Share of requests whose price becomes known.
    pub actuals_share: f64,
    /// After how long it becomes known.
    pub actuals_delay_s: u64,
    /// Rise of the market per year.
    pub drift_per_year: f64,
    /// Rise of the market per hour since the emulator's start, for a market that moves while one looks.
    pub drift_per_hour: f64,
    /// Standard deviation of the noise on the logarithm of a price.
    pub noise_sigma: f64,
    /// Listings carry times of the last so many days.
    pub history_days: u32,
    /// Where street names come from; empty: the file. Hidden, as people put keys into URLs.
    pub mockaroo_url: Secret,
    /// Mockaroo's key.
    pub mockaroo_key: Secret,
    /// Bounds the wait for Mockaroo.
    pub mockaroo_timeout_ms: u64,
    /// Shortest time between two questions to Mockaroo; 0: before each batch.
    pub mockaroo_every_s: u64,
}

/// Everything the emulator needs to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Section `[kafka]`.
    pub kafka: KafkaConfig,
    /// Section `[emulator]`.
    pub emulator: EmulatorConfig,
    /// Section `[http]`.
    pub http: HttpConfig,
}

impl Config {
    /// Takes the emulator's sections out of the layers.
    ///
    /// # Errors
    /// When a setting is not valid; the message names it.
    pub fn new(layered: &common::Layered) -> anyhow::Result<Config> {
        let config = Config {
            kafka: layered.section("kafka")?,
            emulator: layered.section("emulator")?,
            http: layered.section("http")?,
        };
        config.emulator.check()?;
        Ok(config)
    }
}

impl EmulatorConfig {
    fn check(&self) -> anyhow::Result<()> {
        for (name, share) in [
            ("dirty_share", self.dirty_share),
            ("actuals_share", self.actuals_share),
        ] {
            within(name, share, 0.0, 1.0)?;
        }
        within("noise_sigma", self.noise_sigma, 0.0, MOST_SIGMA)?;
        within(
            "drift_per_year",
            self.drift_per_year,
            -MOST_DRIFT,
            MOST_DRIFT,
        )?;
        within(
            "drift_per_hour",
            self.drift_per_hour,
            -MOST_DRIFT_PER_HOUR,
            MOST_DRIFT_PER_HOUR,
        )?;
        for (name, every_s) in [
            ("new_data_every_s", self.new_data_every_s),
            ("requests_every_s", self.requests_every_s),
        ] {
            ensure!(
                (1..=LONGEST_S).contains(&every_s),
                "emulator.{name} is {every_s}; expected 1 to {LONGEST_S} seconds"
            );
        }
        for (name, count) in [
            ("new_data_count", self.new_data_count),
            ("requests_count", self.requests_count),
        ] {
            ensure!(
                count <= MOST,
                "emulator.{name} is {count}; expected at most {MOST}"
            );
        }
        for (name, least, most) in [
            (
                "new_data_count",
                self.new_data_count,
                self.new_data_count_most,
            ),
            (
                "requests_count",
                self.requests_count,
                self.requests_count_most,
            ),
        ] {
            ensure!(
                most == 0 || (least.max(1)..=MOST).contains(&most) && least > 0,
                "emulator.{name}_most is {most}; expected 0, or emulator.{name} ({least}, which is then \
                 above 0) to {MOST}"
            );
        }
        ensure!(
            self.actuals_delay_s <= LONGEST_S,
            "emulator.actuals_delay_s is {}; expected at most {LONGEST_S} seconds",
            self.actuals_delay_s
        );
        ensure!(
            (1..=MOST_DAYS).contains(&self.history_days),
            "emulator.history_days is {}; expected 1 to {MOST_DAYS} days",
            self.history_days
        );
        ensure!(
            (1..=LONGEST_ANSWER_MS).contains(&self.mockaroo_timeout_ms),
            "emulator.mockaroo_timeout_ms is {}; expected 1 to {LONGEST_ANSWER_MS} milliseconds",
            self.mockaroo_timeout_ms
        );
        ensure!(
            self.mockaroo_every_s <= LONGEST_S,
            "emulator.mockaroo_every_s is {}; expected at most {LONGEST_S} seconds",
            self.mockaroo_every_s
        );
        let url = self.mockaroo_url.expose().trim();
        ensure!(
            url.is_empty() || streets::server_url(url).is_some(),
            "emulator.mockaroo_url is not a URL; expected http:// or https:// and a host, such as \
             https://my.api.mockaroo.com/streets.json, or nothing"
        );
        Ok(())
    }
}

fn within(name: &str, found: f64, least: f64, most: f64) -> anyhow::Result<()> {
    // Also refuses what is not a number.
    ensure!(
        (least..=most).contains(&found),
        "emulator.{name} is {found}; expected a number from {least} to {most}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use common::Layered;

    use super::*;

    fn config(key: &str, value: &str) -> anyhow::Result<Config> {
        let set = (format!("emulator.{key}"), value.to_owned());
        Config::new(&Layered::load(None, &[set]).expect("the layers are valid"))
    }

    #[test]
    fn the_defaults_and_the_edges_are_taken() {
        for (key, value) in [
            ("seed", "1"),
            ("dirty_share", "0"),
            ("dirty_share", "1"),
            ("actuals_share", "1.0"),
            ("noise_sigma", "0"),
            ("drift_per_year", "-0.5"),
            ("drift_per_hour", "12"),
            ("new_data_every_s", "1"),
            ("new_data_count", "0"),
            ("new_data_count_most", "100"),
            ("requests_count_most", "0"),
            ("mockaroo_every_s", "0"),
            ("history_days", "1"),
            ("mockaroo_url", "http://127.0.0.1:9/a.json"),
        ] {
            config(key, value).unwrap_or_else(|error| panic!("{key} = {value}: {error:#}"));
        }
    }

    #[test]
    fn a_bad_setting_is_named_with_what_was_expected() {
        for (key, value, expected) in [
            ("dirty_share", "1.5", "from 0 to 1"),
            ("dirty_share", "-0.1", "from 0 to 1"),
            ("dirty_share", "NaN", "from 0 to 1"),
            ("actuals_share", "7", "from 0 to 1"),
            ("noise_sigma", "-0.08", "from 0 to 2"),
            ("drift_per_year", "inf", "from -2 to 2"),
            ("drift_per_hour", "61", "from -60 to 60"),
            ("new_data_every_s", "0", "1 to"),
            ("requests_every_s", "0", "1 to"),
            ("requests_every_s", "99999999999", "1 to"),
            ("requests_count", "1000001", "at most 1000000"),
            (
                "requests_count_most",
                "19",
                "expected 0, or emulator.requests_count (20",
            ),
            ("new_data_count_most", "1000001", "to 1000000"),
            ("mockaroo_every_s", "99999999999", "at most"),
            ("actuals_delay_s", "99999999999", "at most"),
            ("history_days", "0", "1 to 36500"),
            ("mockaroo_timeout_ms", "0", "1 to 600000"),
            ("mockaroo_url", "mockaroo.com/x", "expected http://"),
            ("mockaroo_url", "ftp://mockaroo.com", "expected http://"),
        ] {
            let error = config(key, value).expect_err(key).to_string();
            assert!(error.contains(key), "{key} = {value}: {error}");
            assert!(error.contains(expected), "{key} = {value}: {error}");
        }
    }

    #[test]
    fn neither_key_nor_url_is_shown() {
        let url = "mockaroo.com/x?key=s3cret";
        let error = config("mockaroo_url", url).expect_err("no scheme");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        let config = config("mockaroo_url", &format!("https://{url}")).unwrap();
        assert!(!format!("{config:?}").contains("s3cret"), "{config:?}");
    }
}
