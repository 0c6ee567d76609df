//! Trees laid out to be walked: their nodes carry what explaining and exporting need as well, and a
//! price would wait for memory.
//!
//! A row's values become codes once: how many of the thresholds that any tree has for a value it
//! reaches. Every code occurs twice, the second time one less, where what is not known is the
//! greatest: so a test is a comparison of bytes, the unknown included. Sets of names become codes of
//! their own, 1 for a name in the set. Values are added in the order of the trees, in `f64`: the same bits
//! one by one and in batches, whichever way a tree is walked.
//!
//! Many rows go through a [`lanes::Program`], 64 at once. One row goes through [`Lines`] where all trees
//! are symmetric; else tree by tree, where a tree is words of 8 bytes in which right stands next to left,
//! a leaf being one that leads to itself, so that many ways take as many steps as the deepest leaf needs
//! and none asks whether it has arrived. So do many rows where a tree has too many leaves for a program.

mod fork;
mod lay;
mod lines;

use std::sync::Arc;

use lanes::{Lane, Program, ROWS, Room};

use self::fork::{Fork, SHORT_WORDS, Short};
use self::lines::Lines;
use super::coding::{Codings, Compared};

/// Ways through free trees that take a step in turn.
const ABREAST: usize = 8;
/// Codes of a row at most: as many as forks can name.
const MOST_CODES: usize = 1 << 16;

/// A tree's place in [`Trees`].
#[derive(Debug, Clone, Copy, PartialEq)]
enum Laid {
    /// Tests from `from` on and as many as there are levels, leaves from `leaves` on.
    Symmetric {
        from: u32,
        levels: u32,
        leaves: u32,
    },
    Free(Free),
}

/// A free tree: words from `from` on, values by word from `values` on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Free {
    from: u32,
    words: u16,
    /// Steps to its deepest leaf.
    depth: u16,
    values: u32,
}

/// The sets that some trees ask for of one code of a row.
#[derive(Debug, Clone, PartialEq)]
struct Sets {
    /// Which code.
    code: usize,
    /// How many sets.
    count: usize,
    /// By code of the value and set: 1 where the set has it.
    members: Vec<u8>,
}

/// Trees whose sets have codes at the same time.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    order: Vec<Laid>,
    /// Their codes come after those of values, in this order.
    sets: Vec<Sets>,
}

/// Trees to be walked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trees {
    base: f64,
    /// Shared with other ensembles over the same rows.
    codings: Arc<Codings>,
    groups: Vec<Group>,
    levels: Vec<Compared>,
    forks: Vec<Fork>,
    /// The same in half the memory, and a window more; empty where a tree has too many words.
    short: Vec<Short>,
    /// Values of leaves; of a free tree by word, where forks have none.
    leaves: Vec<f32>,
    /// Codes of a row: those of its values, and as many more as the greatest group has sets.
    width: usize,
    /// For one row; none where a tree is not symmetric.
    lines: Option<Lines>,
    /// For many rows; none where a tree has too many leaves.
    program: Option<Program>,
}

/// The codes of one row, for all ensembles that share them.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    /// Whose codes they are; none at the beginning of a row.
    of: Option<Arc<Codings>>,
    codes: Vec<u8>,
    /// Numbers of leaves.
    numbers: Vec<u8>,
}

impl Codes {
    /// Forgets the row.
    pub(crate) fn clear(&mut self) {
        self.of = None;
    }

    /// The codes of a row by some codings; what is beyond them is room for those of sets.
    fn take(&mut self, codings: &Arc<Codings>, row: &[f32]) {
        // Once: the codes are kept from row to row.
        self.codes.resize(MOST_CODES, 0);
        let known = self.of.as_ref();
        if !known.is_some_and(|known| Arc::ptr_eq(known, codings)) {
            codings.row(row, &mut self.codes[..codings.codes()]);
            self.of = Some(Arc::clone(codings));
        }
    }
}

impl Trees {
    /// Values a row must have.
    pub(super) fn width(&self) -> usize {
        self.codings.width()
    }

