//! Trees of no more columns on a way than [`lanes::Explained`] takes.

use lanes::{Edge, Explained, Known};

use super::super::tree::{Split, Test, Tree};
use super::shares::shares;

/// A tree, to be explained.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Summed {
    tree: Explained,
    splits: Vec<Fork>,
}

/// A split in little memory.
#[derive(Debug, Clone, PartialEq)]
enum Fork {
    Number {
        column: u16,
        unknown_left: bool,
        least: f32,
        left: u32,
        right: u32,
    },
    /// By names, which are long.
    Named(Box<Split>),
}

impl Fork {
    fn of(split: &Split) -> Fork {
        match split.test {
            Test::NotBelow(least) => Fork::Number {
                column: split.column,
                unknown_left: split.unknown_left,
                least,
                left: split.left,
                right: split.right,
            },
            Test::Among(_) => Fork::Named(Box::new(*split)),
        }
    }

    /// The node that a row goes to: see [`Split::next`].
    fn next(&self, row: &[f32]) -> u32 {
        match self {
            Fork::Number {
                column,
                unknown_left,
                least,
                left,
                right,
            } => {
                let value = row[usize::from(*column)];
                let goes_right = value >= *least || value.is_nan() && !unknown_left;
                if goes_right { *right } else { *left }
            }
            Fork::Named(split) => split.next(row[usize::from(split.column)]),
        }
    }
}

/// Room for explaining rows, kept from tree to tree.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// By node: whether the row goes from its parent to it.
    goes: Vec<bool>,
    known: Known,
}

/// The way to a node.
#[derive(Debug, Clone, Default)]
struct Way {
    /// Of each column on it, the node that its last edge leads to.
    last: Vec<(u16, usize)>,
}

impl Summed {
    /// None where there are too many columns on a way.
    pub(super) fn new(tree: &Tree, width: usize) -> Option<Summed> {
        let root = Edge {
            parent: 0,
            before: 0,
            column: 0,
            unknown: 1.0,
        };
        let mut edges = vec![root; tree.nodes.len()];
        // Ways of nodes that have not come yet: children stand after their parents.
        let mut ways: Vec<Way> = vec![Way::default(); tree.nodes.len()];
        let mut most = 0;
        for (number, node) in tree.nodes.iter().enumerate() {
            let way = std::mem::take(&mut ways[number]);
            most = most.max(way.last.len());
            let Some(split) = &node.split else { continue };
            if most > Explained::MOST_COLUMNS {
                return None;
            }
            let known = way.last.iter().find(|(column, _)| *column == split.column);
            let before = known.map_or(0, |(_, node)| *node);
            let sides = [split.left, split.right];
            for (child, share) in sides.into_iter().zip(shares(tree, node, sides)) {
                edges[child as usize] = Edge {
                    parent: number as u32,
                    before: before as u32,
                    column: u32::from(split.column),
                    unknown: edges[before].unknown * share,
                };
                let mut branch = way.clone();
                branch.last.retain(|(column, _)| *column != split.column);
                branch.last.push((split.column, child as usize));
                ways[child as usize] = branch;
            }
        }
        let values = tree.nodes.iter().map(|node| match node.split {
            Some(_) => 0.0,
            None => f64::from(node.value),
        });
        let splits = tree.nodes.iter().filter_map(|node| node.split.as_ref());
        Some(Summed {
            tree: Explained::new(edges, values.collect(), width, most).ok()?,
            splits: splits.map(Fork::of).collect(),
        })
    }

    /// Adds to `parts`, by column, what the columns add to the tree's mean.
    pub(super) fn add(&self, row: &[f32], room: &mut Room, parts: &mut [f64]) {
        let Room { goes, known } = room;
        goes.clear();
        // Every split has two children, and the root is nobody's.
        goes.resize(2 * self.splits.len() + 1, false);
        for split in &self.splits {
            goes[split.next(row) as usize] = true;
        }
        self.tree.add(goes, known, parts);
    }
}
