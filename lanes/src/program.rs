//! Trees as selections of bytes, over 64 rows at once.
//!
//! A row's values are codes of a byte, and a lane holds one code of 64 rows. A tree is computed from its
//! leaves upwards: each fork selects, row by row, the number of the leaf that its left or its right side
//! has found, so that no row waits for where another goes and none is led by a branch (Lucchese et al.
//! 2015, QuickScorer, also walk all forks of a tree, by bit vectors). A symmetric tree is a test a level,
//! whose outcomes are the bits of the leaf's number. Leaves are added in the order of the trees, in `f64`.

/// Rows walked side by side.
pub const ROWS: usize = 64;
/// Leaves of a tree at most: their numbers are bytes.
pub const MOST_LEAVES: usize = 256;
/// Levels of a symmetric tree at most.
pub const MOST_LEVELS: usize = 8;
/// Numbers of leaves, and what the forks of a tree find.
const SLOTS: usize = 2 * MOST_LEAVES;

/// One byte of 64 rows. Codes are kept with their highest bit turned, so that they compare as signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Lane(pub [i8; ROWS]);

impl Lane {
    /// All rows alike.
    pub const fn of(value: i8) -> Lane {
        Lane([value; ROWS])
    }
}

/// Right are codes greater than `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    /// Which lane of codes.
    pub lane: u16,
    /// The last code that goes left, its highest bit turned.
    pub last: i8,
}

/// A set of codes: the lane of its outcome is one of [`Program::free`]'s own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Set {
    /// Which lane of codes.
    pub lane: u16,
    /// By code, not turned: a bit each.
    pub members: [u8; 32],
}

/// A fork: where each side leads. Children below 256 are leaves by number, others are forks: 256 and more,
/// counted in the order of the tree's selections, which stand after those that they lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Select {
    /// What is asked. Lanes beyond those of codes are those of the tree's sets.
    pub test: Test,
    /// Where codes up to the last lead.
    pub left: u16,
    /// Where the others lead.
    pub right: u16,
}

/// A tree's place in a program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Tree {
    Free {
        /// Its first set, and how many.
        sets: (u32, u32),
        /// Its first selection, and how many.
        selects: (u32, u32),
        /// Its first leaf.
        leaves: u32,
    },
    Symmetric {
        /// Its first test, and how many.
        tests: (u32, u32),
        /// Its first leaf.
        leaves: u32,
    },
}

/// Trees over the same lanes of codes.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// Lanes of codes.
    pub(crate) lanes: usize,
    /// Sets of one tree at most.
    pub(crate) most_sets: usize,
    pub(crate) trees: Vec<Tree>,
    pub(crate) selects: Vec<Select>,
    pub(crate) sets: Vec<Set>,
    pub(crate) tests: Vec<Test>,
    /// Leaves of all trees, and a tree's greatest number more, so that any byte may be looked up.
    pub(crate) leaves: Vec<f32>,
}

/// What a walk needs besides codes; kept from block to block.
#[derive(Debug, Clone)]
pub struct Room {
    /// Numbers of leaves first, then what forks have found.
    pub(crate) slots: Box<[Lane; SLOTS]>,
}

impl Default for Room {
    fn default() -> Room {
        let slots = (0..SLOTS).map(|slot| Lane::of(slot as u8 as i8));
        let slots: Box<[Lane]> = slots.collect();
        Room {
            slots: slots.try_into().expect("as many were made"),
        }
    }
}

impl Program {
    /// No tree yet, over so many lanes of codes.
    pub fn new(lanes: usize) -> Program {
        Program {
            lanes,
            most_sets: 0,
            trees: Vec::new(),
            selects: Vec::new(),
            sets: Vec::new(),
            tests: Vec::new(),
            leaves: vec![0.0; MOST_LEAVES],
        }
    }

    /// Lanes that a walk takes: those of codes, and as many more as a tree has sets.
    pub fn lanes(&self) -> usize {
        self.lanes + self.most_sets
    }

