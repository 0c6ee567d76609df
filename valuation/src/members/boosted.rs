//! Boosted trees; and trees as a fitted member, which the forest predicts by too.

use records::Task;

use super::context::FitContext;
use super::fitted::{Contributions, Fitted, InputWidths, Settled};
use super::learner::{Learner, OutOfFold, OutOfRange};
use super::recipe;
use crate::boosted::{Boosted, BoostedOptions, Codes};
use crate::fit_error::FitError;
use crate::linear::SparseRow;
use crate::part_error::PartError;
use crate::progress::Work;

/// How many times as quickly trees of folds learn: they are thrown away.
const HASTE: f64 = 1.5;
/// Shares this near 0 and 1 are not distinguished from it: a leaf is of few rows.
const LEAST_SHARE: f64 = 0.005;

/// Trees that a fold's fit grows at most.
pub(super) fn fold_rounds(options: &BoostedOptions) -> usize {
    options.quicker(HASTE).rounds
}

/// Residuals of classes are bounded: none is mistrusted.
fn of_task(options: &BoostedOptions, task: Task) -> BoostedOptions {
    match task {
        Task::Classification => BoostedOptions {
            trusted: 1.0,
            ..options.clone()
        },
        Task::Regression | Task::Clustering => options.clone(),
    }
}

impl Learner for BoostedOptions {
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
        BoostedOptions::check(self).map_err(out_of_range)
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
        let (options, table) = (of_task(self, context.task), &inputs.table);
        let recipe = match context.task {
            Task::Regression => recipe::choose(table, &context.folds, &options, seed),
            Task::Classification | Task::Clustering => None,
        };
        let options = match &recipe {
            Some((recipe, _)) => recipe.options(&options),
            None => options,
        };
        let (predicted, rounds) =
            Boosted::out_of_fold_watched(table, &context.folds, &options, HASTE, seed, work);
        let running = work.whole(Some(rounds));
        let boosted = Boosted::fit_watched(table, &options, rounds, seed, &running)?;
        Ok(Some(OutOfFold {
            fitted: Trees::sum(boosted),
            predicted: context.judged_of(&predicted),
            recipe,
        }))
    }

    fn refit(
        &self,
        context: &FitContext,
        seed: u64,
        settled: Settled,
        work: Work,
    ) -> Result<Trees, FitError> {
        let (options, inputs) = (of_task(self, context.task), context.needed_tree_inputs()?);
        let options = match settled.recipe {
            Some(recipe) => recipe.options(&options),
            None => options,
        };
        let running = work.refit(Some(settled.trees));
        let boosted = Boosted::fit_watched(&inputs.table, &options, settled.trees, seed, &running)?;
        Ok(Trees::sum(boosted))
    }
}

/// What the sum of trees is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// The prediction.
    Prediction,
    /// The share of rows that are of a class: the prediction is its log odds.
    Share,
}

/// Trees as a fitted member.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trees {
    boosted: Boosted,
    scale: Scale,
}

/// The log odds of a share.
pub(super) fn odds_of(share: f64) -> f64 {
    ((share.max(0.0) + LEAST_SHARE) / ((1.0 - share).max(0.0) + LEAST_SHARE)).ln()
}

/// How much the log odds change per share between two shares; at one share, their derivative.
fn odds_slope(from: f64, to: f64) -> f64 {
    match (to - from).abs() > 1e-12 {
        true => (odds_of(to) - odds_of(from)) / (to - from),
        false => 1.0 / (from + LEAST_SHARE) + 1.0 / (1.0 - from + LEAST_SHARE),
    }
}

impl Trees {
    const SUM: &'static str = "trees";
    const SHARE: &'static str = "shares";

    /// Trees whose sum is the prediction.
    pub(crate) fn sum(boosted: Boosted) -> Trees {
        Trees {
            boosted,
            scale: Scale::Prediction,
        }
    }

    /// Trees whose sum is the share of a class.
    pub(super) fn share(boosted: Boosted) -> Trees {
        Trees {
            boosted,
            scale: Scale::Share,
        }
    }
}

impl Fitted for Trees {
    const EXTENSIONS: &'static [&'static str] = &[Trees::SUM, Trees::SHARE];

    fn extension(&self) -> &'static str {
        match self.scale {
            Scale::Prediction => Trees::SUM,
            Scale::Share => Trees::SHARE,
        }
    }

    fn reads_design(&self) -> bool {
        false
    }

    fn row(&self, _design: &SparseRow, values: &[f32], codes: &mut Codes) -> f64 {
        let sum = self.boosted.row(values, codes);
        match self.scale {
            Scale::Prediction => sum,
            Scale::Share => odds_of(sum),
        }
    }

    fn rows(
        &self,
        _design: &[SparseRow],
        _values: &[f32],
        of_trees: impl FnOnce() -> Vec<f64>,
    ) -> Vec<f64> {
        match self.scale {
            Scale::Prediction => of_trees(),
            Scale::Share => of_trees().into_iter().map(odds_of).collect(),
        }
    }

    fn contributions(
        &self,
        _design: &SparseRow,
        values: &[f32],
    ) -> Result<Contributions, PartError> {
        let mut values = self.boosted.contributions(values)?;
        let mut base = values.pop().unwrap_or(0.0);
        if self.scale == Scale::Share {
            let share = base + values.iter().sum::<f64>();
            let slope = odds_slope(base, share);
            values.iter_mut().for_each(|value| *value *= slope);
            base = odds_of(base);
        }
        Ok(Contributions {
            base,
            values,
            ..Contributions::default()
        })
    }

    fn ensemble(&self) -> Option<&Boosted> {
        Some(&self.boosted)
    }

    fn ensemble_mut(&mut self) -> Option<&mut Boosted> {
        Some(&mut self.boosted)
    }

    fn as_sum_of_trees(&self) -> Option<&Boosted> {
        (self.scale == Scale::Prediction).then_some(&self.boosted)
    }

    fn encode(&self) -> Result<Vec<u8>, PartError> {
        Ok(self.boosted.encode()?)
    }

    fn decode(extension: &str, bytes: &[u8], _frame_width: usize) -> Result<Trees, PartError> {
        let boosted = Boosted::decode(bytes)?;
        Ok(match extension == Trees::SHARE {
            true => Trees::share(boosted),
            false => Trees::sum(boosted),
        })
    }

    fn check(&self, widths: InputWidths) -> Result<(), PartError> {
        Ok(self.boosted.check_columns(widths.trees)?)
    }
}
