//! The settings of a promotion.

use serde::Deserialize;

/// What happens to a version when it has been judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromotionMode {
    /// It is promoted where it passes.
    Rule,
    /// It is promoted whatever the verdict, which is kept all the same.
    Always,
    /// It waits for somebody to promote it.
    Never,
}

/// Section `[prepare.promotion]`: the bounds of the rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromotionConfig {
    /// Rows that both have valued without having learned from them; fewer decide nothing.
    pub min_rows: usize,
    /// How much greater the error may be at the upper end of its interval, as a share of the
    /// champion's: a newer model that is as good is the better one, as it knows more of the present.
    pub error_margin: f64,
    /// How far the share of prices inside the range may be below the champion's where it is below
    /// the nominal one.
    pub coverage_margin: f64,
    /// How much greater a segment's error may be where that is not an accident.
    pub segment_margin: f64,
    /// How far prices may be from what the champion says of the same records, as a share: further, the
    /// version waits for somebody to look at the data.
    pub level_margin: f64,
    /// Rows that it must have been fitted on at least, as a share of the champion's.
    pub volume_share: f64,
    /// How many days older than the champion's its newest record may be.
    pub older_days: f64,
    /// How many times as large as the champion it may be.
    pub size_factor: f64,
    /// How many times as long as the champion it may take for a price.
    pub latency_factor: f64,
    /// No version is refused for being slow below this, in microseconds a row.
    pub latency_us: f64,
    /// How much lower the silhouette of a clustering may be on the same records.
    pub silhouette_margin: f64,
}
