//! What trees learn from.

use super::bins::{Column, columns as bins};
use super::error::TreeError;
use super::histogram::MOST_ROWS;
use super::loss::Loss;
use crate::tree_features::Level;

/// A matrix of training rows, put into bins once for all that is grown on it.
#[derive(Debug)]
pub(crate) struct Table {
    /// Row-major, NaN where nothing is known.
    values: Vec<f32>,
    pub(super) columns: Vec<Column>,
    pub(super) targets: Vec<f64>,
    /// How far off an estimate of a target is.
    pub(super) loss: Loss,
    /// Columns that identify levels by their means alone: symmetric trees know no names.
    pub(super) by_means: Vec<usize>,
    /// Columns that identify levels by name, where next to all rows have one.
    pub(super) by_names: Vec<usize>,
}

impl Table {
    /// `values` are row-major, NaN where nothing is known; `levels` are the values of a row that
    /// stand for levels; `targets` one a row.
    ///
    /// # Errors
    /// When there are too many rows or values a row.
    pub(crate) fn new(
        values: Vec<f32>,
        levels: &[Level],
        targets: Vec<f64>,
    ) -> Result<Table, TreeError> {
        let rows = targets.len();
        let width = values.len() / rows.max(1);
        if rows > MOST_ROWS || width > usize::from(u16::MAX) {
            return Err(TreeError::TooLarge {
                rows,
                width,
                most_rows: MOST_ROWS,
                most_width: usize::from(u16::MAX),
            });
        }
        let mut named = vec![false; width];
        let (mut by_means, mut by_names) = (vec![true; width], vec![true; width]);
        for level in levels {
            named[level.code] = level.numbered;
            by_means[level.count] = false;
            by_means[level.code] = false;
            if level.numbered {
                by_names[level.mean] = false;
            } else {
                by_names[level.count] = false;
                by_names[level.code] = false;
            }
        }
        let columns = bins(&values, &named);
        // A column of one value splits nothing.
        let seen = |is_seen: Vec<bool>| {
            let usable = is_seen.into_iter().enumerate();
            usable
                .filter(|(column, seen)| *seen && columns[*column].varies())
                .map(|(column, _)| column)
                .collect::<Vec<usize>>()
        };
        Ok(Table {
            by_means: seen(by_means),
            by_names: seen(by_names),
            values,
            columns,
            targets,
            loss: Loss::Squared,
        })
    }

    /// The same where targets are classes 0 and 1: trees predict log odds.
    pub(crate) fn of_classes(self) -> Table {
        Table {
            loss: Loss::Logistic,
            ..self
        }
    }

    /// The rows' values, row-major.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.targets.len()
    }

    /// Values of a row.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }
}
