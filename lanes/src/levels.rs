//! What columns add to what a symmetric tree says: its expectation is computed for every set of known
//! levels at once, from the leaves upwards, and depends on a row by the outcome of a test a level alone.

use crate::MOST_LEVELS;

/// Sets of levels.
const MOST_SETS: usize = 1 << MOST_LEVELS;

/// A symmetric tree, to be explained. A node's number on its level has a bit for each test before it, the
/// root's the lowest, set for right.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// By node, level by level from the root on: the share of training rows that went left.
    left: Vec<f64>,
    /// The share that went right.
    right: Vec<f64>,
    /// By the number that a node below the last level would have.
    leaves: Vec<f64>,
    /// Columns tested, each once.
    columns: Vec<u32>,
    /// By set of the columns: its levels, a bit each, the last level's the lowest.
    sets: Vec<u8>,
}

/// How much a set of columns counts for one that is in it, and for one that is not.
struct Weights {
    /// Of a column in the set, less that of one that is not.
    both: [f64; MOST_SETS],
    /// Of a column that is not.
    out: [f64; MOST_SETS],
}

/// By how many columns there are.
static WEIGHTS: [Weights; MOST_LEVELS + 1] = {
    const NONE: Weights = weights(0);
    let mut all = [NONE; MOST_LEVELS + 1];
    let mut columns = 1;
    while columns <= MOST_LEVELS {
        all[columns] = weights(columns);
        columns += 1;
    }
    all
};

/// A set of s of the other columns counts s! · (columns − s − 1)! / columns!.
const fn weights(columns: usize) -> Weights {
    let mut of_size = [0.0; MOST_LEVELS + 2];
    let (mut size, mut ways) = (0, 1.0);
    while size < columns {
        // Sets of this size among the other columns, each of which is as likely. By one more than the size:
        // 0 of no set, and of that of all.
        of_size[size + 1] = 1.0 / (columns as f64 * ways);
        ways *= (columns - 1 - size) as f64 / (size + 1) as f64;
        size += 1;
    }
    let mut weights = Weights {
        both: [0.0; MOST_SETS],
        out: [0.0; MOST_SETS],
    };
    let mut set = 0;
    while set < 1 << columns {
        let size = (set as u32).count_ones() as usize;
        weights.out[set] = of_size[size + 1];
        weights.both[set] = of_size[size + 1] + of_size[size];
        set += 1;
    }
    weights
}

impl Levels {
    /// A tree by its levels, from the root on: which column each tests. `shares` are by node those of
    /// training rows that went left and right.
    ///
    /// # Errors
    /// When there are not as many nodes or leaves as so many levels have.
    pub fn new(columns: &[u32], shares: &[[f64; 2]], leaves: Vec<f64>) -> Result<Levels, String> {
        let levels = columns.len();
        if levels > MOST_LEVELS || leaves.len() != 1 << levels || shares.len() + 1 != 1 << levels {
            let (nodes, leaves) = (shares.len(), leaves.len());
            return Err(format!(
                "{levels} levels, {nodes} nodes and {leaves} leaves, expected at most {MOST_LEVELS} levels"
            ));
        }
        let mut players: Vec<(u32, u8)> = Vec::new();
        for (level, column) in columns.iter().rev().enumerate() {
            match players.iter_mut().find(|(player, _)| player == column) {
                Some((_, levels)) => *levels |= 1 << level,
                None => players.push((*column, 1 << level)),
            }
        }
        let levels_of = |set: usize| {
            let numbered = players.iter().enumerate();
            let chosen = numbered.filter(|(player, _)| set >> player & 1 == 1);
            chosen.fold(0, |levels, (_, (_, level))| levels | level)
        };
        Ok(Levels {
            left: shares.iter().map(|share| share[0]).collect(),
            right: shares.iter().map(|share| share[1]).collect(),
            leaves,
            sets: (0..1 << players.len()).map(levels_of).collect(),
            columns: players.iter().map(|(column, _)| *column).collect(),
        })
    }

    /// [`Levels::add`] in plain Rust.
    #[inline(always)]
    pub(crate) fn add_portable(&self, number: usize, parts: &mut [f64]) {
        let mut expected = [0.0; MOST_SETS];
        self.expect(number, &mut expected);
        let weights = &WEIGHTS[self.columns.len().min(MOST_LEVELS)];
        let mut counted = [0.0; MOST_SETS];
        let mut without = [0.0; 4];
        for (set, levels) in self.sets.iter().enumerate() {
            let value = expected[usize::from(*levels)];
            counted[set] = weights.both[set] * value;
            without[set % 4] += weights.out[set] * value;
        }
        let without = (without[0] + without[1]) + (without[2] + without[3]);
        // The sets that the last column is in are the upper half; to the others it makes no difference.
        let mut half = &mut counted[..self.sets.len()];
        for column in self.columns.iter().rev() {
            let (lower, upper) = half.split_at_mut(half.len() / 2);
            let mut sums = [0.0; 4];
            for (at, (value, other)) in lower.iter_mut().zip(&*upper).enumerate() {
                sums[at % 4] += other;
                *value += other;
            }
            parts[*column as usize] += (sums[0] + sums[1]) + (sums[2] + sums[3]) - without;
            half = lower;
        }
    }

