//! Trees laid out to be walked: their nodes carry what explaining and exporting need as well, and a
//! price would wait for memory.
//!
//! A row's values become codes once: how many of the thresholds that any tree has for a value it
//! reaches. Every code stands twice, the second time one less, where what is not known is the
//! greatest: so a test is a comparison of bytes, the unknown included. Two layouts: a symmetric
//! tree of depth d is d tests and 2^d leaves, where the outcomes of the tests are the bits of the
//! leaf's number, for many rows side by side; any other tree is words of 8 bytes where right stands next
//! to left, a leaf being one that leads to itself, so that many ways take as many steps as the deepest leaf needs and none
//! asks whether it has arrived. Sets of names become codes of their own, 1 for a name in the set.
//! Values are added in the order of the trees, in `f64`: the same bits one by one and in batches.

use super::bins::BINS;
use super::coding::{Coding, codes, codings};
use super::tree::{Names, Split, Test, Tree};

/// Rows walked side by side.
const LANES: usize = 64;
/// Ways through free trees that take a step in turn.
const ABREAST: usize = 8;
/// Deepest symmetric tree laid out as bits: those of a byte.
const MOST_LEVELS: usize = 8;
/// Sets of names whose codes stand in a row at once, about: a block of rows is to stay in a core's
/// cache.
const MANY_SETS: usize = 512;

/// The test of a level, and of a fork: right are codes greater than `last`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Level {
    /// Which code of a row.
    code: u16,
    last: u8,
}

/// A fork or a leaf of a free tree in one word, read at once: from the lowest bits on which code of
/// a row is tested (16), the last that goes left (16), and where left leads (16): a number of a word
/// of the tree; right leads to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fork(u64);

impl Fork {
    fn new(test: Level, left: u16) -> Fork {
        Fork(u64::from(test.code) | u64::from(test.last) << 16 | u64::from(left) << 32)
    }

    /// One that leads to itself: no code is greater than the greatest.
    fn leaf(number: u16) -> Fork {
        Fork::new(
            Level {
                code: 0,
                last: u8::MAX,
            },
            number,
        )
    }

    /// Where a row of these codes goes; computed, not guessed.
    #[inline(always)]
    fn next(self, codes: &[u8]) -> u16 {
        let code = codes[usize::from(self.0 as u16)];
        (self.0 >> 32) as u16 + u16::from(code > (self.0 >> 16) as u8)
    }
}

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

/// What trees of a group ask for, while they are laid out.
#[derive(Default)]
struct Asked {
    /// Value of a row and codes that go right.
    sets: Vec<(usize, Names)>,
    /// Forks of those sets, by their place in `Trees::forks`.
    forks: Vec<(usize, usize)>,
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
            groups: Vec::new(),
            levels: Vec::new(),
            forks: Vec::new(),
            leaves: Vec::new(),
            width: 2 * width,
        };
        let (mut order, mut asked) = (Vec::new(), Asked::default());
        for tree in grown {
            let laid = match levels(tree) {
                Some(levels) => trees.lay_symmetric(tree, &levels),
                None => Laid::Free(trees.lay_free(tree, &mut asked)?),
            };
            order.push(laid);
            if asked.sets.len() >= MANY_SETS {
                trees.close(std::mem::take(&mut order), std::mem::take(&mut asked))?;
            }
        }
        trees.close(order, asked)?;
        Ok(trees)
    }

    /// Gives the sets of a group their codes.
    fn close(&mut self, order: Vec<Laid>, asked: Asked) -> Result<(), String> {
        let mut by_value: Vec<usize> = (0..asked.sets.len()).collect();
        by_value.sort_by_key(|set| asked.sets[*set].0);
        let first = 2 * self.codings.len();
        let most = first + by_value.len();
        if most > usize::from(u16::MAX) {
            return Err(format!("{most} codes a row, expected at most {}", u16::MAX));
        }
        let mut places = vec![0_u16; by_value.len()];
        for (place, set) in by_value.iter().enumerate() {
            places[*set] = (first + place) as u16;
        }
        let runs = by_value.chunk_by(|one, other| asked.sets[*one].0 == asked.sets[*other].0);
        let sets = runs.map(|run| Sets {
            value: asked.sets[run[0]].0,
            count: run.len(),
            members: (0..BINS)
                .flat_map(|code| run.iter().map(move |set| (code, *set)))
                .map(|(code, set)| (asked.sets[set].1[code / 64] >> (code % 64) & 1) as u8)
                .collect(),
        });
        let sets = sets.collect();
        for (fork, set) in asked.forks {
            self.forks[fork].0 |= u64::from(places[set]);
        }
        self.width = self.width.max(most);
        self.groups.push(Group { order, sets });
        Ok(())
    }

    fn lay_symmetric(&mut self, tree: &Tree, levels: &[Split]) -> Laid {
        let laid = Laid::Symmetric {
            from: self.levels.len() as u32,
            levels: levels.len() as u32,
            leaves: self.leaves.len() as u32,
        };
        for split in levels {
            if let Test::NotBelow(least) = split.test {
                self.levels.push(self.test(split, least));
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

    /// The test of a split at a threshold.
    fn test(&self, split: &Split, least: f32) -> Level {
        let column = usize::from(split.column);
        let (last, shift) = self.codings[column].compare(least, split.unknown_left);
        Level {
            code: (2 * column + usize::from(shift)) as u16,
            last,
        }
    }

    fn lay_free(&mut self, tree: &Tree, asked: &mut Asked) -> Result<Free, String> {
        let nodes = &tree.nodes;
        let (count, width) = (nodes.len(), 2 * self.codings.len());
        if count > usize::from(u16::MAX) || width > usize::from(u16::MAX) {
            return Err(format!(
                "a tree of {count} nodes over {width} codes, expected at most {} of each",
                u16::MAX
            ));
        }
        let laid = Free {
            from: self.forks.len() as u32,
            words: count as u16,
            depth: depth(tree) as u16,
            values: self.leaves.len() as u32,
        };
        let (mut order, mut number) = (vec![0_usize], 0);
        while let Some(node) = order.get(number).map(|node| &nodes[*node]) {
            self.leaves.push(node.value);
            let fork = match &node.split {
                None => Fork::leaf(number as u16),
                Some(split) => {
                    let test = match split.test {
                        Test::NotBelow(least) => self.test(split, least),
                        Test::Among(names) => {
                            asked.forks.push((self.forks.len(), asked.sets.len()));
                            asked.sets.push((usize::from(split.column), codes(&names)));
                            // Which code is known when the group is closed.
                            Level { code: 0, last: 0 }
                        }
                    };
                    order.extend([split.left as usize, split.right as usize]);
                    Fork::new(test, (order.len() - 2) as u16)
                }
            };
            self.forks.push(fork);
            number += 1;
        }
        Ok(laid)
    }

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

/// Steps from the root to the deepest leaf.
fn depth(tree: &Tree) -> usize {
    let mut deepest = 0;
    let mut depths = vec![0; tree.nodes.len()];
    // Children stand after their parents.
    for (number, node) in tree.nodes.iter().enumerate() {
        deepest = deepest.max(depths[number]);
        if let Some(split) = &node.split {
            depths[split.left as usize] = depths[number] + 1;
            depths[split.right as usize] = depths[number] + 1;
        }
    }
    deepest
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
