//! Sums of residuals by bin, of every column that a tree may split on.

use super::bins::{BINS, Column};
use super::by_row::ByRow;

/// Columns whose sums are added at once: a row's residual and number are fetched once for them, and a bin that
/// many rows in turn are in is waited for beside the others. Their sums stay in the nearest cache.
const AT_ONCE: usize = 8;

/// Rows whose codes are read row by row for some columns after the other: they stay in the second cache.
const BLOCK_ROWS: usize = 1024;

/// Packed sums of a column's bins while rows are added.
pub(super) type Sums = [i64; BINS];

/// Where columns have their bins in a histogram, side by side.
#[derive(Debug)]
pub(super) struct Shape {
    columns: Vec<Place>,
    /// Bins of all columns.
    bins: usize,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    bins: usize,
    named: bool,
}

impl Shape {
    pub(super) fn of(columns: &[&Column]) -> Shape {
        let mut bins = 0;
        let place = |column: &&Column| {
            bins += column.bins;
            Place {
                start: bins - column.bins,
                bins: column.bins,
                named: column.named,
            }
        };
        Shape {
            columns: columns.iter().map(place).collect(),
            bins,
        }
    }
}

impl Place {
    fn of<'a>(&self, sums: &'a [i64]) -> &'a [i64] {
        &sums[self.start..][..self.bins]
    }

    fn of_mut<'a>(&self, sums: &'a mut [i64]) -> &'a mut [i64] {
        &mut sums[self.start..][..self.bins]
    }
}

/// Rows of a leaf, to be added up.
pub(super) struct Counted<'a> {
    /// By column, codes by row of the table.
    pub(super) codes: &'a [&'a [u8]],
    /// The same row by row, and where columns stand there, for few of many rows.
    pub(super) by_row: Option<(&'a ByRow, &'a [usize])>,
    pub(super) rows: &'a [u32],
    /// Their packed residuals.
    pub(super) packed: &'a [i64],
}

/// Packed sums by bin. Of names each bin has its own; of numbers those of known values are running: each is
/// what a cut after its bin leaves on the left, apart from the first, which is that of what is not known.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    sums: Vec<i64>,
    /// The columns that are summed: others have no split, neither here nor in any part of the leaf.
    live: Vec<u16>,
}

impl Histogram {
    /// Sums up all rows that a tree sees, in all columns. `room` is that of the sums on their way.
    pub(super) fn fill(&mut self, shape: &Shape, counted: &Counted, room: &mut Vec<Sums>) {
        self.live.clear();
        self.live.extend(0..shape.columns.len() as u16);
        self.add_up(shape, counted, room, None);
    }

    /// Sums up a part of the rows of `whole`, from which it takes them.
    pub(super) fn take(
        &mut self,
        shape: &Shape,
        counted: &Counted,
        room: &mut Vec<Sums>,
        whole: &mut Histogram,
    ) {
        self.live.clone_from(&whole.live);
        self.add_up(shape, counted, room, Some(whole));
    }

    /// The sums of a column.
    pub(super) fn column(&self, shape: &Shape, column: usize) -> &[i64] {
        shape.columns[column].of(&self.sums)
    }

    /// Calls with every column that is summed, and its sums; what is not kept is not summed in parts of the leaf.
    pub(super) fn visit(&mut self, shape: &Shape, mut keep: impl FnMut(usize, &[i64]) -> bool) {
        let Histogram { sums, live } = self;
        live.retain(|column| {
            let column = usize::from(*column);
            keep(column, shape.columns[column].of(sums))
        });
    }

    /// The columns that are summed, rising.
    pub(super) fn live(&self) -> &[u16] {
        &self.live
    }

    /// Leaves out columns of numbers of which all rows have one value, or none; the rows' sum is `total`.
    pub(super) fn leave_out_constant(&mut self, shape: &Shape, total: i64) {
        self.visit(shape, |column, sums| {
            shape.columns[column].named || !is_constant(sums, total)
        });
    }

    fn add_up(
        &mut self,
        shape: &Shape,
        counted: &Counted,
        room: &mut Vec<Sums>,
        mut whole: Option<&mut Histogram>,
    ) {
        let Histogram { sums, live } = self;
        // All that is read is written before.
        sums.resize(shape.bins, 0);
        let at_once = match counted.by_row {
            Some(_) => live.len(),
            // As even as can be.
            None => live.len().div_ceil(live.len().div_ceil(AT_ONCE).max(1)),
        };
        if room.len() < at_once.max(AT_ONCE) {
            room.resize(at_once.max(AT_ONCE), [0; BINS]);
        }
        for columns in live.chunks(at_once.max(1)) {
            let places = columns
                .iter()
                .map(|column| shape.columns[usize::from(*column)]);
            for (sums, place) in room.iter_mut().zip(places.clone()) {
                sums[..place.bins].fill(0);
            }
            match counted.by_row {
                Some(by_row) => add_by_row(by_row, counted, columns, room),
                None => ADD[columns.len() - 1](counted, columns, room),
            }
            for (added, place) in room.iter().zip(places) {
                let own = place.of_mut(sums);
                settle(&added[..place.bins], place.named, own);
                if let Some(whole) = whole.as_deref_mut() {
                    let rest = place.of_mut(&mut whole.sums);
                    rest.iter_mut()
                        .zip(own)
                        .for_each(|(rest, own)| *rest -= *own);
                }
            }
        }
    }
}

