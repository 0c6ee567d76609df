//! Categories of few levels: a column a level.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::column::{Column, Says};
use super::level_limits::LevelLimits;
use super::numbering::Numbering;
use crate::by_text::ByText;
use crate::linear::SparseRow;
use crate::part_error::PartError;

/// A column for each level but the most frequent, which the others are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OneHot {
    /// Column of each level (none for the most frequent) and its share of the training rows.
    levels: ByText<(Option<usize>, f64)>,
    /// Column of everything else: rare, unknown or not given; none where training had no such.
    other: Option<usize>,
}

/// What a level is in the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoded {
    /// One with a column of its own.
    Column(usize),
    /// The one that the others are compared with.
    MostFrequent,
    /// Rare, unknown or not given.
    Others,
}

impl OneHot {
    /// Fits on `rows`, whose levels occur `counts` times.
    pub(super) fn fit(
        counts: BTreeMap<&str, usize>,
        rows: usize,
        limits: LevelLimits,
        columns: &mut Numbering,
    ) -> OneHot {
        let mut ordered: Vec<(&str, usize)> = counts.into_iter().collect();
        // Stable: levels as frequent as each other stay in the order of their names.
        ordered.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut levels = BTreeMap::new();
        let mut kept = 0;
        for (rank, (level, count)) in ordered.into_iter().enumerate() {
            if rank > 0 && (rank >= limits.max_levels || count < limits.min_level_rows) {
                break;
            }
            let column = (rank > 0).then(|| columns.next());
            levels.insert(level.to_owned(), (column, count as f64 / rows as f64));
            kept += count;
        }
        let other = (kept < rows).then(|| columns.next());
        OneHot {
            levels: levels.into(),
            other,
        }
    }

    /// What a level is; none is like one that was not seen.
    pub(super) fn encoded(&self, level: Option<&str>) -> Encoded {
        match level.and_then(|level| self.levels.get(level)) {
            Some((Some(column), _)) => Encoded::Column(*column),
            Some((None, _)) => Encoded::MostFrequent,
            None => Encoded::Others,
        }
    }

    /// Writes what a level is.
    pub(super) fn write(&self, encoded: Encoded, out: &mut SparseRow) {
        match encoded {
            Encoded::Column(column) => out.push((column, 1.0)),
            Encoded::MostFrequent => {}
            Encoded::Others => match self.other {
                Some(column) => out.push((column, 1.0)),
                // Nothing like it was seen: the average of the levels is in.
                None => out.extend(
                    self.levels
                        .values()
                        .filter_map(|(column, share)| Some(((*column)?, *share))),
                ),
            },
        }
    }

    /// Levels of their own.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().map(|(level, _)| level.as_str())
    }

    pub(super) fn columns(&self) -> Vec<usize> {
        let levels = self.levels.values().filter_map(|(column, _)| *column);
        levels.chain(self.other).collect()
    }

    pub(super) fn describe(&self) -> Vec<Column<'static>> {
        let levels = self.levels.iter().filter_map(|(level, (column, _))| {
            Some(Column::flag((*column)?, Says::Level(level.clone())))
        });
        let other = self.other.map(|shift| Column::flag(shift, Says::Other));
        levels.chain(other).collect()
    }

    pub(super) fn check(&self) -> Result<(), PartError> {
        for (level, (_, share)) in self.levels.iter() {
            if !(0.0..=1.0).contains(share) {
                return Err(PartError::Misfit(format!(
                    "level {level:?} has a share of {share}"
                )));
            }
        }
        Ok(())
    }
}
