//! Trees laid out to be walked: their nodes carry what explaining and exporting need as well, and a
//! price would wait for memory.
//!
//! A row's values become codes once: how many of the thresholds that any tree has for a value it
//! reaches. Every test is then a comparison of bytes, the unknown included. Two layouts: a symmetric
//! tree of depth d is d tests and 2^d leaves, where the outcomes of the tests are the bits of the
//! leaf's number, for many rows side by side; any other tree is forks of 8 bytes. Values are added
//! in the order of the trees, in `f64`: the same bits one by one and in batches.

use super::coding::{Coding, Compare, codes, codings};
use super::tree::{Names, Split, Test, Tree};

/// Rows walked side by side.
const LANES: usize = 32;
/// Ways through free trees that take a step in turn.
const ABREAST: usize = 8;
/// Deepest symmetric tree laid out as bits: those of a byte.
const MOST_LEVELS: usize = 8;

/// The test of a level.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Level {
    column: u16,
    compare: Compare,
}

/// How a fork tests.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Number(Compare),
    /// By the number of a set of its tree's.
    Name(u16),
}

/// A split of a tree of any shape.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fork {
    column: u16,
    way: Way,
    /// Where left and right lead: a fork of the same tree, or below 0 a leaf, the first being −1.
    next: [i16; 2],
}

/// A tree's place in [`Trees`].
#[derive(Debug, Clone, Copy, PartialEq)]
enum Laid {
    /// Tests from `from` on and as many as there are levels, leaves from `leaves` on.
    Symmetric { from: u32, levels: u32, leaves: u32 },
    /// Forks from `from` on, leaves from `leaves` on.
    Free { from: Start, leaves: u32 },
}

/// Where a free tree begins.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Start {
    forks: u32,
    sets: u32,
    /// Whether it has any set: most trees are quicker without that question.
    named: bool,
}

/// Trees to be walked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trees {
    base: f64,
    /// By value of a row.
    codings: Vec<Coding>,
    order: Vec<Laid>,
    levels: Vec<Level>,
    forks: Vec<Fork>,
    /// Codes that go right.
    sets: Vec<Names>,
    leaves: Vec<f32>,
}

impl Trees {
    /// Lays trees over rows of `width` values out; what they say is added to `base`.
    ///
    /// # Errors
    /// When a tree has more nodes, or a value more thresholds, than are ever grown.
    pub(super) fn lay(base: f64, width: usize, grown: &[Tree]) -> Result<Trees, String> {
        let mut trees = Trees {
            base,
            codings: codings(width, grown)?,
            order: Vec::with_capacity(grown.len()),
            levels: Vec::new(),
            forks: Vec::new(),
            sets: Vec::new(),
            leaves: Vec::new(),
        };
        for tree in grown {
            let laid = match levels(tree) {
                Some(levels) => trees.lay_symmetric(tree, &levels),
                None => trees.lay_free(tree)?,
            };
            trees.order.push(laid);
        }
        Ok(trees)
    }

    fn lay_symmetric(&mut self, tree: &Tree, levels: &[Split]) -> Laid {
        let laid = Laid::Symmetric {
            from: self.levels.len() as u32,
            levels: levels.len() as u32,
            leaves: self.leaves.len() as u32,
        };
        for split in levels {
            if let Test::NotBelow(least) = split.test {
                let coding = &self.codings[usize::from(split.column)];
                self.levels.push(Level {
                    column: split.column,
                    compare: coding.compare(least, split.unknown_left),
                });
            }
        }
        for number in 0..1_usize << levels.len() {
            let mut node = &tree.nodes[0];
            for level in 0..levels.len() {
                let Some(split) = &node.split else { break };
                let right = number >> level & 1 == 1;
                let next = if right { split.right } else { split.left };
                node = &tree.nodes[next as usize];
            }
            self.leaves.push(node.value);
        }
        laid
    }

