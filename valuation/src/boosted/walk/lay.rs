//! Laying trees out.

use std::sync::Arc;

use lanes::{Program, Select, Set, Test as LaneTest};

use super::super::bins::BINS;
use super::super::coding::{Codings, Compared, codes};
use super::super::error::TreeError;
use super::super::tree::{Names, Split, Test, Tree, symmetric_levels};
use super::fork::{Fork, SHORT_WORDS, Short};
use super::lines::Lines;
use super::{Free, Group, Laid, Sets, Trees};

/// Sets of names whose codes are in a row at once, about: a block of rows is to stay in a core's
/// cache.
const MANY_SETS: usize = 512;

/// What trees of a group ask for, while they are laid out.
#[derive(Default)]
struct Asked {
    /// Which code of a row, and codes that go right.
    sets: Vec<(u16, Names)>,
    /// Forks of those sets, by their place in `Trees::forks`.
    forks: Vec<(usize, usize)>,
}

impl Trees {
    /// Lays trees out over rows of these codings, which are those of the trees or of more; what they say
    /// is added to `base`.
    ///
    /// # Errors
    /// When a tree has more nodes than are ever grown.
    pub(in crate::boosted) fn lay(
        base: f64,
        codings: Arc<Codings>,
        trees: &[Tree],
    ) -> Result<Trees, TreeError> {
        let mut laid_trees = Trees {
            base,
            width: codings.codes(),
            groups: Vec::new(),
            levels: Vec::new(),
            forks: Vec::new(),
            short: Vec::new(),
            leaves: Vec::new(),
            lines: None,
            program: program(&codings, trees),
            codings,
        };
        let (mut order, mut asked) = (Vec::new(), Asked::default());
        for tree in trees {
            let laid = match symmetric_levels(tree) {
                Some(levels) => laid_trees.lay_symmetric(tree, &levels),
                None => Laid::Free(laid_trees.lay_free(tree, &mut asked)?),
            };
            order.push(laid);
            if asked.sets.len() >= MANY_SETS {
                laid_trees.close(std::mem::take(&mut order), std::mem::take(&mut asked))?;
            }
        }
        laid_trees.close(order, asked)?;
        laid_trees.lines = laid_trees.lines();
        let short: Option<Vec<Short>> = laid_trees.forks.iter().copied().map(Short::of).collect();
        if let Some(mut short) = short {
            short.resize(short.len() + SHORT_WORDS, Short::default());
            laid_trees.short = short;
        }
        Ok(laid_trees)
    }

    /// The lines of an ensemble whose trees are all symmetric.
    fn lines(&self) -> Option<Lines> {
        let laid = self.groups.iter().flat_map(|group| &group.order);
        let symmetric: Option<Vec<(&[Compared], u32)>> = laid
            .map(|tree| match *tree {
                Laid::Free(_) => None,
                Laid::Symmetric {
                    from,
                    levels,
                    leaves,
                } => Some((
                    &self.levels[from as usize..(from + levels) as usize],
                    leaves,
                )),
            })
            .collect();
        Lines::lay(&self.codings, &symmetric?)
    }

