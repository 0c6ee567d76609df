//! The codes of many rows once more, row after row: a leaf of few of many rows then reads a line or two of memory
//! a row, and not one for every column.

use super::bins::Column;

/// Rows from which on the codes are laid out again: those of fewer stay in the processor's cache.
const MANY_ROWS: usize = 1 << 16;
/// Rows that are laid out at a time.
const BLOCK_ROWS: usize = 256;
/// A leaf with at least this share of all rows reads columns: next to every line of them is of use.
const DENSE_SHARE: usize = 4;

/// Codes of the columns that trees may split on, row-major.
#[derive(Debug)]
pub(super) struct ByRow {
    codes: Vec<u8>,
    /// Codes of a row.
    width: usize,
    /// By column of the table: its place in a row.
    places: Vec<usize>,
}

impl ByRow {
    /// Of the columns `seen`, by their index, for trees that learn from so many rows; none where these are few.
    pub(super) fn of(columns: &[&Column], seen: &[usize], learned: usize) -> Option<ByRow> {
        (learned >= MANY_ROWS && !seen.is_empty()).then(|| ByRow::laid(columns, seen))
    }

    fn laid(columns: &[&Column], seen: &[usize]) -> ByRow {
        let width = seen.len();
        let rows = columns.first().map_or(0, |column| column.codes.len());
        let mut codes = vec![0; rows * width];
        // Some rows at a time, which stay in the cache from one column to the next.
        for (block, to) in codes.chunks_mut(BLOCK_ROWS * width.max(1)).enumerate() {
            for (place, column) in seen.iter().enumerate() {
                let of_block = &columns[*column].codes[block * BLOCK_ROWS..];
                for (row, code) in to.chunks_exact_mut(width.max(1)).zip(of_block) {
                    row[place] = *code;
                }
            }
        }
        let mut places = vec![0; columns.len()];
        for (place, column) in seen.iter().enumerate() {
            places[*column] = place;
        }
        ByRow {
            codes,
            width,
            places,
        }
    }

    /// Whether so many rows of all are better read row by row.
    pub(super) fn suits(&self, rows: usize) -> bool {
        rows * DENSE_SHARE < self.codes.len() / self.width.max(1)
    }

    /// Where columns of the table stand in a row.
    pub(super) fn places<'a>(&'a self, columns: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
        columns.iter().map(|column| self.places[*column])
    }

    /// The codes of a row.
    #[inline]
    pub(super) fn row(&self, row: u32) -> &[u8] {
        let from = row as usize * self.width;
        &self.codes[from..from + self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::super::bins::columns;
    use super::super::histogram::{Counted, Histogram, Shape};
    use super::*;

    #[test]
    fn rows_and_columns_add_up_to_the_same_sums() {
        let (rows, width) = (500_usize, 7_usize);
        let values: Vec<f32> = (0..rows * width)
            .map(|at| match at % 11 {
                0 => f32::NAN,
                _ => ((at * 7919) % 613) as f32,
            })
            .collect();
        let columns = columns(&values, &vec![false; width]);
        let columns: Vec<&Column> = columns.iter().collect();
        let by_row = ByRow::laid(&columns, &[1, 2, 4, 5, 6]);
        let chosen = [4, 1, 6];
        let taken: Vec<u32> = (0..rows as u32).filter(|row| row % 5 == 2).collect();
        let packed: Vec<i64> = taken.iter().map(|row| i64::from(*row) * 31 - 900).collect();
        let seen: Vec<&Column> = chosen.iter().map(|at| columns[*at]).collect();
        let codes: Vec<&[u8]> = seen.iter().map(|column| &*column.codes).collect();
        let shape = Shape::of(&seen);
        let places: Vec<usize> = by_row.places(&chosen).collect();
        let sums = |by_row| {
            let mut histogram = Histogram::default();
            let counted = Counted {
                codes: &codes,
                by_row,
                rows: &taken,
                packed: &packed,
            };
            histogram.fill(&shape, &counted, &mut Vec::new());
            histogram
        };
        let (one, other) = (sums(None), sums(Some((&by_row, &*places))));
        for column in 0..chosen.len() {
            assert_eq!(one.column(&shape, column), other.column(&shape, column));
        }
        assert!(by_row.suits(taken.len()) && !by_row.suits(rows / 4));
        assert!(
            ByRow::of(&columns, &[0], rows).is_none(),
            "few rows are not laid out again"
        );
    }
}
