//! How much work a fit may be: which members there are by default.

use serde::{Deserialize, Serialize};

use crate::boosted::{BoostedOptions, ForestOptions, Growth};
use crate::members::{
    ComparablesOptions, LinearOptions, LogisticOptions, MemberOptions, NamedMember,
};

/// Rows beyond which a tree may have more leaves.
const MANY_ROWS: usize = 5_000;
/// Rounds that a fold is worth at most, for more rows more: patience ends most fits long before.
const LEAST_ROUNDS: usize = 700;
const MOST_ROUNDS: usize = 3_000;
/// Rows that one more round takes.
const ROWS_PER_ROUND: usize = 20;
/// Rows times rounds that a member is worth at most: a million rows are not to take hours.
const MOST_WORK: usize = 450_000_000;

/// The rounds for so many training rows.
fn most_rounds(rows: usize) -> usize {
    let by_rows = (rows / ROWS_PER_ROUND).min(MOST_ROUNDS);
    by_rows.min(MOST_WORK / rows.max(1)).max(LEAST_ROUNDS)
}

/// How many times as quickly trees learn where a fit is to be fast, their leaves and levels at most, and the
/// columns that each of them sees, leaf-wise and symmetric.
const HASTE: f64 = 2.0;
const FAST_LEAVES: usize = 32;
const FAST_LEVELS: usize = 6;
const FAST_SHARES: (f64, f64) = (0.4, 0.5);
/// Trees of a forest, and of one that is to be fast.
const FOREST_TREES: usize = 300;
const FAST_FOREST_TREES: usize = 150;

/// How much work a fit may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// A fraction of a second on tens of thousands of listings: the line alone.
    Quick,
    /// The members of the standard effort in less than half of its time: trees learn in steps twice as great,
    /// are smaller, and see fewer columns each.
    Fast,
    /// The least error.
    #[default]
    Standard,
}

impl Effort {
    /// The members of a class for so many training rows.
    pub fn class_members(self, rows: usize) -> Vec<NamedMember> {
        let logistic = NamedMember {
            name: "logistic".to_owned(),
            options: MemberOptions::Logistic(LogisticOptions { penalty: 1e-3 }),
        };
        let forest = NamedMember {
            name: "forest".to_owned(),
            options: MemberOptions::Forest(ForestOptions {
                trees: match self {
                    Effort::Fast => FAST_FOREST_TREES,
                    Effort::Quick | Effort::Standard => FOREST_TREES,
                },
                leaves: 1024,
                leaf_rows: 1.0,
                row_share: 1.0,
                column_share: 0.5,
                drawn_cuts: true,
            }),
        };
        match self {
            Effort::Quick => vec![logistic],
            Effort::Fast | Effort::Standard => {
                let mut trees = self.usual_members(rows).split_off(1);
                self.hasten(&mut trees);
                [vec![logistic], trees, vec![forest]].concat()
            }
        }
    }

    /// The members of prices for so many training rows: few rows take small trees that learn slowly, which
    /// costs them little, and the nearest sales.
    pub fn members(self, rows: usize) -> Vec<NamedMember> {
        let mut members = self.usual_members(rows);
        for member in &mut members {
            let MemberOptions::Boosted(options) = &mut member.options else {
                continue;
            };
            options.rounds = most_rounds(rows);
            if rows < MANY_ROWS {
                // Not of many rows: trials see a part of them, which smaller trees suit.
                options.fits_size = true;
                options.rounds = 1_400;
                options.patience = 50;
                match options.growth {
                    Growth::LeafWise => (options.rate, options.leaves) = (0.04, 12),
                    Growth::Symmetric => (options.rate, options.depth) = (0.05, 5),
                }
            }
        }
        self.hasten(&mut members);
        // Of few rows trees learn less than what the nearest sales cost, which errs in another way.
        if self == Effort::Standard && rows < MANY_ROWS {
            members.push(NamedMember {
                name: "comparables".to_owned(),
                options: MemberOptions::Comparables(ComparablesOptions { count: 15 }),
            });
        }
        members
    }

