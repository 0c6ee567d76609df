//! How a member is fitted: the trait that every kind implements.

use records::Task;

use super::context::FitContext;
use super::fitted::{Fitted, Settled};
use super::recipe::Recipe;
use crate::fit_error::FitError;
use crate::progress::Work;
use crate::report::RecipeReport;

/// An option out of its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OutOfRange {
    /// Its name.
    pub(crate) option: &'static str,
    /// Its range.
    pub(crate) expected: &'static str,
    /// Its value.
    pub(crate) found: f64,
}

/// A member fitted on all rows, and what members like it predict for rows they have not seen.
pub(crate) struct OutOfFold<F> {
    /// Fitted on all rows.
    pub(crate) fitted: F,
    /// By judged row, each predicted by a fit on the other folds: log price, or log odds of a class.
    pub(crate) predicted: Vec<f64>,
    /// How trees are grown, where that was chosen, and what the report says of it.
    pub(crate) recipe: Option<(Recipe, RecipeReport)>,
}

impl<F> OutOfFold<F> {
    /// Of what has no recipe to choose.
    pub(crate) fn new(fitted: F, predicted: Vec<f64>) -> OutOfFold<F> {
        OutOfFold {
            fitted,
            predicted,
            recipe: None,
        }
    }
}

/// The options of a member, which know how it is fitted.
pub(crate) trait Learner {
    /// What it predicts by.
    type Fitted: Fitted;

    /// The tasks that have members of this kind.
    const TASKS: &'static [Task];

    /// Whether it reads the linear design: its rows are kept until the last such member is fitted.
    const NEEDS_DESIGN: bool;

    /// Whether it reads the columns of the trees: it is then fitted after the members that do not, and not at
    /// all where the rows are too few for trees.
    const NEEDS_TREE_INPUTS: bool;

    /// Whether every option is in its range.
    ///
    /// # Errors
    /// The first that is not.
    fn check(&self) -> Result<(), OutOfRange>;

    /// Fits on every fold, to predict the rows it leaves out, and on all rows; `work` is told of each.
    /// `None` where it needs columns of trees and there are none.
    ///
    /// # Errors
    /// When the solver fails.
    fn out_of_fold(
        &self,
        context: &FitContext,
        seed: u64,
        work: Work,
    ) -> Result<Option<OutOfFold<Self::Fitted>>, FitError>;

    /// Fits on all rows, with what the folds of an earlier fit settled.
    ///
    /// # Errors
    /// When the solver fails, or there are no columns of trees though it needs them.
    fn refit(
        &self,
        context: &FitContext,
        seed: u64,
        settled: Settled,
        work: Work,
    ) -> Result<Self::Fitted, FitError>;
}
