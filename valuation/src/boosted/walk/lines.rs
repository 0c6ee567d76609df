//! Symmetric trees for one row: for every code of a value a line of a byte a tree, whose bits are the
//! outcomes of the tests of that value. The numbers of the leaves of all trees are the lines of the row's
//! codes put together by OR, some tens of lines instead of thousands of tests.

use super::super::coding::{Codings, Compared};

/// Bytes of all lines at most: beyond, tests are quicker than memory.
const MOST_BYTES: usize = 16 << 20;
/// Lines are as long as a multiple of this: whole instructions.
const STEP: usize = 32;

/// The lines of an ensemble.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lines {
    /// Bytes of a line: one for each tree, and what fills it up.
    length: usize,
    /// Which code of a row, and where the line of its code 0 begins.
    begin: Vec<(usize, usize)>,
    bytes: Vec<u8>,
    /// By tree: where its leaves begin.
    leaves: Vec<u32>,
}

impl Lines {
    /// Of trees that are all symmetric: by tree its tests, from the lowest bit on, and where its leaves
    /// begin. None where the lines would be too many.
    pub(super) fn lay(codings: &Codings, trees: &[(&[Compared], u32)]) -> Option<Lines> {
        let length = trees.len().next_multiple_of(STEP);
        let mut used: Vec<u16> = trees
            .iter()
            .flat_map(|(tests, _)| tests.iter().map(|test| test.code / 2))
            .collect();
        used.sort_unstable();
        used.dedup();
        let mut begin = Vec::new();
        let mut total = 0;
        for code in &used {
            begin.push((2 * usize::from(*code), total));
            total += length * codings.count(2 * code);
        }
        if total > MOST_BYTES {
            return None;
        }
        let mut bytes = vec![0_u8; total];
        for (tree, (tests, _)) in trees.iter().enumerate() {
            for (level, test) in tests.iter().enumerate() {
                let place = used.binary_search(&(test.code / 2)).ok()?;
                let shift = (test.code % 2) as u8;
                for code in 0..codings.count(test.code) {
                    let right = (code as u8).wrapping_sub(shift) > test.last;
                    bytes[begin[place].1 + code * length + tree] |= u8::from(right) << level;
                }
            }
        }
        Some(Lines {
            length,
            begin,
            bytes,
            leaves: trees.iter().map(|(_, leaves)| *leaves).collect(),
        })
    }

    /// Adds what the trees say of a row of these codes to a sum, in their order.
    pub(super) fn add(&self, codes: &[u8], numbers: &mut Vec<u8>, leaves: &[f32], sum: &mut f64) {
        numbers.clear();
        numbers.resize(self.length, 0);
        for (code, begin) in &self.begin {
            let from = begin + usize::from(codes[*code]) * self.length;
            lanes::or_into(numbers, &self.bytes[from..from + self.length]);
        }
        for (from, number) in self.leaves.iter().zip(&*numbers) {
            *sum += f64::from(leaves[*from as usize + usize::from(*number)]);
        }
    }
}
