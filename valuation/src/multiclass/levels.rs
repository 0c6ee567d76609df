//! Which levels of the target can be predicted, and the rows that have them.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use records::Schema;

use crate::cells::Cells;
use crate::classification::{check_count, sides};
use crate::fit::FitOptions;
use crate::fit_error::FitError;
use crate::split::Split;

/// Fewest records of a level that is predicted: a rarer one is left out.
pub const LEVEL_ROWS: usize = 20;
/// Most levels that are predicted: each is a fit of its own.
pub const MOST_LEVELS: usize = 50;

/// Levels that are named in an error.
const NAMED: usize = 5;

/// The levels of a fit, and its rows.
pub(super) struct Levels {
    /// In alphabetical order.
    pub(super) names: Vec<String>,
    /// By row of the batch its level; of rows that are not used 0.
    pub(super) of_row: Vec<usize>,
    /// Rows of levels that are predicted.
    pub(super) usable: Vec<usize>,
    /// Their sides: each has all levels.
    pub(super) sides: Split,
    /// The other rows, by rule: `no_target`, and `rare_class`, whose levels have too few rows or are on one side alone.
    pub(super) removed: BTreeMap<String, usize>,
}

impl Levels {
    /// Finds them. A level that is on one side of the split alone is left out like a rare one: it could not be learned,
    /// or not be judged.
    ///
    /// # Errors
    /// When there are too few rows, or too few or too many levels.
    pub(super) fn of(
        schema: &Schema,
        batch: &RecordBatch,
        target: &str,
        options: &FitOptions,
    ) -> Result<Levels, FitError> {
        let cells = Cells::of(batch, target);
        let given = batch.num_rows();
        let labelled: Vec<(usize, &str)> = (0..given)
            .filter_map(|row| Some((row, cells.text(row)?)))
            .collect();
        let no_target = ("no_target".to_owned(), given - labelled.len());
        let mut removed = BTreeMap::from([no_target]);
        check_count(labelled.len(), given, &removed, options)?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, level) in &labelled {
            *counts.entry(level).or_default() += 1;
        }
        counts.retain(|_, rows| *rows >= LEVEL_ROWS);
        let mut names: Vec<&str> = counts.into_keys().collect();
        loop {
            if !(2..=MOST_LEVELS).contains(&names.len()) {
                return Err(refused(target, &names));
            }
            let mut of_row = vec![0; given];
            let mut usable = Vec::with_capacity(labelled.len());
            for (row, level) in &labelled {
                if let Ok(place) = names.binary_search(level) {
                    of_row[*row] = place;
                    usable.push(*row);
                }
            }
            removed.insert("rare_class".to_owned(), labelled.len() - usable.len());
            check_count(usable.len(), given, &removed, options)?;
            let sides = sides(schema, batch, &usable, options);
            let mut is_on = vec![[false; 2]; names.len()];
            for (side, rows) in [&sides.train, &sides.holdout].into_iter().enumerate() {
                for row in rows {
                    is_on[of_row[*row]][side] = true;
                }
            }
            if is_on.iter().all(|sides| *sides == [true; 2]) {
                return Ok(Levels {
                    names: names.into_iter().map(str::to_owned).collect(),
                    of_row,
                    usable,
                    sides,
                    removed,
                });
            }
            // Other rows are on the sides then.
            let mut on = is_on.iter();
            names.retain(|_| on.next() == Some(&[true; 2]));
        }
    }
}

fn refused(target: &str, names: &[&str]) -> FitError {
    let some: Vec<&str> = names.iter().copied().take(NAMED).collect();
    let more = if names.len() > NAMED { ", …" } else { "" };
    FitError::Levels {
        target: target.to_owned(),
        most: MOST_LEVELS,
        least_rows: LEVEL_ROWS,
        found: names.len(),
        named: match some.is_empty() {
            true => String::new(),
            false => format!(" ({}{more})", some.join(", ")),
        },
    }
}
