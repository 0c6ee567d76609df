//! A line with weights drawn to 0 where that helps: by how much, the folds say.

use records::Task;
use serde::{Deserialize, Serialize};

use super::context::FitContext;
use super::fitted::Settled;
use super::learner::{Learner, OutOfFold, OutOfRange};
use crate::fit_error::FitError;
use crate::linear::{Linear, penalties};
use crate::progress::Work;

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
        let (best, predicted) = context.least_off(work, &penalties, |triangle, shrinkage| {
            triangle.elastic_net(*shrinkage)
        })?;
        let _running = work.whole(None);
        Ok(Some(OutOfFold::new(whole.elastic_net(best)?, predicted)))
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
