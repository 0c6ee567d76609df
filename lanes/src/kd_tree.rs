//! The nearest of many points: a k-d tree (Bentley 1975) whose leaves hold their points axis by axis, eight
//! side by side, and whose nodes know the box that their points are in.

/// Points compared side by side.
pub(crate) const SIDE: usize = 8;
/// Axes at most.
pub const MOST_AXES: usize = 8;
/// Points of a leaf at most, where they can be told apart: below this a scan is quicker than a tree. All leaves but
/// the last have as many.
const LEAF_POINTS: usize = 16;

/// A node: a leaf's range of blocks; or a split, whose left side is the next node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Node {
    Leaf {
        from: u32,
        to: u32,
        /// Whether all of its points are at one place, and stand in the order of their positions.
        at_one_place: bool,
    },
    Split {
        right: u32,
    },
}

/// What the points of a node lie between, by axis; axes that there are not are 0.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(32))]
pub(crate) struct Bounds {
    pub(crate) low: [f32; MOST_AXES],
    pub(crate) high: [f32; MOST_AXES],
}

/// Points to be searched.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Points {
    axes: usize,
    pub(crate) nodes: Vec<Node>,
    /// By node.
    pub(crate) bounds: Vec<Bounds>,
    /// Positions in the order of the leaves, [`SIDE`] a block; what fills a leaf's last block is far away.
    pub(crate) order: Vec<u32>,
    /// Coordinates in the same order, by block and axis: a leaf is read straight through.
    pub(crate) blocks: Vec<[f32; SIDE]>,
}

impl Points {
    /// A tree over points, row-major of `axes` finite coordinates each; no point is found in more than
    /// [`MOST_AXES`].
    pub fn grow(points: &[f32], axes: usize) -> Points {
        let count = points.len() / axes.max(1);
        let mut order: Vec<u32> = (0..count as u32).collect();
        let mut tree = Points {
            axes,
            ..Points::default()
        };
        tree.split(points, &mut order, 0);
        // Leaves stand among the nodes as their points do in the order.
        for node in &mut tree.nodes {
            let Node::Leaf { from, to, .. } = node else {
                continue;
            };
            let of_leaf = &order[*from as usize..*to as usize];
            *from = (tree.order.len() / SIDE) as u32;
            for positions in of_leaf.chunks(SIDE) {
                let filled = positions.iter().copied().chain(std::iter::repeat(u32::MAX));
                tree.order.extend(filled.take(SIDE));
                tree.blocks.extend((0..axes).map(|axis| {
                    std::array::from_fn(|place| match positions.get(place) {
                        Some(position) => points[*position as usize * axes + axis],
                        None => f32::INFINITY,
                    })
                }));
            }
            *to = (tree.order.len() / SIDE) as u32;
        }
        tree
    }

    /// Splits the points of `order`, the first of which is number `from` of all.
    fn split(&mut self, points: &[f32], order: &mut [u32], from: usize) {
        let axes = self.axes;
        let value = |position: u32, axis: usize| points[position as usize * axes + axis];
        let bounds = bounds(points, axes, order);
        let spreads: Vec<f32> = (0..axes.min(MOST_AXES))
            .map(|axis| bounds.high[axis] - bounds.low[axis])
            .collect();
        let widest = (0..spreads.len()).max_by(|one, other| {
            // The last of equals would be taken: the first is as good and weightier.
            let by_spread = spreads[*one].total_cmp(&spreads[*other]);
            by_spread.then(other.cmp(one))
        });
        self.bounds.push(bounds);
        let Some(axis) = widest.filter(|axis| order.len() > LEAF_POINTS && spreads[*axis] > 0.0)
        else {
            let at_one_place = spreads.iter().all(|spread| *spread <= 0.0);
            if at_one_place {
                order.sort_unstable();
            }
            self.nodes.push(Node::Leaf {
                from: from as u32,
                to: (from + order.len()) as u32,
                at_one_place,
            });
            return;
        };
        // The middle of all that leaves full leaves on the left.
        let leaves = order.len().div_ceil(LEAF_POINTS);
        let middle = leaves / 2 * LEAF_POINTS;
        order.select_nth_unstable_by(middle, |one, other| {
            value(*one, axis)
                .total_cmp(&value(*other, axis))
                .then(one.cmp(other))
        });
        let node = self.nodes.len();
        self.nodes.push(Node::Split { right: 0 });
        let (low, high) = order.split_at_mut(middle);
        self.split(points, low, from);
        let right = self.nodes.len() as u32;
        self.split(points, high, from + middle);
        self.nodes[node] = Node::Split { right };
    }

