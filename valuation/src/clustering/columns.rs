//! What clusters see of a record: numbers that are filled, coded and brought to one scale.
//!
//! Every number has mean 0 and variance 1 in training. A category is an indicator for each of its
//! levels, all divided by √(1 − Σp²) with p the levels' shares, so that together they have the variance
//! of one number: a category of many levels weighs no more than one of two.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use ndarray::Array2;
use records::{Kind, MissingAs, Schema};
use serde::{Deserialize, Serialize};

use super::error::ClusteringError;
use crate::cells::{Cells, median};
use crate::part_error::PartError;
use crate::uninformative::{Dropped, Why};

/// Most levels of a category that have an indicator: the rest are none of them.
const MOST_LEVELS: usize = 20;
/// Levels of fewer rows have none.
const LEAST_LEVEL_ROWS: usize = 2;
/// How far from the mean a value may be, in deviations: beyond it squares are not numbers.
const FARTHEST: f64 = 1e100;

/// One number of a row as clusters see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The record's field.
    pub field: String,
    /// The level that it is 1 for, of a category; `None` for a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// What stands for the number where it is not known, in the field's unit (days since 1970 of times).
    pub fill: f64,
    /// How many rows of training were filled with it.
    pub filled: usize,
    /// Its mean in training, in the field's unit; the share of the rows of a level.
    pub mean: f64,
    /// What it is divided by: the standard deviation of a number.
    pub deviation: f64,
}

impl Feature {
    /// A standardised value in the field's own unit; the share of the rows of a level.
    pub fn in_unit(&self, value: f64) -> f64 {
        self.mean + value * self.deviation
    }

    /// What people call it.
    pub fn name(&self) -> String {
        match &self.level {
            Some(level) => format!("{} = {level}", self.field),
            None => self.field.clone(),
        }
    }

    fn value(&self, cells: &Cells, row: usize) -> f64 {
        let value = match &self.level {
            Some(level) => f64::from(u8::from(cells.text(row) == Some(level))),
            None => cells.number(row).unwrap_or(self.fill),
        };
        ((value - self.mean) / self.deviation).clamp(-FARTHEST, FARTHEST)
    }
}

/// The features of a schema's records, fitted on `rows` of a batch, and fields that turn out to say
/// nothing when their gaps are filled.
pub(super) fn fit(
    schema: &Schema,
    batch: &RecordBatch,
    rows: &[usize],
) -> Result<(Vec<Feature>, Vec<Dropped>), ClusteringError> {
    let (mut features, mut dropped) = (Vec::new(), Vec::new());
    for field in schema.features() {
        let cells = Cells::of(batch, &field.name);
        let columns = match field.kind {
            Kind::Category => levels(&field.name, &cells, rows),
            _ => {
                let missing_as = schema.missing_as(field);
                number(&field.name, missing_as, &cells, rows)?
            }
        };
        if columns.is_empty() {
            let named = rows.iter().filter(|row| cells.text(**row).is_some());
            let named = named.count();
            let first = rows.iter().find_map(|row| cells.number(*row));
            dropped.push(Dropped {
                field: field.name.clone(),
                why: match field.kind {
                    // Every level is in one row.
                    Kind::Category => Why::Identifier {
                        distinct: named,
                        rows: named,
                    },
                    _ => Why::Constant {
                        value: first.unwrap_or(0.0).to_string(),
                    },
                },
            });
        }
        features.extend(columns);
    }
    Ok((features, dropped))
}

/// A number's feature; none where it is the same in every row.
fn number(
    field: &str,
    missing_as: MissingAs,
    cells: &Cells,
    rows: &[usize],
) -> Result<Vec<Feature>, ClusteringError> {
    let mut known: Vec<f64> = rows.iter().filter_map(|row| cells.number(*row)).collect();
    let filled = rows.len() - known.len();
    let fill = match missing_as {
        MissingAs::Zero => 0.0,
        MissingAs::Median => median(&mut known).unwrap_or(0.0),
    };
    let values = || rows.iter().map(|row| cells.number(*row).unwrap_or(fill));
    let count = rows.len().max(1) as f64;
    let mean = values().sum::<f64>() / count;
    let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    if !variance.is_finite() {
        return Err(ClusteringError::Extreme {
            field: field.to_owned(),
        });
    }
    // Of equal numbers the mean may be off by its rounding.
    if variance.sqrt() <= mean.abs() * 1e-12 {
        return Ok(Vec::new());
    }
    Ok(vec![Feature {
        field: field.to_owned(),
        level: None,
        fill,
        filled,
        mean,
        deviation: variance.sqrt(),
    }])
}

/// Indicators of a category's most frequent levels; none for fewer than two.
fn levels(field: &str, cells: &Cells, rows: &[usize]) -> Vec<Feature> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for level in rows.iter().filter_map(|row| cells.text(*row)) {
        *counts.entry(level).or_default() += 1;
    }
    let known: usize = counts.values().sum();
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    // Stable: levels of as many rows stay in the order of their names.
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.retain(|(_, count)| *count >= LEAST_LEVEL_ROWS && *count < rows.len());
    counts.truncate(MOST_LEVELS);
    let share = |count: usize| count as f64 / rows.len() as f64;
    let variance: f64 = counts
        .iter()
        .map(|(_, count)| share(*count) * (1.0 - share(*count)))
        .sum();
    let feature = |(level, count): (&str, usize)| Feature {
        field: field.to_owned(),
        level: Some(level.to_owned()),
        fill: 0.0,
        filled: rows.len() - known,
        mean: share(count),
        deviation: variance.sqrt(),
    };
    counts.into_iter().map(feature).collect()
}

/// The standardised features of `rows` of a batch: (rows, features).
pub(super) fn table(
    features: &[Feature],
    batch: &RecordBatch,
    rows: impl ExactSizeIterator<Item = usize> + Clone,
) -> Array2<f64> {
    let mut table = Array2::zeros((rows.len(), features.len()));
    for (feature, mut column) in features.iter().zip(table.columns_mut()) {
        let cells = Cells::of(batch, &feature.field);
        for (value, row) in column.iter_mut().zip(rows.clone()) {
            *value = feature.value(&cells, row);
        }
    }
    table
}

/// What was read from a file is what a fit can give.
pub(super) fn check(features: &[Feature], schema: &Schema) -> Result<(), PartError> {
    if features.is_empty() {
        return Err(PartError::misfit("no features, expected at least one"));
    }
    for feature in features {
        let at = |detail: &str| {
            Err(PartError::Misfit(format!(
                "feature {:?}: {detail}",
                feature.name()
            )))
        };
        let Some(field) = schema.features().find(|field| field.name == feature.field) else {
            return at("is not a feature of the schema");
        };
        if (field.kind == Kind::Category) != feature.level.is_some() {
            return at("expected a level of a category, or a number");
        }
        let is_finite = [feature.fill, feature.mean, feature.deviation]
            .iter()
            .all(|value| value.is_finite());
        if !is_finite || feature.deviation <= 0.0 {
            return at("expected finite numbers and a deviation above 0");
        }
    }
    Ok(())
}
