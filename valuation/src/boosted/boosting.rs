//! Growing trees one after the other, each on what the former leave of the targets.

use super::bins::Column;
use super::by_row::ByRow;
use super::ensemble::Ensemble;
use super::grow::{Ground, Grower};
use super::loss::Progress;
use super::options::BoostedOptions;
use super::table::Table;
use super::tree::Tree;
use crate::progress::Running;
use crate::rng::{Rng, mix};

/// An ensemble under way.
pub(super) struct Boosting<'a> {
    pub(super) table: &'a Table,
    pub(super) options: &'a BoostedOptions,
    /// Whether each tree is grown on the targets themselves, as if there were no other.
    pub(super) alone: bool,
    /// Whether cuts are drawn rather than looked for.
    pub(super) drawn: bool,
    /// Trees at most.
    pub(super) rounds: usize,
    /// Rows to learn from.
    pub(super) train: Vec<u32>,
    /// Rows that say when to stop.
    pub(super) judge: Vec<u32>,
    pub(super) seed: u64,
    /// Is told of every tree.
    pub(super) running: &'a Running<'a>,
}

/// The columns as the trees read them.
struct Seen<'a> {
    columns: Vec<&'a Column>,
    /// Those that may be split on.
    usable: Vec<usize>,
    by_row: Option<ByRow>,
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
    /// What was predicted for those rows.
    predicted: Vec<f64>,
}

impl Boosting<'_> {
    /// Grows the trees; gives them and what they predict for `judge`.
    pub(super) fn run(&self) -> (Ensemble, Vec<f64>) {
        let Boosting { table, options, .. } = self;
        let targets = &table.targets;
        let base = table
            .loss
            .base(self.train.iter().map(|row| targets[*row as usize]));
        let mut progress = Progress::new(table.loss, targets, base);
        let first = if self.alone {
            progress.gradients.clone()
        } else {
            Vec::new()
        };
        let (columns, usable) = table.seen(options);
        let seen = Seen {
            by_row: ByRow::of(&columns, &usable, self.train.len()),
            columns,
            usable,
        };
        let mut rng = Rng::new(mix(self.seed));
        let mut grower = Grower::default();
        let mut room = Room::default();
        let mut trees: Vec<Tree> = Vec::new();
        let mut best: Option<Best> = None;
        for _ in 0..self.rounds {
            let learned = if self.alone {
                &first
            } else {
                &progress.gradients
            };
            let Some(mut tree) = self.grow(&seen, &mut grower, &mut rng, &mut room, learned) else {
                break;
            };
            progress.take(&mut grower, &mut tree, options.rate, options.penalty);
            trees.push(tree);
            self.running.step();
            if options.patience == 0 || self.judge.is_empty() {
                continue;
            }
            let error = progress.error(&self.judge, options.trusted);
            match &best {
                Some(best) if error >= best.error => {
                    if trees.len() - best.trees >= options.patience {
                        break;
                    }
                }
                _ => {
                    best = Some(Best {
                        error,
                        trees: trees.len(),
                        predicted: self.predicted(&progress),
                    });
                }
            }
        }
        let predicted = match best {
            Some(best) => {
                trees.truncate(best.trees);
                best.predicted
            }
            None => self.predicted(&progress),
        };
        (Ensemble::new(table.width(), base, trees), predicted)
    }

    /// Grows the next tree on what is left of the targets.
    fn grow(
        &self,
        seen: &Seen,
        grower: &mut Grower,
        rng: &mut Rng,
        room: &mut Room,
        residuals: &[f64],
    ) -> Option<Tree> {
        let options = self.options;
        let chosen = rng.some(&seen.usable, options.column_share);
        let Room {
            rows,
            others,
            sizes,
        } = room;
        draw_rows(&self.train, options.row_share, rng, rows, others);
        others.extend_from_slice(&self.judge);
        let ground = Ground {
            columns: &seen.columns,
            by_row: seen.by_row.as_ref(),
            directions: &self.table.directions,
            chosen: &chosen,
            rows,
            others,
            residuals,
            limit: limit(residuals, rows, options.trusted, sizes),
            options,
            drawn: self.drawn.then(|| rng.number()),
        };
        grower.grow(&ground)
    }

    /// What is predicted for the judging rows.
    fn predicted(&self, progress: &Progress) -> Vec<f64> {
        self.judge
            .iter()
            .map(|row| progress.predicted(*row))
            .collect()
    }
}

/// Parts rows at random, each part in their order: seen are as many as `share` says, about.
fn draw_rows(all: &[u32], share: f64, rng: &mut Rng, seen: &mut Vec<u32>, unseen: &mut Vec<u32>) {
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
        let happens = rng.happens(share);
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
    let absolute = rows.iter().map(|row| residuals[*row as usize].abs() as f32);
    sizes.extend(absolute.map(f32::to_bits));
    let place = (sizes.len() as f64 * share.max(0.0)) as usize;
    match place < sizes.len() {
        true => f64::from(f32::from_bits(*sizes.select_nth_unstable(place).1)),
        false => f64::INFINITY,
    }
}