    fn lay_free(&mut self, tree: &Tree) -> Result<Laid, String> {
        let nodes = &tree.nodes;
        if nodes.len() > i16::MAX as usize {
            return Err(format!(
                "a tree of {} nodes, expected at most {}",
                nodes.len(),
                i16::MAX
            ));
        }
        let sets = self.sets.len();
        let from = Start {
            forks: self.forks.len() as u32,
            sets: sets as u32,
            named: nodes.iter().filter_map(|node| node.split).any(is_named),
        };
        let first_leaf = self.leaves.len() as u32;
        // Numbers of forks and of leaves, each in the order of the nodes.
        let (mut forks, mut leaves) = (0_i16, 0_i16);
        let numbers: Vec<i16> = nodes
            .iter()
            .map(|node| match node.split {
                None => {
                    leaves += 1;
                    -leaves
                }
                Some(_) => {
                    forks += 1;
                    forks - 1
                }
            })
            .collect();
        for node in nodes {
            let Some(split) = &node.split else {
                self.leaves.push(node.value);
                continue;
            };
            let way = match split.test {
                Test::NotBelow(least) => {
                    let coding = &self.codings[usize::from(split.column)];
                    Way::Number(coding.compare(least, split.unknown_left))
                }
                Test::Among(names) => {
                    self.sets.push(codes(&names));
                    // There are no more sets than nodes.
                    Way::Name((self.sets.len() - 1 - sets) as u16)
                }
            };
            self.forks.push(Fork {
                column: split.column,
                way,
                next: [split.left, split.right].map(|next| numbers[next as usize]),
            });
        }
        let leaves = first_leaf;
        Ok(Laid::Free { from, leaves })
    }

    /// Values a row must have.
    pub(super) fn width(&self) -> usize {
        self.codings.len()
    }

    /// The leaves of ways side by side, each a row's codes and where its tree begins: those that
    /// have arrived stay until all have. Where a way goes next is computed, not guessed, and none
    /// waits for another's memory.
    #[inline]
    fn walk<const NAMED: bool, const WAYS: usize>(
        &self,
        ways: [(&[u8], Start); WAYS],
    ) -> [usize; WAYS] {
        let mut at = [0_i16; WAYS];
        while at.iter().any(|at| *at >= 0) {
            for (at, (codes, from)) in at.iter_mut().zip(&ways) {
                let fork = &self.forks[from.forks as usize + (*at).max(0) as usize];
                let code = codes[usize::from(fork.column)];
                let right = match fork.way {
                    Way::Name(set) if NAMED => {
                        let set = &self.sets[from.sets as usize + usize::from(set)];
                        set[usize::from(code / 64)] >> (code % 64) & 1 == 1
                    }
                    Way::Number(compare) => compare.right(code),
                    Way::Name(_) => false,
                };
                let next = fork.next[usize::from(right)];
                *at = if *at < 0 { *at } else { next };
            }
        }
        at.map(|at| (-1 - i32::from(at)) as usize)
    }

    /// The value of one row; NaN for a row of another width.
    pub(super) fn row(&self, row: &[f32]) -> f64 {
        if row.len() != self.width() {
            return f64::NAN;
        }
        let pairs = self.codings.iter().zip(row);
        let codes: Vec<u8> = pairs.map(|(coding, value)| coding.code(*value)).collect();
        let mut sum = self.base;
        let mut abreast = self.order.chunks_exact(ABREAST);
        for trees in abreast.by_ref() {
            self.abreast(trees, &codes)
                .unwrap_or_else(|| std::array::from_fn(|tree| self.leaf(trees[tree], &codes)))
                .into_iter()
                .for_each(|leaf| sum += f64::from(self.leaves[leaf]));
        }
        for tree in abreast.remainder() {
            sum += f64::from(self.leaves[self.leaf(*tree, &codes)]);
        }
        sum
    }

    /// The leaves of a row in free trees, walked side by side; none where one is symmetric.
    fn abreast(&self, trees: &[Laid], codes: &[u8]) -> Option<[usize; ABREAST]> {
        let mut ways = [(codes, Start::default()); ABREAST];
        let mut first = [0; ABREAST];
        for (index, tree) in trees.iter().enumerate() {
            let Laid::Free { from, leaves } = tree else {
                return None;
            };
            (ways[index].1, first[index]) = (*from, *leaves as usize);
        }
        let mut leaves = match ways.iter().any(|(_, from)| from.named) {
            true => self.walk::<true, ABREAST>(ways),
            false => self.walk::<false, ABREAST>(ways),
        };
        leaves
            .iter_mut()
            .zip(first)
            .for_each(|(leaf, first)| *leaf += first);
        Some(leaves)
    }

