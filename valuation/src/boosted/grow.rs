//! Growing one tree on residuals.

mod ground;
mod growing;
mod level;
mod part;

use std::ops::Range;

pub(super) use self::ground::Ground;
use self::growing::{Growing, Open};
use self::part::{follow, part};
use super::histogram::{Counted, Histogram, Sums};
use super::monotone::Bounds;
use super::options::Growth;
use super::packed::Unit;
use super::split::{Candidate, Gains, worth};
use super::tree::Tree;

/// Buffers for growing trees, reused for each tree.
#[derive(Debug, Default)]
pub(super) struct Grower {
    /// Rows in the order of the leaves: those that the tree sees.
    order: Vec<u32>,
    /// The same of those that it does not see.
    others: Vec<u32>,
    /// Rows on their way to the right.
    aside: Vec<u32>,
    /// By row of the table: its packed residual.
    packed: Vec<i64>,
    /// The packed residuals of a leaf's rows, in their order.
    gathered: Vec<i64>,
    /// Of the tree just grown.
    leaves: Vec<Leaf>,
    /// By row of the table, which of the leaves it is in; empty where the leaves list all their rows.
    numbers: Vec<u16>,
    /// Gains of a column's cuts.
    gains: Gains,
    /// Histograms that no open leaf holds.
    spare: Vec<Histogram>,
    /// Sums on their way into a histogram.
    sums: Vec<Sums>,
}

/// A leaf of the tree just grown.
#[derive(Debug)]
struct Leaf {
    node: usize,
    /// Its rows in the grower's order.
    rows: Range<usize>,
    /// Its rows among the grower's others; none of a symmetric tree, of which rows have the number.
    others: Range<usize>,
    value: f32,
}

/// Numbers that are compared side by side.
const LANES: usize = 8;

/// The greatest size of the rows' residuals.
fn greatest(residuals: &[f64], rows: &[u32]) -> f64 {
    let size = |row: &u32| residuals[*row as usize].abs();
    let larger = |one: f64, other: f64| if other > one { other } else { one };
    let chunks = rows.chunks_exact(LANES);
    let rest = chunks.remainder().iter().map(size).fold(0.0, larger);
    let mut most = [0.0; LANES];
    for chunk in chunks {
        for (most, row) in most.iter_mut().zip(chunk) {
            *most = larger(*most, size(row));
        }
    }
    most.into_iter().fold(rest, larger)
}

impl Grower {
    /// Grows a tree and records the leaf of each row. None where all residuals are 0:
    /// nothing is left to learn.
    pub(super) fn grow(&mut self, ground: &Ground) -> Option<Tree> {
        let greatest = greatest(ground.residuals, ground.rows).min(ground.limit);
        // Subnormal residuals would make units beyond all numbers.
        if greatest < 1e-100 {
            return None;
        }
        let unit = Unit::new(greatest, ground.rows.len());
        self.leaves.clear();
        self.numbers.clear();
        self.order.clear();
        self.order.extend_from_slice(ground.rows);
        self.others.clear();
        match ground.options.growth {
            Growth::LeafWise => self.others.extend_from_slice(ground.others),
            Growth::Symmetric => self.numbers.resize(ground.residuals.len(), 0),
        }
        self.packed.resize(ground.residuals.len(), 0);
        for row in ground.rows {
            let residual = ground.residuals[*row as usize];
            self.packed[*row as usize] = unit.pack(residual.clamp(-greatest, greatest));
        }
        let mut growing = Growing::new(ground, unit);
        let rows = 0..self.order.len();
        let mut histogram = self.spare.pop().unwrap_or_default();
        self.sum_up(&growing, &rows, &mut histogram, None);
        let total = self.gathered.iter().sum();
        let root = Open {
            node: growing.add(total, Bounds::NONE),
            bounds: Bounds::NONE,
            rows,
            others: 0..self.others.len(),
            depth: 0,
            total,
            histogram,
            best: None,
        };
        let open = match ground.options.growth {
            Growth::LeafWise => self.leaf_wise(&mut growing, root),
            Growth::Symmetric => self.symmetric(&mut growing, root),
        };
        for Open {
            node,
            rows,
            others,
            histogram,
            ..
        } in open
        {
            let value = growing.tree.nodes[node].value;
            self.leaves.push(Leaf {
                node,
                rows,
                others,
                value,
            });
            self.spare.push(histogram);
        }
        Some(growing.tree)
    }

    /// Takes what the tree just grown says from all rows' residuals.
    pub(super) fn take(&self, residuals: &mut [f64]) {
        self.each(|row, value| residuals[row] -= value);
    }

    /// Adds what the tree just grown says to all rows' scores.
    pub(super) fn add(&self, scores: &mut [f64]) {
        self.each(|row, value| scores[row] += value);
    }

    fn each(&self, mut change: impl FnMut(usize, f64)) {
        if !self.numbers.is_empty() {
            let of_leaves = self.leaves.iter().map(|leaf| f64::from(leaf.value));
            let values: Vec<f64> = of_leaves.collect();
            for (row, number) in self.numbers.iter().enumerate() {
                change(row, values[usize::from(*number)]);
            }
            return;
        }
        for leaf in &self.leaves {
            let value = f64::from(leaf.value);
            let rows = self.order[leaf.rows.clone()].iter();
            for row in rows.chain(&self.others[leaf.others.clone()]) {
                change(*row as usize, value);
            }
        }
    }

