//! How many of a node's rows went each way.

use super::super::tree::{Node, Tree};

/// Shares of a node's training rows that went to its children.
pub(super) fn shares(tree: &Tree, node: &Node, children: [u32; 2]) -> [f64; 2] {
    match node.rows {
        // A symmetric tree has branches that no row took.
        0.0 => [0.5; 2],
        rows => children.map(|child| f64::from(tree.nodes[child as usize].rows / rows)),
    }
}
