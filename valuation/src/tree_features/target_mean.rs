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

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
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
        let names = Names::of(cells, groups, rows);
        let folds: Vec<u8> = (0..rows.len())
            .map(|position| fold_of(position, FOLDS, SEED) as u8)
            .collect();
        let mut out_of_fold = vec![f32::NAN; rows.len()];
        for fold in 0..FOLDS as u8 {
            let table = Table::of(&names, logs, |position| folds[position] != fold);
            for (position, of_row) in names.of_rows.iter().enumerate() {
                if folds[position] == fold {
                    out_of_fold[position] = table.value(&names, *of_row) as f32;
                }
            }
        }
        let table = Table::of(&names, logs, |_| true);
        let groups = names.groups.iter().zip(&table.groups).map(|(group, sum)| {
            let value = sum.credible(table.overall, CREDIBILITY_ROWS) as f32;
            ((*group).to_owned(), value)
        });
        let groups = groups.collect();
        let in_order = names.in_order();
        let mut frequent: Vec<_> = in_order
            .iter()
            .map(|(level, _)| (*level, table.levels[*level as usize].count))
            .filter(|(_, count)| *count >= LEAST_CODE_ROWS)
            .collect();
        // Stable: levels as frequent as each other stay in the order of their names.
        frequent.sort_by(|one, other| other.1.total_cmp(&one.1));
        frequent.truncate(MOST_CODES);
        let mut codes = vec![0.0_f32; table.levels.len()];
        for ((level, _), code) in frequent.iter().zip(1..) {
            codes[*level as usize] = code as f32;
        }
        let covered: f64 = frequent.iter().map(|(_, count)| count).sum();
        let mut levels: BTreeMap<String, BTreeMap<String, Entry>> = BTreeMap::new();
        for (level, (group, name)) in in_order {
            let sum = table.levels[level as usize];
            let value = table.value(&names, level) as f32;
            let entry = (value, sum.count as f32, codes[level as usize]);
            let sums = levels.entry(group.to_owned()).or_default();
            sums.insert(name.to_owned(), entry);
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
            None => self.unknown(Some(group)),
        }
    }

    /// The same of a level that is not known in this group; `None` is a group that is not known either.
    pub(super) fn unknown(&self, group: Option<&str>) -> [f32; 3] {
        let of_group = group.and_then(|group| self.groups.get(group));
        [*of_group.unwrap_or(&self.overall), 0.0, 0.0]
    }

    /// Every group and level that has values of its own, "" where there is none.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.levels.iter().flat_map(|(group, levels)| {
            let levels = levels.iter();
            levels.map(move |(level, _)| (group.as_str(), level.as_str()))
        })
    }

    /// Every group, "" where there is none.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        let with_levels = self.levels.iter().map(|(group, _)| group.as_str());
        with_levels.chain(self.groups.iter().map(|(group, _)| group.as_str()))
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

/// The groups and levels of some rows, numbered: rows are gone through once for every fold.
struct Names<'a> {
    /// By number, in the order in which rows have them.
    groups: Vec<&'a str>,
    /// The number of its group, and its name.
    levels: Vec<(u32, &'a str)>,
    /// By position, the number of the row's level.
    of_rows: Vec<u32>,
}

impl<'a> Names<'a> {
    fn of(cells: Cells<'a>, groups: Cells<'a>, rows: &[usize]) -> Names<'a> {
        let mut names = Names {
            groups: Vec::new(),
            levels: Vec::new(),
            of_rows: Vec::with_capacity(rows.len()),
        };
        let mut groups_by_name: HashMap<&str, u32, FixedState> = HashMap::default();
        let mut levels_by_name: HashMap<(u32, &str), u32, FixedState> = HashMap::default();
        for row in rows {
            let name = groups.text(*row).unwrap_or("");
            let group = *groups_by_name.entry(name).or_insert_with(|| {
                names.groups.push(name);
                names.groups.len() as u32 - 1
            });
            let name = cells.text(*row).unwrap_or("");
            let level = *levels_by_name.entry((group, name)).or_insert_with(|| {
                names.levels.push((group, name));
                names.levels.len() as u32 - 1
            });
            names.of_rows.push(level);
        }
        names
    }

    /// Levels by number, with the names of group and level, in the order of these.
    fn in_order(&self) -> Vec<(u32, (&'a str, &'a str))> {
        let named = self.levels.iter().zip(0..);
        let mut named: Vec<_> = named
            .map(|((group, level), number)| (number, (self.groups[*group as usize], *level)))
            .collect();
        named.sort_unstable_by_key(|(_, names)| *names);
        named
    }
}

/// Sums by the numbers of groups and levels; of none of the rows that are used, a count of 0.
struct Table {
    overall: f64,
    groups: Vec<Sum>,
    levels: Vec<Sum>,
}

impl Table {
    fn of(names: &Names, logs: &[f64], used: impl Fn(usize) -> bool) -> Table {
        let mut all = Sum::default();
        let mut table = Table {
            overall: 0.0,
            groups: vec![Sum::default(); names.groups.len()],
            levels: vec![Sum::default(); names.levels.len()],
        };
        for (position, (level, log)) in names.of_rows.iter().zip(logs).enumerate() {
            if !used(position) {
                continue;
            }
            all.add(*log);
            table.groups[names.levels[*level as usize].0 as usize].add(*log);
            table.levels[*level as usize].add(*log);
        }
        table.overall = all.mean();
        table
    }

    /// What a level of this number is taken for.
    fn value(&self, names: &Names, level: u32) -> f64 {
        let drawn = |sum: &Sum, towards: f64| match sum.count > 0.0 {
            true => sum.credible(towards, CREDIBILITY_ROWS),
            false => towards,
        };
        let level = level as usize;
        let group = &self.groups[names.levels[level].0 as usize];
        drawn(&self.levels[level], drawn(group, self.overall))
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
