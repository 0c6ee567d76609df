//! Section `[crawler]`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use common::database::DatabaseConfig;
use common::http::HttpConfig;
use common::kafka::KafkaConfig;
use common::liveness::LivenessConfig;
use records::Schema;
use serde::Deserialize;

/// Longest time that a setting may say, in seconds: a year.
const LONGEST_S: u64 = 365 * 24 * 3600;
/// RFC 9309, 2.4: a cached robots.txt is not used for longer than a day.
const ROBOTS_MOST_S: u64 = 24 * 3600;

/// Section `[schema]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaConfig {
    /// A built-in schema's name or a file's path.
    source: String,
}

/// How the crawler crawls.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrawlerConfig {
    /// Address of the HTTP interface.
    pub http: String,
    /// What may be read, separated by commas; nothing else is ever asked.
    pub hosts: String,
    /// Whom the owner of a host can write to.
    pub contact: String,
    /// The user's confirmation that these hosts may be read by a program.
    pub right_to_crawl: bool,
    /// Whether a run begins without `POST /start`.
    pub autostart: bool,
    /// When runs begin by themselves; empty for never.
    pub schedule: String,
    /// Least pause between two requests to one host.
    pub delay_ms: u64,
    /// How old a page may be before it is requested again.
    pub refresh_s: u64,
    /// How old a robots.txt may be.
    pub robots_s: u64,
    /// When one that was not available is requested again.
    pub robots_retry_s: u64,
    /// First pause of a host that asks for less, or fails.
    pub backoff_ms: u64,
    /// Longest such pause that is not asked for by the host itself.
    pub backoff_most_ms: u64,
    /// Bounds how long a run waits for one host.
    pub wait_most_s: u64,
    /// Bounds the tries of one page.
    pub max_attempts: u32,
    /// Bounds the wait for an answer with its body.
    pub timeout_ms: u64,
    /// Bounds a page, also once unpacked.
    pub max_page_bytes: usize,
    /// Bounds a sitemap, also once unpacked.
    pub max_sitemap_bytes: usize,
    /// Bounds how deep elements are in each other: an HTML parser's time grows with it.
    pub max_nesting: usize,
    /// Bounds the way from the start to a page, in links.
    pub max_depth: u32,
    /// Bounds a chain of redirects.
    pub max_redirects: u32,
    /// Bounds what one host may bring into the frontier.
    pub max_pages_per_host: u32,
    /// Bounds what one page may bring into it.
    pub max_links_per_page: usize,
    /// Whether private and loopback addresses may be read.
    pub allow_private_addresses: bool,
}

/// Everything the crawler needs to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// What a record is, and how pages say it.
    pub schema: Arc<Schema>,
    /// Section `[kafka]`.
    pub kafka: KafkaConfig,
    /// Section `[database]`.
    pub database: DatabaseConfig,
    /// Section `[http]`.
    pub http: HttpConfig,
    /// Section `[liveness]`.
    pub liveness: LivenessConfig,
    /// Section `[crawler]`.
    pub crawler: CrawlerConfig,
}

impl Config {
    /// Takes the crawler's sections out of the layers. Whether anything may be crawled is another
    /// question: [`crate::Permission::of`].
    ///
    /// # Errors
    /// When a setting or the schema is not valid; the message names it.
    pub fn new(layered: &common::Layered) -> anyhow::Result<Config> {
        let source: SchemaConfig = layered.section("schema")?;
        let config = Config {
            schema: Arc::new(Schema::load(&source.source)?),
            kafka: layered.section("kafka")?,
            database: layered.section("database")?,
            http: layered.section("http")?,
            liveness: layered.section("liveness")?,
            crawler: layered.section("crawler")?,
        };
        config.crawler.check()?;
        Ok(config)
    }
}

impl CrawlerConfig {
    fn check(&self) -> anyhow::Result<()> {
        let within = |name: &str, value: u64, least: u64, most: u64| {
            ensure!(
                (least..=most).contains(&value),
                "crawler.{name} = {value}: expected {least} to {most}"
            );
            Ok(())
        };
        within("refresh_s", self.refresh_s, 1, LONGEST_S)?;
        within("robots_s", self.robots_s, 1, ROBOTS_MOST_S)?;
        within("robots_retry_s", self.robots_retry_s, 1, ROBOTS_MOST_S)?;
        within("delay_ms", self.delay_ms, 1, LONGEST_S * 1000)?;
        within("backoff_ms", self.backoff_ms, 1, LONGEST_S * 1000)?;
        let most = LONGEST_S * 1000;
        within(
            "backoff_most_ms",
            self.backoff_most_ms,
            self.backoff_ms,
            most,
        )?;
        within("wait_most_s", self.wait_most_s, 0, LONGEST_S)?;
        within("timeout_ms", self.timeout_ms, 100, 600_000)?;
        within("max_attempts", self.max_attempts.into(), 1, 100)?;
        within("max_page_bytes", self.max_page_bytes as u64, 1024, 64 << 20)?;
        within(
            "max_sitemap_bytes",
            self.max_sitemap_bytes as u64,
            1024,
            64 << 20,
        )?;
        within("max_nesting", self.max_nesting as u64, 16, 10_000)?;
        within("max_depth", self.max_depth.into(), 0, 100)?;
        within("max_redirects", self.max_redirects.into(), 0, 20)?;
        within(
            "max_pages_per_host",
            self.max_pages_per_host.into(),
            1,
            10_000_000,
        )?;
        within(
            "max_links_per_page",
            self.max_links_per_page as u64,
            0,
            100_000,
        )?;
        if !self.schedule.is_empty() {
            common::schedule::Schedule::parse(&self.schedule).context("crawler.schedule")?;
        }
        Ok(())
    }

    /// Least pause between two requests to one host.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// Longest wait for an answer.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}
