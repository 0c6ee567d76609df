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
//!
//! A level's mean price mixes the level with the sizes of its homes. Where `y` is what a line in the records'
//! numbers leaves of the log target, the same formula gives the level alone.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::level_targets::LevelTargets;
use crate::by_text::ByText;
use crate::cells::Cells;
use crate::credibility::Sum;
use crate::part_error::PartError;
use crate::rng::fold_of;

/// K of the formula, in rows: of log targets, and of what a line leaves of them.
const CREDIBILITY_ROWS: f64 = 8.0;
const RESIDUAL_CREDIBILITY_ROWS: f64 = 2.0;
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
    /// The mean of what a line in the numbers leaves; none where there was no line, and in artifacts of
    /// releases that did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    residuals: Option<ResidualMeans>,
}

/// The levels of a category by what a line in the numbers leaves of the log target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ResidualMeans {
    /// By group ("" where there is none) and level.
    levels: ByText<ByText<f32>>,
    /// By group: what an unknown level is taken for.
    groups: ByText<f32>,
    /// What an unknown group is taken for.
    overall: f32,
}

impl TargetMeans {
    /// Values a row gets at most: the level's mean, its rows, its number, and the mean of residuals.
    pub(super) const MOST_WIDTH: usize = 4;

    /// Values a row gets: all but the last where no line was laid.
    pub(super) fn width(&self) -> usize {
        Self::MOST_WIDTH - usize::from(!self.has_residuals())
    }

    /// Whether the last value counts.
    pub(super) fn has_residuals(&self) -> bool {
        self.residuals.is_some()
    }

    /// Levels, whatever their group; no value is none.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let levels = self.levels.values().flat_map(ByText::iter);
        levels
            .map(|(level, _)| level.as_str())
            .filter(|level| !level.is_empty())
    }

    /// Fits on `rows`; also gives the rows' own means out of fold, by place among a row's values.
    pub(super) fn fit(
        cells: Cells,
        groups: Cells,
        within: Option<String>,
        rows: &[usize],
        targets: LevelTargets,
    ) -> (TargetMeans, Vec<(usize, Vec<f32>)>) {
        let names = Names::of(cells, groups, rows);
        let table = Table::of(&names, targets.logs, CREDIBILITY_ROWS, |_| true);
        let mut out_of_fold = vec![(0, names.out_of_fold(targets.logs, CREDIBILITY_ROWS))];
        let residuals = targets.residuals.map(|residuals| {
            let credibility = RESIDUAL_CREDIBILITY_ROWS;
            let of_rows = names.out_of_fold(residuals, credibility);
            out_of_fold.push((Self::MOST_WIDTH - 1, of_rows));
            ResidualMeans::of(&names, &Table::of(&names, residuals, credibility, |_| true))
        });
        let groups = table.by_group(&names);
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
            residuals,
        };
        (means, out_of_fold)
    }

    pub(super) fn is_numbered(&self) -> bool {
        self.numbered
    }

    pub(super) fn within(&self) -> Option<&str> {
        self.within.as_deref()
    }

    /// Mean, rows, number and mean residual of a level, of which [`TargetMeans::width`] count; a field that is
    /// not given is a level of its own.
    pub(super) fn values(
        &self,
        group: Option<&str>,
        level: Option<&str>,
    ) -> [f32; Self::MOST_WIDTH] {
        let (group, level) = (group.unwrap_or(""), level.unwrap_or(""));
        let entry = self.levels.get(group).and_then(|levels| levels.get(level));
        match entry {
            Some((value, count, code)) => {
                let residuals = self.residuals.as_ref();
                let residual = residuals.map_or(0.0, |residuals| residuals.of_level(group, level));
                [*value, *count, *code, residual]
            }
            None => self.unknown(Some(group)),
        }
    }

    /// The same of a level that is not known in this group; `None` is a group that is not known either.
    pub(super) fn unknown(&self, group: Option<&str>) -> [f32; Self::MOST_WIDTH] {
        let of_group = group.and_then(|group| self.groups.get(group));
        let residuals = self.residuals.as_ref();
        let residual = residuals.map_or(0.0, |residuals| residuals.of_group(group));
        [*of_group.unwrap_or(&self.overall), 0.0, 0.0, residual]
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

    fn check_overall(&self) -> Result<(), PartError> {
        let residuals = self.residuals.as_ref();
        let overall = [self.overall, residuals.map_or(0.0, |means| means.overall)];
        match overall.into_iter().find(|value| !value.is_finite()) {
            Some(value) => Err(PartError::Misfit(format!("overall is {value}"))),
            None => Ok(()),
        }
    }

    pub(super) fn check(&self) -> Result<(), PartError> {
        let levels = self.levels.values().flat_map(ByText::iter);
        let all = levels.map(|(name, (value, count, code))| (name, value + count + code));
        let groups = self.groups.iter().map(|(name, value)| (name, *value));
        let residuals = self.residuals.iter().flat_map(ResidualMeans::each);
        let mut all = all.chain(groups).chain(residuals);
        match all.find(|(_, value)| !value.is_finite()) {
            Some((name, value)) => Err(PartError::Misfit(format!(
                "level {name:?} has the value {value}"
            ))),
            None => self.check_overall(),
        }
    }
}

impl ResidualMeans {
    fn of(names: &Names, table: &Table) -> ResidualMeans {
        let mut levels: BTreeMap<String, BTreeMap<String, f32>> = BTreeMap::new();
        for (level, (group, name)) in names.in_order() {
            let of_group = levels.entry(group.to_owned()).or_default();
            of_group.insert(name.to_owned(), table.value(names, level) as f32);
        }
        let levels = levels.into_iter();
        ResidualMeans {
            levels: levels.map(|(group, means)| (group, means.into())).collect(),
            groups: table.by_group(names),
            overall: table.overall as f32,
        }
    }

