//! Which training rows are predicted by members that have not seen them.

use serde::{Deserialize, Serialize};

use crate::rng::fold_of;
use crate::split::SplitBy;

/// Rows that are enough to state what members are worth: beyond, not all folds are grown.
const ENOUGH_ROWS: usize = 6_000;
/// Rows that folds follow time with, unless the settings say so of fewer: the oldest block of few rows
/// is too little to say when trees are to stop.
const MANY_ROWS: usize = 5_000;
/// Folds grown at least: how many trees to grow is not to hang on one.
const LEAST_FOLDS: usize = 2;

/// Rows to learn from and rows to be judged on, by position among the training rows, rising.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fold {
    pub(crate) train: Vec<u32>,
    pub(crate) judge: Vec<u32>,
}

impl Fold {
    /// The rows of a fold and those of the others, by the fold of each row.
    fn of(folds: &[usize], fold: usize) -> Fold {
        let rows = 0..folds.len() as u32;
        let (judge, train) = rows.partition(|row| folds[*row as usize] == fold);
        Fold { train, judge }
    }
}

/// How training rows come into the folds that weigh the members and set the ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FoldBy {
    /// As the rows to judge on are chosen, from 5,000 rows to learn from on: drawn folds grow too many
    /// trees for a hold-out of newer rows, and set too narrow ranges.
    #[default]
    Split,
    /// Drawn by the seed: a row is valued by members that have learned from the rows around it.
    Random,
    /// Rolling origin (Tashman 2000, Out-of-Sample Tests of Forecasting Accuracy): a row is valued
    /// by members that have learned from older ones alone. Random where times do not distinguish rows.
    Time,
}

impl FoldBy {
    /// Whether the folds of N rows follow time.
    pub(crate) fn is_by_time(self, split: SplitBy, rows: usize) -> bool {
        match self {
            FoldBy::Split => split == SplitBy::Time && rows >= MANY_ROWS,
            FoldBy::Random => false,
            FoldBy::Time => true,
        }
    }
}

/// `count` folds of N rows: a rolling origin over `times`, where they are given and distinguish the rows;
/// else drawn by the seed.
pub(crate) fn of(count: usize, seed: u64, rows: usize, times: Option<Vec<i64>>) -> Vec<Fold> {
    let rolling = times.and_then(|times| rolling(&times, count));
    rolling.unwrap_or_else(|| some(rows, count, seed))
}

/// As many of `count` folds of `rows` rows as have enough rows to judge on.
fn some(rows: usize, count: usize, seed: u64) -> Vec<Fold> {
    let enough = (ENOUGH_ROWS * count).div_ceil(rows.max(1));
    let mut folds = all(rows, count, seed);
    folds.truncate(enough.clamp(LEAST_FOLDS.min(count), count));
    folds
}

/// Folds of a rolling origin: the rows in the order of `times` are cut into `count` blocks; as many of
/// the newest as have enough rows to judge on, but no more than leave the first of them something to
/// learn from, are judged by what is older. None where there are not two times a block: rows of a
/// bulk that came at once are in the order of the file, by city or by price.
pub(crate) fn rolling(times: &[i64], count: usize) -> Option<Vec<Fold>> {
    let rows = times.len();
    let mut order: Vec<u32> = (0..rows as u32).collect();
    order.sort_by_key(|row| (times[*row as usize], *row));
    let distinct = order.chunk_by(|one, other| times[*one as usize] == times[*other as usize]);
    if distinct.count() < 2 * count {
        return None;
    }
    let least = LEAST_FOLDS.min(count.saturating_sub(1));
    let judged = (ENOUGH_ROWS * count).div_ceil(rows.max(1));
    let judged = judged.clamp(least, count.div_ceil(2).max(least));
    let fold = |block: usize| {
        let (from, to) = (rows * block / count, rows * (block + 1) / count);
        let rising = |part: &[u32]| {
            let mut part = part.to_vec();
            part.sort_unstable();
            part
        };
        Fold {
            train: rising(&order[..from]),
            judge: rising(&order[from..to]),
        }
    };
    let folds = (count - judged..count).map(fold);
    Some(folds.collect())
}

/// All of `count` folds of `rows` rows, drawn by the seed.
pub(crate) fn all(rows: usize, count: usize, seed: u64) -> Vec<Fold> {
    let of: Vec<usize> = (0..rows).map(|row| fold_of(row, count, seed)).collect();
    let folds = (0..count).map(|fold| Fold::of(&of, fold));
    folds
        .filter(|fold| !fold.judge.is_empty() && !fold.train.is_empty())
        .collect()
}

/// The rows that are judged on in any fold, rising.
pub(crate) fn judged(folds: &[Fold]) -> Vec<usize> {
    let mut rows: Vec<usize> = folds
        .iter()
        .flat_map(|fold| fold.judge.iter().map(|row| *row as usize))
        .collect();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rolling_origin_learns_from_what_is_older_alone() {
        // Newest first, two of each time.
        let times: Vec<i64> = (0..1000).map(|row| (1000 - row) / 2).collect();
        for count in [2, 3, 5, 20] {
            let folds = rolling(&times, count).unwrap();
            assert!(!folds.is_empty() && folds.len() < count);
            for fold in &folds {
                assert!(fold.judge.len().abs_diff(1000 / count) <= 1);
                let time = |row: &u32| times[*row as usize];
                let newest = fold.train.iter().map(time).max().unwrap();
                assert!(fold.judge.iter().all(|row| time(row) >= newest));
                assert!(fold.train.is_sorted() && fold.judge.is_sorted());
            }
            let last = folds.last().unwrap();
            assert_eq!(last.train.len() + last.judge.len(), 1000);
        }
        // The first of them has two fifths to learn from.
        let folds = rolling(&times, 5).unwrap();
        assert_eq!((folds.len(), folds[0].train.len()), (3, 400));
        let many: Vec<i64> = (0..20_000).collect();
        assert_eq!(rolling(&many, 5).unwrap().len(), 2);
        // All at once, and a time for each block.
        assert_eq!(rolling(&[7; 1000], 5), None);
        let few: Vec<i64> = (0..1000).map(|row| row / 200).collect();
        assert_eq!(rolling(&few, 5), None);
    }

    #[test]
    fn few_rows_are_all_judged_on_and_many_are_not() {
        let few = some(1000, 5, 1);
        assert_eq!(few, all(1000, 5, 1));
        assert_eq!(judged(&few), (0..1000).collect::<Vec<_>>());
        let many = some(20_000, 5, 1);
        assert_eq!(many.len(), 2);
        assert!((7_500..8_500).contains(&judged(&many).len()));
        for fold in &many {
            assert_eq!(fold.train.len() + fold.judge.len(), 20_000);
            assert!(
                fold.judge
                    .iter()
                    .all(|row| fold.train.binary_search(row).is_err())
            );
        }
        assert_eq!(some(1_000_000, 5, 1).len(), 2);
    }
}