    /// Writes the codes of a group's sets after those of the values.
    fn code_sets(&self, group: &Group, codes: &mut [u8]) {
        let (values, mut rest) = codes.split_at_mut(self.codings.codes());
        for Sets {
            code,
            count,
            members,
        } in &group.sets
        {
            let (way_of_tree, next) = rest.split_at_mut(*count);
            let from = usize::from(values[*code]) * count;
            way_of_tree.copy_from_slice(&members[from..from + count]);
            rest = next;
        }
    }

    /// The value of one row; NaN for a row of another width. `room` may hold the row's codes already.
    pub(super) fn row(&self, row: &[f32], room: &mut Codes) -> f64 {
        if row.len() != self.width() {
            return f64::NAN;
        }
        room.take(&self.codings, row);
        let Codes { codes, numbers, .. } = room;
        let mut sum = self.base;
        if let Some(lines) = &self.lines {
            lines.add(codes, numbers, &self.leaves, &mut sum);
            return sum;
        }
        let Ok(codes) = <&mut [u8; MOST_CODES]>::try_from(codes.as_mut_slice()) else {
            return f64::NAN;
        };
        for group in &self.groups {
            self.code_sets(group, codes);
            let mut abreast = group.order.chunks_exact(ABREAST);
            for trees in abreast.by_ref() {
                let abreast = match self.short.is_empty() {
                    true => self.long_abreast(trees, codes),
                    false => self.abreast(trees, codes),
                };
                match abreast {
                    Some(leaves) => leaves.into_iter().for_each(|leaf| sum += f64::from(leaf)),
                    None => trees
                        .iter()
                        .for_each(|tree| sum += f64::from(self.leaf(*tree, codes))),
                }
            }
            for tree in abreast.remainder() {
                sum += f64::from(self.leaf(*tree, codes));
            }
        }
        sum
    }

    /// The words of a free tree.
    #[inline]
    fn words(&self, tree: Free) -> &[Fork] {
        &self.forks[tree.from as usize..][..usize::from(tree.words)]
    }

    /// What free trees say of a row, walked side by side; none where one is symmetric.
    fn abreast(&self, trees: &[Laid], codes: &[u8; MOST_CODES]) -> Option<[f32; ABREAST]> {
        let mut ways = [(Free::default(), Short::NONE); ABREAST];
        for ((way, words), tree) in ways.iter_mut().zip(trees) {
            let Laid::Free(tree) = tree else { return None };
            *way = *tree;
            // As many as a byte can distinguish, so that none is asked whether it is there.
            let window = self.short.get(tree.from as usize..)?.get(..SHORT_WORDS)?;
            *words = window.try_into().ok()?;
        }
        let steps = ways.iter().map(|(tree, _)| tree.depth).max().unwrap_or(0);
        let mut at = [0_u8; ABREAST];
        for _ in 0..steps {
            for (at, (_, words)) in at.iter_mut().zip(&ways) {
                *at = words[usize::from(*at)].next(codes);
            }
        }
        Some(std::array::from_fn(|way| {
            self.leaves[ways[way].0.values as usize + usize::from(at[way])]
        }))
    }

    /// The same with forks of any length.
    fn long_abreast(&self, trees: &[Laid], codes: &[u8]) -> Option<[f32; ABREAST]> {
        let mut free = [Free::default(); ABREAST];
        for (place, tree) in free.iter_mut().zip(trees) {
            let Laid::Free(tree) = tree else { return None };
            *place = *tree;
        }
        let words = free.map(|tree| self.words(tree));
        let steps = free.iter().map(|tree| tree.depth).max().unwrap_or(0);
        let mut at = [0_u16; ABREAST];
        for _ in 0..steps {
            for (at, words) in at.iter_mut().zip(&words) {
                *at = words[usize::from(*at)].next(codes);
            }
        }
        Some(std::array::from_fn(|way| {
            self.leaves[free[way].values as usize + usize::from(at[way])]
        }))
    }

