//! Values of rows as codes of a byte, and tests of them: what is not known is 0, a number is one more
//! than the thresholds it reaches, a name one more than its own number.
//!
//! Ensembles that read the same rows share their codes where the thresholds of all of them fit a byte:
//! a row is coded once. A value that some trees read as a number and others as a name has two codes.

use lanes::{Lane, ROWS};

use super::bins::{BINS, name_bin};
use super::error::TreeError;
use super::tree::{Names, Test, Tree};

/// How a value of a row becomes a code.
#[derive(Debug, Clone, PartialEq)]
enum Coding {
    /// By these thresholds, rising.
    Cuts(Vec<f32>),
    Name,
}

/// A value of a row, and how it becomes a code.
#[derive(Debug, Clone, PartialEq)]
struct Coded {
    value: usize,
    coding: Coding,
}

/// How rows' values become codes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Codings {
    /// Values a row must have.
    width: usize,
    /// Only of values that any tree reads.
    coded: Vec<Coded>,
    /// By value: which code says its thresholds.
    numbers: Vec<Option<u16>>,
    /// By value: which code says its name.
    names: Vec<Option<u16>>,
}

/// Codes beside each other: which one, and what is the last that goes left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Compared {
    /// Twice the number of the code, and one more where 1 is taken from it first.
    pub(super) code: u16,
    pub(super) last: u8,
}

impl Codings {
    /// The codings of trees over rows of `width` values.
    ///
    /// # Errors
    /// When a value has more thresholds than a byte can distinguish, or there are too many values.
    pub(super) fn of<'a>(
        width: usize,
        trees: impl Iterator<Item = &'a Tree>,
    ) -> Result<Codings, TreeError> {
        let mut cuts: Vec<Vec<f32>> = vec![Vec::new(); width];
        let mut named = vec![false; width];
        let nodes = trees.flat_map(|tree| &tree.nodes);
        for split in nodes.filter_map(|node| node.split) {
            match split.test {
                Test::NotBelow(least) => cuts[usize::from(split.column)].push(least),
                Test::Among(_) => named[usize::from(split.column)] = true,
            }
        }
        let mut codings = Codings {
            width,
            coded: Vec::new(),
            numbers: vec![None; width],
            names: vec![None; width],
        };
        for (value, (mut cuts, named)) in cuts.into_iter().zip(named).enumerate() {
            cuts.sort_unstable_by(f32::total_cmp);
            // -0 and 0 are one threshold.
            cuts.dedup();
            if cuts.len() >= BINS - 1 {
                return Err(TreeError::Thresholds {
                    value,
                    found: cuts.len(),
                    limit: BINS - 1,
                });
            }
            if !cuts.is_empty() {
                codings.numbers[value] = Some(codings.add(value, Coding::Cuts(cuts)));
            }
            if named {
                codings.names[value] = Some(codings.add(value, Coding::Name));
            }
        }
        // Sets of names have codes as well.
        let most = usize::from(u16::MAX) / 2;
        match codings.codes() <= most {
            true => Ok(codings),
            false => Err(TreeError::Codes {
                found: codings.codes(),
                most,
            }),
        }
    }

    fn add(&mut self, value: usize, coding: Coding) -> u16 {
        self.coded.push(Coded { value, coding });
        (self.coded.len() - 1) as u16
    }

    /// Values a row must have.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Codes of a row: two for each that a value has.
    pub(super) fn codes(&self) -> usize {
        2 * self.coded.len()
    }

    /// Which code of a value says its name, counted as those of [`Codings::compare`] are.
    pub(super) fn name(&self, value: u16) -> u16 {
        2 * self.names[usize::from(value)].unwrap_or_default()
    }

    /// Where a threshold of a value stands among its codes. Where the unknown goes right its code is to
    /// be the greatest, so that 1 is taken from codes first, modulo 256.
    pub(super) fn compare(&self, value: u16, least: f32, unknown_left: bool) -> Compared {
        let shift = u8::from(!unknown_left);
        let code = self.numbers[usize::from(value)].unwrap_or_default();
        let last = match self.coded.get(usize::from(code)).map(|coded| &coded.coding) {
            Some(Coding::Cuts(cuts)) => cuts.partition_point(|cut| *cut <= least) as u8,
            Some(Coding::Name) | None => 0,
        };
        Compared {
            code: 2 * code + u16::from(shift),
            last: last.saturating_sub(shift),
        }
    }

    /// How many codes a value that is counted as in [`Codings::compare`] may have.
    pub(super) fn count(&self, code: u16) -> usize {
        match &self.coded[usize::from(code / 2)].coding {
            Coding::Cuts(cuts) => cuts.len() + 2,
            Coding::Name => BINS,
        }
    }

    /// Writes the codes of a row.
    pub(super) fn row(&self, row: &[f32], codes: &mut [u8]) {
        for (Coded { value, coding }, two) in self.coded.iter().zip(codes.chunks_exact_mut(2)) {
            let code = match coding {
                Coding::Cuts(_) if row[*value].is_nan() => 0,
                Coding::Cuts(cuts) => 1 + lanes::reached(cuts, row[*value]) as u8,
                Coding::Name => name_bin(row[*value]),
            };
            two[0] = code;
            two[1] = code.wrapping_sub(1);
        }
    }

    /// Writes the codes of at most 64 rows, row-major, lane by lane, the highest bit turned.
    pub(super) fn block(&self, rows: &[f32], lanes: &mut [Lane]) {
        let mut values = [f32::NAN; ROWS];
        let mut codes = [0_u8; ROWS];
        for (Coded { value, coding }, two) in self.coded.iter().zip(lanes.chunks_exact_mut(2)) {
            for (of_row, row) in values.iter_mut().zip(rows.chunks_exact(self.width)) {
                *of_row = row[*value];
            }
            match coding {
                Coding::Cuts(cuts) => bins(cuts, &values, &mut codes),
                Coding::Name => {
                    let pairs = codes.iter_mut().zip(&values);
                    pairs.for_each(|(code, value)| *code = name_bin(*value));
                }
            }
            for (row, code) in codes.iter().enumerate() {
                two[0].0[row] = (code ^ 0x80) as i8;
                two[1].0[row] = (code.wrapping_sub(1) ^ 0x80) as i8;
            }
        }
    }
}

