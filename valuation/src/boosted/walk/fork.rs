//! Tests of a row's codes, and the nodes of free trees.

/// The test of a level, and of a fork: right are codes greater than `last`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    /// Which code of a row.
    pub(super) code: u16,
    pub(super) last: u8,
}

/// A fork or a leaf of a free tree in one word, read at once: from the lowest bits on which code of
/// a row is tested (16), the last that goes left (16), and where left leads (16): a number of a word
/// of the tree; right leads to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fork(u64);

impl Fork {
    pub(super) fn new(test: Level, left: u16) -> Fork {
        Fork(u64::from(test.code) | u64::from(test.last) << 16 | u64::from(left) << 32)
    }

    /// One that leads to itself: no code is greater than the greatest.
    pub(super) fn leaf(number: u16) -> Fork {
        Fork::new(
            Level {
                code: 0,
                last: u8::MAX,
            },
            number,
        )
    }

    /// Tests this code: of a set, which gets one when its group is closed.
    pub(super) fn test(&mut self, code: u16) {
        self.0 |= u64::from(code);
    }

    /// Where a row of these codes goes; computed, not guessed.
    #[inline(always)]
    pub(super) fn next(self, codes: &[u8]) -> u16 {
        let code = codes[usize::from(self.0 as u16)];
        (self.0 >> 32) as u16 + u16::from(code > (self.0 >> 16) as u8)
    }
}