    /// By set of known levels: what is expected of a row. While there are more nodes than sets, the nodes of
    /// a set stand side by side, then the sets of a node: most is done many at a time.
    #[inline(always)]
    fn expect(&self, number: usize, expected: &mut [f64; MOST_SETS]) {
        let count = self.leaves.len().min(MOST_SETS);
        let levels = count.trailing_zeros() as usize;
        expected[..count].copy_from_slice(&self.leaves[..count]);
        let mut next = [0.0; MOST_SETS];
        let upper = levels / 2;
        for level in (upper..levels).rev() {
            let nodes = 1 << level;
            let sides = &self.left[nodes - 1..2 * nodes - 1];
            let other_sides = &self.right[nodes - 1..2 * nodes - 1];
            let right = number >> level & 1 == 1;
            let (unknown, known) = next[..count].split_at_mut(count / 2);
            let below = expected[..count].chunks_exact(2 * nodes);
            let sets = unknown
                .chunks_exact_mut(nodes)
                .zip(known.chunks_exact_mut(nodes));
            for (below, (unknown, known)) in below.zip(sets) {
                let (on_left, on_right) = below.split_at(nodes);
                known.copy_from_slice(if right { on_right } else { on_left });
                let shares = sides.iter().zip(other_sides);
                let values = on_left.iter().zip(on_right);
                for ((unknown, (left, right)), (a, b)) in unknown.iter_mut().zip(shares).zip(values)
                {
                    *unknown = left * a + right * b;
                }
            }
            expected[..count].copy_from_slice(&next[..count]);
        }
        // From nodes side by side to sets side by side.
        let (nodes, sets) = (1 << upper, count >> upper);
        for node in 0..nodes {
            for set in 0..sets {
                next[node * sets + set] = expected[set * nodes + node];
            }
        }
        expected[..count].copy_from_slice(&next[..count]);
        for level in (0..upper).rev() {
            let nodes = 1 << level;
            let sets = count / (2 * nodes);
            let right = number >> level & 1 == 1;
            let (on_left, on_right) = expected[..count].split_at(count / 2);
            let below = on_left.chunks_exact(sets).zip(on_right.chunks_exact(sets));
            let above = next[..count].chunks_exact_mut(2 * sets);
            for ((node, (on_left, on_right)), above) in (nodes - 1..).zip(below).zip(above) {
                let (unknown, known) = above.split_at_mut(sets);
                known.copy_from_slice(if right { on_right } else { on_left });
                let (left, right) = (self.left[node], self.right[node]);
                for (unknown, (a, b)) in unknown.iter_mut().zip(on_left.iter().zip(on_right)) {
                    *unknown = left * a + right * b;
                }
            }
            expected[..count].copy_from_slice(&next[..count]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expectation by its definition, `known` being a bit a level, the last level's the lowest.
    fn expectation(tree: &Levels, level: usize, node: usize, known: usize, number: usize) -> f64 {
        let levels = tree.leaves.len().trailing_zeros() as usize;
        if level == levels {
            return tree.leaves[node];
        }
        let below =
            |right: usize| expectation(tree, level + 1, node | right << level, known, number);
        if known >> (levels - 1 - level) & 1 == 1 {
            return below(number >> level & 1);
        }
        let place_of_node = (1 << level) - 1 + node;
        tree.left[place_of_node] * below(0) + tree.right[place_of_node] * below(1)
    }

    #[test]
    fn every_way_gives_the_shapley_values_of_the_expectations() {
        for columns in [
            &[][..],
            &[2],
            &[0, 1],
            &[3, 3, 1],
            &[0, 1, 2, 3, 4, 5, 6],
            &[0, 5, 2, 0, 4, 5, 6, 7],
        ] {
            let nodes = (1 << columns.len()) - 1;
            let shares: Vec<[f64; 2]> = (0..nodes)
                .map(|node| f64::from(node * 37 % 11) / 10.0)
                .map(|left| [left, 1.0 - left])
                .collect();
            let leaves: Vec<f64> = (0..=nodes)
                .map(|leaf| f64::from(leaf * 61 % 97) / 7.0)
                .collect();
            let tree = Levels::new(columns, &shares, leaves).unwrap();
            for number in [0, 1, 5, nodes as usize / 2, nodes as usize] {
                let number = number & nodes as usize;
                let mut expected = [0.0; MOST_SETS];
                tree.expect(number, &mut expected);
                for (known, found) in expected[..=nodes as usize].iter().enumerate() {
                    let by_hand = expectation(&tree, 0, 0, known, number);
                    assert!((found - by_hand).abs() < 1e-12, "{columns:?} {known}");
                }
                let (mut here, mut plain) = (vec![0.0; 8], vec![0.0; 8]);
                tree.add(number, &mut here);
                tree.add_portable(number, &mut plain);
                let bits =
                    |all: &[f64]| all.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&here), bits(&plain));
                let (all, none) = (tree.leaves[number], expectation(&tree, 0, 0, 0, number));
                assert!((here.iter().sum::<f64>() - (all - none)).abs() < 1e-9);
            }
        }
        assert!(Levels::new(&[0], &[], vec![1.0, 2.0]).is_err());
        assert!(Levels::new(&[0; 9], &[[0.5; 2]; 511], vec![0.0; 512]).is_err());
    }
}
