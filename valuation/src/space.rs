//! Records as points, and which are near.
//!
//! Each axis is a value of the frame by its rank among the training rows (so that metres and years
//! compare), times a weight. A k-d tree (Bentley 1975) finds the nearest points; equal distances go
//! by row. The tree is our own: the crates at hand fix the number of axes when they are compiled.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;

/// Points of a leaf: below this a scan is quicker than a tree.
const LEAF_POINTS: usize = 12;

/// A neighbour found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Near {
    /// Position among the training rows.
    pub(crate) position: usize,
    /// Distance in the space of the axes.
    pub(crate) distance: f32,
}

/// The training records as points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Space {
    /// The weightiest first.
    axes: Vec<Axis>,
    /// Coordinates, row-major, by position.
    points: Vec<f32>,
    /// Built when read: the points say everything.
    #[serde(skip)]
    tree: Tree,
}

impl Space {
    /// Rows of the frame (`values` row-major) as points; `weights` are by value, and what weighs
    /// next to nothing is left out. `None` where nothing weighs.
    pub(crate) fn new(values: &[f32], width: usize, weights: &[f64]) -> Option<Space> {
        let axes = Axis::choose(values, width, weights);
        if axes.is_empty() {
            return None;
        }
        let points = values
            .chunks_exact(width)
            .flat_map(|row| axes.iter().map(|axis| axis.place(row)))
            .collect();
        let mut space = Space {
            axes,
            points,
            tree: Tree::default(),
        };
        space.grow();
        Some(space)
    }

    /// Builds the tree after reading.
    pub(crate) fn grow(&mut self) {
        self.tree = Tree::grow(&self.points, self.axes.len());
    }

    /// The `count` nearest to a row of the frame, nearest first, without `own`.
    pub(crate) fn nearest(
        &self,
        row: &[f32],
        own: Option<usize>,
        count: usize,
        found: &mut Vec<Near>,
    ) {
        let mut point = [0.0_f32; Axis::MOST];
        for (place, axis) in point.iter_mut().zip(&self.axes) {
            *place = axis.place(row);
        }
        self.tree
            .nearest(&point[..self.axes.len()], own, count, found);
    }

    /// Whether what was read fits a frame of `width` values and has `rows` records.
    ///
    /// # Errors
    /// Says what does not.
    pub(crate) fn check(&self, width: usize, rows: usize) -> Result<(), String> {
        if self.axes.is_empty() || self.axes.len() > Axis::MOST {
            let (found, most) = (self.axes.len(), Axis::MOST);
            return Err(format!("{found} axes, expected 1 to {most}"));
        }
        for axis in &self.axes {
            axis.check(width)?;
        }
        if self.points.len() != self.axes.len() * rows || rows == 0 {
            return Err(format!(
                "{} coordinates of {rows} records, expected {} each",
                self.points.len(),
                self.axes.len()
            ));
        }
        match self.points.iter().all(|value| value.is_finite()) {
            true => Ok(()),
            false => Err("expected finite coordinates".to_owned()),
        }
    }
}

/// A node: a leaf's range of `order`, or a split.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Node {
    Leaf { from: u32, to: u32 },
    Split { axis: u32, at: f32, right: u32 },
}

/// A k-d tree over points held elsewhere.
#[derive(Debug, Clone, Default, PartialEq)]
struct Tree {
    nodes: Vec<Node>,
    /// Positions in the order of the leaves.
    order: Vec<u32>,
    /// Coordinates in the same order: a leaf is read straight through.
    ordered: Vec<f32>,
}

impl Tree {
    fn grow(points: &[f32], axes: usize) -> Tree {
        let count = points.len() / axes.max(1);
        let mut tree = Tree {
            nodes: Vec::new(),
            order: (0..count as u32).collect(),
            ordered: Vec::with_capacity(points.len()),
        };
        tree.split(points, axes, 0, count);
        for position in &tree.order {
            let from = *position as usize * axes;
            tree.ordered.extend_from_slice(&points[from..from + axes]);
        }
        tree
    }

    fn split(&mut self, points: &[f32], axes: usize, from: usize, to: usize) {
        let value = |position: u32, axis: usize| points[position as usize * axes + axis];
        let order = &mut self.order[from..to];
        let spread = |axis: usize| {
            let (low, high) = order
                .iter()
                .fold((f32::MAX, f32::MIN), |(low, high), position| {
                    let value = value(*position, axis);
                    (low.min(value), high.max(value))
                });
            high - low
        };
        let widest = (0..axes).max_by(|one, other| {
            // The last of equals would be taken: the first is as good and weightier.
            spread(*one).total_cmp(&spread(*other)).then(other.cmp(one))
        });
        let Some(axis) = widest.filter(|axis| order.len() > LEAF_POINTS && spread(*axis) > 0.0)
        else {
            let (from, to) = (from as u32, to as u32);
            self.nodes.push(Node::Leaf { from, to });
            return;
        };
        let middle = order.len() / 2;
        order.select_nth_unstable_by(middle, |one, other| {
            value(*one, axis)
                .total_cmp(&value(*other, axis))
                .then(one.cmp(other))
        });
        let at = value(order[middle], axis);
        let own = self.nodes.len();
        self.nodes.push(Node::Leaf { from: 0, to: 0 });
        self.split(points, axes, from, from + middle);
        let right = self.nodes.len() as u32;
        self.split(points, axes, from + middle, to);
        self.nodes[own] = Node::Split {
            axis: axis as u32,
            at,
            right,
        };
    }

