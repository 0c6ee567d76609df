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

/// How much work a fit may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// A fraction of a second on tens of thousands of listings: the line alone.
    Quick,
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
                trees: 300,
                leaves: 1024,
                leaf_rows: 1.0,
                row_share: 1.0,
                column_share: 0.5,
                drawn_cuts: true,
            }),
        };
        match self {
            Effort::Quick => vec![logistic],
            Effort::Standard => {
                let trees = self.usual_members(rows).split_off(1);
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
        // Of few rows trees learn less than what the nearest sales cost, which errs in another way.
        if self == Effort::Standard && rows < MANY_ROWS {
            members.push(NamedMember {
                name: "comparables".to_owned(),
                options: MemberOptions::Comparables(ComparablesOptions { count: 15 }),
            });
        }
        members
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
            Effort::Standard => vec![
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
