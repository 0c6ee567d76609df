//! How much work a fit may be: which members there are by default.

use serde::{Deserialize, Serialize};

use crate::boosted::{BoostedOptions, ForestOptions, Growth};
use crate::members::{LinearOptions, LogisticOptions, MemberOptions, NamedMember};

/// Rows beyond which a tree may have more leaves.
const MANY_ROWS: usize = 5_000;

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
    /// costs them little.
    pub fn members(self, rows: usize) -> Vec<NamedMember> {
        let mut members = self.usual_members(rows);
        for member in &mut members {
            let MemberOptions::Boosted(options) = &mut member.options else {
                continue;
            };
            options.fits_data = true;
            if rows < MANY_ROWS {
                options.rounds = 1_400;
                options.patience = 50;
                match options.growth {
                    Growth::LeafWise => (options.rate, options.leaves) = (0.04, 12),
                    Growth::Symmetric => (options.rate, options.depth) = (0.05, 5),
                }
            }
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
            fits_data: false,
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
            fits_data: false,
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