/// Whether rows of this sum, one or more, are all in one bin of numbers.
fn is_constant(sums: &[i64], total: i64) -> bool {
    if sums[0] != 0 {
        return sums[0] == total;
    }
    // Sums run from nothing to all; most columns show at once that they take some steps.
    let (mut nothing, mut all) = (0, sums.len() - 1);
    while nothing + 1 < all {
        let middle = nothing.midpoint(all);
        match sums[middle] {
            0 => nothing = middle,
            sum if sum == total => all = middle,
            _ => return false,
        }
    }
    true
}

/// Writes the sums of a column as they are kept.
fn settle(added: &[i64], named: bool, sums: &mut [i64]) {
    if named {
        sums.copy_from_slice(added);
        return;
    }
    sums[0] = added[0];
    let mut running = 0;
    for (sum, added) in sums[1..].iter_mut().zip(&added[1..]) {
        running += added;
        *sum = running;
    }
}

/// Adds rows to the sums of so many columns.
type Add = fn(&Counted, &[u16], &mut [Sums]);

/// By how many columns there are, one less.
const ADD: [Add; AT_ONCE] = [
    add::<1>, add::<2>, add::<3>, add::<4>, add::<5>, add::<6>, add::<7>, add::<8>,
];

fn add<const COLUMNS: usize>(counted: &Counted, columns: &[u16], sums: &mut [Sums]) {
    let Some(sums) = sums.first_chunk_mut::<COLUMNS>() else {
        return;
    };
    let codes: [&[u8]; COLUMNS] = std::array::from_fn(|at| counted.codes[usize::from(columns[at])]);
    // Of one length: one check of a row is enough for all.
    let rows_of_table = codes[0].len();
    let codes = codes.map(|codes| &codes[..rows_of_table]);
    for (row, packed) in counted.rows.iter().zip(counted.packed) {
        let row = *row as usize;
        for (sums, codes) in sums.iter_mut().zip(&codes) {
            sums[usize::from(codes[row])] += packed;
        }
    }
}

/// The same out of the codes row by row, some rows at a time: their codes are read once for all columns.
fn add_by_row(
    (by_row, places): (&ByRow, &[usize]),
    counted: &Counted,
    columns: &[u16],
    sums: &mut [Sums],
) {
    let places: Vec<usize> = columns
        .iter()
        .map(|column| places[usize::from(*column)])
        .collect();
    let packed = counted.packed.chunks(BLOCK_ROWS);
    for block in counted.rows.chunks(BLOCK_ROWS).zip(packed) {
        let some = places.chunks(AT_ONCE).zip(sums.chunks_mut(AT_ONCE));
        for (places, sums) in some {
            ADD_BY_ROW[places.len() - 1](by_row, places, block, sums);
        }
    }
}

type AddByRow = fn(&ByRow, &[usize], (&[u32], &[i64]), &mut [Sums]);

/// By how many columns there are, one less.
const ADD_BY_ROW: [AddByRow; AT_ONCE] = [
    add_block::<1>,
    add_block::<2>,
    add_block::<3>,
    add_block::<4>,
    add_block::<5>,
    add_block::<6>,
    add_block::<7>,
    add_block::<8>,
];

