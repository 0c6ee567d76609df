//! Symmetric trees: what each column adds depends on the tests' outcomes alone, one a level.

use lanes::Levels;

use super::super::tree::{Split, Tree};
use super::shares::shares;

/// A symmetric tree, to be explained.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Symmetric {
    /// The tests, the root's first.
    levels: Vec<Split>,
    tree: Levels,
}

impl Symmetric {
    /// A tree that has one test a level, of as many levels as [`Levels`] takes.
    pub(super) fn new(tree: &Tree, levels: Vec<Split>) -> Option<Symmetric> {
        let mut shares_of = Vec::new();
        let mut level = vec![0_usize];
        for _ in &levels {
            let mut below = vec![0; 2 * level.len()];
            let (lefts, rights) = below.split_at_mut(level.len());
            for (number, (on_left, on_right)) in level.iter().zip(lefts.iter_mut().zip(rights)) {
                let node = &tree.nodes[*number];
                // A leaf above the others: the same both ways.
                let (sides, level) = match &node.split {
                    Some(split) => {
                        let sides = [split.left, split.right];
                        (sides.map(|side| side as usize), shares(tree, node, sides))
                    }
                    None => ([*number; 2], [0.5; 2]),
                };
                [*on_left, *on_right] = sides;
                shares_of.push(level);
            }
            level = below;
        }
        let leaves = level.iter().map(|node| f64::from(tree.nodes[*node].value));
        let columns: Vec<u32> = levels.iter().map(|level| u32::from(level.column)).collect();
        let tree = Levels::new(&columns, &shares_of, leaves.collect()).ok()?;
        Some(Symmetric { levels, tree })
    }

    /// Adds to `parts`, by column, what the columns add to the tree's mean.
    pub(super) fn add(&self, row: &[f32], parts: &mut [f64]) {
        let mut number = 0;
        for (level, split) in self.levels.iter().enumerate() {
            let right = split.next(row[usize::from(split.column)]) == split.right;
            number |= usize::from(right) << level;
        }
        self.tree.add(number, parts);
    }
}
