//! A grown tree: nodes with what explaining and exporting them need.

use serde::{Deserialize, Serialize};

use super::error::TreeError;
use super::most::{MOST_NODES, at_most};

/// Names by number, one bit each.
pub(super) type Names = [u64; 4];

/// What sends a row to the right; what is known and fails it goes left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum Test {
    /// The value is not below this.
    NotBelow(f32),
    /// The value is the number of one of these names.
    Among(Names),
}

/// A split of a node.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Split {
    /// Which value of a row is tested.
    pub(super) column: u16,
    /// How.
    pub(super) test: Test,
    /// Where a value that is not known goes.
    pub(super) unknown_left: bool,
    /// Squared error that it took away in training.
    pub(super) gain: f32,
    /// The node for the left; above its own number.
    pub(super) left: u32,
    /// The node for the right; above its own number.
    pub(super) right: u32,
}

impl Split {
    /// Where a row of this value goes.
    pub(super) fn next(&self, value: f32) -> u32 {
        let right = match value.is_nan() {
            true => !self.unknown_left,
            false => match &self.test {
                Test::NotBelow(least) => value >= *least,
                Test::Among(names) => {
                    // What is below 0 becomes 0.
                    let name = value as usize;
                    let word = names.get(name / 64).copied().unwrap_or(0);
                    value >= 0.0 && word >> (name % 64) & 1 == 1
                }
            },
        };
        if right { self.right } else { self.left }
    }
}

/// A node.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Node {
    /// Training rows that came by: what a row of unknown values is weighed by.
    pub(super) rows: f32,
    /// What a row that ends here gets; 0 where it continues.
    pub(super) value: f32,
    /// None for a leaf.
    pub(super) split: Option<Split>,
}

/// A tree; the root is node 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree {
    #[serde(deserialize_with = "at_most::<_, _, MOST_NODES>")]
    pub(super) nodes: Vec<Node>,
}

impl Tree {
    /// The value of a row.
    #[cfg(test)]
    pub(super) fn value(&self, row: &[f32]) -> f32 {
        let mut node = &self.nodes[0];
        while let Some(split) = &node.split {
            node = &self.nodes[split.next(row[usize::from(split.column)]) as usize];
        }
        node.value
    }

    /// Steps from the root to the deepest leaf, of a tree that was checked.
    pub(super) fn depth(&self) -> usize {
        let mut deepest = 0;
        let mut depths = vec![0; self.nodes.len()];
        // Children stand after their parents.
        for (number, node) in self.nodes.iter().enumerate() {
            deepest = deepest.max(depths[number]);
            if let Some(split) = &node.split {
                depths[split.left as usize] = depths[number] + 1;
                depths[split.right as usize] = depths[number] + 1;
            }
        }
        deepest
    }

    /// Whether what was read is a tree over `width` values.
    ///
    /// # Errors
    /// States which node is wrong and how.
    pub(super) fn check(&self, width: usize) -> Result<(), TreeError> {
        if self.nodes.is_empty() {
            return Err(TreeError::content("a tree without nodes"));
        }
        // Each node but the root is led to once: no circle, nothing that is never reached.
        let mut led = vec![false; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            let at = |detail: String| TreeError::Content(format!("node {id}: {detail}"));
            if !(node.rows >= 0.0 && node.rows.is_finite() && node.value.is_finite()) {
                return Err(at(format!("rows {}, value {}", node.rows, node.value)));
            }
            let Some(split) = &node.split else { continue };
            if usize::from(split.column) >= width {
                let column = split.column;
                return Err(at(format!("value {column} of a row of {width}")));
            }
            if matches!(split.test, Test::NotBelow(least) if !least.is_finite()) {
                return Err(at("a threshold that is not finite".to_owned()));
            }
            let names = match split.test {
                Test::Among(names) => names,
                Test::NotBelow(_) => Names::default(),
            };
            // The last number is left to what is not known, which goes with what is not listed.
            if names != Names::default() && (names[3] >> 63 == 1 || !split.unknown_left) {
                return Err(at("a set of names that is never grown".to_owned()));
            }
            for next in [split.left as usize, split.right as usize] {
                if next <= id || next >= self.nodes.len() || std::mem::replace(&mut led[next], true)
                {
                    return Err(at(format!("leads to node {next} of {}", self.nodes.len())));
                }
            }
        }
        match led[1..].iter().position(|led| !led) {
            Some(lost) => Err(TreeError::Content(format!(
                "nothing leads to node {}",
                lost + 1
            ))),
            None => Ok(()),
        }
    }
}

/// The tests of a symmetric tree, the root's first; `None` for any other, and for one of more levels than
/// are laid out as the bits of a byte.
pub(super) fn symmetric_levels(tree: &Tree) -> Option<Vec<Split>> {
    let mut levels: Vec<Split> = Vec::new();
    let mut level = vec![0_usize];
    while !level.is_empty() {
        let mut below = Vec::new();
        let mut common: Option<Split> = None;
        for split in level.iter().filter_map(|node| tree.nodes[*node].split) {
            let alike = |other: Split| {
                (other.column, other.test, other.unknown_left)
                    == (split.column, split.test, split.unknown_left)
            };
            if is_named(split) || common.is_some_and(|known| !alike(known)) {
                return None;
            }
            common = Some(split);
            below.extend([split.left as usize, split.right as usize]);
        }
        levels.extend(common);
        level = below;
        if levels.len() > lanes::MOST_LEVELS {
            return None;
        }
    }
    Some(levels)
}

fn is_named(split: Split) -> bool {
    matches!(split.test, Test::Among(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let leaf = |value| Node {
            rows: 1.0,
            value,
            split: None,
        };
        let split = Split {
            column: 1,
            test: Test::Among([0b100, 0, 0, 1 << 62]),
            unknown_left: true,
            gain: 1.0,
            left: 1,
            right: 2,
        };
        let root = Node {
            rows: 2.0,
            value: 0.0,
            split: Some(split),
        };
        Tree {
            nodes: vec![root, leaf(-1.0), leaf(1.0)],
        }
    }

    #[test]
    fn names_go_right_and_everything_else_left() {
        let right = |value: f32| tree().value(&[0.0, value]) == 1.0;
        assert!(right(2.0) && right(254.0));
        for left in [0.0, 3.0, 253.0, 255.0, 256.0, 1e9, -1.0, -0.5, f32::NAN] {
            assert!(!right(left), "{left}");
        }
    }

    #[test]
    fn broken_trees_are_refused() {
        assert!(tree().check(2).is_ok());
        assert!(tree().check(1).is_err(), "a value that rows do not have");
        let broken = |change: fn(&mut Tree)| {
            let mut tree = tree();
            change(&mut tree);
            assert!(tree.check(2).is_err(), "{tree:?}");
        };
        broken(|tree| tree.nodes.clear());
        broken(|tree| tree.nodes[1].value = f32::NAN);
        broken(|tree| tree.nodes.truncate(2));
        broken(|tree| tree.nodes.push(tree.nodes[1]));
        broken(|tree| tree.nodes[0].split.as_mut().unwrap().unknown_left = false);
        broken(|tree| tree.nodes[0].split.as_mut().unwrap().left = 0);
        broken(|tree| tree.nodes[0].split.as_mut().unwrap().left = 2);
    }
}