    fn of_level(&self, group: &str, level: &str) -> f32 {
        let found = self.levels.get(group).and_then(|levels| levels.get(level));
        found.copied().unwrap_or_else(|| self.of_group(Some(group)))
    }

    fn of_group(&self, group: Option<&str>) -> f32 {
        let found = group.and_then(|group| self.groups.get(group));
        *found.unwrap_or(&self.overall)
    }

    /// Every name with its value.
    fn each(&self) -> impl Iterator<Item = (&String, f32)> {
        let levels = self.levels.values().flat_map(ByText::iter);
        let named = levels.chain(self.groups.iter());
        named.map(|(name, value)| (name, *value))
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

    /// By position, the mean of the row's level in the other folds.
    fn out_of_fold(&self, values: &[f64], credibility: f64) -> Vec<f32> {
        let folds: Vec<u8> = (0..self.of_rows.len())
            .map(|position| fold_of(position, FOLDS, SEED) as u8)
            .collect();
        let mut out_of_fold = vec![f32::NAN; self.of_rows.len()];
        for fold in 0..FOLDS as u8 {
            let used = |position: usize| folds[position] != fold;
            let table = Table::of(self, values, credibility, used);
            for (position, of_row) in self.of_rows.iter().enumerate() {
                if !used(position) {
                    out_of_fold[position] = table.value(self, *of_row) as f32;
                }
            }
        }
        out_of_fold
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
    /// K of the formula, in rows.
    credibility: f64,
    overall: f64,
    groups: Vec<Sum>,
    levels: Vec<Sum>,
}

impl Table {
    fn of(names: &Names, values: &[f64], credibility: f64, used: impl Fn(usize) -> bool) -> Table {
        let mut all = Sum::default();
        let mut table = Table {
            credibility,
            overall: 0.0,
            groups: vec![Sum::default(); names.groups.len()],
            levels: vec![Sum::default(); names.levels.len()],
        };
        for (position, (level, value)) in names.of_rows.iter().zip(values).enumerate() {
            if !used(position) {
                continue;
            }
            all.add(*value);
            table.groups[names.levels[*level as usize].0 as usize].add(*value);
            table.levels[*level as usize].add(*value);
        }
        table.overall = all.mean();
        table
    }

    /// What a level of this number is taken for.
    fn value(&self, names: &Names, level: u32) -> f64 {
        let drawn = |sum: &Sum, towards: f64| match sum.count > 0.0 {
            true => sum.credible(towards, self.credibility),
            false => towards,
        };
        let level = level as usize;
        let group = &self.groups[names.levels[level].0 as usize];
        drawn(&self.levels[level], drawn(group, self.overall))
    }

    /// What an unknown level of each group is taken for.
    fn by_group(&self, names: &Names) -> ByText<f32> {
        let groups = names.groups.iter().zip(&self.groups);
        let drawn = |sum: &Sum| sum.credible(self.overall, self.credibility) as f32;
        groups
            .map(|(group, sum)| ((*group).to_owned(), drawn(sum)))
            .collect()
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
        let targets = LevelTargets {
            logs: &logs,
            residuals: None,
        };
        let (means, out_of_fold) =
            TargetMeans::fit(Cells::Text(&names), Cells::Absent, None, &rows, targets);
        let [(0, out_of_fold)] = &out_of_fold[..] else {
            panic!("expected the mean alone: {out_of_fold:?}");
        };
        // Every row's own value is the mean of the other folds, not drawn to its own price.
        for (value, log) in out_of_fold.iter().zip(&logs) {
            assert!((f64::from(*value) - 4.5).abs() < 0.5, "{value} at {log}");
        }
        assert_eq!(means.width(), 3);
        assert_eq!(means.values(None, Some("unseen"))[..3], [4.5, 0.0, 0.0]);
        // (9 + 8 · 4.5) / 9.
        assert_eq!(means.values(None, Some("level9"))[..3], [5.0, 1.0, 0.0]);
        means.check().unwrap();
    }

    #[test]
    fn a_level_is_described_by_what_a_line_leaves_as_well() {
        // Two levels of 50 rows: the second has larger homes, and is dearer than the first by 1 for what a line says.
        let names = StringArray::from_iter_values((0..100).map(|row| ["a", "b"][row / 50]));
        let rows: Vec<usize> = (0..100).collect();
        let logs: Vec<f64> = (0..100).map(|row| [0.0, 5.0][row / 50]).collect();
        let residuals: Vec<f64> = (0..100).map(|row| [-0.5, 0.5][row / 50]).collect();
        let targets = LevelTargets {
            logs: &logs,
            residuals: Some(&residuals),
        };
        let (mut means, out_of_fold) =
            TargetMeans::fit(Cells::Text(&names), Cells::Absent, None, &rows, targets);
        assert_eq!(means.width(), 4);
        // 50 · 0.5 / (50 + 2).
        let [_, rows, _, residual] = means.values(None, Some("b"));
        assert_eq!((rows, residual), (50.0, (25.0_f64 / 52.0) as f32));
        assert_eq!(means.values(None, Some("unseen"))[3], 0.0);
        let [_, (3, of_rows)] = &out_of_fold[..] else {
            panic!("expected two columns: {out_of_fold:?}");
        };
        assert!(
            of_rows[..50].iter().all(|value| *value < -0.3),
            "{of_rows:?}"
        );
        assert!(
            of_rows[50..].iter().all(|value| *value > 0.3),
            "{of_rows:?}"
        );
        means.check().unwrap();
        let broken = means.residuals.as_mut().unwrap();
        broken.overall = f32::NAN;
        assert!(means.check().is_err());
    }
}
