//! Trees of any depth: the sets of known columns by size, step by step (Lundberg et al. 2020, algorithm 2
//! of the supplement).

use super::super::tree::Tree;
use super::shares::shares;

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

/// Adds to `parts`, by column, what the columns add to the tree's mean.
pub(super) fn add(tree: &Tree, row: &[f32], parts: &mut [f64]) {
    let mut walk = Walk { tree, row, parts };
    walk.node(0, &[], 1.0, 1.0, None);
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
    let mut weights = Vec::with_capacity(length + 1);
    weights.extend_from_slice(path);
    let mut path = weights;
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

/// Steps whose inverses are computed in advance: more than the levels of most trees.
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
