//! Which listings are for training and which for the hold-out.

use std::collections::{BTreeMap, BTreeSet};

use super::data::Data;
use super::options::FitOptions;
use crate::clean::{Listings, PriceBounds, Records, ResidualRule};
use crate::fit_error::FitError;
use crate::link::Link;
use crate::split::{Split, SplitBy, split, split_randomly};

/// Fewest listings that are ever fitted on, whatever `min_rows` says.
const LEAST_ROWS: usize = 10;

/// The rows of both sides, by row of the batch.
pub(super) struct Selection {
    /// Training rows without what the rules take, and the whole hold-out.
    pub(super) sides: Split,
    /// What the model that is kept learns from, rising: both sides without what the training rows'
    /// rules take, and without copies across the sides.
    pub(super) everything: Vec<usize>,
    /// Rows of the hold-out that those rules would take for mistakes.
    pub(super) holdout_outliers: usize,
    /// Rows of the hold-out whose features and price are in the training rows too.
    pub(super) holdout_copies: BTreeSet<usize>,
    /// Rows that were removed, by rule.
    pub(super) removed: BTreeMap<String, usize>,
    /// Rows with a target that can be used for training, before the split.
    pub(super) usable: usize,
}

/// Leaves out what has no relative error, splits, and cleans the training rows.
///
/// # Errors
/// When too few rows are left, none is left to judge on, or all training rows have one price.
pub(super) fn select(
    listings: Listings,
    data: &Data,
    target: &str,
    options: &FitOptions,
) -> Result<Selection, FitError> {
    let schema = listings.schema;
    let given = data.logs.len();
    let usable: Vec<usize> = (0..given)
        .filter(|row| data.logs[*row].is_finite())
        .collect();
    let unusable = match data.link {
        Link::Log => "target_not_positive",
        Link::LogOnePlus => "target_negative",
    };
    let mut removed = BTreeMap::from([(unusable.to_owned(), given - usable.len())]);
    if usable.is_empty() && given > 0 {
        return Err(FitError::NothingLeft {
            target: target.to_owned(),
            expected: data.link.expected(),
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
    let Split { train, holdout } = &mut sides;
    let mut like_training = holdout.clone();
    // Many counts are the same, most may be 0 and a few very great: none of that is a slip or a copy.
    let is_cleaned = data.link == Link::Log;
    if is_cleaned {
        outliers(data, train, &mut like_training, &mut removed);
    }
    enough(train.len() + holdout.len(), &removed)?;
    let prices = train.iter().map(|row| data.prices[*row]);
    let first = prices.clone().next().unwrap_or(f64::NAN);
    if prices.clone().all(|price| price == first) {
        return Err(FitError::ConstantTarget {
            target: target.to_owned(),
            value: first,
            rows: train.len(),
        });
    }
    let records = Records::of(listings.schema, listings.batch, &data.prices);
    if is_cleaned {
        let copies = records.copies(train, |row| (time_of(row), row));
        train.retain(|row| !copies.contains(row));
        removed.insert("duplicate".to_owned(), copies.len());
        unexplained(listings, train, &mut like_training, &mut removed);
    }
    enough(train.len() + holdout.len(), &removed)?;
    let holdout_copies = records.met(train, holdout);

    let mut everything = [train.as_slice(), like_training.as_slice()].concat();
    everything.sort_unstable();
    if is_cleaned {
        let copies = records.copies(&everything, |row| (time_of(row), row));
        everything.retain(|row| !copies.contains(row));
    }
    Ok(Selection {
        holdout_outliers: holdout.len() - like_training.len(),
        holdout_copies,
        everything,
        sides,
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

/// Takes prices far from their group's out of the training rows, and out of `like_training`, rows of
/// the hold-out that are judged on all the same. Where the area is known, the price per area is
/// looked at alone: a large home is expensive, and no mistake.
fn outliers(
    data: &Data,
    train: &mut Vec<usize>,
    like_training: &mut Vec<usize>,
    removed: &mut BTreeMap<String, usize>,
) {
    let bounds = PriceBounds::fit(data.groups, data.areas, &data.logs, train);
    let found = bounds.rules(data.groups, data.areas, &data.logs);
    for rule in PriceBounds::RULES {
        let before = train.len();
        train.retain(|row| found[*row] != Some(rule));
        like_training.retain(|row| found[*row] != Some(rule));
        removed.insert(rule.to_owned(), before - train.len());
    }
}

/// The same for prices that nothing in their record explains.
fn unexplained(
    listings: Listings,
    train: &mut Vec<usize>,
    like_training: &mut Vec<usize>,
    removed: &mut BTreeMap<String, usize>,
) {
    let mut taken = BTreeSet::new();
    if let Some((rule, beyond)) = ResidualRule::fit(listings, train) {
        *like_training = rule.keeps(listings, like_training);
        taken = beyond;
    }
    train.retain(|row| !taken.contains(row));
    removed.insert("residual_outlier".to_owned(), taken.len());
}
