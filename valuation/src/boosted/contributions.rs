//! What each value of a row adds to what a tree says: Shapley values where unknown values are
//! weighed by the training rows that went each way (Lundberg et al. 2020, From local explanations to
//! global understanding with explainable AI for trees; algorithm 2 of its supplement).

use super::tree::{Node, Tree};

/// A column on the way to a node.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// None for the root's own.
    column: Option<u16>,
    /// Share of ways that come by without knowing the column.
    unknown: f64,
    /// 1 where the row's own value leads here, else 0.
    known: f64,
    /// Weight of the sets of known columns of each size.
    weight: f64,
}

/// Adds to `parts`, by column, what the columns add to the tree's mean; gives the mean.
pub(super) fn add(tree: &Tree, row: &[f32], parts: &mut [f64]) -> f64 {
    let mut walk = Walk { tree, row, parts };
    walk.node(0, &[], 1.0, 1.0, None);
    mean(tree, 0)
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

/// Shares of a node's training rows that went to its children.
fn shares(tree: &Tree, node: &Node, children: [u32; 2]) -> [f64; 2] {
    match node.rows {
        // A symmetric tree has branches that no row took.
        0.0 => [0.5; 2],
        rows => children.map(|child| f64::from(tree.nodes[child as usize].rows / rows)),
    }
}

struct Walk<'a> {
    tree: &'a Tree,
    row: &'a [f32],
    parts: &'a mut [f64],
}

impl Walk<'_> {
    fn node(&mut self, node: usize, path: &[Step], unknown: f64, known: f64, column: Option<u16>) {
        let mut path = extended(path, unknown, known, column);
        let node = &self.tree.nodes[node];
        let Some(split) = &node.split else {
            for index in 1..path.len() {
                let step = path[index];
                let weight = unwound_sum(&path, index);
                if let Some(column) = step.column {
                    self.parts[usize::from(column)] +=
                        weight * (step.known - step.unknown) * f64::from(node.value);
                }
            }
            return;
        };
        let next = split.next(self.row[usize::from(split.column)]);
        let [left, right] = shares(self.tree, node, [split.left, split.right]);
        let (hot, cold) = match next == split.left {
            true => ((split.left, left), (split.right, right)),
            false => ((split.right, right), (split.left, left)),
        };
        let (mut unknown, mut known) = (1.0, 1.0);
        let before = path
            .iter()
            .position(|step| step.column == Some(split.column));
        if let Some(before) = before {
            (unknown, known) = (path[before].unknown, path[before].known);
            path = unwound(path, before);
        }
        let column = Some(split.column);
        // A way that neither the row nor any training row took adds nothing.
        for ((node, share), known) in [(hot, known), (cold, 0.0)] {
            if known > 0.0 || unknown * share > 0.0 {
                self.node(node as usize, &path, unknown * share, known, column);
            }
        }
    }
}

fn extended(path: &[Step], unknown: f64, known: f64, column: Option<u16>) -> Vec<Step> {
    let length = path.len();
    // Room for one more at once: a copy that grows would be moved.
    let mut own = Vec::with_capacity(length + 1);
    own.extend_from_slice(path);
    let mut path = own;
    path.push(Step {
        column,
        unknown,
        known,
        weight: if length == 0 { 1.0 } else { 0.0 },
    });
    let size = (length + 1) as f64;
    for index in (0..length).rev() {
        let weight = path[index].weight;
        path[index + 1].weight += known * weight * (index + 1) as f64 / size;
        path[index].weight = unknown * weight * (length - index) as f64 / size;
    }
    path
}

/// The path as if the step at `index` had never been taken.
fn unwound(mut path: Vec<Step>, index: usize) -> Vec<Step> {
    let last = path.len() - 1;
    let Step { unknown, known, .. } = path[index];
    let size = path.len() as f64;
    let mut next = path[last].weight;
    for at in (0..last).rev() {
        if known != 0.0 {
            let weight = path[at].weight;
            path[at].weight = next * size / ((at + 1) as f64 * known);
            next = weight - path[at].weight * unknown * (last - at) as f64 / size;
        } else {
            path[at].weight = path[at].weight * size / (unknown * (last - at) as f64);
        }
    }
    for at in index..last {
        path[at] = Step {
            weight: path[at].weight,
            ..path[at + 1]
        };
    }
    path.truncate(last);
    path
}

/// The sum of the weights of [`unwound`], where most of the time goes: each leaf asks for that of each
/// step. A step that is known is known wholly, so nothing is divided by it, and counts are divided by
/// once and for all.
fn unwound_sum(path: &[Step], index: usize) -> f64 {
    let last = path.len() - 1;
    let Step { unknown, known, .. } = path[index];
    let size = path.len() as f64;
    let mut sum = 0.0;
    if known != 0.0 {
        let (mut next, share) = (path[last].weight, unknown * inverse(path.len()));
        for at in (0..last).rev() {
            let weight = next * size * inverse(at + 1);
            sum += weight;
            next = path[at].weight - weight * share * (last - at) as f64;
        }
    } else if unknown != 0.0 {
        for (at, step) in path[..last].iter().enumerate() {
            sum += step.weight * inverse(last - at);
        }
        sum *= size / unknown;
    }
    sum
}

/// Steps whose inverses are worked out beforehand: more than the levels of most trees.
const INVERSES: usize = 64;

/// 1 over a count above 0.
fn inverse(count: usize) -> f64 {
    const TABLE: [f64; INVERSES] = {
        let mut table = [0.0; INVERSES];
        let mut count = 1;
        while count < INVERSES {
            table[count] = 1.0 / count as f64;
            count += 1;
        }
        table
    };
    match TABLE.get(count) {
        Some(inverse) => *inverse,
        None => 1.0 / count as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Split, Test};
    use super::*;

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
            let base = add(&tree, &row, &mut parts);
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
}
