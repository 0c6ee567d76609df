//! Categories of many levels, such as streets: one column, the level's own deviation.
//!
//! A level counts within its group: *Lenina* of one city is not *Lenina* of another. For the n
//! training rows of a level, with y the log target and g the mean of y in the level's group,
//!
//! ```text
//! value = Z · (mean of y − g),   Z = n / (n + K)
//! ```
//!
//! which is the credibility estimate of Bühlmann (1967, Experience Rating and Credibility): a level
//! of few rows stays near its group's mean. K is fixed, not estimated. The group's mean is drawn to
//! the mean of all rows by the same formula. A level not seen in its group has the value 0: it is
//! taken for its group's average.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::column::{Column, Says};
use super::numbering::Numbering;
use crate::by_text::ByText;
use crate::cells::Cells;
use crate::credibility::Sum;
use crate::linear::SparseRow;
use crate::part_error::PartError;
use crate::rng::mix;

/// K of the formula, in rows: what a level's mean is weighed against.
const CREDIBILITY_ROWS: f64 = 20.0;
/// Folds of the training values: no row's value is made from its own target.
const FOLDS: u64 = 5;

/// Deviations by level.
type Levels = ByText<f64>;

/// The fitted values of a category's levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LevelMeans {
    /// The value's place in the design.
    column: usize,
    /// The field whose levels are the groups.
    group: String,
    /// Values by group and level.
    by_group: ByText<Levels>,
    /// Values of rows that have no group.
    ungrouped: Levels,
}

impl LevelMeans {
    /// Fits on `rows`, whose log targets are `logs`. Also gives the rows' own values, each from
    /// the other folds alone.
    pub(super) fn fit(
        cells: Cells,
        groups: Cells,
        group: &str,
        rows: &[usize],
        logs: &[f64],
        columns: &mut Numbering,
    ) -> (LevelMeans, Vec<f64>) {
        let members = Members::of(cells, groups, rows);
        let mut effects = vec![0.0; rows.len()];
        for fold in 0..FOLDS {
            let others = members.values(logs, |position| fold_of(position) != fold);
            for (position, pair) in members.pairs.iter().enumerate() {
                if fold_of(position) == fold {
                    effects[position] = pair.map_or(0.0, |pair| others[pair]);
                }
            }
        }
        let values = members.values(logs, |_| true);
        let mut by_group: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
        let mut ungrouped = BTreeMap::new();
        for ((group, level), pair) in members.names {
            let levels = match group {
                Some(group) => by_group.entry(group.to_owned()).or_default(),
                None => &mut ungrouped,
            };
            levels.insert(level.to_owned(), values[pair]);
        }
        let by_group = by_group.into_iter();
        let means = LevelMeans {
            column: columns.next(),
            group: group.to_owned(),
            by_group: by_group
                .map(|(group, levels)| (group, levels.into()))
                .collect(),
            ungrouped: ungrouped.into(),
        };
        (means, effects)
    }

    /// Levels, whatever their group.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let levels = self.by_group.values().chain([&self.ungrouped]);
        levels.flat_map(|levels| levels.iter().map(|(level, _)| level.as_str()))
    }

    /// Groups of levels.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.by_group.iter().map(|(group, _)| group.as_str())
    }

    /// Every level that has a value, with its group.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let grouped = self.by_group.iter();
        let grouped = grouped.map(|(group, levels)| (Some(group.as_str()), levels));
        let all = grouped.chain([(None, &self.ungrouped)]);
        all.flat_map(|(group, levels)| {
            let levels = levels.iter();
            levels.map(move |(level, _)| (group, level.as_str()))
        })
    }

    /// The value of a level in its group: 0 where it is not known there.
    pub(super) fn value(&self, group: Option<&str>, level: Option<&str>) -> f64 {
        let levels = match group {
            Some(group) => self.by_group.get(group),
            None => Some(&self.ungrouped),
        };
        levels
            .zip(level)
            .and_then(|(levels, level)| levels.get(level))
            .copied()
            .unwrap_or(0.0)
    }

    /// Writes the value of a level.
    pub(super) fn write(&self, value: f64, out: &mut SparseRow) {
        out.push((self.column, value));
    }

    pub(super) fn describe(&self) -> Vec<Column<'static>> {
        let levels = self.by_group.values().chain([&self.ungrouped]);
        let reach = |(low, high): (f64, f64), value: &f64| (low.min(*value), high.max(*value));
        // A level that was not seen has the value 0.
        let (low, high) = levels.flat_map(Levels::values).fold((0.0, 0.0), reach);
        vec![Column {
            low,
            high,
            ..Column::flag(self.column, Says::Within(self.group.clone()))
        }]
    }

    pub(super) fn column(&self) -> usize {
        self.column
    }

    pub(super) fn group(&self) -> &str {
        &self.group
    }

    pub(super) fn check(&self) -> Result<(), PartError> {
        let all = self.by_group.values().chain([&self.ungrouped]);
        for (level, value) in all.flat_map(Levels::iter) {
            if !value.is_finite() {
                return Err(PartError::Misfit(format!(
                    "level {level:?} has the value {value}"
                )));
            }
        }
        Ok(())
    }
}