/// See [`bin`].
fn bins(cuts: &[f32], values: &[f32; ROWS], codes: &mut [u8; ROWS]) {
    lanes::reached_by_rows(cuts, values, codes);
    for (code, value) in codes.iter_mut().zip(values) {
        *code = if value.is_nan() { 0 } else { *code + 1 };
    }
}

/// The codes of names: each is one more than its number.
pub(super) fn codes(names: &Names) -> Names {
    let mut codes = Names::default();
    let mut carried = 0;
    for (code, name) in codes.iter_mut().zip(names) {
        *code = name << 1 | carried;
        carried = name >> 63;
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::super::bins::bin;
    use super::*;

    #[test]
    fn many_searches_at_once_find_what_one_finds() {
        for count in [1, 2, 3, 7, 64, 100, 253, 254] {
            let cuts: Vec<f32> = (0..count).map(|cut| cut as f32 * 2.0 - 100.0).collect();
            for shift in [0.0, 0.5, 150.0] {
                let mut values: [f32; ROWS] =
                    std::array::from_fn(|row| row as f32 * 9.0 - 120.0 + shift);
                values[7] = f32::NAN;
                values[8] = f32::INFINITY;
                values[9] = f32::NEG_INFINITY;
                let mut codes = [0; ROWS];
                bins(&cuts, &values, &mut codes);
                assert_eq!(codes, values.map(|value| bin(&cuts, value)));
            }
        }
    }
}
