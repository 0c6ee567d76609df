//! Values of a row as codes of a byte, and tests of them: what is not known is 0, a number is one more
//! than the thresholds it reaches, a name one more than its own number.

use super::bins::{BINS, bin, name_bin};
use super::tree::{Names, Test, Tree};

/// How a value of a row becomes a code.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Coding {
    /// By these thresholds, rising.
    Cuts(Vec<f32>),
    Name,
}

impl Coding {
    /// The code of a value.
    pub(super) fn code(&self, value: f32) -> u8 {
        match self {
            Coding::Cuts(cuts) => bin(cuts, value),
            Coding::Name => name_bin(value),
        }
    }

    /// The last code that goes left of a split at a threshold, which is one of the cuts; and what is
    /// taken from codes first, modulo 256: 1 where the unknown goes right, so that its code is the
    /// greatest.
    pub(super) fn compare(&self, least: f32, unknown_left: bool) -> (u8, u8) {
        let shift = u8::from(!unknown_left);
        let last = match self {
            Coding::Cuts(cuts) => cuts.partition_point(|cut| *cut <= least) as u8,
            Coding::Name => 0,
        };
        (last.saturating_sub(shift), shift)
    }
}

/// The codes of names: each is one more than its number.
pub(super) fn codes(names: &Names) -> Names {
    let mut codes = Names::default();
    let mut carried = 0;
    for (code, name) in codes.iter_mut().zip(names) {
        *code = name << 1 | carried;
        carried = name >> 63;
    }
    codes
}

/// How each value of a row becomes a code.
pub(super) fn codings(width: usize, grown: &[Tree]) -> Result<Vec<Coding>, String> {
    let mut cuts: Vec<Vec<f32>> = vec![Vec::new(); width];
    let mut named = vec![false; width];
    let nodes = grown.iter().flat_map(|tree| &tree.nodes);
    for split in nodes.filter_map(|node| node.split) {
        match split.test {
            Test::NotBelow(least) => cuts[usize::from(split.column)].push(least),
            Test::Among(_) => named[usize::from(split.column)] = true,
        }
    }
    let coding = |(column, (mut cuts, named)): (usize, (Vec<f32>, bool))| {
        cuts.sort_unstable_by(f32::total_cmp);
        cuts.dedup();
        match (cuts.len(), named) {
            (0, true) => Ok(Coding::Name),
            (count, false) if count < BINS - 1 => Ok(Coding::Cuts(cuts)),
            (count, named) => Err(format!(
                "value {column} has {count} thresholds and is {}a name: expected less than {}, \
                 and none for a name",
                if named { "" } else { "not " },
                BINS - 1
            )),
        }
    };
    let columns = cuts.into_iter().zip(named).enumerate();
    columns.map(coding).collect()
}
