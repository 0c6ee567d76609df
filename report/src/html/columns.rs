//! The columns of a batch, read for plots.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};

/// Levels of a category that are shown.
const LEVELS: usize = 12;

/// The numbers of a column; `None` for what is not a number.
pub(super) fn numbers(column: &ArrayRef) -> Option<Vec<f64>> {
    if let Some(cells) = column.as_primitive_opt::<Float64Type>() {
        return Some(cells.iter().flatten().collect());
    }
    let cells = column.as_primitive_opt::<Int64Type>()?;
    Some(cells.iter().flatten().map(|value| value as f64).collect())
}

/// The number of every row; `None` for a column of what is not a number.
pub(super) fn by_row(column: &ArrayRef) -> Option<Vec<Option<f64>>> {
    if let Some(cells) = column.as_primitive_opt::<Float64Type>() {
        return Some(cells.iter().collect());
    }
    let cells = column.as_primitive_opt::<Int64Type>()?;
    Some(
        cells
            .iter()
            .map(|cell| cell.map(|number| number as f64))
            .collect(),
    )
}

/// The most frequent levels with their share of the class, as bars.
pub(super) fn shares(
    column: &ArrayRef,
    classes: &[Option<bool>],
) -> Option<Vec<(String, f64, String)>> {
    let (shown, _) = levels(column)?;
    let texts = column.as_string_opt::<i32>();
    let yes = column.as_boolean_opt();
    let is = |row: usize, level: &str| match (texts, yes) {
        (Some(cells), _) => cells.is_valid(row) && cells.value(row) == level,
        (None, Some(cells)) => cells.is_valid(row) && cells.value(row) == (level == "yes"),
        (None, None) => false,
    };
    let bar = |(level, count): (String, usize)| {
        let rows = classes.iter().enumerate();
        let hits = rows.filter(|(row, class)| **class == Some(true) && is(*row, &level));
        let share = hits.count() as f64 / count.max(1) as f64;
        let text = format!("{:.1} % of {count}", 100.0 * share);
        (level, share, text)
    };
    Some(shown.into_iter().map(bar).collect())
}

/// The times of a column, in microseconds since 1970.
pub(super) fn times(column: &ArrayRef) -> Option<Vec<f64>> {
    let cells = column.as_primitive_opt::<TimestampMicrosecondType>()?;
    Some(cells.iter().flatten().map(|value| value as f64).collect())
}

/// The most frequent levels of a column of texts or of yes and no, with their rows, and how many
/// levels there are.
pub(super) fn levels(column: &ArrayRef) -> Option<(Vec<(String, usize)>, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    if let Some(cells) = column.as_string_opt::<i32>() {
        for level in cells.iter().flatten() {
            *counts.entry(level).or_default() += 1;
        }
    } else {
        for value in column.as_boolean_opt()?.iter().flatten() {
            *counts.entry(if value { "yes" } else { "no" }).or_default() += 1;
        }
    }
    let all = counts.len();
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let shown = counts.into_iter().take(LEVELS);
    let shown = shown.map(|(level, count)| (level.to_owned(), count));
    Some((shown.collect(), all))
}