    /// What one tree says of a row.
    fn leaf(&self, tree: Laid, codes: &[u8]) -> f32 {
        match tree {
            Laid::Free(tree) => {
                let words = self.words(tree);
                let mut at = 0;
                for _ in 0..tree.depth {
                    at = words[usize::from(at)].next(codes);
                }
                self.leaves[tree.values as usize + usize::from(at)]
            }
            Laid::Symmetric {
                from,
                levels,
                leaves,
            } => {
                let tests = &self.levels[from as usize..(from + levels) as usize];
                let mut number = 0;
                for (level, test) in tests.iter().enumerate() {
                    let right = codes[usize::from(test.code)] > test.last;
                    number |= usize::from(right) << level;
                }
                self.leaves[leaves as usize + number]
            }
        }
    }

    /// The values of rows, row-major, by ensemble; the same bits as one by one. Ensembles that stand next
    /// to each other and share their codings code the rows once.
    pub(super) fn rows(ensembles: &[&Trees], values: &[f32]) -> Vec<Vec<f64>> {
        let mut found = Vec::with_capacity(ensembles.len());
        let shared = |one: &&Trees, other: &&Trees| {
            Arc::ptr_eq(&one.codings, &other.codings)
                && one.program.is_some() == other.program.is_some()
        };
        for run in ensembles.chunk_by(shared) {
            let programs: Option<Vec<(f64, &Program)>> = run
                .iter()
                .map(|run| run.program.as_ref().map(|program| (run.base, program)))
                .collect();
            match programs {
                Some(programs) => found.extend(by_lanes(&run[0].codings, &programs, values)),
                None => found.extend(run.iter().map(|run| run.walked(values))),
            }
        }
        found
    }

    /// The values of rows, tree by tree and step by step.
    fn walked(&self, values: &[f32]) -> Vec<f64> {
        let width = self.width().max(1);
        let mut found = Vec::with_capacity(values.len() / width);
        let mut codes = vec![0_u8; self.width.max(1) * ROWS];
        for block in values.chunks(width * ROWS) {
            let rows = block.len() / width;
            for (row, codes) in block
                .chunks_exact(width)
                .zip(codes.chunks_exact_mut(self.width.max(1)))
            {
                self.codings.row(row, &mut codes[..self.codings.codes()]);
            }
            let mut sums = [self.base; ROWS];
            for group in &self.groups {
                if !group.sets.is_empty() {
                    let rows = codes.chunks_exact_mut(self.width).take(rows);
                    rows.for_each(|codes| self.code_sets(group, codes));
                }
                for tree in &group.order {
                    match *tree {
                        Laid::Free(tree) => self.add_free(tree, &codes, &mut sums[..rows]),
                        Laid::Symmetric { .. } => {
                            let codes = codes.chunks_exact(self.width.max(1));
                            for (sum, codes) in sums[..rows].iter_mut().zip(codes) {
                                *sum += f64::from(self.leaf(*tree, codes));
                            }
                        }
                    }
                }
            }
            found.extend_from_slice(&sums[..rows]);
        }
        found
    }

    /// Adds what a free tree says of a block's rows to their sums.
    fn add_free(&self, tree: Free, codes: &[u8], sums: &mut [f64]) {
        let words = self.words(tree);
        let values = &self.leaves[tree.values as usize..][..words.len()];
        let width = self.width;
        for (sums, codes) in sums.chunks_mut(ABREAST).zip(codes.chunks(width * ABREAST)) {
            // What is past the last row is walked, and not counted.
            let rows: [&[u8]; ABREAST] =
                std::array::from_fn(|row| &codes[row * width..(row + 1) * width]);
            let mut at = [0_u16; ABREAST];
            for _ in 0..tree.depth {
                for (at, codes) in at.iter_mut().zip(&rows) {
                    *at = words[usize::from(*at)].next(codes);
                }
            }
            for (sum, at) in sums.iter_mut().zip(at) {
                *sum += f64::from(values[usize::from(at)]);
            }
        }
    }
}

