//! Two versions on the same rows.

use arrow_array::RecordBatch;
use records::Schema;
use serde::{Deserialize, Serialize};
use valuation::{Link, Metrics, Prediction, RatioStudy, Share};

use super::bootstrap::{Difference, paired};
use super::segments::{self, SegmentContest, Sizes};

/// One of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Its number.
    pub version: u64,
    /// Mean |ln(estimate/price)| (of counts plus 1): what the decision rests on, as expensive and cheap count alike.
    pub mean_log_error: f64,
    /// Its errors.
    pub metrics: Metrics,
    /// Its ratio study; none for fewer than 3 rows.
    pub ratios: Option<RatioStudy>,
    /// Share of the prices inside its ranges, with the 95 % interval.
    pub coverage: Share,
    /// Size of its files.
    pub bytes: u64,
    /// How long a price takes it, in microseconds: the median of single rows.
    pub row_us: f64,
}

/// A comparison, with all that a verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contest {
    /// Rows that both have valued without having learned from them.
    pub rows: usize,
    /// Of them, rows that the champion has never seen.
    pub rows_new: usize,
    /// Of them, rows of the champion's own hold-out, as it valued them before it learned from them.
    pub rows_judged_before: usize,
    /// Rows of the challenger's hold-out that the champion had learned from: no fair comparison.
    pub rows_left_out: usize,
    /// Nominal coverage of the ranges.
    pub confidence: f64,
    /// Seed of the intervals.
    pub seed: u64,
    /// The newer one.
    pub challenger: Side,
    /// The one there is.
    pub champion: Side,
    /// The challenger's mean error less the champion's, row by row.
    pub difference: Difference,
    /// The same by segment.
    pub segments: Vec<SegmentContest>,
    /// What the two were fitted on; none in verdicts of older releases, and of classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<TrainingData>,
}

/// The challenger's training data beside the champion's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingData {
    /// The median of prices over what the champion says of the same records: 1.6 where all prices have become
    /// 1.6 times what they were.
    pub level: f64,
    /// Rows that the judged models were fitted on.
    pub rows: usize,
    /// The champion's.
    pub champion_rows: usize,
    /// By how many days the newest record is older than the champion's; below 0 where it is newer, none
    /// without times.
    pub older_days: Option<f64>,
}

/// What one of the two predicts for the rows, and what it costs.
pub(super) struct Entrant<'a> {
    pub(super) version: u64,
    pub(super) predicted: &'a [Prediction],
    pub(super) bytes: u64,
    pub(super) row_us: f64,
}

impl Entrant<'_> {
    fn errors(&self, link: Link, prices: &[f64]) -> Vec<f64> {
        let off = |(prediction, price): (&Prediction, &f64)| {
            link.ratio(prediction.value, *price).ln().abs()
        };
        self.predicted.iter().zip(prices).map(off).collect()
    }

    fn side(&self, link: Link, prices: &[f64]) -> Option<Side> {
        let values: Vec<f64> = self
            .predicted
            .iter()
            .map(|prediction| prediction.value)
            .collect();
        let inside = |(prediction, price): &(&Prediction, &f64)| {
            (prediction.low..=prediction.high).contains(*price)
        };
        let hits = self.predicted.iter().zip(prices).filter(inside).count();
        Some(Side {
            version: self.version,
            mean_log_error: self.errors(link, prices).iter().sum::<f64>() / prices.len() as f64,
            metrics: Metrics::on(link, prices, &values)?,
            ratios: RatioStudy::on(link, prices, &values),
            coverage: Share::of(hits, prices.len()),
            bytes: self.bytes,
            row_us: self.row_us,
        })
    }
}

/// Where the rows come from: of both counts, and those that were left out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Origins {
    pub(super) new: usize,
    pub(super) judged_before: usize,
    pub(super) left_out: usize,
}

/// The rows that are compared on.
pub(super) struct Ground<'a> {
    pub(super) schema: &'a Schema,
    pub(super) batch: &'a RecordBatch,
    /// Rows of the batch.
    pub(super) rows: &'a [usize],
    /// Their prices.
    pub(super) prices: &'a [f64],
    pub(super) origins: Origins,
    pub(super) confidence: f64,
    pub(super) seed: u64,
    /// Rows that the two were fitted on, the challenger's first.
    pub(super) fitted_on: (usize, usize),
    /// By how many days the challenger's newest record is older.
    pub(super) older_days: Option<f64>,
}

impl Ground<'_> {
    /// Compares; `None` for no rows.
    pub(super) fn contest(&self, challenger: &Entrant, champion: &Entrant) -> Option<Contest> {
        let (link, prices) = (Link::of(self.schema), self.prices);
        let challenger_errors = challenger.errors(link, prices);
        let errors: Vec<(f64, f64)> = challenger_errors
            .into_iter()
            .zip(champion.errors(link, prices))
            .collect();
        // The greatest counts are great by chance most of all: among them anyone who says more is nearer.
        // Parted by what the champion says, both are judged on like rows.
        let predicted: Vec<f64> = champion
            .predicted
            .iter()
            .map(|prediction| prediction.value)
            .collect();
        let sizes = match link {
            Link::Log => Sizes {
                by: "price fifth",
                values: prices,
            },
            Link::LogOnePlus => Sizes {
                by: "estimate fifth",
                values: &predicted,
            },
        };
        let differences: Vec<f64> = errors.iter().map(|(error, other)| error - other).collect();
        Some(Contest {
            rows: prices.len(),
            rows_new: self.origins.new,
            rows_judged_before: self.origins.judged_before,
            rows_left_out: self.origins.left_out,
            confidence: self.confidence,
            seed: self.seed,
            data: Some(TrainingData {
                level: level(link, champion, prices),
                rows: self.fitted_on.0,
                champion_rows: self.fitted_on.1,
                older_days: self.older_days,
            }),
            challenger: challenger.side(link, prices)?,
            champion: champion.side(link, prices)?,
            difference: paired(&differences, self.seed),
            segments: segments::of(
                self.schema,
                self.batch,
                self.rows,
                &sizes,
                &errors,
                self.seed,
            ),
        })
    }
}

/// The median of prices over estimates.
fn level(link: Link, champion: &Entrant, prices: &[f64]) -> f64 {
    let pairs = champion.predicted.iter().zip(prices);
    let mut ratios: Vec<f64> = pairs
        .map(|(own, price)| 1.0 / link.ratio(own.value, *price))
        .filter(|ratio| ratio.is_finite())
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(1.0)
}
