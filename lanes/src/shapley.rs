//! What columns add to what a tree says, by sums over a few points.
//!
//! A set of s of k − 1 other columns counts s! (k − 1 − s)! / k! = ∫ tˢ (1 − t)^(k−1−s) dt from 0 to 1, so
//! that what a column adds to a leaf is an integral of a product, a factor for each other column on the
//! leaf's way: t where the row goes it, and 1 − t times the share of rows that do. The product is a
//! polynomial in t, so that Gauss's sum over n points is the integral itself up to a degree of 2n − 1.
//! Sums of leaves below a node are kept by point, and each edge is checked once (after Yu et al. 2022,
//! Linear TreeSHAP, who keep the coefficients of polynomials).

/// Points of a sum, and how much each says.
struct Gauss<const N: usize> {
    at: [f64; N],
    weight: [f64; N],
}

/// For ways of up to 8 columns.
const FOUR: Gauss<4> = gauss(
    [0.339_981_043_584_856_3, 0.861_136_311_594_052_6],
    [0.652_145_154_862_546_1, 0.347_854_845_137_453_9],
);

/// For ways of up to 16 columns.
const EIGHT: Gauss<8> = gauss(
    [
        0.183_434_642_495_649_8,
        0.525_532_409_916_329,
        0.796_666_477_413_626_7,
        0.960_289_856_497_536_3,
    ],
    [
        0.362_683_783_378_362,
        0.313_706_645_877_887_3,
        0.222_381_034_453_374_5,
        0.101_228_536_290_376_3,
    ],
);

/// From the points above 0 of the sum from −1 to 1 (Abramowitz & Stegun 1964, table 25.4).
const fn gauss<const HALF: usize, const N: usize>(
    at: [f64; HALF],
    weight: [f64; HALF],
) -> Gauss<N> {
    let mut points = Gauss {
        at: [0.0; N],
        weight: [0.0; N],
    };
    let mut index = 0;
    while index < HALF {
        points.at[index] = 0.5 - 0.5 * at[index];
        points.at[HALF + index] = 0.5 + 0.5 * at[index];
        points.weight[index] = 0.5 * weight[index];
        points.weight[HALF + index] = 0.5 * weight[index];
        index += 1;
    }
    points
}

/// The edge that leads to a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The node it comes from.
    pub parent: u32,
    /// The node that the last edge of the same column on the way leads to; 0 for none.
    pub before: u32,
    /// The column that its split tests.
    pub column: u32,
    /// The share of training rows that go it, of those that went the edges of the same column before it: the
    /// product of them all.
    pub unknown: f64,
}

/// A tree, to be explained: nodes in an order in which children stand after their parents.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// By node; what leads to the root is not looked at.
    edges: Vec<Edge>,
    /// By node: the value of a leaf, else 0.
    values: Vec<f64>,
    /// Columns of the row.
    width: usize,
    /// Different columns on a way at most.
    columns: usize,
}

/// What is known of the edges of one row; kept from tree to tree.
#[derive(Debug, Default)]
pub struct Known {
    /// By node: 1 where the row goes all edges of the edge's column so far, else 0.
    known: Vec<f64>,
    four: State<4>,
    eight: State<8>,
}

/// By node and point.
#[derive(Debug, Default)]
struct State<const N: usize> {
    /// 1 over the factor of the edge's column.
    inverse: Vec<[f64; N]>,
    /// The product of the factors on the way, then the sum of the leaves' values below times theirs.
    sums: Vec<[f64; N]>,
}

impl Explained {
    /// Columns on a way at most, of trees that can be explained so.
    pub const MOST_COLUMNS: usize = 16;

    /// A tree over rows of `width` columns; `columns` is how many different ones there are on a way at most.
    ///
    /// # Errors
    /// When there are too many for a sum of few points, or an edge comes from what does not precede.
    pub fn new(
        edges: Vec<Edge>,
        values: Vec<f64>,
        width: usize,
        columns: usize,
    ) -> Result<Explained, String> {
        if columns > Explained::MOST_COLUMNS || edges.len() != values.len() || edges.is_empty() {
            let (nodes, edges) = (values.len(), edges.len());
            return Err(format!(
                "{columns} columns on a way, {nodes} nodes and {edges} edges, expected at most {} \
                 columns and an edge for each node",
                Explained::MOST_COLUMNS
            ));
        }
        for (node, edge) in edges.iter().enumerate().skip(1) {
            let known = (edge.parent as usize) < node && (edge.before as usize) < node;
            if !known || edge.column as usize >= width {
                return Err(format!("node {node} is led to by {edge:?}"));
            }
        }
        Ok(Explained {
            edges,
            values,
            width,
            columns,
        })
    }

    /// Whether there are as many edges and parts as the tree asks for.
    pub(crate) fn fits(&self, goes: &[bool], parts: &[f64]) -> bool {
        parts.len() >= self.width && goes.len() >= self.edges.len()
    }

    /// [`Explained::add`] in plain Rust.
    #[inline(always)]
    pub(crate) fn add_portable(&self, goes: &[bool], known: &mut Known, parts: &mut [f64]) {
        let Known { known, four, eight } = known;
        match self.columns {
            0..=8 => self.sum(&FOUR, goes, known, four, parts),
            _ => self.sum(&EIGHT, goes, known, eight, parts),
        }
    }

