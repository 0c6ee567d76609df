//! Growing one tree on residuals.

use std::ops::Range;

use super::bins::Column;
use super::by_row::ByRow;
use super::histogram::{COARSE, Histogram, Unit, count, units};
use super::monotone::{Bound, Bounds, Direction};
use super::options::{BoostedOptions, Growth, Names};
use super::split::{Candidate, Cut, Gains, Limits, best, greatest, worth};
use super::tree::{Node, Split, Test, Tree};

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
    /// Gains of a column's cuts.
    gains: Gains,
    /// Histograms that no open leaf holds.
    spare: Vec<Histogram>,
}

/// A leaf of the tree just grown.
#[derive(Debug)]
struct Leaf {
    node: usize,
    /// Its rows in the grower's order.
    rows: Range<usize>,
    /// Its rows among the grower's others.
    others: Range<usize>,
    value: f32,
}

/// What a tree is grown on.
pub(super) struct Ground<'a> {
    /// All columns of the table.
    pub(super) columns: &'a [&'a Column],
    /// Which way values go as a column grows, by column; empty where no column binds.
    pub(super) directions: &'a [Direction],
    /// Those that the tree may split on.
    pub(super) chosen: &'a [usize],
    /// The codes row by row, where that is of use.
    pub(super) by_row: Option<&'a ByRow>,
    /// Rows that it sees.
    pub(super) rows: &'a [u32],
    /// Rows that are only led to its leaves.
    pub(super) others: &'a [u32],
    /// Residuals by row of the table.
    pub(super) residuals: &'a [f64],
    /// Greatest size that a residual counts with.
    pub(super) limit: f64,
    pub(super) options: &'a BoostedOptions,
    /// Draws random cuts, for trees that do not search for the best cut.
    pub(super) drawn: Option<u64>,
}

/// A tree under way.
struct Growing<'a> {
    ground: &'a Ground<'a>,
    chosen: Vec<&'a Column>,
    codes: Vec<&'a [u8]>,
    bins: Vec<usize>,
    /// By column of `chosen`; empty where no column binds.
    directions: Vec<Direction>,
    limits: Limits,
    unit: Unit,
    tree: Tree,
    /// Where the chosen columns stand in the codes of a row; empty where there are none by row.
    places: Vec<usize>,
    /// Whether the next split is the last: its leaves need no histogram.
    ends: bool,
}

/// A leaf that may yet be split.
struct Open {
    node: usize,
    /// Its rows in the grower's order.
    rows: Range<usize>,
    /// Its rows among the grower's others.
    others: Range<usize>,
    depth: usize,
    /// What its mean, and those below it, may be.
    bounds: Bounds,
    /// Packed sum of its residuals.
    total: i64,
    histogram: Histogram,
    best: Option<Candidate>,
}

impl Grower {
    /// Grows a tree and records the leaf of each row. None where all residuals are 0:
    /// nothing is left to learn.
    pub(super) fn grow(&mut self, ground: &Ground) -> Option<Tree> {
        let greatest = ground
            .rows
            .iter()
            .map(|row| ground.residuals[*row as usize].abs())
            .fold(0.0, f64::max)
            .min(ground.limit);
        // Subnormal residuals would make units beyond all numbers.
        if greatest < 1e-100 {
            return None;
        }
        let unit = Unit::new(greatest, ground.rows.len());
        self.leaves.clear();
        self.order.clear();
        self.order.extend_from_slice(ground.rows);
        self.others.clear();
        self.others.extend_from_slice(ground.others);
        self.packed.resize(ground.residuals.len(), 0);
        for row in ground.rows {
            let residual = ground.residuals[*row as usize];
            self.packed[*row as usize] = unit.pack(residual.clamp(-greatest, greatest));
        }
        let chosen: Vec<&Column> = ground
            .chosen
            .iter()
            .map(|index| ground.columns[*index])
            .collect();
        let mut growing = Growing {
            ground,
            codes: chosen
                .iter()
                .map(|column| column.codes.as_slice())
                .collect(),
            bins: chosen.iter().map(|column| column.bins()).collect(),
            directions: match ground.directions.is_empty() {
                true => Vec::new(),
                false => ground
                    .chosen
                    .iter()
                    .map(|at| ground.directions[*at])
                    .collect(),
            },
            chosen,
            limits: Limits {
                leaf_rows: ground.options.leaf_rows,
                penalty: ground.options.penalty,
                few_say_little: ground.options.told_by() == Names::LimitedSets,
                drawn: ground.drawn,
            },
            unit,
            tree: Tree::default(),
            places: ground
                .by_row
                .map_or_else(Vec::new, |by_row| by_row.places(ground.chosen).collect()),
            ends: false,
        };
        let rows = 0..self.order.len();
        let mut histogram = self.spare.pop().unwrap_or_default();
        self.fill(&growing, &rows, &mut histogram);
        let root = Open {
            node: growing.add(self.gathered.iter().sum(), Bounds::NONE),
            bounds: Bounds::NONE,
            rows,
            others: 0..self.others.len(),
            depth: 0,
            total: self.gathered.iter().sum(),
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
            let Some(found) = self.level_split(growing, &level) else {
                break;
            };
            let mut below = Vec::with_capacity(2 * level.len());
            for leaf in level {
                let left = leaf.histogram.columns[found.column][..=growing.last(&found)]
                    .iter()
                    .skip(usize::from(!found.unknown_left))
                    .sum();
                let penalty = growing.limits.penalty;
                let parts = worth(left, penalty) + worth(leaf.total - left, penalty);
                let gain = parts - worth(leaf.total, penalty);
                below.extend(self.split(growing, leaf, &Candidate { left, ..found }, gain));
            }
            level = below;
        }
        level
    }

