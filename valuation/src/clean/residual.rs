//! A price that nothing in its record explains: far from what a line says that has not seen it.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use rayon::prelude::*;
use records::Schema;
use serde::{Deserialize, Serialize};

use crate::cells::median;
use crate::clean::MAD_TO_SIGMA;
use crate::linear::{Linear, Shrinkage, SparseRow, Triangle};
use crate::linear_design::{LevelLimits, LinearDesign};
use crate::rng::fold_of;

/// Residuals within so many robust standard deviations are kept.
const LIMIT: f64 = 6.0;
/// So are those within this factor of the price, however well a line fits the others: a slipped
/// digit is a factor of 10, a home of a kind of its own is not.
const LEAST_FACTOR: f64 = 3.0;
/// Where more than this share (and more than [`FEW`]) lie beyond, they are not slips but homes that
/// a line cannot price: all are kept.
const MOST_SHARE: f64 = 0.01;
const FEW: f64 = 5.0;
/// Fewer rows are kept as they are: halves of them show nothing.
const LEAST_ROWS: usize = 100;
/// Each row is priced by a line through the other half.
const HALVES: usize = 2;

/// Two lines, a half of the training rows each, and how far from them a price may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResidualRule {
    lines: Vec<(LinearDesign, Linear)>,
    /// Median residual, in log price.
    centre: f64,
    /// Greatest distance from it.
    limit: f64,
}

/// What the rule reads.
#[derive(Clone, Copy)]
pub(crate) struct Listings<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) batch: &'a RecordBatch,
    /// Log prices by row of the batch.
    pub(crate) logs: &'a [f64],
    /// The field of the groups.
    pub(crate) group: Option<&'a str>,
    pub(crate) levels: LevelLimits,
    /// Says which half a row is in.
    pub(crate) seed: u64,
}

impl ResidualRule {
    /// Fits on training rows only; also gives those of them that it takes. `None` where they are
    /// too few, or no line can be laid through them: the fit then reports it.
    pub(crate) fn fit(
        listings: Listings,
        train: &[usize],
    ) -> Option<(ResidualRule, BTreeSet<usize>)> {
        if train.len() < LEAST_ROWS {
            return None;
        }
        let half = |position: usize| fold_of(position, HALVES, listings.seed);
        let of = |state: usize| -> Vec<usize> {
            let positions = (0..train.len()).filter(|position| half(*position) == state);
            positions.map(|position| train[position]).collect()
        };
        let halves: Vec<Vec<usize>> = (0..HALVES).map(of).collect();
        let lines: Vec<(LinearDesign, Linear)> = halves
            .par_iter()
            .map(|rows| listings.line(rows, None))
            .collect::<Option<_>>()?;
        let mut residuals: Vec<(usize, f64)> = Vec::with_capacity(train.len());
        for (half, rows) in halves.iter().enumerate() {
            // Priced by the line that has not seen them.
            let line = &lines[(half + 1) % HALVES..][..1];
            residuals.extend(rows.iter().copied().zip(listings.residuals(line, rows)));
        }
        let mut values: Vec<f64> = residuals.iter().map(|(_, value)| *value).collect();
        let centre = median(&mut values)?;
        let mut distances: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
        let spread = MAD_TO_SIGMA * median(&mut distances)?;
        let mut rule = ResidualRule {
            lines,
            centre,
            limit: (LIMIT * spread).max(LEAST_FACTOR.ln()),
        };
        let beyond = |rule: &ResidualRule| -> BTreeSet<usize> {
            let beyond = residuals.iter().filter(|(_, value)| !rule.holds(*value));
            beyond.map(|(row, _)| *row).collect()
        };
        if beyond(&rule).len() as f64 > FEW.max(MOST_SHARE * train.len() as f64) {
            rule.limit = f64::INFINITY;
        }
        let taken = beyond(&rule);
        Some((rule, taken))
    }

    /// Those of `rows`, which it was not fitted on, that it would keep.
    pub(crate) fn keeps(&self, listings: Listings, rows: &[usize]) -> Vec<usize> {
        let residuals = listings.residuals(&self.lines, rows);
        let kept = rows
            .iter()
            .zip(residuals)
            .filter(|(_, residual)| self.holds(*residual));
        kept.map(|(row, _)| *row).collect()
    }

    /// Whether it takes any price at all: a market that a line cannot price has no slips.
    pub(crate) fn is_open(&self) -> bool {
        self.limit.is_infinite()
    }

    fn holds(&self, residual: f64) -> bool {
        (residual - self.centre).abs() <= self.limit
    }
}

impl Listings<'_> {
    /// A line through `rows`, whose weights are drawn to 0 by `ridge`, or by next to nothing; `None` where none can
    /// be laid.
    pub(crate) fn line(
        &self,
        rows: &[usize],
        ridge: Option<Shrinkage>,
    ) -> Option<(LinearDesign, Linear)> {
        let targets: Vec<f64> = rows.iter().map(|row| self.logs[*row]).collect();
        let (features, out_of_fold) = LinearDesign::fit(
            self.schema,
            self.batch,
            rows,
            &targets,
            self.group,
            self.levels,
        );
        let triangle = Triangle::of_each(&targets, features.width(), |add| {
            features.each_trained(self.batch, rows, &out_of_fold, add);
        });
        let triangle = triangle.ok()?;
        let line = match ridge {
            Some(ridge) => triangle.elastic_net(ridge),
            None => triangle.least_squares(),
        };
        let line = line.ok()?;
        Some((features, line))
    }

    /// Log prices less the mean of what the lines say.
    pub(crate) fn residuals(&self, lines: &[(LinearDesign, Linear)], rows: &[usize]) -> Vec<f64> {
        let mut residuals: Vec<f64> = rows.iter().map(|row| self.logs[*row]).collect();
        let mut design = SparseRow::new();
        for (features, line) in lines {
            let bound = features.bind(self.batch);
            for (row, residual) in rows.iter().zip(&mut residuals) {
                bound.write(*row, &mut design);
                *residual -= line.predict(&design) / lines.len() as f64;
            }
        }
        residuals
    }
}
