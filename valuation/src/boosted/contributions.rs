//! What each value of a row adds to what a tree says: Shapley values where unknown values are
//! weighed by the training rows that went each way (Lundberg et al. 2020, From local explanations to
//! global understanding with explainable AI for trees), computed in the way that suits the tree.

mod shares;
mod summed;
mod symmetric;
mod unwound;

use self::shares::shares;
use self::summed::{Room, Summed};
use self::symmetric::Symmetric;
use super::tree::{Tree, symmetric_levels};

/// How a tree is explained.
#[derive(Debug, Clone, PartialEq)]
enum Way {
    /// One test a level.
    Symmetric(Symmetric),
    /// Of few columns from the root to a leaf.
    Summed(Summed),
    Any,
}

/// What explaining a row needs that no row changes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Background {
    /// By tree.
    ways: Vec<Way>,
    /// The mean value of the training rows, over all trees.
    mean: f64,
}

impl Background {
    pub(super) fn new(trees: &[Tree], width: usize) -> Background {
        let way = |tree: &Tree| {
            let symmetric = symmetric_levels(tree).and_then(|levels| Symmetric::new(tree, levels));
            let summed = || Summed::new(tree, width).map(Way::Summed);
            symmetric
                .map(Way::Symmetric)
                .or_else(summed)
                .unwrap_or(Way::Any)
        };
        Background {
            ways: trees.iter().map(way).collect(),
            mean: trees.iter().map(|tree| mean(tree, 0)).sum(),
        }
    }

    /// Adds to `parts`, by column, what the columns add to the trees' mean; gives the mean. `trees` are
    /// those of the background.
    pub(super) fn add(&self, trees: &[Tree], row: &[f32], parts: &mut [f64]) -> f64 {
        let mut room = Room::default();
        for (tree, way) in trees.iter().zip(&self.ways) {
            match way {
                Way::Symmetric(symmetric) => symmetric.add(row, parts),
                Way::Summed(summed) => summed.add(row, &mut room, parts),
                Way::Any => unwound::add(tree, row, parts),
            }
        }
        self.mean
    }
}