/// Which group, and which level of it, each training row is of. Names are looked up once: the
/// folds go by number.
struct Members<'a> {
    /// Number of each level within its group.
    names: BTreeMap<(Option<&'a str>, &'a str), usize>,
    /// By position: the number of the level within its group.
    pairs: Vec<Option<usize>>,
    /// By position: the number of the group.
    groups: Vec<Option<usize>>,
    /// How many groups there are.
    group_count: usize,
}

impl<'a> Members<'a> {
    fn of(cells: Cells<'a>, groups: Cells<'a>, rows: &[usize]) -> Members<'a> {
        let mut group_names: BTreeMap<&str, usize> = BTreeMap::new();
        let mut members = Members {
            names: BTreeMap::new(),
            pairs: Vec::with_capacity(rows.len()),
            groups: Vec::with_capacity(rows.len()),
            group_count: 0,
        };
        for row in rows {
            let group = groups.text(*row);
            members.groups.push(group.map(|group| {
                let next = group_names.len();
                *group_names.entry(group).or_insert(next)
            }));
            members.pairs.push(cells.text(*row).map(|level| {
                let next = members.names.len();
                *members.names.entry((group, level)).or_insert(next)
            }));
        }
        members.group_count = group_names.len();
        members
    }

    /// The value of every level, by its number, from the positions `used`.
    fn values(&self, logs: &[f64], used: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut all = Sum::default();
        for (position, log) in logs.iter().enumerate() {
            if used(position) {
                all.add(*log);
            }
        }
        let overall = all.mean();
        let credible = |sum: &Sum| sum.credible(0.0, CREDIBILITY_ROWS);
        let mut groups = vec![Sum::default(); self.group_count];
        for (position, log) in logs.iter().enumerate() {
            if let Some(group) = self.groups[position].filter(|_| used(position)) {
                groups[group].add(log - overall);
            }
        }
        let mut levels = vec![Sum::default(); self.names.len()];
        for (position, log) in logs.iter().enumerate() {
            if let Some(pair) = self.pairs[position].filter(|_| used(position)) {
                let of_group = self.groups[position].map_or(0.0, |group| credible(&groups[group]));
                levels[pair].add(log - overall - of_group);
            }
        }
        levels.iter().map(credible).collect()
    }
}

/// The fold of a position.
fn fold_of(position: usize) -> u64 {
    mix(position as u64) % FOLDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::StringArray;

    #[test]
    fn a_levels_value_is_worked_by_hand_within_its_group() {
        // City a: 30 rows at 1; 30 rows of x at 2. City b: 60 rows of x at 5.
        let cities =
            StringArray::from_iter_values((0..120).map(|i| if i < 60 { "a" } else { "b" }));
        let streets =
            StringArray::from_iter_values((0..120).map(|i| if i < 30 { "y" } else { "x" }));
        let logs: Vec<f64> = (0..120).map(|i| [1.0, 2.0, 5.0, 5.0][i / 30]).collect();
        let rows: Vec<usize> = (0..120).collect();
        let (means, effects) = LevelMeans::fit(
            Cells::Text(&streets),
            Cells::Text(&cities),
            "city",
            &rows,
            &logs,
            &mut Numbering::default(),
        );
        // All: 3.25. City a: 1.5, so 60/80 · −1.75 = −1.3125. x in a: 30/50 · (2 − 3.25 + 1.3125).
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
        near(means.value(Some("a"), Some("x")), 0.6 * 0.0625);
        near(means.value(Some("a"), Some("y")), 0.6 * -0.9375);
        near(means.value(Some("b"), Some("x")), 0.75 * 0.4375);
        near(means.value(Some("b"), Some("y")), 0.0);
        near(means.value(None, Some("x")), 0.0);
        near(means.value(Some("a"), None), 0.0);
        assert!(effects.iter().zip(&rows).all(|(effect, row)| {
            *effect
                != means.value(
                    Cells::Text(&cities).text(*row),
                    Cells::Text(&streets).text(*row),
                )
        }));
    }
}
