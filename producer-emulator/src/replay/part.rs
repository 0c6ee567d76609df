//! Which records of a file are sent: all, or one side of a cut through it.

use records::file::FileBatch;

/// Which records of a file are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// All.
    Whole,
    /// Those that are left where this share is held back.
    Rest(f64),
    /// This share, evenly over the file: exactly those that [`Part::Rest`] leaves out.
    HeldBack(f64),
}

impl Part {
    /// Whether a record is sent; `position` counts the records of the file from 0, good or not, so
    /// that a replay that continues after a stop, and one of the other side, cut at the same places.
    pub(super) fn takes(self, position: u64) -> bool {
        let is_held = |share: f64| {
            // Beyond 2^53 records two would be one: no file has as many.
            let before = (position as f64 * share).floor();
            ((position + 1) as f64 * share).floor() > before
        };
        match self {
            Part::Whole => true,
            Part::Rest(share) => !is_held(share),
            Part::HeldBack(share) => is_held(share),
        }
    }
}

/// Where in the file each good row stands, the first record that was read being `position`.
pub(super) fn positions(read: &FileBatch, position: u64) -> Vec<u64> {
    let mut rejects = read.rejects.iter().map(|reject| reject.line).peekable();
    let mut next = position;
    let mut positions = Vec::with_capacity(read.lines.len());
    for line in &read.lines {
        while rejects.next_if(|reject| reject < line).is_some() {
            next += 1;
        }
        positions.push(next);
        next += 1;
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_make_the_whole() {
        for share in [0.01, 0.1, 0.2, 1.0 / 3.0, 0.5, 0.9] {
            let held = |position: &u64| Part::HeldBack(share).takes(*position);
            let count = (0..10_000).filter(held).count();
            assert!(count.abs_diff((10_000.0 * share) as usize) <= 1, "{share}");
            for position in 0..10_000 {
                assert_ne!(held(&position), Part::Rest(share).takes(position));
                assert!(Part::Whole.takes(position));
            }
        }
        // Evenly: one in five, and never two in a row.
        let held: Vec<u64> = (0..20).filter(|p| Part::HeldBack(0.2).takes(*p)).collect();
        assert_eq!(held, [4, 9, 14, 19]);
    }
}