    /// Gives the sets of a group their codes.
    fn close(&mut self, order: Vec<Laid>, asked: Asked) -> Result<(), TreeError> {
        let mut by_value: Vec<usize> = (0..asked.sets.len()).collect();
        by_value.sort_by_key(|set| asked.sets[*set].0);
        let first = self.codings.codes();
        let most = first + by_value.len();
        if most > usize::from(u16::MAX) {
            return Err(TreeError::Codes {
                found: most,
                most: usize::from(u16::MAX),
            });
        }
        let mut places = vec![0_u16; by_value.len()];
        for (place, set) in by_value.iter().enumerate() {
            places[*set] = (first + place) as u16;
        }
        let runs = by_value.chunk_by(|one, other| asked.sets[*one].0 == asked.sets[*other].0);
        let sets = runs.map(|run| Sets {
            code: usize::from(asked.sets[run[0]].0),
            count: run.len(),
            members: (0..BINS)
                .flat_map(|code| run.iter().map(move |set| (code, *set)))
                .map(|(code, set)| (asked.sets[set].1[code / 64] >> (code % 64) & 1) as u8)
                .collect(),
        });
        let sets = sets.collect();
        for (fork, set) in asked.forks {
            self.forks[fork].test(places[set]);
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
        self.levels.extend(compared(&self.codings, levels));
        self.leaves.extend(symmetric_leaves(tree, levels.len()));
        laid
    }

    fn lay_free(&mut self, tree: &Tree, asked: &mut Asked) -> Result<Free, TreeError> {
        let nodes = &tree.nodes;
        let count = nodes.len();
        if count > usize::from(u16::MAX) {
            return Err(TreeError::Content(format!(
                "a tree of {count} nodes, expected at most {}",
                u16::MAX
            )));
        }
        let laid = Free {
            from: self.forks.len() as u32,
            words: count as u16,
            depth: tree.depth() as u16,
            values: self.leaves.len() as u32,
        };
        let (mut order, mut number) = (vec![0_usize], 0);
        while let Some(node) = order.get(number).map(|node| &nodes[*node]) {
            self.leaves.push(node.value);
            let fork = match &node.split {
                None => Fork::leaf(number as u16),
                Some(split) => {
                    let test = match split.test {
                        Test::NotBelow(least) => {
                            let unknown_left = split.unknown_left;
                            self.codings.compare(split.column, least, unknown_left)
                        }
                        Test::Among(names) => {
                            asked.forks.push((self.forks.len(), asked.sets.len()));
                            let code = self.codings.name(split.column);
                            asked.sets.push((code, codes(&names)));
                            // Which code is known when the group is closed.
                            Compared { code: 0, last: 0 }
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
}

/// The trees as selections of bytes; none where a tree has too many leaves for that.
fn program(codings: &Codings, trees: &[Tree]) -> Option<Program> {
    let mut program = Program::new(codings.codes());
    for tree in trees {
        let laid = match symmetric_levels(tree) {
            Some(levels) => {
                let tests: Vec<LaneTest> = compared(codings, &levels).map(lane_test).collect();
                program
                    .symmetric(&tests, &symmetric_leaves(tree, levels.len()))
                    .map_err(TreeError::Content)
            }
            None => free(codings, tree, &mut program),
        };
        laid.ok()?;
    }
    Some(program)
}

fn lane_test(test: Compared) -> LaneTest {
    LaneTest {
        lane: test.code,
        last: (test.last ^ 0x80) as i8,
    }
}

/// Adds a free tree: children stand after their parents in a tree, and before them in a program.
fn free(codings: &Codings, tree: &Tree, program: &mut Program) -> Result<(), TreeError> {
    let mut places = vec![0_u16; tree.nodes.len()];
    let (mut sets, mut selects, mut leaves) = (Vec::new(), Vec::new(), Vec::new());
    if tree.nodes.len() > 2 * lanes::MOST_LEAVES {
        // So there are no more sets than codes may be, either.
        return Err(TreeError::content("more leaves than a byte can hold"));
    }
    for (number, node) in tree.nodes.iter().enumerate() {
        if node.split.is_none() {
            places[number] = leaves.len() as u16;
            leaves.push(node.value);
        }
    }
    for (number, node) in tree.nodes.iter().enumerate().rev() {
        let Some(split) = &node.split else { continue };
        let test = match split.test {
            Test::NotBelow(least) => {
                lane_test(codings.compare(split.column, least, split.unknown_left))
            }
            Test::Among(names) => {
                let mut members = [0; 32];
                let words = codes(&names);
                for (bytes, word) in members.chunks_exact_mut(8).zip(words) {
                    bytes.copy_from_slice(&word.to_le_bytes());
                }
                sets.push(Set {
                    lane: codings.name(split.column),
                    members,
                });
                LaneTest {
                    lane: (codings.codes() + sets.len() - 1) as u16,
                    last: i8::MIN,
                }
            }
        };
        places[number] = (lanes::MOST_LEAVES + selects.len()) as u16;
        selects.push(Select {
            test,
            left: places[split.left as usize],
            right: places[split.right as usize],
        });
    }
    program
        .free(&sets, &selects, &leaves)
        .map_err(TreeError::Content)
}

fn compared<'a>(codings: &'a Codings, levels: &'a [Split]) -> impl Iterator<Item = Compared> + 'a {
    levels.iter().filter_map(|split| match split.test {
        Test::NotBelow(least) => Some(codings.compare(split.column, least, split.unknown_left)),
        Test::Among(_) => None,
    })
}

/// The leaves of a symmetric tree by number: a bit a level, from the lowest on, set where it goes right.
fn symmetric_leaves(tree: &Tree, levels: usize) -> Vec<f32> {
    let leaf = |number: usize| {
        let mut node = &tree.nodes[0];
        for level in 0..levels {
            let Some(split) = &node.split else { break };
            let right = number >> level & 1 == 1;
            let next = if right { split.right } else { split.left };
            node = &tree.nodes[next as usize];
        }
        node.value
    };
    (0..1_usize << levels).map(leaf).collect()
}
