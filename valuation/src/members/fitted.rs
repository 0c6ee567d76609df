//! What a fitted member does: the trait that every form of prediction implements.

use super::recipe::Recipe;
use crate::boosted::{Boosted, Codes};
use crate::linear::{Linear, Shrinkage, SparseRow};
use crate::part_error::PartError;

/// What the folds of a fit settled, for a fit on more rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settled {
    /// How many trees; 0 for what has none.
    pub(crate) trees: usize,
    /// How much the weights of a line are shrunken, where they are.
    pub(crate) shrinkage: Option<Shrinkage>,
    /// How trees are grown, where that was chosen.
    pub(crate) recipe: Option<Recipe>,
}

/// What each input adds to a prediction; base and parts add up to it.
#[derive(Debug, Default)]
pub(crate) struct Contributions {
    /// The prediction for a record of which nothing is known.
    pub(crate) base: f64,
    /// What sales near by add, where they are compared.
    pub(crate) neighbourhood: Option<f64>,
    /// By column of the linear design; empty where it is not read.
    pub(crate) columns: Vec<f64>,
    /// By value of the trees' row; empty where it is not read.
    pub(crate) values: Vec<f64>,
}

/// How many inputs the parts of a model have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputWidths {
    /// Columns of the linear design; none where the model has no design.
    pub(crate) design: Option<usize>,
    /// Columns of the trees that are made of fields.
    pub(crate) tree_features: usize,
    /// Values of the trees' row: those, and what neighbours add.
    pub(crate) trees: usize,
}

/// A fitted member: a log price, or log odds, for a row.
pub(crate) trait Fitted: Sized {
    /// Endings of the names of its files.
    const EXTENSIONS: &'static [&'static str];

    /// The ending of the name of its own file.
    fn extension(&self) -> &'static str;

    /// Whether it reads the linear design.
    fn reads_design(&self) -> bool;

    /// The prediction for one row; `codes` are those that other members' trees have left of it.
    fn row(&self, design: &SparseRow, values: &[f32], codes: &mut Codes) -> f64;

    /// The predictions for rows: `values` is row-major, and `of_trees` gives what [`Fitted::ensemble`]
    /// predicts for them.
    fn rows(
        &self,
        design: &[SparseRow],
        values: &[f32],
        of_trees: impl FnOnce() -> Vec<f64>,
    ) -> Vec<f64>;

    /// What each input adds to the prediction for a row.
    ///
    /// # Errors
    /// When the prediction is no sum.
    fn contributions(&self, design: &SparseRow, values: &[f32])
    -> Result<Contributions, PartError>;

    /// Its trees, where it has any.
    fn ensemble(&self) -> Option<&Boosted> {
        None
    }

    /// The same, to be laid out anew.
    fn ensemble_mut(&mut self) -> Option<&mut Boosted> {
        None
    }

    /// The trees whose sum is the prediction, where it is nothing else.
    fn as_sum_of_trees(&self) -> Option<&Boosted> {
        None
    }

    /// The line that is the prediction, where it is nothing else.
    fn as_line(&self) -> Option<&Linear> {
        None
    }

    /// What its fit settled.
    fn settled(&self) -> Settled {
        Settled {
            trees: self.ensemble().map_or(0, Boosted::trees),
            shrinkage: self.as_line().and_then(|line| line.shrinkage),
            recipe: None,
        }
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// When they cannot be written.
    fn encode(&self) -> Result<Vec<u8>, PartError>;

    /// Reads what [`Fitted::encode`] wrote into a file of this ending. What depends on the width of the
    /// trees' columns is checked and worked out.
    ///
    /// # Errors
    /// When the bytes are not those of such a member.
    fn decode(extension: &str, bytes: &[u8], frame_width: usize) -> Result<Self, PartError>;

    /// Whether it fits the inputs of the model.
    ///
    /// # Errors
    /// Says what does not.
    fn check(&self, widths: InputWidths) -> Result<(), PartError>;
}
