//! How a boosted member is grown.

use serde::{Deserialize, Serialize};

/// Deepest symmetric tree: each level doubles the leaves, and what their sums take.
const MOST_LEVELS: usize = 10;
/// Leaves of a leaf-wise tree at most, for the same reason.
pub(super) const MOST_LEAVES: usize = 1024;

/// How trees grow: different trees average well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Growth {
    /// The leaf that gains most is split next, as LightGBM does.
    LeafWise,
    /// One split for a whole level, as CatBoost does: regular, and quick to evaluate.
    Symmetric,
}

/// How trees tell the levels of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Names {
    /// A split lists levels, however few their rows.
    Sets,
    /// The same, where every level and every step between lists has rows enough, as LightGBM's
    /// `min_data_per_group` has it.
    LimitedSets,
    /// Levels are numbered by how frequent they are, and split like numbers.
    Codes,
    /// Levels are known by what their rows cost, out of fold.
    Means,
}

/// How a boosted member is grown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoostedOptions {
    /// Shape of the trees.
    pub growth: Growth,
    /// Most trees that a fold is worth; fewer where its own rows stop gaining.
    pub rounds: usize,
    /// Share of each tree that is added: smaller needs more rounds.
    pub rate: f64,
    /// Leaves of a leaf-wise tree at most.
    pub leaves: usize,
    /// Levels of a tree at most; 0 leaves a leaf-wise tree free.
    pub depth: usize,
    /// Rows of a leaf at least, of a leaf-wise tree.
    pub leaf_rows: f64,
    /// Share of the rows that each tree sees.
    pub row_share: f64,
    /// Share of the columns that each tree sees.
    pub column_share: f64,
    /// L2 penalty of a leaf's value.
    pub penalty: f64,
    /// Residuals greater than this quantile of their sizes count as if they were at it, which
    /// keeps the trees from a few absurd prices (Friedman 2001, algorithm 4, M-TreeBoost); 1 takes
    /// all as they are.
    pub trusted: f64,
    /// Rounds without gain after which a fold stops; 0 never stops.
    pub patience: usize,
    /// How levels are told; none leaves that to the folds. Symmetric trees list no levels: sets are means to
    /// them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Names>,
    /// Whether the trees see what neighbours cost; none leaves that to the folds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<bool>,
    /// Whether the folds may choose smaller trees than these, and trust all residuals.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fits_data: bool,
}

impl BoostedOptions {
    /// How levels are told where nothing else was said.
    pub(crate) fn told_by(&self) -> Names {
        match (self.growth, self.names) {
            (Growth::LeafWise, names) => names.unwrap_or(Names::Sets),
            (Growth::Symmetric, Some(Names::Codes)) => Names::Codes,
            (Growth::Symmetric, _) => Names::Means,
        }
    }

    /// The same learning so many times as quickly, in as many times fewer rounds.
    pub(crate) fn quicker(&self, haste: f64) -> BoostedOptions {
        let fewer = |rounds: usize| (rounds as f64 / haste).ceil() as usize;
        BoostedOptions {
            rate: (self.rate * haste).min(1.0),
            rounds: fewer(self.rounds),
            patience: fewer(self.patience),
            ..self.clone()
        }
    }

    /// Whether trees can be grown so.
    ///
    /// # Errors
    /// The option, what is expected of it, and what it is.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str, f64)> {
        let share = |value: f64| value > 0.0 && value <= 1.0;
        const SHARE: &str = "above 0, at most 1";
        let shape = match self.growth {
            Growth::LeafWise => (
                (2..=MOST_LEAVES).contains(&self.leaves),
                ("leaves", "2 to 1024", self.leaves as f64),
            ),
            Growth::Symmetric => (
                (1..=MOST_LEVELS).contains(&self.depth),
                ("depth", "1 to 10", self.depth as f64),
            ),
        };
        let rows = self.leaf_rows.is_finite() && self.leaf_rows >= 1.0;
        let penalty = self.penalty.is_finite() && self.penalty >= 0.0;
        let rules = [
            shape,
            (
                self.rounds > 0,
                ("rounds", "at least 1", self.rounds as f64),
            ),
            (share(self.rate), ("rate", SHARE, self.rate)),
            (rows, ("leaf_rows", "at least 1", self.leaf_rows)),
            (share(self.row_share), ("row_share", SHARE, self.row_share)),
            (
                share(self.column_share),
                ("column_share", SHARE, self.column_share),
            ),
            (penalty, ("penalty", "0 or above", self.penalty)),
            (share(self.trusted), ("trusted", SHARE, self.trusted)),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, broken)) => Err(broken),
            None => Ok(()),
        }
    }
}
