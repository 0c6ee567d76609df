//! The search of a tree for the points nearest to one.

use crate::kd_tree::{Bounds, MOST_AXES, Node, Points, SIDE};
use crate::near::{FEW, Few, FewNearest, Many, Near, Nearest};

/// Ways not yet taken at most: a leaf of 2^32 points is not as many levels away.
const MOST_WAYS: usize = 40;
/// By how much the distance of a box may be above that of a point in it: both are sums of squares that are rounded,
/// in another order.
const ROUNDING: f32 = 1.0 + 1e-5;

impl Points {
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
        Few::none(count)
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