/// The mean value of the training rows below a node.
fn mean(tree: &Tree, node: usize) -> f64 {
    let node = &tree.nodes[node];
    match &node.split {
        None => f64::from(node.value),
        Some(split) => {
            let [left, right] = shares(tree, node, [split.left, split.right]);
            left * mean(tree, split.left as usize) + right * mean(tree, split.right as usize)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Node, Split, Test};
    use super::*;
    use crate::rng::Rng;

    fn leaf(rows: f32, value: f32) -> Node {
        Node {
            rows,
            value,
            split: None,
        }
    }

    fn split(rows: f32, column: u16, left: u32, right: u32) -> Node {
        let split = Split {
            column,
            test: Test::NotBelow(0.5),
            unknown_left: true,
            gain: 1.0,
            left,
            right,
        };
        Node {
            rows,
            value: 0.0,
            split: Some(split),
        }
    }

    /// The expectation where only the columns of `known` are known.
    fn expectation(tree: &Tree, node: usize, row: &[f32], known: u32) -> f64 {
        let node = &tree.nodes[node];
        let Some(split) = &node.split else {
            return f64::from(node.value);
        };
        if known >> split.column & 1 == 1 {
            let next = split.next(row[usize::from(split.column)]);
            return expectation(tree, next as usize, row, known);
        }
        let [left, right] = shares(tree, node, [split.left, split.right]);
        left * expectation(tree, split.left as usize, row, known)
            + right * expectation(tree, split.right as usize, row, known)
    }

    #[test]
    fn parts_are_the_shapley_values_by_their_definition() {
        // Columns 0, 1, 2, the first twice on one way.
        let tree = Tree {
            nodes: vec![
                split(10.0, 0, 1, 2),
                split(6.0, 1, 3, 4),
                split(4.0, 2, 5, 6),
                split(2.0, 0, 7, 8),
                leaf(4.0, 2.0),
                leaf(1.0, -3.0),
                leaf(3.0, 5.0),
                leaf(1.5, 1.0),
                leaf(0.5, 7.0),
            ],
        };
        for number in 0..8_u32 {
            let row: Vec<f32> = (0..3).map(|column| (number >> column & 1) as f32).collect();
            let mut parts = vec![0.0; 3];
            let trees = std::slice::from_ref(&tree);
            let base = Background::new(trees, 3).add(trees, &row, &mut parts);
            let mut unwound = vec![0.0; 3];
            unwound::add(&tree, &row, &mut unwound);
            for (one, other) in parts.iter().zip(&unwound) {
                assert!((one - other).abs() < 1e-12, "{parts:?} {unwound:?}");
            }
            assert!((base - expectation(&tree, 0, &row, 0)).abs() < 1e-6);
            for (column, part) in parts.iter().enumerate() {
                let others: Vec<usize> = (0..3).filter(|other| *other != column).collect();
                // Orders of three: 1/3, 1/6, 1/6, 1/3 for none, one, the other, both before.
                let mut value = 0.0;
                for (set, weight) in [
                    (0, 1.0 / 3.0),
                    (1, 1.0 / 6.0),
                    (2, 1.0 / 6.0),
                    (3, 1.0 / 3.0),
                ] {
                    let known = (set & 1) << others[0] | (set >> 1) << others[1];
                    let with = expectation(&tree, 0, &row, known | 1 << column);
                    value += weight * (with - expectation(&tree, 0, &row, known));
                }
                assert!(
                    (part - value).abs() < 1e-6,
                    "{row:?} {column}: {part} {value}"
                );
            }
        }
    }

    /// A tree of one test a level, which may test a column again.
    fn symmetric(tests: &[(u16, f32)], rng: &mut Rng) -> Tree {
        let mut nodes = Vec::new();
        for (level, (column, least)) in tests.iter().enumerate() {
            for _ in 0..1_u32 << level {
                let next = 2 * nodes.len() as u32;
                let mut node = split(0.0, *column, next + 1, next + 2);
                if let Some(split) = &mut node.split {
                    split.test = Test::NotBelow(*least);
                }
                nodes.push(node);
            }
        }
        nodes.extend((0..1 << tests.len()).map(|_| leaf(0.0, rng.below(100) as f32 / 9.0)));
        // Some ways no training row took.
        let first = nodes.len() / 2;
        for node in &mut nodes[first..] {
            node.rows = rng.below(5) as f32;
        }
        sum_rows(&mut nodes);
        Tree { nodes }
    }

    fn sum_rows(nodes: &mut [Node]) {
        for node in (0..nodes.len()).rev() {
            if let Some(split) = nodes[node].split {
                nodes[node].rows =
                    nodes[split.left as usize].rows + nodes[split.right as usize].rows;
            }
        }
    }

    /// A tree of so many leaves, split where it is drawn.
    fn free(leaves: usize, columns: usize, rng: &mut Rng) -> Tree {
        let mut nodes = vec![leaf(0.0, 1.0)];
        let mut ends = vec![0];
        while ends.len() < leaves {
            let place = if rng.below(3) == 0 {
                rng.below(ends.len())
            } else {
                ends.len() - 1
            };
            let end = ends.swap_remove(place);
            let next = nodes.len() as u32;
            let mut node = split(0.0, rng.below(columns) as u16, next, next + 1);
            if let Some(split) = &mut node.split {
                split.test = Test::NotBelow(rng.below(10) as f32 / 10.0);
                split.unknown_left = rng.below(2) == 0;
            }
            nodes[end] = node;
            for _ in 0..2 {
                ends.push(nodes.len());
                nodes.push(leaf(rng.below(4) as f32, rng.below(100) as f32 / 9.0));
            }
        }
        sum_rows(&mut nodes);
        Tree { nodes }
    }

    #[test]
    fn every_way_of_explaining_a_tree_gives_the_same() {
        let mut rng = Rng::new(8);
        let mut trees = vec![
            symmetric(&[], &mut rng),
            symmetric(&[(0, 0.5)], &mut rng),
            symmetric(&[(3, 0.2), (1, 0.5), (3, 0.8), (2, 0.1)], &mut rng),
            symmetric(
                &[
                    (3, 0.2),
                    (1, 0.5),
                    (4, 0.8),
                    (2, 0.1),
                    (0, 0.3),
                    (5, 0.6),
                    (6, 0.9),
                    (7, 0.4),
                ],
                &mut rng,
            ),
        ];
        for (leaves, columns) in [(2, 3), (20, 4), (60, 8), (60, 14), (90, 40)] {
            trees.push(free(leaves, columns, &mut rng));
        }
        let background = Background::new(&trees, 40);
        let ways = background.ways.iter();
        let summed = ways.clone().filter(|way| matches!(way, Way::Summed(_)));
        let any = ways.filter(|way| **way == Way::Any);
        assert_eq!((summed.count(), any.count()), (3, 1));
        for _ in 0..20 {
            let value = |rng: &mut Rng| match rng.below(8) {
                0 => f32::NAN,
                _ => rng.below(11) as f32 / 10.0,
            };
            let row: Vec<f32> = (0..40).map(|_| value(&mut rng)).collect();
            for tree in &trees {
                let one = std::slice::from_ref(tree);
                let (mut parts, mut expected) = (vec![0.0; 40], vec![0.0; 40]);
                let base = Background::new(one, 40).add(one, &row, &mut parts);
                unwound::add(tree, &row, &mut expected);
                for (part, expected) in parts.iter().zip(&expected) {
                    assert!((part - expected).abs() < 1e-9, "{parts:?} {expected:?}");
                }
                let sum = base + parts.iter().sum::<f64>();
                assert!((sum - f64::from(tree.value(&row))).abs() < 1e-9);
            }
        }
    }
}
