//! Laying trees out.

use super::super::bins::BINS;
use super::super::coding::{codes, codings};
use super::super::tree::{Names, Split, Test, Tree};
use super::fork::{Fork, Level};
use super::{Free, Group, Laid, Sets, Trees};

/// Deepest symmetric tree laid out as bits: those of a byte.
const MOST_LEVELS: usize = 8;
/// Sets of names whose codes stand in a row at once, about: a block of rows is to stay in a core's
/// cache.
const MANY_SETS: usize = 512;

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
    pub(in crate::boosted) fn lay(
        base: f64,
        width: usize,
        grown: &[Tree],
    ) -> Result<Trees, String> {
        let most = usize::from(u16::MAX) / 2;
        if width > most {
            return Err(format!("{width} values a row, expected at most {most}"));
        }
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
        let count = nodes.len();
        if count > usize::from(u16::MAX) {
            return Err(format!(
                "a tree of {count} nodes, expected at most {}",
                u16::MAX
            ));
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
