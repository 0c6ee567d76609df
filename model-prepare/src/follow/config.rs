//! The settings of following a topic.

use std::path::PathBuf;

use common::kafka::KafkaConfig;
use serde::Deserialize;
use valuation::OnlineOptions;

use crate::config::{Config, PromotionMode};

/// Section `[follow]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowConfig {
    /// Where the HTTP interface is.
    pub http: String,
    /// Consumer group, and the name under which state and offsets are kept: another name is another
    /// follower, with a base of its own.
    pub group: String,
    /// Share of the error that the first step takes away.
    pub rate: f64,
    /// What the rate falls to: above 0, or it stops following.
    pub rate_least: f64,
    /// Steps after which the rate has halved.
    pub decay_steps: f64,
    /// How strongly the coefficients are held near the base's.
    pub pull: f64,
    /// Residuals count as so many of the base's usual ones at most: a slip in a price moves little.
    pub clip: f64,
    /// Records of a step.
    pub batch_rows: usize,
    /// A version is published every N records; 0: none is.
    pub publish_every: u64,
    /// It is judged on the predictions for this many newest records, made before the update.
    pub judge_rows: usize,
    /// What becomes of a version when it has been judged.
    pub promote: PromotionMode,
    /// Seconds between two looks at the coefficients; 0: none are shown.
    pub show_every_s: u64,
    /// How many coefficients are shown, those that have moved furthest.
    pub show_rows: usize,
    /// How long the broker may hold a fetch that has no data.
    pub fetch_wait_ms: u64,
}

impl FollowConfig {
    pub(super) fn options(&self) -> OnlineOptions {
        OnlineOptions {
            rate: self.rate,
            rate_least: self.rate_least,
            decay_steps: self.decay_steps,
            pull: self.pull,
            clip: self.clip,
            batch_rows: self.batch_rows,
        }
    }
}

/// What is known of the loader: a base that is fitted on what it has stored continues where it was then.
#[derive(Debug, Clone, Deserialize)]
struct Loader {
    group: String,
}

/// What a follower begins from, where it has not begun before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// A line fitted on the stored listings of the last `prepare.window_days`.
    Listings,
    /// A line fitted on a CSV or Parquet file.
    File(PathBuf),
    /// The newest version that a follower has published.
    Followed,
    /// A version: its number or an alias. It must be a line alone.
    Version(String),
}

/// The options of a follower.
#[derive(Debug, Clone)]
pub struct Follow {
    /// The settings of a training: the base is one, and versions are published as a training's are.
    pub training: Config,
    /// Section `[kafka]`.
    pub kafka: KafkaConfig,
    /// Section `[follow]`.
    pub follow: FollowConfig,
    /// The loader's consumer group.
    pub(super) loader: String,
    /// What it begins from.
    pub base: Base,
    /// Whether what it has learned before is forgotten.
    pub afresh: bool,
    /// It leaves when it has read N messages in all, those before a restart too.
    pub stop_after: Option<u64>,
}

impl Follow {
    /// Takes the sections out of the layers; begins from the stored listings.
    ///
    /// # Errors
    /// When a setting or the schema is not valid.
    pub fn new(layered: &common::Layered) -> anyhow::Result<Follow> {
        let loader: Loader = layered.section("loader")?;
        Ok(Follow {
            training: Config::new(layered)?,
            kafka: layered.section("kafka")?,
            follow: layered.section("follow")?,
            loader: loader.group,
            base: Base::Listings,
            afresh: false,
            stop_after: None,
        })
    }
}
