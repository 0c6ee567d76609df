//! Values of training rows as bins: a split is looked for between a few hundred bins, not between
//! all values (Ke et al. 2017, LightGBM).

use rayon::prelude::*;

/// Bins of a column: the first is for what is not known.
pub(super) const BINS: usize = 256;
/// Cuts of a column of numbers at most. Bins of known values are one more, and a tree may part the
/// known from the unknown by a cut beyond all.
const MOST_CUTS: usize = BINS - 3;
/// Rows that decide where the cuts are: more would not move them.
const SAMPLE_ROWS: usize = 200_000;

/// A column of training rows.
#[derive(Debug)]
pub(super) struct Column {
    /// The bin of each row; 0 where the value is not known.
    pub(super) codes: Vec<u8>,
    /// What stands between two bins of numbers: bin b + 1 begins with cut b. Empty for names.
    pub(super) cuts: Vec<f32>,
    /// Whether any value is not known.
    pub(super) gaps: bool,
    /// Whether a value is the number of a name: bin = number + 1, in no order.
    pub(super) named: bool,
    /// Bins in use, that of what is not known among them.
    pub(super) bins: usize,
}

impl Column {
    /// Whether there is anything to split on.
    pub(super) fn varies(&self) -> bool {
        self.codes.windows(2).any(|pair| pair[0] != pair[1])
    }
}

/// Puts the columns of `values`, row-major of `named.len()` values a row, into bins.
pub(super) fn columns(values: &[f32], named: &[bool]) -> Vec<Column> {
    let width = named.len();
    let column = |(index, named): (usize, &bool)| {
        let column = || values.iter().skip(index).step_by(width).copied();
        let cuts = match named {
            true => Vec::new(),
            false => cuts(column()),
        };
        let codes: Vec<u8> = match named {
            true => column().map(name_bin).collect(),
            false => column().map(|value| bin(&cuts, value)).collect(),
        };
        Column {
            gaps: codes.contains(&0),
            bins: match named {
                true => 1 + usize::from(codes.iter().copied().max().unwrap_or(0)),
                false => cuts.len() + 2,
            },
            codes,
            cuts,
            named: *named,
        }
    };
    named.par_iter().enumerate().map(column).collect()
}

/// The bin of a name's number; what is not a name is not known.
pub(super) fn name_bin(value: f32) -> u8 {
    match (0.0..(BINS - 1) as f32).contains(&value) {
        true => value as u8 + 1,
        false => 0,
    }
}

/// The bin of a number.
pub(super) fn bin(cuts: &[f32], value: f32) -> u8 {
    match value.is_nan() {
        true => 0,
        // At most MOST_CUTS + 1.
        false => 1 + cuts.partition_point(|cut| *cut <= value) as u8,
    }
}

/// Cuts halfway between neighbouring values: between all where they are few, else such that bins
/// hold about as many rows each.
fn cuts(values: impl ExactSizeIterator<Item = f32> + Clone) -> Vec<f32> {
    let step = values.len().div_ceil(SAMPLE_ROWS).max(1);
    let mut sorted: Vec<f32> = values
        .step_by(step)
        .filter(|value| !value.is_nan())
        .collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let runs: Vec<(f32, usize)> = sorted
        .chunk_by(|one, other| one == other)
        .map(|run| (run[0], run.len()))
        .collect();
    let mut cuts = Vec::new();
    let (mut rest, mut held) = (sorted.len(), 0);
    for pair in runs.windows(2) {
        let ((low, count), (high, next)) = (pair[0], pair[1]);
        held += count;
        let bins_left = (MOST_CUTS + 1).saturating_sub(cuts.len()).max(1);
        let share = rest / bins_left;
        // A value that fills a bin has one of its own.
        let full = runs.len() <= MOST_CUTS + 1 || held >= share || next >= 2 * share;
        if full && cuts.len() < MOST_CUTS {
            let middle = low + (high - low) / 2.0;
            cuts.push(if middle > low { middle } else { high });
            rest -= held;
            held = 0;
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_bin_each_and_many_share_them_evenly() {
        let few = [3.0, 1.0, f32::NAN, 2.0, 1.0];
        let column = &columns(&few, &[false])[0];
        assert_eq!(column.cuts, [1.5, 2.5]);
        assert_eq!(column.codes, [3, 1, 0, 2, 1]);
        // Half of all rows are zero.
        let many: Vec<f32> = (0..10_000)
            .map(|row| if row % 2 == 0 { 0.0 } else { row as f32 })
            .collect();
        let column = &columns(&many, &[false])[0];
        assert!((BINS - 8..BINS).contains(&column.bins), "{}", column.bins);
        let mut counts = vec![0; BINS];
        column
            .codes
            .iter()
            .for_each(|code| counts[usize::from(*code)] += 1);
        assert_eq!((counts[0], counts[1]), (0, 5000));
        assert!(
            counts[2..column.bins]
                .iter()
                .all(|count| (15..30).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn names_have_as_many_bins_as_the_greatest_of_them_asks_for() {
        let names = [3.0, f32::NAN, 0.0, 7.0];
        let column = &columns(&names, &[true])[0];
        assert_eq!(column.codes, [4, 0, 1, 8]);
        assert_eq!((column.bins, column.gaps), (9, true));
        assert_eq!(columns(&[f32::NAN], &[true])[0].bins, 1);
    }

    #[test]
    fn a_cut_separates_neighbouring_floats() {
        let low = 1.0_f32;
        let high = low.next_up();
        let column = &columns(&[low, high], &[false])[0];
        assert_eq!(column.codes, [1, 2]);
    }
}