    fn nearest(&self, point: &[f32], own: Option<usize>, count: usize, found: &mut Vec<Near>) {
        found.clear();
        if self.nodes.is_empty() || count == 0 {
            return;
        }
        let own = own.map_or(u32::MAX, |own| own as u32);
        // A length that the compiler knows: distances are computed without a loop.
        match point.len() {
            1 => self.search::<1>(point, own, count, found),
            2 => self.search::<2>(point, own, count, found),
            3 => self.search::<3>(point, own, count, found),
            4 => self.search::<4>(point, own, count, found),
            5 => self.search::<5>(point, own, count, found),
            6 => self.search::<6>(point, own, count, found),
            7 => self.search::<7>(point, own, count, found),
            8 => self.search::<8>(point, own, count, found),
            _ => {}
        }
        for near in found.iter_mut() {
            near.distance = near.distance.sqrt();
        }
    }
}

impl Tree {
    fn search<const AXES: usize>(
        &self,
        point: &[f32],
        own: u32,
        count: usize,
        found: &mut Vec<Near>,
    ) {
        let Ok(point) = <[f32; AXES]>::try_from(point) else {
            return;
        };
        let mut search = Search {
            tree: self,
            point,
            own,
            count,
            found,
            limit: f32::MAX,
            offsets: [0.0; AXES],
        };
        search.visit(0, 0.0);
    }
}

struct Search<'a, const AXES: usize> {
    tree: &'a Tree,
    point: [f32; AXES],
    own: u32,
    count: usize,
    /// Nearest first; distances are squared until the end.
    found: &'a mut Vec<Near>,
    /// What a point must be nearer than.
    limit: f32,
    /// By axis: how far the visited cell is from the point along it.
    offsets: [f32; AXES],
}

impl<const AXES: usize> Search<'_, AXES> {
    /// `away` is the squared distance of the node's cell (Arya & Mount 1993).
    fn visit(&mut self, node: usize, away: f32) {
        match self.tree.nodes[node] {
            Node::Leaf { from, to } => self.scan(from as usize, to as usize),
            Node::Split { axis, at, right } => {
                let axis = axis as usize;
                let offset = self.point[axis] - at;
                let (near, far) = match offset < 0.0 {
                    true => (node + 1, right as usize),
                    false => (right as usize, node + 1),
                };
                self.visit(near, away);
                let before = self.offsets[axis];
                let beyond = away - before * before + offset * offset;
                if beyond <= self.limit {
                    self.offsets[axis] = offset.abs();
                    self.visit(far, beyond);
                    self.offsets[axis] = before;
                }
            }
        }
    }

    fn scan(&mut self, from: usize, to: usize) {
        let points = self.tree.ordered[from * AXES..to * AXES].chunks_exact(AXES);
        for (other, position) in points.zip(&self.tree.order[from..to]) {
            let mut squared = 0.0;
            for (one, other) in self.point.iter().zip(other) {
                squared += (one - other) * (one - other);
            }
            if squared > self.limit || *position == self.own {
                continue;
            }
            self.add(Near {
                position: *position as usize,
                distance: squared,
            });
        }
    }

    /// Puts a point among those found, if it is nearer than the last of them.
    fn add(&mut self, near: Near) {
        let nearer = |one: &Near, other: &Near| {
            one.distance < other.distance
                || (one.distance == other.distance && one.position < other.position)
        };
        if self.found.len() < self.count {
            self.found.push(near);
        } else if self.found.last().is_some_and(|last| nearer(&near, last)) {
            let last = self.found.len() - 1;
            self.found[last] = near;
        } else {
            return;
        }
        let found = self.found.as_mut_slice();
        let mut place = found.len() - 1;
        while place > 0 && nearer(&near, &found[place - 1]) {
            found[place] = found[place - 1];
            place -= 1;
        }
        found[place] = near;
        if found.len() == self.count {
            self.limit = found[self.count - 1].distance;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draws;

    #[test]
    fn finds_what_a_scan_of_all_finds() {
        let mut draws = Draws::new(5);
        let width = 4;
        // Coarse values: many distances are equal.
        let values: Vec<f32> = (0..2000 * width).map(|_| draws.below(12) as f32).collect();
        let space = Space::new(&values, width, &[0.7, 0.5, 0.4, 0.2]).unwrap();
        let axes = space.axes.len();
        let mut found = Vec::new();
        for own in (0..2000).step_by(37) {
            let row = &values[own * width..(own + 1) * width];
            space.nearest(row, Some(own), 9, &mut found);
            let point = &space.points[own * axes..(own + 1) * axes];
            let mut all: Vec<(f32, usize)> = (0..2000)
                .filter(|other| *other != own)
                .map(|other| {
                    let there = &space.points[other * axes..(other + 1) * axes];
                    let pairs = point.iter().zip(there);
                    let squared: f32 = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
                    (squared.sqrt(), other)
                })
                .collect();
            all.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
            let pairs = found.iter().map(|near| (near.distance, near.position));
            assert_eq!(pairs.collect::<Vec<_>>(), all[..9]);
        }
    }
}
