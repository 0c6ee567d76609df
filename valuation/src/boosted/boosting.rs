//! Growing trees one after the other, each on what the former leave of the targets.

use super::Ensemble;
use super::grow::{Ground, Grower};
use super::options::{BoostedOptions, Growth};
use super::table::Table;
use super::tree::Tree;
use crate::draw::{Draws, mix};

/// An ensemble under way.
pub(super) struct Boosting<'a> {
    pub(super) table: &'a Table,
    pub(super) options: &'a BoostedOptions,
    /// Trees at most.
    pub(super) rounds: usize,
    /// Rows to learn from.
    pub(super) train: Vec<u32>,
    /// Rows that say when to stop.
    pub(super) judge: Vec<u32>,
    pub(super) seed: u64,
}

/// Room kept from one tree to the next.
#[derive(Default)]
struct Room {
    /// Rows that the tree sees.
    rows: Vec<u32>,
    /// Rows that it does not see.
    others: Vec<u32>,
    /// Sizes of residuals, as bits.
    sizes: Vec<u32>,
}

/// The least error on the rows that judge.
struct Best {
    error: f64,
    trees: usize,
    /// What was left of those rows' targets.
    left: Vec<f64>,
}

impl Boosting<'_> {
    /// Grows the trees; gives them and what they say of `judge`.
    pub(super) fn run(&self) -> (Ensemble, Vec<f64>) {
        let targets = &self.table.targets;
        let sum: f64 = self.train.iter().map(|row| targets[*row as usize]).sum();
        let base = sum / self.train.len().max(1) as f64;
        let mut residuals: Vec<f64> = targets.iter().map(|target| target - base).collect();
        let mut draws = Draws::new(mix(self.seed));
        let mut grower = Grower::default();
        let mut room = Room::default();
        let mut trees: Vec<Tree> = Vec::new();
        let mut best: Option<Best> = None;
        for _ in 0..self.rounds {
            let Some(tree) = self.grow(&mut grower, &mut draws, &mut room, &mut residuals) else {
                break;
            };
            trees.push(tree);
            if self.options.patience == 0 || self.judge.is_empty() {
                continue;
            }
            let left = self.left(&residuals);
            let error = self.error(&left);
            match &best {
                Some(best) if error >= best.error => {
                    if trees.len() - best.trees >= self.options.patience {
                        break;
                    }
                }
                _ => {
                    best = Some(Best {
                        error,
                        trees: trees.len(),
                        left,
                    });
                }
            }
        }
        let left = match best {
            Some(best) => {
                trees.truncate(best.trees);
                best.left
            }
            None => self.left(&residuals),
        };
        let said = self.judge.iter().zip(left);
        let said = said.map(|(row, left)| targets[*row as usize] - left);
        (
            Ensemble::new(self.table.width(), base, trees),
            said.collect(),
        )
    }

    /// Grows the next tree and takes what it says from the residuals.
    fn grow(
        &self,
        grower: &mut Grower,
        draws: &mut Draws,
        room: &mut Room,
        residuals: &mut [f64],
    ) -> Option<Tree> {
        let options = self.options;
        let columns = match options.growth {
            Growth::LeafWise => &self.table.by_names,
            Growth::Symmetric => &self.table.by_means,
        };
        let chosen = draws.some(columns, options.column_share);
        let Room {
            rows,
            others,
            sizes,
        } = room;
        draw_rows(&self.train, options.row_share, draws, rows, others);
        others.extend_from_slice(&self.judge);
        let ground = Ground {
            columns: &self.table.columns,
            chosen: &chosen,
            rows,
            others,
            residuals,
            limit: limit(residuals, rows, options.trusted, sizes),
            options,
        };
        let tree = grower.grow(&ground)?;
        grower.take(residuals);
        Some(tree)
    }

    /// What is left of the judging rows' targets.
    fn left(&self, residuals: &[f64]) -> Vec<f64> {
        let rows = self.judge.iter();
        rows.map(|row| residuals[*row as usize]).collect()
    }

    /// How bad residuals are: squared, or by their sizes where the greatest are not trusted.
    fn error(&self, residuals: &[f64]) -> f64 {
        match self.options.trusted < 1.0 {
            true => residuals.iter().map(|left| left.abs()).sum(),
            false => residuals.iter().map(|left| left * left).sum(),
        }
    }
}

/// Parts rows at random, each part in their order: seen are as many as `share` says, about.
fn draw_rows(
    all: &[u32],
    share: f64,
    draws: &mut Draws,
    seen: &mut Vec<u32>,
    unseen: &mut Vec<u32>,
) {
    seen.clear();
    unseen.clear();
    if share >= 1.0 {
        seen.extend_from_slice(all);
        return;
    }
    seen.resize(all.len(), 0);
    unseen.resize(all.len(), 0);
    let (mut count, mut others) = (0, 0);
    // Both are written, one is kept: a branch would be guessed wrong.
    for row in all {
        let happens = draws.happens(share);
        seen[count] = *row;
        unseen[others] = *row;
        count += usize::from(happens);
        others += usize::from(!happens);
    }
    seen.truncate(count);
    unseen.truncate(others);
}

/// The quantile `share` of the sizes of the rows' residuals, as `f32`; no limit for all of them.
/// `sizes` is room.
fn limit(residuals: &[f64], rows: &[u32], share: f64, sizes: &mut Vec<u32>) -> f64 {
    if share >= 1.0 {
        return f64::INFINITY;
    }
    // The bits of numbers not below 0 are in the order of the numbers, and quicker compared.
    sizes.clear();
    let own = rows.iter().map(|row| residuals[*row as usize].abs() as f32);
    sizes.extend(own.map(f32::to_bits));
    let place = (sizes.len() as f64 * share.max(0.0)) as usize;
    match place < sizes.len() {
        true => f64::from(f32::from_bits(*sizes.select_nth_unstable(place).1)),
        false => f64::INFINITY,
    }
}
