//! A tree under way, and its leaves that may yet be split.

use std::ops::Range;

use super::super::bins::Column;
use super::super::histogram::{Histogram, Shape};
use super::super::monotone::{Bound, Bounds, Direction};
use super::super::options::{Growth, Names};
use super::super::packed::{Unit, count, units};
use super::super::split::{Candidate, Cut, Gains, Limits, best};
use super::super::tree::{Node, Split, Test, Tree};
use super::ground::Ground;

/// A tree under way.
pub(super) struct Growing<'a> {
    pub(super) ground: &'a Ground<'a>,
    /// The columns that it may be split on.
    pub(super) chosen: Vec<&'a Column>,
    /// Their codes.
    pub(super) codes: Vec<&'a [u8]>,
    /// Where their bins stand in histograms.
    pub(super) shape: Shape,
    /// By column of `chosen`; empty where no column binds.
    directions: Vec<Direction>,
    pub(super) limits: Limits,
    unit: Unit,
    pub(super) tree: Tree,
    /// Where the chosen columns stand in the codes of a row; empty where there are none by row.
    pub(super) places: Vec<usize>,
    /// Whether the next split is the last: its leaves need no histogram.
    pub(super) ends: bool,
}

/// A leaf that may yet be split.
pub(super) struct Open {
    pub(super) node: usize,
    /// Its rows in the grower's order.
    pub(super) rows: Range<usize>,
    /// Its rows among the grower's others.
    pub(super) others: Range<usize>,
    pub(super) depth: usize,
    /// What its mean, and those below it, may be.
    pub(super) bounds: Bounds,
    /// Packed sum of its residuals.
    pub(super) total: i64,
    /// Of no use where it has no rows.
    pub(super) histogram: Histogram,
    pub(super) best: Option<Candidate>,
}

impl<'a> Growing<'a> {
    /// A tree without a leaf, on residuals that count in these units.
    pub(super) fn new(ground: &'a Ground<'a>, unit: Unit) -> Growing<'a> {
        let options = ground.options;
        let of_chosen = |at: &usize| ground.columns[*at];
        let chosen: Vec<&Column> = ground.chosen.iter().map(of_chosen).collect();
        let directions: &[usize] = match ground.directions.is_empty() {
            true => &[],
            false => ground.chosen,
        };
        Growing {
            ground,
            codes: chosen.iter().map(|column| &*column.codes).collect(),
            shape: Shape::of(&chosen),
            chosen,
            directions: directions.iter().map(|at| ground.directions[*at]).collect(),
            limits: Limits {
                leaf_rows: options.leaf_rows,
                penalty: options.penalty,
                few_say_little: options.told_by() == Names::LimitedSets,
                drawn: ground.drawn,
            },
            unit,
            tree: Tree::default(),
            places: match ground.by_row {
                Some(by_row) => by_row.places(ground.chosen).collect(),
                None => Vec::new(),
            },
            ends: false,
        }
    }
}

impl Growing<'_> {
    /// Adds a leaf of this packed sum.
    pub(super) fn add(&mut self, total: i64, bounds: Bounds) -> usize {
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
    pub(super) fn bound(&self, bounds: Bounds) -> Option<Bound<'_>> {
        let binds = !self.directions.is_empty();
        binds.then_some(Bound {
            directions: &self.directions,
            bounds,
            penalty: self.limits.penalty,
        })
    }

    /// Makes a leaf a split with two leaves; gives these and their bounds.
    pub(super) fn branch(
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
    pub(super) fn goes_on(&self, depth: usize) -> bool {
        let options = self.ground.options;
        match options.growth {
            Growth::LeafWise => !self.ends && (options.depth == 0 || depth < options.depth),
            Growth::Symmetric => depth < options.depth,
        }
    }

    /// Whether a leaf of so many rows may be split; all leaves of a level are, alike.
    pub(super) fn is_enough(&self, rows: usize) -> bool {
        match self.ground.options.growth {
            Growth::LeafWise => rows as f64 >= 2.0 * self.limits.leaf_rows,
            Growth::Symmetric => true,
        }
    }

    /// Looks for the best split of a leaf.
    pub(super) fn search(&self, leaf: &mut Open, gains: &mut Gains) {
        let enough = self.is_enough(leaf.rows.len());
        leaf.best = match enough && self.goes_on(leaf.depth) {
            true => best(
                (&mut leaf.histogram, &self.shape),
                &self.chosen,
                leaf.total,
                self.limits,
                self.bound(leaf.bounds),
                gains,
            ),
            false => None,
        };
    }

    /// Packed sum of what a level's cut sends to the left of a leaf, of which `rows` are the rows that the tree sees.
    pub(super) fn left(&self, leaf: &Open, rows: &[u32], found: &Candidate) -> i64 {
        let (Cut::After(last), Some(first)) = (found.cut, rows.first()) else {
            return 0;
        };
        let sums = match leaf.histogram.live().binary_search(&(found.column as u16)) {
            Ok(_) => leaf.histogram.column(&self.shape, found.column),
            // Left out, as all rows are in one bin.
            Err(_) => {
                let goes_right = found.right(self.codes[found.column][*first as usize]);
                return if goes_right { 0 } else { leaf.total };
            }
        };
        let unknown = if found.unknown_left { sums[0] } else { 0 };
        unknown + sums[usize::from(last)]
    }
}
