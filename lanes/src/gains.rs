//! What cuts gain, many at once.

/// The totals on both sides of cuts.
#[derive(Debug, Clone, Copy)]
pub struct Sides {
    /// The sum of both.
    pub sum: f32,
    /// The rows of both.
    pub rows: f32,
    /// Added to the rows of each; above 0.
    pub penalty: f32,
    /// Fewer rows on a side are as bad as can be.
    pub least: f32,
}

/// [`crate::add_gains`] in plain Rust.
#[inline(always)]
pub(crate) fn add(sums: &[i32], rows: &[i32], sides: Sides, gains: &mut [f32]) {
    let Sides {
        sum: all,
        rows: both,
        penalty,
        least,
    } = sides;
    for ((gain, sum), rows) in gains.iter_mut().zip(sums).zip(rows) {
        let (sum, count) = (*sum as f32, *rows as f32);
        let (other, others) = (all - sum, both - count);
        let (weight, weights) = (count + penalty, others + penalty);
        let found = (sum * sum * weights + other * other * weight) / (weight * weights);
        let fewer = if count < others { count } else { others };
        *gain += if fewer < least {
            f32::NEG_INFINITY
        } else {
            found
        };
    }
}

/// [`crate::greatest`] in plain Rust.
#[inline(always)]
pub(crate) fn most(numbers: &[f32], floor: f32) -> f32 {
    // Several at once: each would wait for the one before.
    let mut most = [floor; 32];
    let chunks = numbers.chunks_exact(32);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (most, number) in most.iter_mut().zip(chunk) {
            *most = if *number > *most { *number } else { *most };
        }
    }
    let numbers = most.iter().chain(rest);
    numbers.fold(
        floor,
        |most, number| if *number > most { *number } else { most },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{add_gains, greatest};

    #[test]
    fn every_way_gives_the_same_bits() {
        for length in [0, 1, 7, 31, 32, 33, 254] {
            let sums: Vec<i32> = (0..length).map(|at| (at * 7919 % 4001) - 2000).collect();
            let rows: Vec<i32> = (0..length).collect();
            for least in [0.0, 1.0, 9.0] {
                let sides = Sides {
                    sum: 1234.0,
                    rows: 300.0,
                    penalty: 1.5,
                    least,
                };
                let mut here: Vec<f32> = (0..length).map(|at| at as f32 / 7.0).collect();
                let mut plain = here.clone();
                add_gains(&sums, &rows, sides, &mut here);
                add(&sums, &rows, sides, &mut plain);
                let bits =
                    |all: &[f32]| all.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&here), bits(&plain));
                let expected = here.iter().copied().fold(5.0, f32::max);
                assert_eq!(
                    (greatest(&here, 5.0), most(&here, 5.0)),
                    (expected, expected)
                );
            }
        }
    }
}