    /// Gives the leaves of the tree just grown other values, by the rows that it saw.
    pub(super) fn step(&mut self, tree: &mut Tree, value: impl Fn(&[u32]) -> f64) {
        for leaf in &mut self.leaves {
            leaf.value = value(&self.order[leaf.rows.clone()]) as f32;
            tree.nodes[leaf.node].value = leaf.value;
        }
    }

    /// Splits the leaf that gains most, until none gains or there are enough.
    fn leaf_wise(&mut self, growing: &mut Growing, mut root: Open) -> Vec<Open> {
        growing.search(&mut root, &mut self.gains);
        let mut open = vec![root];
        while open.len() < growing.ground.options.leaves {
            let gain = |index: usize| open[index].best.map_or(f64::MIN, |found| found.gain);
            // The first of equals.
            let next = (0..open.len())
                .rev()
                .max_by(|a, b| gain(*a).total_cmp(&gain(*b)));
            let Some((index, found)) = next.and_then(|at| Some((at, open[at].best?))) else {
                break;
            };
            let parent = open.swap_remove(index);
            growing.ends = open.len() + 2 >= growing.ground.options.leaves;
            let mut children = self.split(growing, parent, &found, found.gain);
            children
                .iter_mut()
                .for_each(|child| growing.search(child, &mut self.gains));
            open.extend(children);
        }
        open
    }

    /// Splits all leaves of a level alike, where all of them together gain most.
    fn symmetric(&mut self, growing: &mut Growing, root: Open) -> Vec<Open> {
        let mut level = vec![root];
        for _ in 0..growing.ground.options.depth {
            let Some(found) = growing.level_split(&level, &mut self.gains) else {
                break;
            };
            // All rows of the table, which takes less than to part those that the tree does not see.
            follow(&mut self.numbers, growing.codes[found.column], &found);
            let mut below = Vec::with_capacity(2 * level.len());
            for leaf in level {
                let left = growing.left(&leaf, &self.order[leaf.rows.clone()], &found);
                let penalty = growing.limits.penalty;
                let parts = worth(left, penalty) + worth(leaf.total - left, penalty);
                let gain = parts - worth(leaf.total, penalty);
                let mut children = self.split(growing, leaf, &Candidate { left, ..found }, gain);
                if growing.goes_on(children[0].depth) {
                    let children = children.iter_mut();
                    children.for_each(|child| growing.leave_out_constant(child));
                }
                below.extend(children);
            }
            level = below;
        }
        level
    }

    /// Splits a leaf; the histogram of the larger child is what the smaller leaves of the parent's.
    fn split(
        &mut self,
        growing: &mut Growing,
        parent: Open,
        found: &Candidate,
        gain: f64,
    ) -> [Open; 2] {
        let Open {
            node,
            rows,
            others,
            depth,
            bounds,
            total,
            mut histogram,
            ..
        } = parent;
        let codes = growing.codes[found.column];
        let middle =
            rows.start + part(&mut self.order[rows.clone()], &mut self.aside, codes, found);
        let (left, right) = (rows.start..middle, middle..rows.end);
        let buffer = &mut self.others[others.clone()];
        let middle = others.start + part(buffer, &mut self.aside, codes, found);
        let (others_left, others_right) = (others.start..middle, middle..others.end);
        let (children, below) = growing.branch(node, found, gain, total, bounds);
        let mut other = self.spare.pop().unwrap_or_default();
        let left_is_smaller = left.len() < right.len();
        let smaller = if left_is_smaller { &left } else { &right };
        // Leaves that are not split any more need no histogram, and those without rows have none.
        let is_needed =
            growing.goes_on(depth + 1) && growing.is_enough(left.len().max(right.len()));
        if is_needed && !smaller.is_empty() {
            self.sum_up(growing, smaller, &mut other, Some(&mut histogram));
        }
        let histograms = match left_is_smaller {
            true => [other, histogram],
            false => [histogram, other],
        };
        let [of_left, of_right] = histograms;
        let open = |(node, bounds), rows, others, total, histogram| Open {
            node,
            rows,
            others,
            depth: depth + 1,
            bounds,
            total,
            histogram,
            best: None,
        };
        [
            open(
                (children[0], below[0]),
                left,
                others_left,
                found.left,
                of_left,
            ),
            open(
                (children[1], below[1]),
                right,
                others_right,
                total - found.left,
                of_right,
            ),
        ]
    }

    /// Sums up the rows of a leaf, which are a part of `whole`, or all.
    fn sum_up(
        &mut self,
        growing: &Growing,
        rows: &Range<usize>,
        histogram: &mut Histogram,
        whole: Option<&mut Histogram>,
    ) {
        let rows = &self.order[rows.clone()];
        self.gathered.clear();
        let packed = rows.iter().map(|row| self.packed[*row as usize]);
        self.gathered.extend(packed);
        let by_row = growing.ground.by_row;
        let counted = Counted {
            codes: &growing.codes,
            by_row: by_row
                .filter(|by_row| by_row.suits(rows.len()))
                .map(|by_row| (by_row, &*growing.places)),
            rows,
            packed: &self.gathered,
        };
        match whole {
            Some(whole) => histogram.take(&growing.shape, &counted, &mut self.sums, whole),
            None => histogram.fill(&growing.shape, &counted, &mut self.sums),
        }
    }
}
