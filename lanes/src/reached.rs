//! How many thresholds numbers reach.

use crate::ROWS;

/// [`crate::reached`] by looking at all, which is quicker where many are compared at once.
#[inline(always)]
pub(crate) fn one(cuts: &[f32], value: f32) -> usize {
    let mut counts = [0_i32; 8];
    let chunks = cuts.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (count, cut) in counts.iter_mut().zip(chunk) {
            *count += i32::from(*cut <= value);
        }
    }
    let rest = rest.iter().filter(|cut| **cut <= value).count();
    counts.iter().sum::<i32>() as usize + rest
}

/// [`crate::reached_by_rows`] in plain Rust: a step of all searches at a time, so that none waits for its own memory.
pub(crate) fn by_rows(cuts: &[f32], values: &[f32; ROWS], counts: &mut [u8; ROWS]) {
    let Some(last) = cuts.len().checked_sub(1) else {
        return counts.fill(0);
    };
    let mut base = [0_usize; ROWS];
    let mut size = cuts.len();
    while size > 1 {
        let half = size / 2;
        for (base, value) in base.iter_mut().zip(values) {
            let reached = cuts[(*base + half - 1).min(last)] <= *value;
            *base += if reached { half } else { 0 };
        }
        size -= half;
    }
    for ((count, base), value) in counts.iter_mut().zip(base).zip(values) {
        *count = base as u8 + u8::from(cuts[base.min(last)] <= *value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{reached, reached_by_rows};

    #[test]
    fn every_way_counts_alike() {
        for count in [0, 1, 2, 3, 7, 8, 64, 100, 253, 254, 255] {
            let cuts: Vec<f32> = (0..count).map(|cut| cut as f32 * 2.0 - 100.0).collect();
            for shift in [0.0, 0.5, 150.0] {
                let mut values: [f32; ROWS] =
                    std::array::from_fn(|row| row as f32 * 9.0 - 120.0 + shift);
                (values[7], values[8], values[9]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
                let expected = values.map(|value| cuts.iter().filter(|cut| **cut <= value).count());
                let (mut here, mut plain) = ([9; ROWS], [9; ROWS]);
                reached_by_rows(&cuts, &values, &mut here);
                by_rows(&cuts, &values, &mut plain);
                assert_eq!(here.map(usize::from), expected);
                assert_eq!(plain.map(usize::from), expected);
                assert_eq!(values.map(|value| reached(&cuts, value)), expected);
                assert_eq!(values.map(|value| one(&cuts, value)), expected);
            }
        }
    }
}
