//! Numbers, whole numbers, booleans and times as columns of the design.

use std::collections::{BTreeMap, BTreeSet};

use records::Kind;
use serde::{Deserialize, Serialize};

use super::column::{Column, Says};
use super::numbering::Numbering;
use crate::cells::{Cells, median};
use crate::linear::SparseRow;
use crate::part_error::PartError;

/// Integers with no more distinct values are also one-hot.
const INTEGER_LEVELS: usize = 12;
/// max/min above which a positive number also enters as its logarithm.
const LOG_RATIO: f64 = 3.0;

/// A standardised column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Scale {
    /// Its place in the design.
    column: usize,
    /// Taken off, so that 0 is the average.
    mean: f64,
    /// Divided by, so that weights compare; 1 for a constant.
    deviation: f64,
}

impl Scale {
    fn fit(values: &[f64], columns: &mut Numbering) -> Scale {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
        let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        Scale {
            column: columns.next(),
            mean,
            deviation,
        }
    }

    fn apply(&self, value: f64) -> (usize, f64) {
        (self.column, (value - self.mean) / self.deviation)
    }

    fn check(&self) -> Result<(), PartError> {
        if self.mean.is_finite() && self.deviation.is_finite() && self.deviation > 0.0 {
            return Ok(());
        }
        Err(PartError::Misfit(format!(
            "mean {} and deviation {}, expected finite numbers and a deviation above 0",
            self.mean, self.deviation
        )))
    }
}

/// Imputed by the median, held to the training range, standardised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Number {
    /// Replaces what is not known.
    median: f64,
    /// Least value a price is computed for: a log-linear price would run away beyond it.
    low: f64,
    /// Greatest value a price is computed for.
    high: f64,
    /// The number itself.
    scale: Scale,
    /// Its logarithm, where it spans orders of magnitude: most prices are elasticities.
    log: Option<Scale>,
    /// Column that says that it was not known.
    missing: Option<usize>,
    /// Columns of single values of a small integer: two rooms are not twice one room.
    levels: BTreeMap<i64, usize>,
}

impl Number {
    /// Fits on `rows`; `None` where no row has a value.
    pub(super) fn fit(
        cells: Cells,
        kind: Kind,
        rows: &[usize],
        columns: &mut Numbering,
    ) -> Option<Number> {
        let mut known: Vec<f64> = rows.iter().filter_map(|row| cells.number(*row)).collect();
        let missed = known.len() < rows.len();
        let median = median(&mut known)?;
        let (low, high) = (known[0], known[known.len() - 1]);
        let filled: Vec<f64> = rows
            .iter()
            .map(|row| cells.number(*row).unwrap_or(median))
            .collect();
        let scale = Scale::fit(&filled, columns);
        let measured = matches!(kind, Kind::Number | Kind::Integer);
        let log = (measured && low > 0.0 && high / low > LOG_RATIO).then(|| {
            let logs: Vec<f64> = filled.iter().map(|value| value.ln()).collect();
            Scale::fit(&logs, columns)
        });
        let missing = missed.then(|| columns.next());
        let mut levels = BTreeMap::new();
        if kind == Kind::Integer {
            let distinct: BTreeSet<i64> = known.iter().map(|value| *value as i64).collect();
            if distinct.len() <= INTEGER_LEVELS {
                // The first level is the one the others are compared with.
                levels = distinct
                    .into_iter()
                    .skip(1)
                    .map(|level| (level, columns.next()))
                    .collect();
            }
        }
        // A trend continues past the newest training record, but no further than it is long.
        let high = if kind == Kind::Timestamp {
            high + (high - low)
        } else {
            high
        };
        Some(Number {
            median,
            low,
            high,
            scale,
            log,
            missing,
            levels,
        })
    }

    pub(super) fn write(&self, known: Option<f64>, out: &mut SparseRow) {
        let value = known.unwrap_or(self.median).clamp(self.low, self.high);
        out.push(self.scale.apply(value));
        if let Some(log) = &self.log {
            out.push(log.apply(value.ln()));
        }
        if let (Some(column), None) = (self.missing, known) {
            out.push((column, 1.0));
        }
        if let Some(column) = self.levels.get(&(value.round() as i64)) {
            out.push((*column, 1.0));
        }
    }

    /// What weights of the columns say that a log price gains below the least and above the greatest value, as a
    /// share of a gain of the number's own logarithm; `None` where the field is no size, or has values of their own.
    pub(super) fn elasticities(&self, weights: &[f64]) -> Option<[f64; 2]> {
        let log = self.log.as_ref().filter(|_| self.levels.is_empty())?;
        let weight = |scale: &Scale| Some(weights.get(scale.column)? / scale.deviation);
        let (of_log, of_value) = (weight(log)?, weight(&self.scale)?);
        Some([self.low, self.high].map(|end| of_log + of_value * end))
    }

    /// The columns that grow with the number.
    pub(super) fn measures(&self) -> impl Iterator<Item = usize> {
        let log = self.log.as_ref().map(|log| log.column);
        std::iter::once(self.scale.column).chain(log)
    }

    /// The column that says that it was not known.
    pub(super) fn gap(&self) -> Option<usize> {
        self.missing
    }

    pub(super) fn columns(&self) -> Vec<usize> {
        let mut columns = vec![self.scale.column];
        columns.extend(self.log.as_ref().map(|log| log.column));
        columns.extend(self.missing);
        columns.extend(self.levels.values());
        columns
    }

    pub(super) fn describe(&self) -> Vec<Column<'static>> {
        let (from, to) = (self.low, self.high);
        let scaled = |scale: &Scale, says, low, high| Column {
            number: scale.column,
            field: "",
            says,
            low: scale.apply(low).1,
            high: scale.apply(high).1,
        };
        let mut columns = vec![scaled(&self.scale, Says::Value { from, to }, from, to)];
        columns.extend(self.log.as_ref().map(|log| {
            let says = Says::Logarithm { from, to };
            scaled(log, says, from.ln(), to.ln())
        }));
        columns.extend(self.missing.map(|shift| Column::flag(shift, Says::Missing)));
        let levels = self.levels.iter();
        columns.extend(
            levels.map(|(level, shift)| Column::flag(*shift, Says::Level(level.to_string()))),
        );
        columns
    }

    pub(super) fn check(&self) -> Result<(), PartError> {
        let range = [self.low, self.median, self.high];
        let in_order = self.low <= self.median && self.median <= self.high;
        if !in_order || !range.iter().all(|value| value.is_finite()) {
            return Err(PartError::Misfit(format!(
                "low, median and high are {range:?}, expected finite numbers in this order"
            )));
        }
        self.scale.check()?;
        match &self.log {
            Some(_) if self.low <= 0.0 => Err(PartError::Misfit(format!(
                "a logarithm from {} on, expected a range above 0",
                self.low
            ))),
            Some(log) => log.check(),
            None => Ok(()),
        }
    }
}