    /// Adds a symmetric tree: tests from the lowest bit of a leaf's number on.
    ///
    /// # Errors
    /// When the tree is not one of 2^tests leaves, or asks for a lane that there is not.
    pub fn symmetric(&mut self, tests: &[Test], leaves: &[f32]) -> Result<(), String> {
        if tests.len() > MOST_LEVELS || leaves.len() != 1 << tests.len() {
            let (levels, found) = (tests.len(), leaves.len());
            return Err(format!(
                "a symmetric tree of {levels} levels and {found} leaves, expected at most \
                 {MOST_LEVELS} levels and a leaf for each way"
            ));
        }
        for test in tests {
            self.check(test.lane, 0)?;
        }
        let from = (self.tests.len() as u32, tests.len() as u32);
        self.tests.extend_from_slice(tests);
        let leaves = self.keep(leaves);
        self.trees.push(Tree::Symmetric {
            tests: from,
            leaves,
        });
        Ok(())
    }

    /// Adds any other tree; its root is the last selection.
    ///
    /// # Errors
    /// When a selection leads to what does not precede it, or a lane is requested that there is not.
    pub fn free(&mut self, sets: &[Set], selects: &[Select], leaves: &[f32]) -> Result<(), String> {
        if leaves.len() > MOST_LEAVES || selects.is_empty() || selects.len() > MOST_LEAVES {
            let (forks, found) = (selects.len(), leaves.len());
            return Err(format!(
                "a tree of {forks} forks and {found} leaves, expected at least a fork and at most \
                 {MOST_LEAVES} leaves"
            ));
        }
        for set in sets {
            self.check(set.lane, 0)?;
        }
        for (number, select) in selects.iter().enumerate() {
            self.check(select.test.lane, sets.len())?;
            for child in [select.left, select.right] {
                let child = usize::from(child);
                let known =
                    child < leaves.len() || (MOST_LEAVES..MOST_LEAVES + number).contains(&child);
                if !known {
                    return Err(format!(
                        "fork {number} leads to {child}, which is not known"
                    ));
                }
            }
        }
        self.most_sets = self.most_sets.max(sets.len());
        let own_sets = (self.sets.len() as u32, sets.len() as u32);
        let own_selects = (self.selects.len() as u32, selects.len() as u32);
        self.sets.extend_from_slice(sets);
        self.selects.extend_from_slice(selects);
        let leaves = self.keep(leaves);
        self.trees.push(Tree::Free {
            sets: own_sets,
            selects: own_selects,
            leaves,
        });
        Ok(())
    }

    fn check(&self, lane: u16, more: usize) -> Result<(), String> {
        match usize::from(lane) < self.lanes + more {
            true => Ok(()),
            false => Err(format!(
                "lane {lane}, expected one below {}",
                self.lanes + more
            )),
        }
    }

    fn keep(&mut self, leaves: &[f32]) -> u32 {
        let from = self.leaves.len() - MOST_LEAVES;
        self.leaves.truncate(from);
        self.leaves.extend_from_slice(leaves);
        self.leaves.resize(from + leaves.len() + MOST_LEAVES, 0.0);
        from as u32
    }

    /// [`Program::add`] in plain Rust.
    pub(crate) fn add_portable(&self, lanes: &mut [Lane], room: &mut Room, sums: &mut [f64; ROWS]) {
        for tree in &self.trees {
            let (number, leaves) = match *tree {
                Tree::Free {
                    sets,
                    selects,
                    leaves,
                } => {
                    for (place, set) in (self.lanes..).zip(part(&self.sets, sets)) {
                        let codes = lanes[usize::from(set.lane)];
                        for (found, code) in lanes[place].0.iter_mut().zip(codes.0) {
                            let code = code as u8 ^ 0x80;
                            let is_in = set.members[usize::from(code / 8)] >> (code % 8) & 1 == 1;
                            *found = if is_in { i8::MAX } else { i8::MIN };
                        }
                    }
                    let selects = part(&self.selects, selects);
                    for (number, select) in selects.iter().enumerate() {
                        let codes = &lanes[usize::from(select.test.lane)];
                        let left = room.slots[usize::from(select.left)];
                        let right = room.slots[usize::from(select.right)];
                        let found = &mut room.slots[MOST_LEAVES + number];
                        for row in 0..ROWS {
                            let goes_right = codes.0[row] > select.test.last;
                            found.0[row] = if goes_right {
                                right.0[row]
                            } else {
                                left.0[row]
                            };
                        }
                    }
                    (room.slots[MOST_LEAVES + selects.len() - 1], leaves)
                }
                Tree::Symmetric { tests, leaves } => {
                    let mut number = Lane::of(0);
                    for (level, test) in part(&self.tests, tests).iter().enumerate() {
                        let codes = &lanes[usize::from(test.lane)].0;
                        for (number, code) in number.0.iter_mut().zip(codes) {
                            *number |= (u8::from(*code > test.last) << level) as i8;
                        }
                    }
                    (number, leaves)
                }
            };
            add_leaves(&number, self.window(leaves), sums);
        }
    }