    /// The cut of a whole level; its `left` is of no leaf.
    fn level_split(&mut self, growing: &Growing, level: &[Open]) -> Option<Candidate> {
        let penalty = growing.limits.penalty;
        let floor: f64 = level
            .iter()
            .map(|leaf| match growing.bound(leaf.bounds) {
                None => worth(leaf.total, penalty),
                Some(bound) => bound.worth(leaf.total),
            })
            .sum();
        let limits = Limits {
            leaf_rows: 0.0,
            ..growing.limits
        };
        // As gains are counted.
        let floor = floor / (COARSE * COARSE);
        let (mut best, mut most) = (None, floor as f32 * (1.0 + f32::EPSILON));
        let gains = &mut self.gains;
        for (index, bins) in growing.bins.iter().enumerate() {
            gains.clear(*bins, growing.chosen[index].gaps);
            let gaps = growing.chosen[index].gaps;
            for leaf in level.iter().filter(|leaf| !leaf.rows.is_empty()) {
                let sums = &leaf.histogram.columns[index];
                match growing.bound(leaf.bounds).filter(|own| !own.is_free(index)) {
                    None => gains.add(sums, *bins, leaf.total, limits, gaps),
                    Some(bound) => {
                        let Gains {
                            unknown_right,
                            unknown_left,
                            ..
                        } = &mut *gains;
                        let gains: [&mut [f32]; 2] = [unknown_right, unknown_left];
                        bound.add(index, (sums, *bins), leaf.total, gaps, gains);
                    }
                }
            }
            let ways = [&gains.unknown_right, &gains.unknown_left];
            for (gains, unknown_left) in ways.into_iter().zip([false, true]) {
                if unknown_left && !gaps {
                    continue;
                }
                let Some(bin) = greatest(&gains[..*bins], most) else {
                    continue;
                };
                most = gains[bin];
                best = Some(Candidate {
                    gain: (f64::from(most) - floor) * COARSE * COARSE,
                    column: index,
                    cut: Cut::After(bin as u8),
                    unknown_left,
                    left: 0,
                });
            }
        }
        best
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
        // Leaves that are not split any more need no histogram.
        if growing.goes_on(depth + 1) && growing.is_enough(left.len().max(right.len())) {
            self.fill(growing, smaller, &mut other);
            histogram.subtract(&other, &growing.bins);
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

    fn fill(&mut self, growing: &Growing, rows: &Range<usize>, histogram: &mut Histogram) {
        let rows = &self.order[rows.clone()];
        self.gathered.clear();
        let packed = rows.iter().map(|row| self.packed[*row as usize]);
        self.gathered.extend(packed);
        let (bins, gathered) = (&growing.bins, &self.gathered);
        match growing
            .ground
            .by_row
            .filter(|by_row| by_row.suits(rows.len()))
        {
            Some(by_row) => histogram.fill_by_row(by_row, &growing.places, bins, rows, gathered),
            None => histogram.fill(&growing.codes, bins, rows, gathered),
        }
    }
}

impl Growing<'_> {
    /// Adds a leaf of this packed sum.
    fn add(&mut self, total: i64, bounds: Bounds) -> usize {
        let rows = count(total);
        let mean = match rows + self.limits.penalty {
            0.0 => 0.0,
            weight => self.unit.residual(units(total)) / weight,
        };
        // Held alike whatever the leaf: what is in order stays in order.
        let mean = mean.clamp(
            self.unit.residual(bounds.low),
            self.unit.residual(bounds.high),
        );
        self.tree.nodes.push(Node {
            rows: rows as f32,
            value: (self.ground.options.rate * mean) as f32,
            split: None,
        });
        self.tree.nodes.len() - 1
    }

    /// What binds a leaf of these bounds; nothing where no column does.
    fn bound(&self, bounds: Bounds) -> Option<Bound<'_>> {
        let binds = !self.directions.is_empty();
        binds.then_some(Bound {
            directions: &self.directions,
            bounds,
            penalty: self.limits.penalty,
        })
    }

