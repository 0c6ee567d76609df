//! The nearest of many points: a k-d tree (Bentley 1975) whose leaves hold their points axis by axis, eight
//! side by side, and whose nodes know the box that their points are in.

/// Points compared side by side.
pub(crate) const SIDE: usize = 8;
/// Axes at most.
pub const MOST_AXES: usize = 8;
/// Points of a leaf at most, where they can be told apart: below this a scan is quicker than a tree. All leaves but
/// the last have as many.
const LEAF_POINTS: usize = 16;
/// Ways not yet taken at most: a leaf of 2^32 points is not as many levels away.
const MOST_WAYS: usize = 40;
/// Neighbours that are kept in order by moving all of them at once; more are sorted in one by one.
pub(crate) const FEW: usize = 16;
/// By how much the distance of a box may be above that of a point in it: both are sums of squares that are rounded,
/// in another order.
const ROUNDING: f32 = 1.0 + 1e-5;

/// A neighbour: the square of its distance above its position, so that the order of the numbers is that
/// of the neighbours (the bits of numbers not below 0 are in the order of the numbers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Near(i64);

impl Near {
    /// What is farther away than any point.
    pub(crate) const NONE: Near = Near::new(f32::MAX, u32::MAX);

    pub(crate) const fn new(squared: f32, position: u32) -> Near {
        Near((squared.to_bits() as i64) << 32 | position as i64)
    }

    /// The neighbour of a number, see [`Near::number`].
    pub(crate) const fn of(number: i64) -> Near {
        Near(number)
    }

    /// The number whose order is that of neighbours.
    pub(crate) const fn number(self) -> i64 {
        self.0
    }

    pub(crate) fn squared(self) -> f32 {
        f32::from_bits((self.0 >> 32) as u32)
    }

    /// Which point.
    pub fn position(self) -> usize {
        self.0 as u32 as usize
    }

    /// How far away it is.
    pub fn distance(self) -> f32 {
        self.squared().sqrt()
    }
}

/// A node: a leaf's range of blocks; or a split, whose left side is the next node.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Node {
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
    nodes: Vec<Node>,
    /// By node.
    bounds: Vec<Bounds>,
    /// Positions in the order of the leaves, [`SIDE`] a block; what fills a leaf's last block is far away.
    order: Vec<u32>,
    /// Coordinates in the same order, by block and axis: a leaf is read straight through.
    blocks: Vec<[f32; SIDE]>,
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

    /// A number of axes that the compiler knows: distances are computed without a loop.
    #[inline(always)]
    pub(crate) fn by_axes<K: Kernel>(
        &self,
        point: &[f32],
        excluded: u32,
        count: usize,
        found: &mut Vec<Near>,
    ) {
        match point.len() {
            1 => self.search::<K, 1>(point, excluded, count, found),
            2 => self.search::<K, 2>(point, excluded, count, found),
            3 => self.search::<K, 3>(point, excluded, count, found),
            4 => self.search::<K, 4>(point, excluded, count, found),
            5 => self.search::<K, 5>(point, excluded, count, found),
            6 => self.search::<K, 6>(point, excluded, count, found),
            7 => self.search::<K, 7>(point, excluded, count, found),
            MOST_AXES => self.search::<K, MOST_AXES>(point, excluded, count, found),
            _ => {}
        }
    }

    #[inline(always)]
    fn search<K: Kernel, const AXES: usize>(
        &self,
        point: &[f32],
        excluded: u32,
        count: usize,
        found: &mut Vec<Near>,
    ) {
        let Ok(point) = <[f32; AXES]>::try_from(point) else {
            return;
        };
        let mut padded = [0.0; MOST_AXES];
        padded[..AXES].copy_from_slice(&point);
        let search = Search {
            tree: self,
            point,
            padded,
            excluded,
            enough_blocks: u32::try_from(count / SIDE + 1).unwrap_or(u32::MAX),
        };
        if count <= FEW {
            let mut few = K::few(count);
            search.run::<K>(&mut few);
            few.give(found);
        } else {
            let mut many = Many { found, count };
            search.run::<K>(&mut many);
        }
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

/// How points are compared.
pub(crate) trait Kernel {
    /// A few neighbours in order.
    type Few: FewNearest;

    /// None yet of `count`, which is at most [`FEW`] and not 0.
    fn few(count: usize) -> Self::Few;

    /// The squared distances of a block's points, and a bit for each that is not above the limit.
    fn compare<const AXES: usize>(
        point: &[f32; AXES],
        block: &[[f32; SIDE]; AXES],
        limit: f32,
    ) -> ([f32; SIDE], u32);

    /// The squared distance of a box: not more than [`ROUNDING`] times that of a point in it.
    fn away(point: &[f32; MOST_AXES], bounds: &Bounds) -> f32;
}

/// In plain Rust.
pub(crate) struct Portable;

impl Kernel for Portable {
    type Few = Few;

    #[inline(always)]
    fn few(count: usize) -> Few {
        Few {
            found: [Near::NONE; FEW],
            last: count - 1,
        }
    }

    #[inline(always)]
    fn compare<const AXES: usize>(
        point: &[f32; AXES],
        block: &[[f32; SIDE]; AXES],
        limit: f32,
    ) -> ([f32; SIDE], u32) {
        let mut squared = [0.0_f32; SIDE];
        for (coordinate, others) in point.iter().zip(block) {
            for (squared, other) in squared.iter_mut().zip(others) {
                *squared += (coordinate - other) * (coordinate - other);
            }
        }
        let mut near = 0;
        for (place, squared) in squared.iter().enumerate() {
            near |= u32::from(*squared <= limit) << place;
        }
        (squared, near)
    }

    #[inline(always)]
    fn away(point: &[f32; MOST_AXES], bounds: &Bounds) -> f32 {
        let mut squared = 0.0;
        for (coordinate, (low, high)) in point.iter().zip(bounds.low.iter().zip(&bounds.high)) {
            let off = (low - coordinate).max(coordinate - high).max(0.0);
            squared += off * off;
        }
        squared
    }
}

/// The nearest so far.
pub(crate) trait Nearest {
    /// The square of the distance that a point must not be beyond.
    fn limit(&self) -> f32;
    /// Takes a point, if it is nearer than the last.
    fn add(&mut self, near: Near);
}

/// A few neighbours, in order.
pub(crate) trait FewNearest: Nearest {
    /// Appends those that were found, nearest first.
    fn give(&self, found: &mut Vec<Near>);
}

/// A few, in order: the rest of them is what is farther away than any point.
pub(crate) struct Few {
    found: [Near; FEW],
    /// Which is the last that counts.
    last: usize,
}

impl Nearest for Few {
    #[inline(always)]
    fn limit(&self) -> f32 {
        self.found[self.last].squared()
    }

    #[inline(always)]
    fn add(&mut self, near: Near) {
        // As many as are equally near, where many points are the same.
        if near >= self.found[self.last] {
            return;
        }
        // All at once: where to stop would be guessed wrong.
        let before = self.found;
        for place in 1..FEW {
            let (upper, lower) = (before[place], before[place - 1]);
            let moved = if lower <= near { near } else { lower };
            self.found[place] = if upper <= near { upper } else { moved };
        }
        self.found[0] = if before[0] <= near { before[0] } else { near };
    }
}

impl FewNearest for Few {
    fn give(&self, found: &mut Vec<Near>) {
        let found_few = self.found[..=self.last].iter().copied();
        found.extend(found_few.take_while(|near| *near != Near::NONE));
    }
}

/// Many, sorted in one by one.
struct Many<'a> {
    found: &'a mut Vec<Near>,
    count: usize,
}

