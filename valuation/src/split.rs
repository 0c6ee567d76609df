//! Which listings train and which judge.

use crate::rng::Rng;

/// How the rows to judge on are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitBy {
    /// The newest; without a time field, every Nth row.
    Time,
    /// Drawn by the seed.
    Random,
}

/// Row numbers of both sides; the hold-out is in time order where there is a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to fit on.
    pub train: Vec<usize>,
    /// Rows to judge on.
    pub holdout: Vec<usize>,
}

/// Splits out of time: the last `fraction` by time, ties by row order. Without times
/// (`times` is `None`), every fifth row, or every `1/fraction`-th, is held out.
pub fn split(rows: &[usize], times: Option<&dyn Fn(usize) -> i64>, fraction: f64) -> Split {
    let fraction = fraction.clamp(0.01, 0.5);
    if let Some(time_of) = times {
        let mut ordered = rows.to_vec();
        ordered.sort_by_key(|row| (time_of(*row), *row));
        let held = (rows.len() as f64 * fraction).round() as usize;
        let holdout = ordered.split_off(rows.len() - held);
        return Split {
            train: ordered,
            holdout,
        };
    }
    let every = (1.0 / fraction).round() as usize;
    let mut split = Split {
        train: Vec::new(),
        holdout: Vec::new(),
    };
    for (position, row) in rows.iter().enumerate() {
        if position % every == every - 1 {
            split.holdout.push(*row);
        } else {
            split.train.push(*row);
        }
    }
    split
}

/// Holds a drawn `fraction` out, both sides in row order; the seed decides which.
pub fn split_randomly(rows: &[usize], fraction: f64, seed: u64) -> Split {
    let held = (rows.len() as f64 * fraction.clamp(0.01, 0.5)).round() as usize;
    let order = Rng::new(seed).order(rows.len());
    let side = |positions: &[usize]| {
        let mut side: Vec<usize> = positions.iter().map(|position| rows[*position]).collect();
        side.sort_unstable();
        side
    };
    Split {
        holdout: side(&order[..held]),
        train: side(&order[held..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_held_out_and_ties_go_by_row() {
        let times = [9, 1, 5, 5, 0];
        let found = split(&[0, 1, 2, 3, 4], Some(&|row| times[row]), 0.4);
        assert_eq!(
            found,
            Split {
                train: vec![4, 1, 2],
                holdout: vec![3, 0]
            }
        );
    }

    #[test]
    fn without_times_every_fifth_is_held_out() {
        let rows: Vec<usize> = (0..10).collect();
        assert_eq!(split(&rows, None, 0.2).holdout, [4, 9]);
    }
}
