//! A category's levels by what their records cost: never from a record's own price.
//!
//! For the n training rows of a level, with y the log target and m the mean of what the level
//! stands under (all rows, or its group),
//!
//! ```text
//! value = Z · mean of y + (1 − Z) · m,   Z = n / (n + K)
//! ```
//!
//! the credibility estimate of Bühlmann (1967); in training each row's value comes from the other
//! folds alone. Level by level this is what CatBoost calls target statistics (Prokhorenkova et al.
//! 2018, CatBoost: unbiased boosting with categorical features), with folds for its permutations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::by_text::ByText;
use crate::cells::Cells;
use crate::credibility::Sum;
use crate::part_error::PartError;
use crate::rng::fold_of;

/// K of the formula, in rows.
const CREDIBILITY_ROWS: f64 = 8.0;
/// Folds of the training values.
const FOLDS: usize = 10;
/// Sets these folds apart from other folds of the same rows.
const SEED: u64 = 11;

/// Levels with a number of their own at most: trees that split on sets of levels look at all.
const MOST_CODES: usize = 250;
/// Rows of a level with a number of its own at least.
const LEAST_CODE_ROWS: f64 = 5.0;

/// Share of the rows whose levels have numbers that makes the numbers enough.
const NUMBERED_SHARE: f64 = 0.95;

/// Value, count and number of a level; number 0 is every level without its own.
type Entry = (f32, f32, f32);

/// The fitted levels of a category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TargetMeans {
    /// The field whose levels are the groups, for a level that counts within its group.
    within: Option<String>,
    /// By group ("" where there is none) and level: value and rows.
    levels: ByText<ByText<Entry>>,
    /// By group: what an unknown level is taken for.
    groups: ByText<f32>,
    /// What an unknown group is taken for.
    overall: f32,
    /// Whether next to all training rows are of levels with a number of their own.
    numbered: bool,
}

impl TargetMeans {
    /// Values a row gets: the level's mean, its rows and its number.
    pub(super) const WIDTH: usize = 3;

    /// Levels, whatever their group; no value is none.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let levels = self.levels.values().flat_map(ByText::iter);
        levels
            .map(|(level, _)| level.as_str())
            .filter(|level| !level.is_empty())
    }

    /// Fits on `rows`, whose log targets are `logs`; also gives the rows' own means, out of fold.
    pub(super) fn fit(
        cells: Cells,
        groups: Cells,
        within: Option<String>,
        rows: &[usize],
        logs: &[f64],
    ) -> (TargetMeans, Vec<f32>) {
        let mut out_of_fold = vec![f32::NAN; rows.len()];
        for fold in 0..FOLDS {
            let table = Table::of(cells, groups, rows, logs, |position| {
                fold_of(position, FOLDS, SEED) != fold
            });
            for (position, row) in rows.iter().enumerate() {
                if fold_of(position, FOLDS, SEED) == fold {
                    let group = groups.text(*row).unwrap_or("");
                    out_of_fold[position] =
                        table.value(group, cells.text(*row).unwrap_or("")) as f32;
                }
            }
        }
        let table = Table::of(cells, groups, rows, logs, |_| true);
        let groups = table.groups.iter().map(|(group, sum)| {
            let value = sum.credible(table.overall, CREDIBILITY_ROWS) as f32;
            ((*group).to_owned(), value)
        });
        let groups = groups.collect();
        let mut frequent: Vec<_> = table
            .levels
            .iter()
            .filter(|(_, sum)| sum.count >= LEAST_CODE_ROWS)
            .map(|(names, sum)| (*names, sum.count))
            .collect();
        // Stable: levels as frequent as each other stay in the order of their names.
        frequent.sort_by(|one, other| other.1.total_cmp(&one.1));
        let codes: BTreeMap<_, f32> = frequent
            .into_iter()
            .take(MOST_CODES)
            .zip(1..)
            .map(|((names, _), code)| (names, code as f32))
            .collect();
        let counts = codes.keys().filter_map(|names| table.levels.get(names));
        let covered: f64 = counts.map(|sum| sum.count).sum();
        let mut levels: BTreeMap<String, BTreeMap<String, Entry>> = BTreeMap::new();
        for ((group, level), sum) in &table.levels {
            let code = codes.get(&(*group, *level)).copied().unwrap_or(0.0);
            let entry = (table.value(group, level) as f32, sum.count as f32, code);
            let sums = levels.entry((*group).to_owned()).or_default();
            sums.insert((*level).to_owned(), entry);
        }
        let levels = levels.into_iter();
        let means = TargetMeans {
            within,
            levels: levels.map(|(group, sums)| (group, sums.into())).collect(),
            groups,
            overall: table.overall as f32,
            numbered: covered >= NUMBERED_SHARE * rows.len() as f64,
        };
        (means, out_of_fold)
    }

    pub(super) fn is_numbered(&self) -> bool {
        self.numbered
    }

    pub(super) fn within(&self) -> Option<&str> {
        self.within.as_deref()
    }

    /// Mean, rows and number of a level; a field that is not given is a level of its own.
    pub(super) fn values(&self, group: Option<&str>, level: Option<&str>) -> [f32; 3] {
        let group = group.unwrap_or("");
        let entry = self
            .levels
            .get(group)
            .and_then(|levels| levels.get(level.unwrap_or("")));
        match entry {
            Some((value, count, code)) => [*value, *count, *code],
            None => [*self.groups.get(group).unwrap_or(&self.overall), 0.0, 0.0],
        }
    }

    pub(super) fn check(&self) -> Result<(), PartError> {
        let levels = self.levels.values().flat_map(ByText::iter);
        let all = levels.map(|(name, (value, count, code))| (name, value + count + code));
        let groups = self.groups.iter().map(|(name, value)| (name, *value));
        match all.chain(groups).find(|(_, value)| !value.is_finite()) {
            Some((name, value)) => Err(PartError::Misfit(format!(
                "level {name:?} has the value {value}"
            ))),
            None if !self.overall.is_finite() => {
                Err(PartError::Misfit(format!("overall is {}", self.overall)))
            }
            None => Ok(()),
        }
    }
}