    /// Makes a leaf a split with two leaves; gives these and their bounds.
    fn branch(
        &mut self,
        node: usize,
        found: &Candidate,
        gain: f64,
        total: i64,
        bounds: Bounds,
    ) -> ([usize; 2], [Bounds; 2]) {
        let right = total - found.left;
        let below = match self.bound(bounds) {
            None => [bounds; 2],
            Some(bound) => bound.below(found.column, found.left, right),
        };
        let children = [self.add(found.left, below[0]), self.add(right, below[1])];
        let test = match found.cut {
            // After the last bin only unknown values go right: no number reaches the greatest.
            Cut::After(last) => {
                let cuts = &self.chosen[found.column].cuts;
                let next = cuts.get(usize::from(last) - 1).copied();
                Test::NotBelow(next.unwrap_or(f32::MAX))
            }
            Cut::Among(names) => Test::Among(names),
        };
        let unit = self.unit.residual(1.0);
        let entry = &mut self.tree.nodes[node];
        entry.value = 0.0;
        entry.split = Some(Split {
            column: self.ground.chosen[found.column] as u16,
            test,
            unknown_left: found.unknown_left,
            gain: (gain * unit * unit) as f32,
            left: children[0] as u32,
            right: children[1] as u32,
        });
        (children, below)
    }

    /// Whether leaves of this depth may be split.
    fn goes_on(&self, depth: usize) -> bool {
        let options = self.ground.options;
        match options.growth {
            Growth::LeafWise => !self.ends && (options.depth == 0 || depth < options.depth),
            Growth::Symmetric => depth < options.depth,
        }
    }

    /// Whether a leaf of so many rows may be split; all leaves of a level are, alike.
    fn is_enough(&self, rows: usize) -> bool {
        match self.ground.options.growth {
            Growth::LeafWise => rows as f64 >= 2.0 * self.limits.leaf_rows,
            Growth::Symmetric => true,
        }
    }

    /// Looks for the best split of a leaf.
    fn search(&self, leaf: &mut Open, gains: &mut Gains) {
        let enough = self.is_enough(leaf.rows.len());
        leaf.best = match enough && self.goes_on(leaf.depth) {
            true => best(
                &leaf.histogram.columns,
                &self.chosen,
                leaf.total,
                self.limits,
                self.bound(leaf.bounds),
                gains,
            ),
            false => None,
        };
    }

    /// The last bin of a number's cut that goes left.
    fn last(&self, found: &Candidate) -> usize {
        match found.cut {
            Cut::After(last) => usize::from(last),
            Cut::Among(_) => 0,
        }
    }
}

/// Puts the rows that go left first, both parts in their order; gives how many go left.
fn part(rows: &mut [u32], aside: &mut Vec<u32>, codes: &[u8], found: &Candidate) -> usize {
    // Asked once, not for every row.
    match found.cut {
        Cut::After(last) => {
            // The unknown's bin is below all others; one less makes it the greatest.
            let shift = u8::from(!found.unknown_left);
            let last = last - shift;
            part_by(rows, aside, |row| codes[row].wrapping_sub(shift) > last)
        }
        Cut::Among(_) => part_by(rows, aside, |row| found.right(codes[row])),
    }
}

#[inline]
fn part_by(rows: &mut [u32], aside: &mut Vec<u32>, right: impl Fn(usize) -> bool) -> usize {
    aside.resize(rows.len().max(aside.len()), 0);
    let aside = &mut aside[..rows.len()];
    let (mut lefts, mut rights) = (0, 0);
    // Both are written, one is kept: a branch would be guessed wrong half the time.
    for index in 0..rows.len() {
        let row = rows[index];
        let goes_right = right(row as usize);
        rows[lefts] = row;
        aside[rights] = row;
        lefts += usize::from(!goes_right);
        rights += usize::from(goes_right);
    }
    rows[lefts..].copy_from_slice(&aside[..rights]);
    lefts
}
