//! What trees learn from.

use super::bins::{Column, columns as bins};
use super::error::TreeError;
use super::loss::Loss;
use super::monotone::Direction;
use super::options::{BoostedOptions, Names};
use super::packed::MOST_ROWS;
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
    /// By column that tells levels by name: the same as a number, each with the columns beside it that
    /// count within another category.
    numbers: Vec<(usize, Column)>,
    /// Columns of levels that count within another category's.
    within: Vec<usize>,
    /// The first column of what neighbours cost.
    beside: usize,
    /// Which way values go as a column grows, by column; empty where no column binds.
    pub(super) directions: Vec<Direction>,
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
                if let Some(residual) = level.residual {
                    by_names[residual] = false;
                }
            } else {
                by_names[level.count] = false;
                by_names[level.code] = false;
            }
        }
        let columns = bins(&values, &named);
        let names: Vec<usize> = (0..width).filter(|column| named[*column]).collect();
        let of_names: Vec<f32> = values
            .chunks_exact(width.max(1))
            .flat_map(|row| names.iter().map(|column| row[*column]))
            .collect();
        let numbers = bins(&of_names, &vec![false; names.len()]);
        let within = levels.iter().filter(|level| level.within);
        let within = within.flat_map(|level| {
            let alike = [level.mean, level.count, level.code];
            alike.into_iter().chain(level.residual)
        });
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
            numbers: names.into_iter().zip(numbers).collect(),
            within: within.collect(),
            beside: width,
            directions: Vec::new(),
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

    /// The same where the columns from `first` on are what neighbours cost.
    pub(crate) fn beside(self, first: usize) -> Table {
        Table {
            beside: first,
            ..self
        }
    }

    /// The same where values go with columns as `directions` say, which are by column, the last ones of what
    /// neighbours cost left out.
    pub(crate) fn along(self, mut directions: Vec<Direction>) -> Table {
        directions.resize(self.columns.len(), Direction::Free);
        let binds = directions.iter().any(|own| *own != Direction::Free);
        Table {
            directions: if binds { directions } else { Vec::new() },
            ..self
        }
    }

    /// Whether any column is what neighbours cost.
    pub(crate) fn has_neighbours(&self) -> bool {
        self.beside < self.columns.len()
    }

    /// Whether any column tells levels by name.
    pub(crate) fn has_names(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// The columns as trees of these options read them, and which of them they may split on.
    pub(super) fn seen(&self, options: &BoostedOptions) -> (Vec<&Column>, Vec<usize>) {
        let mut columns: Vec<&Column> = self.columns.iter().collect();
        let told_by = options.told_by();
        let mut seen = match told_by {
            Names::Means => self.by_means.clone(),
            Names::Sets | Names::LimitedSets | Names::Codes => self.by_names.clone(),
        };
        if told_by == Names::Codes {
            for (column, numbers) in &self.numbers {
                columns[*column] = numbers;
            }
            // Numbers of pairs are in no order that would say more than the level's own.
            seen.retain(|column| !self.within.contains(column));
        }
        if !self.directions.is_empty() {
            seen.retain(|column| self.directions[*column] != Direction::Unusable);
        }
        if options.neighbours == Some(false) {
            seen.retain(|column| *column < self.beside);
        }
        (columns, seen)
    }

    /// The rows' values, row-major.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The same, which are all that is kept.
    pub(crate) fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// What is learned, by row.
    pub(crate) fn targets(&self) -> &[f64] {
        &self.targets
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