/// Sums by group and by level.
struct Table<'a> {
    overall: f64,
    groups: BTreeMap<&'a str, Sum>,
    levels: BTreeMap<(&'a str, &'a str), Sum>,
}

impl<'a> Table<'a> {
    fn of(
        cells: Cells<'a>,
        groups: Cells<'a>,
        rows: &[usize],
        logs: &[f64],
        used: impl Fn(usize) -> bool,
    ) -> Table<'a> {
        let mut all = Sum::default();
        let mut table = Table {
            overall: 0.0,
            groups: BTreeMap::new(),
            levels: BTreeMap::new(),
        };
        for (position, (row, log)) in rows.iter().zip(logs).enumerate() {
            if !used(position) {
                continue;
            }
            let group = groups.text(*row).unwrap_or("");
            let level = cells.text(*row).unwrap_or("");
            all.add(*log);
            table.groups.entry(group).or_default().add(*log);
            table.levels.entry((group, level)).or_default().add(*log);
        }
        table.overall = all.mean();
        table
    }

    fn value(&self, group: &'a str, level: &'a str) -> f64 {
        let towards = self.groups.get(group).map_or(self.overall, |sum| {
            sum.credible(self.overall, CREDIBILITY_ROWS)
        });
        self.levels
            .get(&(group, level))
            .map_or(towards, |sum| sum.credible(towards, CREDIBILITY_ROWS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::StringArray;

    #[test]
    fn a_level_of_one_row_says_nothing_about_its_own_price() {
        let names = StringArray::from_iter_values((0..100).map(|row| format!("level{row}")));
        let rows: Vec<usize> = (0..100).collect();
        let logs: Vec<f64> = (0..100).map(|row| f64::from(row % 10)).collect();
        let (means, out_of_fold) =
            TargetMeans::fit(Cells::Text(&names), Cells::Absent, None, &rows, &logs);
        // Every row's own value is the mean of the other folds, not drawn to its own price.
        for (value, log) in out_of_fold.iter().zip(&logs) {
            assert!((f64::from(*value) - 4.5).abs() < 0.5, "{value} at {log}");
        }
        assert_eq!(means.values(None, Some("unseen")), [4.5, 0.0, 0.0]);
        // (9 + 8 · 4.5) / 9.
        assert_eq!(means.values(None, Some("level9")), [5.0, 1.0, 0.0]);
        means.check().unwrap();
    }
}
