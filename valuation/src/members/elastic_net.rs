//! A line with weights drawn to 0 where that helps: by how much, the folds say.

use rayon::prelude::*;
use records::Task;
use serde::{Deserialize, Serialize};

use super::context::FitContext;
use super::fitted::Settled;
use super::learner::{Learner, OutOfFold, OutOfRange};
use crate::fit_error::FitError;
use crate::linear::{Linear, Shrinkage, penalties};
use crate::progress::Work;
use crate::solver_error::SolverError;

/// How an elastic net is fitted; the folds choose how much it shrinks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElasticNetOptions {
    /// α: how much of the penalty goes by sizes, which makes weights 0; the rest goes by squares.
    pub l1_ratio: f64,
}

impl Learner for ElasticNetOptions {
    type Fitted = Linear;

    const TASKS: &'static [Task] = &[Task::Regression];
    const NEEDS_DESIGN: bool = true;
    const NEEDS_TREE_INPUTS: bool = false;

    fn check(&self) -> Result<(), OutOfRange> {
        match self.l1_ratio > 0.0 && self.l1_ratio <= 1.0 {
            true => Ok(()),
            false => Err(OutOfRange {
                option: "l1_ratio",
                expected: "above 0, at most 1",
                found: self.l1_ratio,
            }),
        }
    }

    /// By the penalty that is least off on rows that its line has not seen.
    fn out_of_fold(
        &self,
        context: &FitContext,
        _seed: u64,
        work: Work,
    ) -> Result<Option<OutOfFold<Linear>>, FitError> {
        let whole = context.design().triangle()?;
        let penalties = penalties(&whole, self.l1_ratio);
        let tried: Vec<Vec<Vec<f64>>> = context
            .folds
            .par_iter()
            .enumerate()
            .map(|(index, fold)| {
                let _running = work.fold(index);
                let design = context.design_of(&fold.train);
                let triangle = design.triangle()?;
                let predict = |shrinkage: &Shrinkage| {
                    let line = triangle.elastic_net(*shrinkage)?;
                    let linear_design = &design.linear_design;
                    Ok(context.predict(linear_design, &fold.judge, |row, _| line.predict(row)))
                };
                penalties.iter().map(predict).collect()
            })
            .collect::<Result<_, FitError>>()?;
        let squared_error = |index: usize| -> f64 {
            let by_fold = context.folds.iter().zip(&tried).flat_map(|(fold, tried)| {
                let pairs = fold.judge.iter().zip(&tried[index]);
                pairs.map(|(row, predicted)| predicted - context.targets[*row as usize])
            });
            by_fold.map(|error| error * error).sum()
        };
        // The greatest penalty of equals: it is the simplest line.
        let best = (0..penalties.len())
            .min_by(|one, other| squared_error(*one).total_cmp(&squared_error(*other)))
            .ok_or(SolverError::NoPenalty)?;
        let predicted = tried.into_iter().map(|mut all| all.swap_remove(best));
        let _running = work.whole(None);
        Ok(Some(OutOfFold {
            predicted: context.in_order(predicted.collect()),
            fitted: whole.elastic_net(penalties[best])?,
        }))
    }

    fn refit(
        &self,
        context: &FitContext,
        _seed: u64,
        settled: Settled,
        work: Work,
    ) -> Result<Linear, FitError> {
        let _running = work.refit(None);
        Ok(context.design().line(settled.shrinkage)?)
    }
}
