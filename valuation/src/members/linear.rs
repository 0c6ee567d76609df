//! A ridge on the linear design, as great as the folds say; and the line as a fitted member, which the elastic net and the
//! logistic member predict by too.

use records::Task;
use serde::{Deserialize, Serialize};

use super::context::FitContext;
use super::fitted::{Contributions, Fitted, InputWidths, Settled};
use super::learner::{Learner, OutOfFold, OutOfRange};
use crate::boosted::Codes;
use crate::check;
use crate::fit_error::FitError;
use crate::json;
use crate::linear::{Linear, SparseRow, ridges};
use crate::part_error::PartError;
use crate::progress::Work;

/// How a line is fitted: there is nothing to choose, as the folds say how much its weights are drawn to 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinearOptions {}

impl Learner for LinearOptions {
    type Fitted = Linear;

    const TASKS: &'static [Task] = &[Task::Regression];
    const NEEDS_DESIGN: bool = true;
    const NEEDS_TREE_INPUTS: bool = false;

    fn check(&self) -> Result<(), OutOfRange> {
        Ok(())
    }

    /// By the ridge that is least off on rows that its line has not seen: the greatest of equals.
    fn out_of_fold(
        &self,
        context: &FitContext,
        _seed: u64,
        work: Work,
    ) -> Result<Option<OutOfFold<Linear>>, FitError> {
        let whole = context.design().triangle()?;
        let (best, predicted) =
            context.least_off(work, &ridges(), |triangle, ridge| match ridge {
                Some(ridge) => triangle.elastic_net(*ridge),
                None => triangle.least_squares(),
            })?;
        let _running = work.whole(None);
        let fitted = match best {
            Some(ridge) => whole.elastic_net(ridge)?,
            None => whole.least_squares()?,
        };
        Ok(Some(OutOfFold::new(fitted, predicted)))
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

impl Fitted for Linear {
    const EXTENSIONS: &'static [&'static str] = &["json"];

    fn extension(&self) -> &'static str {
        "json"
    }

    fn reads_design(&self) -> bool {
        true
    }

    fn row(&self, design: &SparseRow, _values: &[f32], _codes: &mut Codes) -> f64 {
        self.predict(design)
    }

    fn rows(
        &self,
        design: &[SparseRow],
        _values: &[f32],
        _of_trees: impl FnOnce() -> Vec<f64>,
    ) -> Vec<f64> {
        design.iter().map(|row| self.predict(row)).collect()
    }

    fn contributions(
        &self,
        design: &SparseRow,
        _values: &[f32],
    ) -> Result<Contributions, PartError> {
        Ok(Contributions {
            base: self.centre(),
            columns: Linear::contributions(self, design),
            ..Contributions::default()
        })
    }

    fn as_line(&self) -> Option<&Linear> {
        Some(self)
    }

    fn encode(&self) -> Result<Vec<u8>, PartError> {
        Ok(json::write_pretty(self)?)
    }

    fn decode(_extension: &str, bytes: &[u8], _frame_width: usize) -> Result<Linear, PartError> {
        Ok(json::read(bytes)?)
    }

    fn check(&self, widths: InputWidths) -> Result<(), PartError> {
        match widths.design {
            Some(width) => check::linear(self, width),
            None => Err(PartError::misfit("no features in model.json")),
        }
    }
}