    /// Whether a search for so many points near this one can find any.
    pub(crate) fn has_near(&self, point: &[f32], count: usize) -> bool {
        !self.nodes.is_empty() && count > 0 && point.len() == self.axes
    }
}

/// The box of some points.
fn bounds(points: &[f32], axes: usize, order: &[u32]) -> Bounds {
    let mut bounds = Bounds {
        low: [0.0; MOST_AXES],
        high: [0.0; MOST_AXES],
    };
    let pairs = bounds.low.iter_mut().zip(&mut bounds.high);
    for (axis, (low, high)) in pairs.enumerate().take(axes) {
        let values = order
            .iter()
            .map(|position| points[*position as usize * axes + axis]);
        (*low, *high) = values.fold((f32::MAX, f32::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::near::Near;
    use crate::search::Portable;

    #[test]
    fn every_way_finds_what_a_scan_of_all_finds() {
        let mut state = 5_u64;
        let mut below = |count: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            (state >> 33) % count
        };
        for axes in 1..=MOST_AXES {
            // Coarse values: many distances are equal, and some points are the same.
            let steps = if axes < 3 { 40 } else { 6 };
            let points: Vec<f32> = (0..1000 * axes)
                .map(|_| below(steps) as f32 / 7.0)
                .collect();
            let tree = Points::grow(&points, axes);
            for count in [1, 5, 15, 16, 17, 40, 2000] {
                let asked = below(1000) as usize;
                let mut point = points[asked * axes..(asked + 1) * axes].to_vec();
                let excluded = (count % 2 == 0).then_some(asked as u32);
                if excluded.is_none() {
                    point[0] += 0.05;
                }
                let mut expected: Vec<Near> = points
                    .chunks_exact(axes)
                    .zip(0..)
                    .filter(|(_, position)| Some(*position) != excluded)
                    .map(|(other, position)| {
                        let pairs = point.iter().zip(other);
                        let squares = pairs.map(|(one, other)| (one - other) * (one - other));
                        Near::new(squares.fold(0.0, |sum, square| sum + square), position)
                    })
                    .collect();
                expected.sort();
                expected.truncate(count);
                let mut found = Vec::new();
                tree.nearest(&point, excluded, count, &mut found);
                assert_eq!(found, expected, "{count} in {axes} axes");
                found.clear();
                tree.by_axes::<Portable>(&point, excluded.unwrap_or(u32::MAX), count, &mut found);
                assert_eq!(found, expected, "{count} in {axes} axes, portable");
            }
        }
    }

    #[test]
    fn nothing_is_found_where_nothing_is_asked() {
        let mut found = Vec::new();
        Points::default().nearest(&[], None, 5, &mut found);
        Points::grow(&[1.0, 2.0], 1).nearest(&[1.0], None, 0, &mut found);
        Points::grow(&[1.0, 2.0], 1).nearest(&[1.0, 2.0], None, 1, &mut found);
        assert!(found.is_empty());
        Points::grow(&[1.0, 2.0], 1).nearest(&[1.9], None, 5, &mut found);
        let positions: Vec<usize> = found.iter().map(|near| near.position()).collect();
        assert_eq!(positions, [1, 0]);
        assert!((found[1].distance() - 0.9).abs() < 1e-6);
    }
}
