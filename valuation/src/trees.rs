//! Fitted trees laid out to be walked: `hessboost`'s nodes carry what growing and explaining need,
//! 48 bytes each, and a price would wait for memory.
//!
//! Two layouts. A symmetric tree of depth d is d tests and 2^d leaves: the outcomes of the tests
//! are the bits of the leaf's number, for many rows side by side. Any other tree is nodes of 12
//! bytes. Values are added in the order of the trees, in `f64`: the same bits one by one and in
//! batches.

use hessboost::model::BoostedModel;
use hessboost::tree::RegTree;

/// Rows walked side by side.
const LANES: usize = 32;
/// Rows that take a step of a free tree in turn.
const ABREAST: usize = 8;
/// Deepest symmetric tree laid out as bits.
const MOST_LEVELS: usize = 10;
/// A category set: names are numbers below 256.
type Set = [u64; 4];

/// A test: below the threshold goes left.
#[derive(Debug, Clone, Copy)]
struct Test {
    threshold: f32,
    feature: u16,
    /// Where a value that is not known goes.
    unknown_left: bool,
}

impl Test {
    /// 1 for right; without a branch, which a processor would guess wrong half the time.
    #[inline]
    fn right(&self, value: f32) -> u32 {
        u32::from((value >= self.threshold) | (value.is_nan() & !self.unknown_left))
    }
}

/// A node of a tree of any shape.
#[derive(Debug, Clone, Copy)]
struct Split {
    /// A threshold, or which set of names goes left.
    test: f32,
    feature: u16,
    /// 1: a value that is not known goes left; 2: the test is a set.
    flags: u16,
    /// Where right and left lead: a node of the same tree, or below 0 a leaf, the first being −1.
    next: [i16; 2],
}

#[derive(Debug, Clone)]
enum Laid {
    /// Tests from `tests` on and as many levels, leaves from `leaves` on.
    Symmetric {
        tests: u32,
        levels: u32,
        leaves: u32,
    },
    /// Nodes from `splits` on, leaves from `leaves` on.
    Free {
        splits: u32,
        leaves: u32,
        /// Whether any test is a set: most trees are quicker without that question.
        named: bool,
    },
}

/// Trees to be walked.
#[derive(Debug, Clone)]
pub(crate) struct Trees {
    base: f64,
    width: usize,
    order: Vec<Laid>,
    tests: Vec<Test>,
    splits: Vec<Split>,
    sets: Vec<Set>,
    leaves: Vec<f32>,
}

impl Trees {
    /// Lays the trees of a model out.
    ///
    /// # Errors
    /// When a tree is of a shape that is never grown here.
    pub(crate) fn lay(model: &BoostedModel) -> Result<Trees, String> {
        let mut trees = Trees {
            base: f64::from(model.base_score()),
            width: model.n_features(),
            order: Vec::with_capacity(model.num_trees()),
            tests: Vec::new(),
            splits: Vec::new(),
            sets: Vec::new(),
            leaves: Vec::new(),
        };
        if trees.width > usize::from(u16::MAX) {
            return Err(format!(
                "{} values a row, expected at most 65535",
                trees.width
            ));
        }
        for tree in model.trees() {
            if tree.is_vector_leaf() || tree.linear_leaves().is_some() {
                return Err("a leaf is no single number".to_owned());
            }
            let laid = match levels(tree) {
                Some(tests) => trees.lay_symmetric(tree, &tests),
                None => trees.lay_free(tree)?,
            };
            trees.order.push(laid);
        }
        Ok(trees)
    }

    fn lay_symmetric(&mut self, tree: &RegTree, tests: &[Test]) -> Laid {
        let laid = Laid::Symmetric {
            tests: self.tests.len() as u32,
            levels: tests.len() as u32,
            leaves: self.leaves.len() as u32,
        };
        self.tests.extend_from_slice(tests);
        let nodes = tree.nodes();
        for number in 0..1_usize << tests.len() {
            let mut at = 0;
            for level in 0..tests.len() {
                if nodes[at].is_leaf() {
                    break;
                }
                let right = number >> level & 1 == 1;
                at = if right {
                    nodes[at].right
                } else {
                    nodes[at].left
                } as usize;
            }
            self.leaves.push(nodes[at].leaf_value);
        }
        laid
    }