impl Nearest for Many<'_> {
    fn limit(&self) -> f32 {
        match self.found.last() {
            Some(last) if self.found.len() == self.count => last.squared(),
            _ => f32::MAX,
        }
    }

    fn add(&mut self, near: Near) {
        if self.found.len() < self.count {
            self.found.push(near);
        } else if self.found.last().is_some_and(|last| near < *last) {
            self.found.pop();
            self.found.push(near);
        } else {
            return;
        }
        let found = self.found.as_mut_slice();
        let mut place = found.len() - 1;
        while place > 0 && near < found[place - 1] {
            found[place] = found[place - 1];
            place -= 1;
        }
        found[place] = near;
    }
}

struct Search<'a, const AXES: usize> {
    tree: &'a Points,
    point: [f32; AXES],
    /// The same with axes that there are not.
    padded: [f32; MOST_AXES],
    excluded: u32,
    /// Blocks of points at one place that are enough: with as many as are asked for, and the excluded one, none
    /// behind them is among the nearest.
    enough_blocks: u32,
}

impl<const AXES: usize> Search<'_, AXES> {
    /// Goes the nearer way first, and the others as long as something nearer may be there.
    #[inline(always)]
    fn run<K: Kernel>(&self, found: &mut impl Nearest) {
        let Points { nodes, bounds, .. } = self.tree;
        // Nodes not yet looked at, and the squared distances of their boxes.
        let mut ways = [(0_u32, 0.0_f32); MOST_WAYS];
        let mut count = 1;
        let mut limit = f32::MAX;
        while count > 0 {
            count -= 1;
            let (node, away) = ways[count];
            if away > limit {
                continue;
            }
            let mut node = node as usize;
            loop {
                let right = match nodes[node] {
                    Node::Leaf {
                        from,
                        to,
                        at_one_place,
                    } => {
                        let to = match at_one_place {
                            true => to.min(from.saturating_add(self.enough_blocks)),
                            false => to,
                        };
                        self.scan::<K>(from as usize, to as usize, found);
                        limit = found.limit() * ROUNDING;
                        break;
                    }
                    Node::Split { right } => right as usize,
                };
                let left = node + 1;
                let of_left = K::away(&self.padded, &bounds[left]);
                let of_right = K::away(&self.padded, &bounds[right]);
                let goes_right = of_right < of_left;
                let (near, far) = if goes_right {
                    ((right, of_right), (left, of_left))
                } else {
                    ((left, of_left), (right, of_right))
                };
                ways[count] = (far.0 as u32, far.1);
                count += usize::from(far.1 <= limit);
                if near.1 > limit {
                    break;
                }
                node = near.0;
            }
        }
    }

    #[inline(always)]
    fn scan<K: Kernel>(&self, from: usize, to: usize, found: &mut impl Nearest) {
        let blocks = self.tree.blocks[from * AXES..to * AXES].chunks_exact(AXES);
        let orders = self.tree.order[from * SIDE..to * SIDE].chunks_exact(SIDE);
        for (block, order) in blocks.zip(orders) {
            let Ok(block) = <&[[f32; SIDE]; AXES]>::try_from(block) else {
                continue;
            };
            let (squared, mut near) = K::compare(&self.point, block, found.limit());
            while near != 0 {
                let place = near.trailing_zeros() as usize % SIDE;
                near &= near - 1;
                if order[place] != self.excluded {
                    found.add(Near::new(squared[place], order[place]));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
