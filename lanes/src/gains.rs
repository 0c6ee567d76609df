//! What cuts gain, many at once.

/// Bits of a packed sum that count rows, the lower ones; those above are the sum of the rows' residuals.
pub const COUNT_BITS: u32 = 24;

/// What is parted by cuts.
#[derive(Debug, Clone, Copy)]
pub struct Sides {
    /// The packed sum of both sides.
    pub total: i64,
    /// Added to the rows of each; above 0.
    pub penalty: f32,
    /// Fewer rows on a side are as bad as can be.
    pub least: f32,
}

/// Residuals and rows of a packed sum; of the residuals the upper 32 bits.
#[inline(always)]
pub(crate) fn parts(packed: i64) -> (f32, f32) {
    let rows = packed & ((1 << COUNT_BITS) - 1);
    ((packed >> 32) as i32 as f32, rows as i32 as f32)
}

/// [`crate::add_gains`] in plain Rust.
#[inline(always)]
pub(crate) fn add(lefts: &[i64], more: i64, sides: Sides, gains: &mut [f32]) {
    let Sides {
        total,
        penalty,
        least,
    } = sides;
    let (all, both) = parts(total);
    for (gain, left) in gains.iter_mut().zip(lefts) {
        let (sum, count) = parts(left.wrapping_add(more));
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

/// Numbers that are compared at once.
const AT_ONCE: usize = 32;

/// [`crate::greatest`] in plain Rust.
#[inline(always)]
pub(crate) fn first_of_most(numbers: &[f32], floor: f32) -> Option<usize> {
    // Several at once: each would wait for the one before.
    let mut most = [floor; AT_ONCE];
    let mut chunks = numbers.chunks_exact(AT_ONCE);
    let rest = chunks.remainder();
    for chunk in chunks.clone() {
        for (most, number) in most.iter_mut().zip(chunk) {
            *most = if *number > *most { *number } else { *most };
        }
    }
    let of_all = most.iter().chain(rest);
    let most = of_all.fold(
        floor,
        |most, number| if *number > most { *number } else { most },
    );
    if most > floor {
        let has_it = |chunk: &[f32]| {
            chunk
                .iter()
                .fold(false, |found, number| found | (*number == most))
        };
        let chunk = chunks.position(has_it).unwrap_or(numbers.len() / AT_ONCE);
        let from = AT_ONCE * chunk;
        let place = numbers[from..].iter().position(|number| *number == most);
        return place.map(|place| from + place);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{add_gains, greatest};

    fn packed(sum: i64, rows: i64) -> i64 {
        (sum << 32) + rows
    }

    #[test]
    fn every_way_gives_the_same_bits() {
        for length in [0, 1, 7, 31, 32, 33, 64, 254] {
            let lefts: Vec<i64> = (0..length)
                .map(|at| packed((at * 7919 % 4001) - 2000, at))
                .collect();
            for (least, more) in [(0.0, 0), (1.0, packed(-70, 3)), (9.0, packed(500, 20))] {
                let sides = Sides {
                    total: packed(1234, 300),
                    penalty: 1.5,
                    least,
                };
                let mut here: Vec<f32> = (0..length).map(|at| at as f32 / 7.0).collect();
                let mut plain = here.clone();
                add_gains(&lefts, more, sides, &mut here);
                add(&lefts, more, sides, &mut plain);
                let bits =
                    |all: &[f32]| all.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&here), bits(&plain));
                for floor in [f32::NEG_INFINITY, 5.0, f32::MAX] {
                    let most = here.iter().copied().fold(floor, f32::max);
                    let expected = here.iter().position(|gain| *gain == most && most > floor);
                    assert_eq!(greatest(&here, floor), expected);
                    assert_eq!(first_of_most(&here, floor), expected);
                }
            }
        }
    }

    #[test]
    fn both_sides_are_squared_and_divided_by_their_rows() {
        let sides = Sides {
            total: packed(10, 5),
            penalty: 1.0,
            least: 1.0,
        };
        // Sums 4 of 3 rows, and with the 2 of one row more 6 of 4.
        let (mut gains, mut with_more) = ([0.0; 2], [1.0; 2]);
        let lefts = [packed(4, 3), packed(10, 5)];
        add_gains(&lefts, 0, sides, &mut gains);
        add_gains(&lefts, packed(2, 1), sides, &mut with_more);
        assert_eq!(
            gains,
            [4.0 * 4.0 / 4.0 + 6.0 * 6.0 / 3.0, f32::NEG_INFINITY]
        );
        let expected = 1.0 + 6.0 * 6.0 / 5.0 + 4.0 * 4.0 / 2.0;
        assert!((with_more[0] - expected).abs() < 1e-5, "{}", with_more[0]);
        // Of equals the first.
        assert_eq!(greatest(&[1.0, 3.0, 3.0], 0.0), Some(1));
        assert_eq!(greatest(&[1.0, 3.0], 3.0), None);
    }
}
