//! The nodes of free trees.

use super::super::coding::Compared;

/// A fork or a leaf of a free tree in one word, read at once: from the lowest bits on which code of
/// a row is tested (16), the last that goes left (16), and where left leads (16): a number of a word
/// of the tree; right leads to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fork(u64);

impl Fork {
    pub(super) fn new(test: Compared, left: u16) -> Fork {
        Fork(u64::from(test.code) | u64::from(test.last) << 16 | u64::from(left) << 32)
    }

    /// One that leads to itself: no code is greater than the greatest.
    pub(super) fn leaf(number: u16) -> Fork {
        Fork::new(
            Compared {
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

/// Words of a tree of short forks at most.
pub(super) const SHORT_WORDS: usize = 256;

/// A fork or a leaf of a tree of few words, in half the memory: from the lowest bits on which code of a row
/// is tested (16), the last that goes left (8), and where left leads (8).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Short(u32);

impl Short {
    /// No words yet.
    pub(super) const NONE: &[Short; SHORT_WORDS] = &[Short(0); SHORT_WORDS];

    /// The same as a fork; none where left leads too far.
    pub(super) fn of(fork: Fork) -> Option<Short> {
        let (test, left) = (fork.0 as u32, u8::try_from(fork.0 >> 32).ok()?);
        Some(Short(test & 0xff_ffff | u32::from(left) << 24))
    }

    /// Where a row of these codes goes.
    #[inline(always)]
    pub(super) fn next(self, codes: &[u8; 1 << 16]) -> u8 {
        let code = codes[usize::from(self.0 as u16)];
        // A leaf's number may be the greatest: no code is greater than its last.
        ((self.0 >> 24) as u8).wrapping_add(u8::from(code > (self.0 >> 16) as u8))
    }
}