/// The values of rows by ensemble, each a base and a program, 64 rows at once.
fn by_lanes(codings: &Codings, programs: &[(f64, &Program)], values: &[f32]) -> Vec<Vec<f64>> {
    let width = codings.width().max(1);
    let rows = values.len() / width;
    let mut found: Vec<Vec<f64>> = programs.iter().map(|_| Vec::with_capacity(rows)).collect();
    let most = programs.iter().map(|(_, program)| program.lanes()).max();
    let mut lanes = vec![Lane::of(0); most.unwrap_or(0)];
    let mut room = Room::default();
    for block in values.chunks(width * ROWS) {
        codings.block(block, &mut lanes[..codings.codes()]);
        for ((base, program), found) in programs.iter().zip(&mut found) {
            let mut sums = [*base; ROWS];
            program.add(&mut lanes, &mut room, &mut sums);
            // What is past the last row is walked, and not kept.
            found.extend_from_slice(&sums[..block.len() / width]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Node, Split, Test, Tree};
    use super::*;

    /// A tree of one split.
    fn stump(column: u16, test: Test, unknown_left: bool, values: [f32; 2]) -> Tree {
        let leaf = |value| Node {
            rows: 1.0,
            value,
            split: None,
        };
        let split = Split {
            column,
            test,
            unknown_left,
            gain: 1.0,
            left: 1,
            right: 2,
        };
        let root = Node {
            split: Some(split),
            ..leaf(0.0)
        };
        Tree {
            nodes: vec![root, leaf(values[0]), leaf(values[1])],
        }
    }

    #[test]
    fn more_sets_than_a_group_holds_and_every_way_of_the_unknown() {
        let trees: Vec<Tree> = (0..1500_u64)
            .map(|number| {
                let values = [number as f32 * 0.25, -(number as f32) * 0.5];
                match number % 3 {
                    // Names from 0 to 254, a different set each.
                    0 => {
                        let set = [number, number.rotate_left(40), !number, number >> 1];
                        let names = set.map(|word| word & (u64::MAX >> 1));
                        stump(0, Test::Among(names), true, values)
                    }
                    1 => stump(1, Test::NotBelow((number % 50) as f32), true, values),
                    _ => stump(2, Test::NotBelow((number % 70) as f32), false, values),
                }
            })
            .collect();
        let lay = |trees: &[Tree]| {
            let codings = Codings::of(3, trees.iter()).unwrap();
            Trees::lay(3.0, Arc::new(codings), trees).unwrap()
        };
        let mut codes = Codes::default();
        let mut row_of = |trees: &Trees, row: &[f32]| {
            codes.clear();
            trees.row(row, &mut codes)
        };
        let laid = lay(&trees);
        // A stump of a number is symmetric; 500 sets are in one group, and another closes it.
        assert_eq!(laid.groups.len(), 1);
        let many: Vec<Tree> = trees.iter().chain(&trees).cloned().collect();
        let more = lay(&many);
        assert_eq!(more.groups.len(), 2);
        let mut values = Vec::new();
        for row in 0..150_u32 {
            let gap = |every: u32, value: u32| match row % every {
                0 => f32::NAN,
                _ => value as f32,
            };
            values.extend([gap(7, row * 3 % 256), gap(5, row % 60), gap(4, row % 80)]);
        }
        let batch = Trees::rows(&[&more], &values).remove(0);
        assert_eq!(more.walked(&values), batch);
        for (row, found) in values.chunks(3).zip(batch) {
            let predicted = |sum: f64, tree: &Tree| sum + f64::from(tree.value(row));
            assert_eq!(many.iter().fold(3.0, predicted), found, "{row:?}");
            assert_eq!(row_of(&more, row).to_bits(), found.to_bits());
            assert_eq!(
                row_of(&laid, row),
                trees.iter().fold(3.0, predicted),
                "{row:?}"
            );
        }
        assert!(row_of(&laid, &[1.0]).is_nan());
    }
}