    #[inline(always)]
    fn sum<const N: usize>(
        &self,
        points: &Gauss<N>,
        goes: &[bool],
        known: &mut Vec<f64>,
        state: &mut State<N>,
        parts: &mut [f64],
    ) {
        let count = self.edges.len();
        if known.len() < count {
            known.resize(count, 1.0);
        }
        if state.sums.len() < count {
            state.sums.resize(count, [0.0; N]);
            state.inverse.resize(count, [1.0; N]);
        }
        let (known, sums) = (&mut known[..count], &mut state.sums[..count]);
        let (inverse, edges) = (&mut state.inverse[..count], &self.edges[..count]);
        // The root is known to everybody.
        (known[0], inverse[0], sums[0]) = (1.0, [1.0; N], points.weight);
        for node in 1..count {
            let edge = edges[node];
            let before = edge.before as usize;
            let share = if goes[node] { known[before] } else { 0.0 };
            known[node] = share;
            let (old, above) = (inverse[before], sums[edge.parent as usize]);
            for point in 0..N {
                let at = points.at[point];
                let factor = at * share + (1.0 - at) * edge.unknown;
                // A way that neither the row nor any training row took adds nothing.
                inverse[node][point] = if factor > 0.0 { 1.0 / factor } else { 0.0 };
                sums[node][point] = above[point] * old[point] * factor;
            }
        }
        for (sum, value) in sums.iter_mut().zip(&self.values) {
            sum.iter_mut().for_each(|sum| *sum *= value);
        }
        for node in (1..count).rev() {
            let edge = edges[node];
            let before = edge.before as usize;
            // What the column's former test adds to all leaves below it, it does not add to these.
            let more = known[node] - edge.unknown;
            let less = known[before]
                - if before == 0 {
                    1.0
                } else {
                    edges[before].unknown
                };
            let (sum, new, old) = (sums[node], inverse[node], inverse[before]);
            let mut added = [0.0; N];
            let above = &mut sums[edge.parent as usize];
            for point in 0..N {
                added[point] = sum[point] * (more * new[point] - less * old[point]);
                above[point] += sum[point];
            }
            let mut width = N;
            while width > 1 {
                width /= 2;
                for point in 0..width {
                    added[point] += added[point + width];
                }
            }
            parts[edge.column as usize] += added[0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A way of `columns` splits, each of which sends half of the rows to a leaf of the value of its depth.
    fn way(columns: u32) -> Explained {
        let none = Edge {
            parent: 0,
            before: 0,
            column: 0,
            unknown: 1.0,
        };
        let (mut edges, mut values, mut last) = (vec![none], vec![0.0], 0);
        for column in 0..columns {
            for value in [f64::from(column) + 1.0, 0.0] {
                edges.push(Edge {
                    parent: last,
                    column,
                    unknown: 0.5,
                    ..none
                });
                values.push(value);
            }
            last = edges.len() as u32 - 1;
        }
        Explained::new(edges, values, columns as usize, columns as usize).unwrap()
    }

    #[test]
    fn parts_add_up_and_are_the_same_bits_every_way() {
        for columns in [1, 2, 7, 8, 9, 16] {
            let tree = way(columns);
            let nodes = 2 * columns as usize + 1;
            // The row goes into the leaf of the last column but one, by what all others say.
            let goes: Vec<bool> = (0..nodes).map(|node| node % 2 == 0).collect();
            let (mut here, mut plain) = (vec![0.0; 16], vec![0.0; 16]);
            let mut known = Known::default();
            tree.add(&goes, &mut known, &mut here);
            tree.add_portable(&goes, &mut Known::default(), &mut plain);
            let bits = |all: &[f64]| all.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&here), bits(&plain));
            // Nothing is the value of the last leaf, and Σ depth / 2^depth what is expected.
            let expected: f64 = (1..=columns)
                .map(|depth| f64::from(depth) * 0.5_f64.powi(depth as i32))
                .sum();
            let sum: f64 = here.iter().sum();
            assert!((sum + expected).abs() < 1e-12, "{sum} and {expected}");
        }
        // One column: all of it; two: 1/2 (1 · ½) for the first by hand, see `expected` above.
        let mut parts = vec![0.0; 2];
        way(2).add(
            &[true, false, true, false, true],
            &mut Known::default(),
            &mut parts,
        );
        // v({}) = 1, v({0}) = 1, v({1}) = ½, v({0, 1}) = 0.
        assert!(
            (parts[0] + 0.25).abs() < 1e-12 && (parts[1] + 0.75).abs() < 1e-12,
            "{parts:?}"
        );
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let edge = |parent, before, column| Edge {
            parent,
            before,
            column,
            unknown: 0.5,
        };
        let two = |edge| Explained::new(vec![edge, edge], vec![0.0, 1.0], 1, 1);
        assert!(two(edge(0, 0, 0)).is_ok());
        assert!(two(edge(1, 0, 0)).is_err() && two(edge(0, 1, 0)).is_err());
        assert!(two(edge(0, 0, 1)).is_err());
        assert!(Explained::new(vec![edge(0, 0, 0)], vec![0.0], 1, 17).is_err());
    }
}