    /// Lets boosted trees learn as quickly as the effort asks for.
    fn hasten(self, members: &mut [NamedMember]) {
        if self != Effort::Fast {
            return;
        }
        for member in members {
            let MemberOptions::Boosted(options) = &mut member.options else {
                continue;
            };
            *options = options.quicker(HASTE);
            match options.growth {
                Growth::LeafWise => {
                    options.leaves = options.leaves.min(FAST_LEAVES);
                    options.column_share = FAST_SHARES.0;
                }
                Growth::Symmetric => {
                    options.depth = options.depth.min(FAST_LEVELS);
                    options.column_share = FAST_SHARES.1;
                }
            }
        }
    }

    fn usual_members(self, rows: usize) -> Vec<NamedMember> {
        let leaves = if rows < MANY_ROWS { 24 } else { 48 };
        let leaf_wise = BoostedOptions {
            growth: Growth::LeafWise,
            rounds: 700,
            rate: 0.06,
            leaves,
            depth: 10,
            leaf_rows: 5.0,
            row_share: 0.8,
            column_share: 0.6,
            penalty: 1.0,
            trusted: 0.9,
            patience: 30,
            names: None,
            neighbours: None,
            fits_size: false,
        };
        let symmetric = BoostedOptions {
            growth: Growth::Symmetric,
            rounds: 600,
            rate: 0.09,
            leaves: 0,
            depth: 7,
            leaf_rows: 1.0,
            row_share: 0.8,
            column_share: 0.8,
            penalty: 2.0,
            trusted: 0.9,
            patience: 30,
            names: None,
            neighbours: None,
            fits_size: false,
        };
        let member = |name: &str, options| NamedMember {
            name: name.to_owned(),
            options,
        };
        let linear = member("linear", MemberOptions::Linear(LinearOptions {}));
        match self {
            Effort::Quick => vec![linear],
            Effort::Fast | Effort::Standard => vec![
                linear,
                member("leaf-wise", MemberOptions::Boosted(leaf_wise)),
                member("symmetric", MemberOptions::Boosted(symmetric)),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boosted(effort: Effort, rows: usize) -> Vec<(String, BoostedOptions)> {
        let members = effort.members(rows).into_iter();
        let options = members.filter_map(|member| match member.options {
            MemberOptions::Boosted(options) => Some((member.name, options)),
            _ => None,
        });
        options.collect()
    }

    #[test]
    fn a_fast_fit_grows_smaller_trees_than_the_standard_one_which_learn_faster() {
        for rows in [1_000, 20_000] {
            let (fast, standard) = (boosted(Effort::Fast, rows), boosted(Effort::Standard, rows));
            assert_eq!(fast.len(), 2);
            let pairs = fast.into_iter().zip(standard);
            for ((name, fast), (usual, standard)) in pairs {
                assert_eq!(name, usual);
                assert_eq!(fast.check(), Ok(()));
                assert_eq!(fast.rate, 2.0 * standard.rate);
                assert_eq!(2 * fast.rounds, standard.rounds);
                assert!(fast.leaves <= standard.leaves && fast.depth <= standard.depth);
                assert!(fast.column_share < standard.column_share);
            }
        }
        let fast = boosted(Effort::Fast, 20_000);
        let [(_, leaf_wise), (_, symmetric)] = &fast[..] else {
            panic!("expected two members of boosted trees");
        };
        assert_eq!((leaf_wise.leaves, leaf_wise.rate), (32, 0.12));
        assert_eq!((symmetric.depth, symmetric.rate), (6, 0.18));
    }

    #[test]
    fn more_rows_may_take_more_rounds_within_bounds() {
        assert_eq!(most_rounds(0), LEAST_ROUNDS);
        assert_eq!(most_rounds(17_000), 850);
        assert_eq!(most_rounds(37_000), 1_850);
        assert_eq!(most_rounds(120_000), MOST_ROUNDS);
        assert_eq!(most_rounds(300_000), 1_500);
        assert_eq!(most_rounds(5_000_000), LEAST_ROUNDS);
    }
}
