//! Trees laid out to be walked: their nodes carry what explaining and exporting need as well, and a
//! price would wait for memory.
//!
//! A row's values become codes once: how many of the thresholds that any tree has for a value it
//! reaches. Every code stands twice, the second time one less, where what is not known is the
//! greatest: so a test is a comparison of bytes, the unknown included. Two layouts: a symmetric
//! tree of depth d is d tests and 2^d leaves, where the outcomes of the tests are the bits of the
//! leaf's number, for many rows side by side; any other tree is words of 8 bytes where right stands
//! next to left, a leaf being one that leads to itself, so that many ways take as many steps as the
//! deepest leaf needs and none asks whether it has arrived. Sets of names become codes of their own, 1 for a name in the set.
//! Values are added in the order of the trees, in `f64`: the same bits one by one and in batches.

mod fork;
mod lay;

use self::fork::{Fork, Level};
use super::coding::Coding;

/// Rows walked side by side.
const LANES: usize = 64;
/// Ways through free trees that take a step in turn.
const ABREAST: usize = 8;

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
#[derive(Debug, Clone, Copy, PartialEq)]
struct Free {
    from: u32,
    words: u16,
    /// Steps to its deepest leaf.
    depth: u16,
    values: u32,
}

/// The sets that some trees ask for of one value of a row.
#[derive(Debug, Clone, PartialEq)]
struct Sets {
    /// The value of a row.
    value: usize,
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
    /// By value of a row.
    codings: Vec<Coding>,
    groups: Vec<Group>,
    levels: Vec<Level>,
    forks: Vec<Fork>,
    /// Values of leaves; of a free tree by word, where forks have none.
    leaves: Vec<f32>,
    /// Codes of a row: two a value, and as many more as the greatest group has sets.
    width: usize,
}

impl Trees {
    /// Values a row must have.
    pub(super) fn width(&self) -> usize {
        self.codings.len()
    }

    /// Writes the codes of a row's values.
    fn code(&self, row: &[f32], codes: &mut [u8]) {
        for ((coding, value), two) in self.codings.iter().zip(row).zip(codes.chunks_exact_mut(2)) {
            let code = coding.code(*value);
            two[0] = code;
            two[1] = code.wrapping_sub(1);
        }
    }

    /// Writes the codes of a group's sets after those of the values.
    fn code_sets(&self, group: &Group, codes: &mut [u8]) {
        let (values, mut rest) = codes.split_at_mut(2 * self.codings.len());
        for Sets {
            value,
            count,
            members,
        } in &group.sets
        {
            let (own, next) = rest.split_at_mut(*count);
            let from = usize::from(values[2 * value]) * count;
            own.copy_from_slice(&members[from..from + count]);
            rest = next;
        }
    }

    /// The value of one row; NaN for a row of another width.
    pub(super) fn row(&self, row: &[f32]) -> f64 {
        if row.len() != self.width() {
            return f64::NAN;
        }
        let mut codes = vec![0_u8; self.width];
        self.code(row, &mut codes);
        let mut sum = self.base;
        for group in &self.groups {
            self.code_sets(group, &mut codes);
            let mut abreast = group.order.chunks_exact(ABREAST);
            for trees in abreast.by_ref() {
                match self.abreast(trees, &codes) {
                    Some(leaves) => leaves.into_iter().for_each(|leaf| sum += f64::from(leaf)),
                    None => trees
                        .iter()
                        .for_each(|tree| sum += f64::from(self.leaf(*tree, &codes))),
                }
            }
            for tree in abreast.remainder() {
                sum += f64::from(self.leaf(*tree, &codes));
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
    fn abreast(&self, trees: &[Laid], codes: &[u8]) -> Option<[f32; ABREAST]> {
        let mut free = [Free {
            from: 0,
            words: 0,
            depth: 0,
            values: 0,
        }; ABREAST];
        for (own, tree) in free.iter_mut().zip(trees) {
            match tree {
                Laid::Free(tree) => *own = *tree,
                Laid::Symmetric { .. } => return None,
            }
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

    /// The values of rows, row-major; the same bits as one by one.
    pub(super) fn rows(&self, values: &[f32]) -> Vec<f64> {
        let width = self.width().max(1);
        let mut found = Vec::with_capacity(values.len() / width);
        let mut codes = vec![0_u8; self.width.max(1) * LANES];
        // Lane by lane: the tests of a level read one code of all rows.
        let mut lanes = vec![[0_u8; LANES]; 2 * self.width()];
        let is_symmetric = |group: &Group| {
            let mut trees = group.order.iter();
            trees.any(|tree| matches!(tree, Laid::Symmetric { .. }))
        };
        let symmetric = self.groups.iter().any(is_symmetric);
        for block in values.chunks(width * LANES) {
            let rows = block.len() / width;
            let block = block.chunks_exact(width);
            for (lane, (row, codes)) in block.zip(codes.chunks_exact_mut(self.width)).enumerate() {
                self.code(row, codes);
                if symmetric {
                    let pairs = lanes.iter_mut().zip(&*codes);
                    pairs.for_each(|(lanes, code)| lanes[lane] = *code);
                }
            }
            let mut sums = [self.base; LANES];
            for group in &self.groups {
                if !group.sets.is_empty() {
                    let rows = codes.chunks_exact_mut(self.width).take(rows);
                    rows.for_each(|codes| self.code_sets(group, codes));
                }
                for tree in &group.order {
                    match *tree {
                        Laid::Free(tree) => self.add_free(tree, &codes, &mut sums[..rows]),
                        Laid::Symmetric {
                            from,
                            levels,
                            leaves,
                        } => {
                            let tests = &self.levels[from as usize..(from + levels) as usize];
                            let leaves = &self.leaves[leaves as usize..][..1 << levels];
                            add_symmetric(tests, leaves, &lanes, &mut sums);
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

/// Adds what a symmetric tree says of all lanes to their sums.
fn add_symmetric(tests: &[Level], leaves: &[f32], lanes: &[[u8; LANES]], sums: &mut [f64; LANES]) {
    let mut numbers = [0_u8; LANES];
    for (level, test) in tests.iter().enumerate() {
        let codes = &lanes[usize::from(test.code)];
        for (number, code) in numbers.iter_mut().zip(codes) {
            *number |= u8::from(*code > test.last) << level;
        }
    }
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum += f64::from(leaves[usize::from(number)]);
    }
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
        let laid = Trees::lay(3.0, 3, &trees).unwrap();
        // A stump of a number is symmetric; 500 sets are in one group, and another closes it.
        assert_eq!(laid.groups.len(), 1);
        let many: Vec<Tree> = trees.iter().chain(&trees).cloned().collect();
        let more = Trees::lay(3.0, 3, &many).unwrap();
        assert_eq!(more.groups.len(), 2);
        let mut values = Vec::new();
        for row in 0..150_u32 {
            let gap = |every: u32, value: u32| match row % every {
                0 => f32::NAN,
                _ => value as f32,
            };
            values.extend([gap(7, row * 3 % 256), gap(5, row % 60), gap(4, row % 80)]);
        }
        let batch = more.rows(&values);
        for (row, found) in values.chunks(3).zip(batch) {
            let said = |sum: f64, tree: &Tree| sum + f64::from(tree.value(row));
            assert_eq!(many.iter().fold(3.0, said), found, "{row:?}");
            assert_eq!(more.row(row).to_bits(), found.to_bits());
            assert_eq!(laid.row(row), trees.iter().fold(3.0, said), "{row:?}");
        }
        assert!(laid.row(&[1.0]).is_nan());
        assert!(Trees::lay(0.0, 40_000, &[]).is_err());
    }
}
