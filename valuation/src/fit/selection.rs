//! Which listings are learned from and which are judged on.

use std::collections::BTreeMap;

use records::Schema;

use super::data::Data;
use super::{FitError, FitOptions, SplitBy};
use crate::clean::OutlierRule;
use crate::split::{Split, split, split_randomly};

/// Fewest listings that are ever fitted on, whatever `min_rows` says.
const LEAST_ROWS: usize = 10;

/// The rows of both sides, by row of the batch.
pub(super) struct Selection {
    /// Training rows without the outliers, and the whole hold-out.
    pub(super) sides: Split,
    /// Rows of the hold-out that the training rows' rules would keep: what is kept learns from
    /// these alone.
    pub(super) like_training: Vec<usize>,
    /// Rows that were removed, by rule.
    pub(super) removed: BTreeMap<String, usize>,
    /// Rows with a target above 0, before the split.
    pub(super) usable: usize,
}

/// Leaves out what has no relative error, splits, and cleans the training rows.
///
/// # Errors
/// When too few rows are left, none is left to judge on, or all training rows have one price.
pub(super) fn select(
    schema: &Schema,
    data: &Data,
    options: &FitOptions,
    target: &str,
) -> Result<Selection, FitError> {
    let given = data.logs.len();
    let usable: Vec<usize> = (0..given)
        .filter(|row| data.logs[*row].is_finite())
        .collect();
    let mut removed = BTreeMap::from([("target_not_positive".to_owned(), given - usable.len())]);
    if usable.is_empty() && given > 0 {
        return Err(FitError::NothingLeft {
            target: target.to_owned(),
            given,
        });
    }
    let needed = options.min_rows.max(LEAST_ROWS);
    let enough = |found: usize, removed: &BTreeMap<String, usize>| match found >= needed {
        true => Ok(()),
        false => Err(too_few(found, needed, given, removed)),
    };
    enough(usable.len(), &removed)?;

    let time_of = |row: usize| data.times.time_us(row).unwrap_or(i64::MIN);
    let by_time: Option<&dyn Fn(usize) -> i64> = schema.time.is_some().then_some(&time_of);
    let mut sides = match options.split {
        SplitBy::Time => split(&usable, by_time, options.holdout_fraction),
        SplitBy::Random => split_randomly(&usable, options.holdout_fraction, options.seed),
    };
    if sides.holdout.is_empty() {
        return Err(FitError::EmptyHoldout {
            rows: usable.len(),
            fraction: options.holdout_fraction,
        });
    }
    let like_training = clean(data, &mut sides, &mut removed);
    enough(sides.train.len() + sides.holdout.len(), &removed)?;
    let prices = sides.train.iter().map(|row| data.prices[*row]);
    let first = prices.clone().next().unwrap_or(f64::NAN);
    if prices.clone().all(|price| price == first) {
        return Err(FitError::ConstantTarget {
            target: target.to_owned(),
            value: first,
            rows: sides.train.len(),
        });
    }
    Ok(Selection {
        sides,
        like_training,
        removed,
        usable: usable.len(),
    })
}

fn too_few(
    found: usize,
    needed: usize,
    given: usize,
    removed: &BTreeMap<String, usize>,
) -> FitError {
    let rules = removed.iter().filter(|(_, count)| **count > 0);
    let rules: Vec<String> = rules
        .map(|(rule, count)| format!("{rule} {count}"))
        .collect();
    FitError::TooFewRows {
        found,
        needed,
        given,
        removed: match rules.is_empty() {
            true => "none".to_owned(),
            false => rules.join(", "),
        },
    }
}

/// Takes the outliers out of the training rows; gives the rows of the hold-out that the same rules
/// would keep.
fn clean(data: &Data, sides: &mut Split, removed: &mut BTreeMap<String, usize>) -> Vec<usize> {
    let per_area: Vec<f64> = data
        .logs
        .iter()
        .enumerate()
        .map(|(row, log)| log - data.areas.number(row).map_or(f64::NAN, f64::ln))
        .collect();
    let mut like_training = sides.holdout.clone();
    for (rule, values) in [
        ("target_outlier", &data.logs),
        ("target_per_area_outlier", &per_area),
    ] {
        let before = sides.train.len();
        let fitted = OutlierRule::fit(data.groups, values, &sides.train);
        let keeps = |row: &usize| fitted.keeps(data.groups.text(*row), values[*row]);
        sides.train.retain(keeps);
        like_training.retain(keeps);
        removed.insert(rule.to_owned(), before - sides.train.len());
    }
    like_training
}