    fn lay_free(&mut self, tree: &RegTree) -> Result<Laid, String> {
        let laid = Laid::Free {
            splits: self.splits.len() as u32,
            leaves: self.leaves.len() as u32,
            named: tree.has_categorical_splits(),
        };
        let nodes = tree.nodes();
        if nodes.len() > i16::MAX as usize {
            return Err(format!(
                "a tree of {} nodes, expected at most 32767",
                nodes.len()
            ));
        }
        // Numbers of splits and of leaves, each in the order of the nodes.
        let (mut splits, mut leaves) = (0_i16, 0_i16);
        let numbers: Vec<i16> = nodes
            .iter()
            .map(|node| match node.is_leaf() {
                true => {
                    leaves += 1;
                    -leaves
                }
                false => {
                    splits += 1;
                    splits - 1
                }
            })
            .collect();
        for (id, node) in nodes.iter().enumerate() {
            if node.is_leaf() {
                self.leaves.push(node.leaf_value);
                continue;
            }
            let test = match node.is_categorical {
                false => node.split_cond,
                true => {
                    let mut set: Set = [0; 4];
                    for name in tree.split_categories(id) {
                        let word = set.get_mut(*name as usize / 64);
                        let word =
                            word.ok_or_else(|| format!("name {name}, expected below 256"))?;
                        *word |= 1 << (name % 64);
                    }
                    self.sets.push(set);
                    // Exact: there are far fewer sets than 2^24.
                    (self.sets.len() - 1) as f32
                }
            };
            self.splits.push(Split {
                test,
                feature: node.split_feature as u16,
                flags: u16::from(node.default_left) | u16::from(node.is_categorical) << 1,
                next: [numbers[node.right as usize], numbers[node.left as usize]],
            });
        }
        if splits == 0 {
            // A lone leaf is a symmetric tree without levels.
            return Ok(Laid::Symmetric {
                tests: self.tests.len() as u32,
                levels: 0,
                leaves: self.leaves.len() as u32 - 1,
            });
        }
        Ok(laid)
    }

    /// Values a row must have.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Whether a row goes left at a node.
    #[inline]
    fn left<const NAMED: bool>(&self, split: &Split, row: &[f32]) -> bool {
        let value = row[usize::from(split.feature)];
        let unknown = value.is_nan() & (split.flags & 1 == 1);
        if NAMED && split.flags & 2 == 2 {
            let name = value as usize;
            let word = self.sets[split.test as usize].get(name / 64).copied();
            return unknown | (!value.is_nan() & (word.unwrap_or(0) >> (name % 64) & 1 == 1));
        }
        (value < split.test) | unknown
    }

    /// The leaves of rows side by side: those that have arrived stay until all have. Where a row
    /// goes next is computed, not guessed, and no row waits for another's memory.
    #[inline]
    fn walk<const NAMED: bool, const ROWS: usize>(
        &self,
        splits: u32,
        rows: [&[f32]; ROWS],
    ) -> [usize; ROWS] {
        let splits = &self.splits[splits as usize..];
        let mut at = [0_i16; ROWS];
        while at.iter().any(|at| *at >= 0) {
            for (at, row) in at.iter_mut().zip(&rows) {
                let split = &splits[(*at).max(0) as usize];
                let next = split.next[usize::from(self.left::<NAMED>(split, row))];
                *at = if *at < 0 { *at } else { next };
            }
        }
        at.map(|at| (-1 - i32::from(at)) as usize)
    }

