//! A forest: the mean of trees that know nothing of each other.

use records::Task;

use super::boosted::{Trees, odds_of};
use super::context::FitContext;
use super::fitted::Settled;
use super::learner::{Learner, OutOfFold, OutOfRange};
use crate::boosted::{Boosted, ForestOptions};
use crate::fit_error::FitError;
use crate::progress::{Running, Work};
use crate::tree_inputs::TreeInputs;

/// A forest on all rows: of a class it gives the share.
fn grown(
    options: &ForestOptions,
    inputs: &TreeInputs,
    task: Task,
    seed: u64,
    running: &Running,
) -> Result<Trees, FitError> {
    let forest = Boosted::forest_watched(inputs.squared(), options, seed, running)?;
    Ok(match task {
        Task::Classification => Trees::share(forest),
        Task::Regression | Task::Clustering => Trees::sum(forest),
    })
}

impl Learner for ForestOptions {
    type Fitted = Trees;

    const TASKS: &'static [Task] = &[Task::Regression, Task::Classification];
    const NEEDS_DESIGN: bool = false;
    const NEEDS_TREE_INPUTS: bool = true;

    fn check(&self) -> Result<(), OutOfRange> {
        let out_of_range = |(option, expected, found)| OutOfRange {
            option,
            expected,
            found,
        };
        ForestOptions::check(self).map_err(out_of_range)
    }

    fn out_of_fold(
        &self,
        context: &FitContext,
        seed: u64,
        work: Work,
    ) -> Result<Option<OutOfFold<Trees>>, FitError> {
        let Some(inputs) = &context.tree_inputs else {
            return Ok(None);
        };
        let (table, folds) = (inputs.squared(), &context.folds);
        let by_position = Boosted::forest_out_of_fold(table, folds, self, seed, work);
        let mut predicted = context.judged_of(&by_position);
        if context.task == Task::Classification {
            predicted
                .iter_mut()
                .for_each(|share| *share = odds_of(*share));
        }
        let running = work.whole(Some(self.trees));
        let fitted = grown(self, inputs, context.task, seed, &running)?;
        Ok(Some(OutOfFold::new(fitted, predicted)))
    }

    fn refit(
        &self,
        context: &FitContext,
        seed: u64,
        _settled: Settled,
        work: Work,
    ) -> Result<Trees, FitError> {
        let (inputs, running) = (context.needed_tree_inputs()?, work.refit(Some(self.trees)));
        grown(self, inputs, context.task, seed, &running)
    }
}