fn add_block<const COLUMNS: usize>(
    by_row: &ByRow,
    places: &[usize],
    (rows, packed): (&[u32], &[i64]),
    sums: &mut [Sums],
) {
    let (Some(places), Some(sums)) = (
        places.first_chunk::<COLUMNS>().copied(),
        sums.first_chunk_mut::<COLUMNS>(),
    ) else {
        return;
    };
    for (row, packed) in rows.iter().zip(packed) {
        let codes = by_row.row(*row);
        for (sums, place) in sums.iter_mut().zip(places) {
            sums[usize::from(codes[place])] += packed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bins::columns;
    use super::super::packed::{Unit, count, units};
    use super::*;

    /// Eleven columns of 300 rows, the last of names, some values unknown; and packed residuals.
    fn made() -> (Vec<Column>, Vec<i64>) {
        let (rows, width) = (300_usize, 11_usize);
        let value = |at: usize| match at % 13 {
            0 => f32::NAN,
            _ => ((at * 7919) % (3 + 40 * (at % width))) as f32,
        };
        let values: Vec<f32> = (0..rows * width).map(value).collect();
        let named: Vec<bool> = (0..width).map(|column| column == width - 1).collect();
        let unit = Unit::new(20.0, rows);
        let residual = |row: usize| ((row * 31) % 41) as f64 - 20.0;
        let packed = (0..rows).map(|row| unit.pack(residual(row))).collect();
        (columns(&values, &named), packed)
    }

    /// The sums of a column as they are kept, by their definition.
    fn by_hand(column: &Column, rows: &[u32], packed: &[i64]) -> Vec<i64> {
        let of = |is_of: &dyn Fn(usize) -> bool| -> i64 {
            let of_rows = rows.iter().map(|row| *row as usize);
            of_rows
                .filter(|row| is_of(usize::from(column.codes[*row])))
                .map(|row| packed[row])
                .sum()
        };
        let sum = |bin: usize| match column.named || bin == 0 {
            true => of(&|code| code == bin),
            false => of(&|code| (1..=bin).contains(&code)),
        };
        (0..column.bins).map(sum).collect()
    }

    fn counted<'a>(codes: &'a [&'a [u8]], rows: &'a [u32], packed: &'a [i64]) -> Counted<'a> {
        Counted {
            codes,
            by_row: None,
            rows,
            packed,
        }
    }

    #[test]
    fn a_part_and_the_rest_have_the_sums_of_their_rows() {
        let (columns, packed) = made();
        let columns: Vec<&Column> = columns.iter().collect();
        let shape = Shape::of(&columns);
        let codes: Vec<&[u8]> = columns.iter().map(|column| &*column.codes).collect();
        let all: Vec<u32> = (0..300).collect();
        let (part, rest): (Vec<u32>, Vec<u32>) = all.iter().partition(|row| **row % 7 < 2);
        let residuals =
            |rows: &[u32]| -> Vec<i64> { rows.iter().map(|row| packed[*row as usize]).collect() };
        let mut room = Vec::new();
        let (mut whole, mut taken) = (Histogram::default(), Histogram::default());
        let residuals_of_all = residuals(&all);
        whole.fill(&shape, &counted(&codes, &all, &residuals_of_all), &mut room);
        for (at, column) in columns.iter().enumerate() {
            assert_eq!(whole.column(&shape, at), by_hand(column, &all, &packed));
        }
        // A column that is not kept is left as it was.
        let left_out = 4;
        whole.visit(&shape, |column, sums| {
            assert_eq!(sums.len(), columns[column].bins);
            column != left_out
        });
        let residuals_of_part = residuals(&part);
        let counted = counted(&codes, &part, &residuals_of_part);
        taken.take(&shape, &counted, &mut room, &mut whole);
        let mut visited = Vec::new();
        taken.visit(&shape, |column, sums| {
            assert_eq!(sums, by_hand(columns[column], &part, &packed));
            assert_eq!(
                whole.column(&shape, column),
                by_hand(columns[column], &rest, &packed)
            );
            visited.push(column);
            true
        });
        let expected: Vec<usize> = (0..11).filter(|column| *column != left_out).collect();
        assert_eq!(visited, expected);
    }

    #[test]
    fn sums_of_another_tree_leave_no_trace() {
        let (columns, packed) = made();
        let rows: Vec<u32> = (0..300).collect();
        let (mut histogram, mut room) = (Histogram::default(), Vec::new());
        let forwards: Vec<&Column> = columns.iter().collect();
        let backwards: Vec<&Column> = columns.iter().rev().skip(2).collect();
        for chosen in [&forwards, &backwards, &forwards] {
            let codes: Vec<&[u8]> = chosen.iter().map(|column| &*column.codes).collect();
            let shape = Shape::of(chosen);
            histogram.fill(&shape, &counted(&codes, &rows, &packed), &mut room);
            for (at, column) in chosen.iter().enumerate() {
                assert_eq!(
                    histogram.column(&shape, at),
                    by_hand(column, &rows, &packed)
                );
            }
        }
    }

    #[test]
    fn constant_is_what_all_rows_have_in_one_bin() {
        let is = |bins: &[i64]| {
            let mut sums = vec![0; bins.len()];
            settle(bins, false, &mut sums);
            is_constant(&sums, bins.iter().sum())
        };
        for bins in [2, 3, 4, 7, 20] {
            for bin in 0..bins {
                let mut one = vec![0; bins];
                one[bin] = 5;
                assert!(is(&one), "{bin} of {bins}");
                for other in (0..bins).filter(|other| *other != bin) {
                    let mut two = one.clone();
                    // A sum that another takes away again is still of two bins.
                    two[other] = -3;
                    assert!(!is(&two), "{bin} and {other} of {bins}");
                }
            }
        }
    }

    #[test]
    fn sums_and_counts_come_back_from_one_word() {
        let residuals = [1.5, -2.0, 0.25, -0.75, 2.0];
        let unit = Unit::new(2.0, residuals.len());
        let sum: i64 = residuals.iter().map(|residual| unit.pack(*residual)).sum();
        assert_eq!(count(sum), 5.0);
        let back = unit.residual(units(sum));
        assert!((back - 1.0).abs() < 1e-8, "{back}");
    }
}