    /// The leaf of a row in one tree.
    fn leaf(&self, tree: Laid, codes: &[u8]) -> usize {
        match tree {
            Laid::Free { from, leaves } => {
                let [leaf] = self.walk::<true, 1>([(codes, from)]);
                leaves as usize + leaf
            }
            Laid::Symmetric {
                from,
                levels,
                leaves,
            } => {
                let tests = &self.levels[from as usize..(from + levels) as usize];
                let mut number = 0;
                for (level, test) in tests.iter().enumerate() {
                    let right = test.compare.right(codes[usize::from(test.column)]);
                    number |= usize::from(right) << level;
                }
                leaves as usize + number
            }
        }
    }

    /// The values of rows, row-major; the same bits as one by one.
    pub(super) fn rows(&self, values: &[f32]) -> Vec<f64> {
        let width = self.width().max(1);
        let mut found = Vec::with_capacity(values.len() / width);
        let mut codes = vec![0_u8; width * LANES];
        // Lane by lane: the tests of a level read one value of all rows.
        let mut lanes = vec![[0_u8; LANES]; self.width()];
        for block in values.chunks(width * LANES) {
            for (lane, (row, codes)) in block
                .chunks_exact(width)
                .zip(codes.chunks_exact_mut(width))
                .enumerate()
            {
                for (column, coding) in self.codings.iter().enumerate() {
                    codes[column] = coding.code(row[column]);
                    lanes[column][lane] = codes[column];
                }
            }
            let mut sums = [self.base; LANES];
            let sums = &mut sums[..block.len() / width];
            for tree in &self.order {
                match *tree {
                    Laid::Free { from, leaves } => match from.named {
                        true => self.add_free::<true>(from, leaves, &codes, sums),
                        false => self.add_free::<false>(from, leaves, &codes, sums),
                    },
                    Laid::Symmetric {
                        from,
                        levels,
                        leaves,
                    } => {
                        let tests = &self.levels[from as usize..(from + levels) as usize];
                        let mut numbers = [0_u8; LANES];
                        for (level, test) in tests.iter().enumerate() {
                            let codes = &lanes[usize::from(test.column)];
                            for (number, code) in numbers.iter_mut().zip(codes) {
                                *number |= u8::from(test.compare.right(*code)) << level;
                            }
                        }
                        let leaves = &self.leaves[leaves as usize..][..1 << levels];
                        for (sum, number) in sums.iter_mut().zip(numbers) {
                            *sum += f64::from(leaves[usize::from(number)]);
                        }
                    }
                }
            }
            found.extend_from_slice(sums);
        }
        found
    }

    /// Adds what a free tree says of a block's rows to their sums.
    fn add_free<const NAMED: bool>(
        &self,
        from: Start,
        leaves: u32,
        codes: &[u8],
        sums: &mut [f64],
    ) {
        let leaves = &self.leaves[leaves as usize..];
        let width = self.width();
        for (sums, codes) in sums.chunks_mut(ABREAST).zip(codes.chunks(width * ABREAST)) {
            let last = sums.len() - 1;
            // Past the last row the last is walked again, and not counted.
            let ways: [(&[u8], Start); ABREAST] = std::array::from_fn(|lane| {
                let row = lane.min(last);
                (&codes[row * width..(row + 1) * width], from)
            });
            for (sum, leaf) in sums.iter_mut().zip(self.walk::<NAMED, ABREAST>(ways)) {
                *sum += f64::from(leaves[leaf]);
            }
        }
    }
}

fn is_named(split: Split) -> bool {
    matches!(split.test, Test::Among(_))
}

/// The tests of a symmetric tree, the root's first; `None` for any other.
fn levels(tree: &Tree) -> Option<Vec<Split>> {
    let mut levels: Vec<Split> = Vec::new();
    let mut level = vec![0_usize];
    while !level.is_empty() {
        let mut below = Vec::new();
        let mut own: Option<Split> = None;
        for split in level.iter().filter_map(|node| tree.nodes[*node].split) {
            let alike = |own: Split| {
                (own.column, own.test, own.unknown_left)
                    == (split.column, split.test, split.unknown_left)
            };
            if is_named(split) || own.is_some_and(|own| !alike(own)) {
                return None;
            }
            own = Some(split);
            below.extend([split.left as usize, split.right as usize]);
        }
        levels.extend(own);
        level = below;
        if levels.len() > MOST_LEVELS {
            return None;
        }
    }
    Some(levels)
}