    /// The value of one row.
    pub(crate) fn row(&self, row: &[f32]) -> f64 {
        if row.len() != self.width {
            return f64::NAN;
        }
        let mut sum = self.base;
        for laid in &self.order {
            let value = match *laid {
                Laid::Free {
                    splits,
                    leaves,
                    named,
                } => {
                    let [leaf] = match named {
                        true => self.walk::<true, 1>(splits, [row]),
                        false => self.walk::<false, 1>(splits, [row]),
                    };
                    self.leaves[leaves as usize + leaf]
                }
                Laid::Symmetric {
                    tests,
                    levels,
                    leaves,
                } => {
                    let tests = &self.tests[tests as usize..(tests + levels) as usize];
                    let mut number = 0;
                    for (level, test) in tests.iter().enumerate() {
                        number |= test.right(row[usize::from(test.feature)]) << level;
                    }
                    self.leaves[(leaves + number) as usize]
                }
            };
            sum += f64::from(value);
        }
        sum
    }

    /// The values of rows, row-major; the same bits as one by one.
    pub(crate) fn rows(&self, values: &[f32]) -> Vec<f64> {
        let mut found = Vec::with_capacity(values.len() / self.width.max(1));
        // Lane by lane: the tests of a level read one value of all rows.
        let mut lanes = vec![[0.0_f32; LANES]; self.width];
        for block in values.chunks(self.width.max(1) * LANES) {
            let rows = block.len() / self.width.max(1);
            for (lane, row) in block.chunks_exact(self.width.max(1)).enumerate() {
                for (value, lanes) in row.iter().zip(&mut lanes) {
                    lanes[lane] = *value;
                }
            }
            let mut sums = [self.base; LANES];
            for laid in &self.order {
                match *laid {
                    Laid::Free {
                        splits,
                        leaves,
                        named,
                    } => {
                        for first in (0..rows).step_by(ABREAST) {
                            // Past the last row the last is walked again, and not counted.
                            let own: [&[f32]; ABREAST] = std::array::from_fn(|lane| {
                                let row = (first + lane).min(rows - 1);
                                &block[row * self.width..(row + 1) * self.width]
                            });
                            let found = match named {
                                true => self.walk::<true, ABREAST>(splits, own),
                                false => self.walk::<false, ABREAST>(splits, own),
                            };
                            for (sum, leaf) in sums[first..].iter_mut().zip(found) {
                                *sum += f64::from(self.leaves[leaves as usize + leaf]);
                            }
                        }
                    }
                    Laid::Symmetric {
                        tests,
                        levels,
                        leaves,
                    } => {
                        let tests = &self.tests[tests as usize..(tests + levels) as usize];
                        let mut numbers = [0_u32; LANES];
                        for (level, test) in tests.iter().enumerate() {
                            let values = &lanes[usize::from(test.feature)];
                            for (number, value) in numbers.iter_mut().zip(values) {
                                *number |= test.right(*value) << level;
                            }
                        }
                        let leaves = &self.leaves[leaves as usize..][..1 << levels];
                        for (sum, number) in sums.iter_mut().zip(numbers) {
                            *sum += f64::from(leaves[number as usize]);
                        }
                    }
                }
            }
            found.extend_from_slice(&sums[..rows]);
        }
        found
    }
}

/// The tests of a symmetric tree, the root's first; `None` for any other.
fn levels(tree: &RegTree) -> Option<Vec<Test>> {
    if tree.has_categorical_splits() || tree.depth() > MOST_LEVELS {
        return None;
    }
    let nodes = tree.nodes();
    let mut tests: Vec<Test> = Vec::new();
    let mut level = vec![0_usize];
    while !level.is_empty() {
        let mut below = Vec::new();
        let mut own: Option<Test> = None;
        for node in level
            .iter()
            .map(|at| &nodes[*at])
            .filter(|node| !node.is_leaf())
        {
            let test = Test {
                threshold: node.split_cond,
                feature: node.split_feature as u16,
                unknown_left: node.default_left,
            };
            let same = own.is_none_or(|own| {
                own.threshold == test.threshold
                    && own.feature == test.feature
                    && own.unknown_left == test.unknown_left
            });
            if !same {
                return None;
            }
            own = Some(test);
            below.extend([node.left as usize, node.right as usize]);
        }
        tests.extend(own);
        level = below;
    }
    Some(tests)
}