    /// The leaves that any byte may ask for, from a tree's first on.
    #[inline(always)]
    pub(crate) fn window(&self, from: u32) -> &[f32; MOST_LEAVES] {
        let from = from as usize;
        self.leaves[from..from + MOST_LEAVES]
            .try_into()
            .expect("a window has as many leaves")
    }
}

/// A range of a program's parts.
#[inline(always)]
pub(crate) fn part<T>(all: &[T], (from, count): (u32, u32)) -> &[T] {
    &all[from as usize..(from + count) as usize]
}

/// Looks leaves up by number and adds them.
#[inline(always)]
pub(crate) fn add_leaves(number: &Lane, leaves: &[f32; MOST_LEAVES], sums: &mut [f64; ROWS]) {
    for (sum, number) in sums.iter_mut().zip(&number.0) {
        *sum += f64::from(leaves[usize::from(*number as u8)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look drawn, always the same.
    struct Drawn(u64);

    impl Drawn {
        fn below(&mut self, count: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            ((self.0 >> 33) as usize) % count
        }
    }

    const CODES: usize = 9;

    /// A tree of so many leaves, grown by splitting a leaf that is drawn; forks before what they lead to
    /// are turned round at the end.
    fn grow(program: &mut Program, drawn: &mut Drawn, leaves: usize) {
        let mut children: Vec<[usize; 2]> = Vec::new();
        // By open end: which fork and side leads to it.
        let mut ends: Vec<Option<(usize, usize)>> = vec![None];
        while ends.len() < leaves {
            let end = ends.swap_remove(drawn.below(ends.len()));
            let node = children.len();
            if let Some((fork, side)) = end {
                children[fork][side] = MOST_LEAVES + node;
            }
            children.push([0, 0]);
            ends.extend([Some((node, 0)), Some((node, 1))]);
        }
        for (leaf, end) in ends.iter().enumerate() {
            if let Some((fork, side)) = end {
                children[*fork][*side] = leaf;
            }
        }
        let count = children.len();
        let turned = |child: usize| match child < MOST_LEAVES {
            true => child as u16,
            false => (MOST_LEAVES + count - 1 - (child - MOST_LEAVES)) as u16,
        };
        let sets: Vec<Set> = (0..drawn.below(4))
            .map(|_| Set {
                lane: drawn.below(CODES) as u16,
                members: std::array::from_fn(|_| drawn.below(256) as u8),
            })
            .collect();
        let selects: Vec<Select> = children
            .iter()
            .rev()
            .map(|[left, right]| {
                let lane = drawn.below(CODES + sets.len());
                let last = if lane < CODES {
                    drawn.below(256) as u8 as i8
                } else {
                    i8::MIN
                };
                Select {
                    test: Test {
                        lane: lane as u16,
                        last,
                    },
                    left: turned(*left),
                    right: turned(*right),
                }
            })
            .collect();
        let values: Vec<f32> = (0..leaves)
            .map(|_| drawn.below(2001) as f32 / 7.0)
            .collect();
        program.free(&sets, &selects, &values).unwrap();
    }

    #[test]
    fn every_way_of_walking_gives_the_same_bits() {
        let mut drawn = Drawn(3);
        let mut program = Program::new(CODES);
        for leaves in [2, 3, 48, 200, 256] {
            grow(&mut program, &mut drawn, leaves);
        }
        for levels in [0, 1, 7, 8] {
            let tests: Vec<Test> = (0..levels)
                .map(|_| Test {
                    lane: drawn.below(CODES) as u16,
                    last: drawn.below(256) as u8 as i8,
                })
                .collect();
            let leaves: Vec<f32> = (0..1 << levels)
                .map(|_| drawn.below(999) as f32 / 3.0)
                .collect();
            program.symmetric(&tests, &leaves).unwrap();
        }
        let mut room = Room::default();
        for _ in 0..20 {
            let mut codes: Vec<Lane> = (0..program.lanes())
                .map(|_| Lane(std::array::from_fn(|_| drawn.below(256) as u8 as i8)))
                .collect();
            let (mut here, mut plain) = ([0.5; ROWS], [0.5; ROWS]);
            program.add(&mut codes, &mut room, &mut here);
            program.add_portable(&mut codes, &mut Room::default(), &mut plain);
            let expected: [f64; ROWS] =
                std::array::from_fn(|row| walked(&program, &codes[..CODES], row));
            assert_eq!(here, expected);
            assert_eq!(plain, expected);
        }
    }

    /// One row, fork by fork from the root down.
    fn walked(program: &Program, codes: &[Lane], row: usize) -> f64 {
        let right = |test: Test, sets: &[Set]| match codes.get(usize::from(test.lane)) {
            Some(lane) => lane.0[row] > test.last,
            None => {
                let set = &sets[usize::from(test.lane) - CODES];
                let code = codes[usize::from(set.lane)].0[row] as u8 ^ 0x80;
                set.members[usize::from(code) / 8] >> (code % 8) & 1 == 1
            }
        };
        program.trees.iter().fold(0.5, |sum, tree| {
            let (leaf, from) = match *tree {
                Tree::Free {
                    sets,
                    selects,
                    leaves,
                } => {
                    let (sets, selects) =
                        (part(&program.sets, sets), part(&program.selects, selects));
                    let mut at = MOST_LEAVES + selects.len() - 1;
                    while let Some(fork) = at.checked_sub(MOST_LEAVES) {
                        let fork = selects[fork];
                        let next = if right(fork.test, sets) {
                            fork.right
                        } else {
                            fork.left
                        };
                        at = usize::from(next);
                    }
                    (at, leaves)
                }
                Tree::Symmetric { tests, leaves } => {
                    let tests = part(&program.tests, tests).iter().enumerate();
                    let bits = tests.map(|(level, test)| usize::from(right(*test, &[])) << level);
                    (bits.sum(), leaves)
                }
            };
            sum + f64::from(program.leaves[from as usize + leaf])
        })
    }

    #[test]
    fn what_cannot_be_walked_is_refused() {
        let mut program = Program::new(1);
        let test = Test { lane: 0, last: 0 };
        let select = |test, left, right| Select { test, left, right };
        assert!(
            program
                .free(&[], &[select(test, 0, 1)], &[1.0, 2.0])
                .is_ok()
        );
        assert!(program.free(&[], &[], &[1.0]).is_err(), "no fork");
        assert!(
            program
                .free(&[], &[select(test, 0, 2)], &[1.0, 2.0])
                .is_err(),
            "no such leaf"
        );
        assert!(
            program.free(&[], &[select(test, 0, 256)], &[1.0]).is_err(),
            "leads to itself"
        );
        let other = Test { lane: 1, last: 0 };
        assert!(
            program
                .free(&[], &[select(other, 0, 1)], &[1.0, 2.0])
                .is_err(),
            "no such lane"
        );
        assert!(
            program.symmetric(&[other], &[1.0, 2.0]).is_err(),
            "no such lane"
        );
        assert!(
            program.symmetric(&[test], &[1.0]).is_err(),
            "a leaf too few"
        );
        assert!(
            program
                .free(&[], &[select(test, 0, 1)], &[0.0; 257])
                .is_err(),
            "too many leaves"
        );
    }
}
