//! The sales comparison approach: what the nearest past sales cost, each adjusted for what it differs
//! in (Appraisal Institute, The Appraisal of Real Estate; Borst & McCluskey 2008, The Modified
//! Comparable Sales Method as the Basis for a Property Tax Valuations System). The adjustments are a
//! hedonic line's, so that in log prices
//!
//! ```text
//! estimate = line(x) + median of (log pᵢ − line(xᵢ)) over the nearest sales i, weighted by nearness
//! ```
//!
//! Near is by place and a little by likeness; without a place, by the values that matter most.

use records::Task;
use serde::{Deserialize, Serialize};

use super::context::FitContext;
use super::fitted::{Contributions, Fitted, InputWidths, Settled};
use super::learner::{Learner, OutOfFold, OutOfRange};
use crate::boosted::Codes;
use crate::check;
use crate::fit_error::FitError;
use crate::json;
use crate::kd_tree::{KdTree, Near};
use crate::linear::{Linear, SparseRow};
use crate::part_error::PartError;
use crate::progress::Work;
use crate::solver_error::SolverError;
use crate::tree_inputs::TreeInputs;

/// Distance that counts as none: keeps the weight of a twin finite.
const NEAREST: f32 = 1e-2;
/// Sales looked at, at most.
const MOST: usize = 200;

/// How sales are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparablesOptions {
    /// How many of the nearest past sales.
    pub count: usize,
}

impl ComparablesOptions {
    /// The sales at some positions among the rows, to compare with; `line` is what they are adjusted by, and
    /// `residuals` what it leaves of them.
    fn comparison(
        &self,
        inputs: &TreeInputs,
        positions: &[usize],
        line: Linear,
        residuals: &[f64],
    ) -> Result<Comparison, FitError> {
        let space = inputs
            .sales(positions)
            .ok_or(SolverError::IndistinctSales)?;
        Ok(Comparison {
            line,
            space,
            off: residuals.iter().map(|off| *off as f32).collect(),
            count: self.count,
        })
    }

    /// All sales.
    fn of_all(&self, context: &FitContext, inputs: &TreeInputs) -> Result<Comparison, FitError> {
        let all: Vec<usize> = (0..context.rows.len()).collect();
        let line = context.design().line(None)?;
        let residuals = context.design().residuals(&line);
        self.comparison(inputs, &all, line, &residuals)
    }
}

impl Learner for ComparablesOptions {
    type Fitted = Comparison;

    const TASKS: &'static [Task] = &[Task::Regression];
    const NEEDS_DESIGN: bool = true;
    const NEEDS_TREE_INPUTS: bool = true;

    fn check(&self) -> Result<(), OutOfRange> {
        match (1..=MOST).contains(&self.count) {
            true => Ok(()),
            false => Err(OutOfRange {
                option: "count",
                expected: "1 to 200",
                found: self.count as f64,
            }),
        }
    }

    fn out_of_fold(
        &self,
        context: &FitContext,
        _seed: u64,
        work: Work,
    ) -> Result<Option<OutOfFold<Comparison>>, FitError> {
        let Some(inputs) = &context.tree_inputs else {
            return Ok(None);
        };
        let positions = |rows: &[u32]| rows.iter().map(|row| *row as usize).collect::<Vec<_>>();
        let predicted = context.by_fold(work, |fold| {
            let design = context.design_of(&fold.train);
            let line = design.line(None)?;
            let residuals = design.residuals(&line);
            let sales = self.comparison(inputs, &positions(&fold.train), line, &residuals)?;
            let (values, width) = (inputs.rows(&positions(&fold.judge)), inputs.width());
            let mut room = Room::default();
            let predict = |row: &SparseRow, at: usize| {
                sales.value(row, &values[at * width..(at + 1) * width], &mut room)
            };
            Ok(context.predict(&design.linear_design, &fold.judge, predict))
        })?;
        let _running = work.whole(None);
        Ok(Some(OutOfFold::new(
            self.of_all(context, inputs)?,
            predicted,
        )))
    }

    fn refit(
        &self,
        context: &FitContext,
        _seed: u64,
        _settled: Settled,
        work: Work,
    ) -> Result<Comparison, FitError> {
        let _running = work.refit(None);
        self.of_all(context, context.needed_tree_inputs()?)
    }
}

/// The fitted member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// What sales are adjusted by.
    line: Linear,
    /// Where the sales are.
    space: KdTree,
    /// By sale: its log price less what the line says of it.
    off: Vec<f32>,
    /// How many of the nearest.
    count: usize,
}

/// Room for a search.
#[derive(Debug, Default)]
struct Room {
    near: Vec<Near>,
    /// What the nearest are off by, and the weight of each.
    weighed: Vec<(f32, f32)>,
}

impl Comparison {
    /// The log price of a row.
    fn value(&self, design: &SparseRow, tree_features: &[f32], room: &mut Room) -> f64 {
        self.line.predict(design) + self.beyond_line(tree_features, room)
    }

    /// What the nearest sales cost more than the line says; 0 where there are none.
    fn beyond_line(&self, tree_features: &[f32], room: &mut Room) -> f64 {
        let Room { near, weighed } = room;
        self.space.nearest(tree_features, None, self.count, near);
        weighed.clear();
        weighed.extend(near.iter().map(|near| {
            let weight = 1.0 / (near.distance() + NEAREST);
            (self.off[near.position()], weight)
        }));
        weighted_median(weighed).map_or(0.0, f64::from)
    }

    /// Whether the sales fit a frame of `width` values.
    ///
    /// # Errors
    /// Says what does not.
    fn check_sales(&self, width: usize) -> Result<(), PartError> {
        self.space.check(width, self.off.len())?;
        let counted = (1..=MOST).contains(&self.count);
        match counted && self.off.iter().all(|off| off.is_finite()) {
            true => Ok(()),
            false => Err(PartError::Misfit(format!(
                "{} nearest sales of {}, expected 1 to {MOST} and finite residuals",
                self.count,
                self.off.len()
            ))),
        }
    }
}

impl Fitted for Comparison {
    const EXTENSIONS: &'static [&'static str] = &["sales"];

    fn extension(&self) -> &'static str {
        "sales"
    }

    fn reads_design(&self) -> bool {
        true
    }

    fn row(&self, design: &SparseRow, values: &[f32], _codes: &mut Codes) -> f64 {
        self.value(design, values, &mut Room::default())
    }

    fn rows(
        &self,
        design: &[SparseRow],
        values: &[f32],
        _of_trees: impl FnOnce() -> Vec<f64>,
    ) -> Vec<f64> {
        let width = values.len() / design.len().max(1);
        let mut room = Room::default();
        let rows = design.iter().zip(values.chunks_exact(width.max(1)));
        rows.map(|(design, values)| self.value(design, values, &mut room))
            .collect()
    }

    fn contributions(
        &self,
        design: &SparseRow,
        values: &[f32],
    ) -> Result<Contributions, PartError> {
        Ok(Contributions {
            base: self.line.centre(),
            neighbourhood: Some(self.beyond_line(values, &mut Room::default())),
            columns: self.line.contributions(design),
            ..Contributions::default()
        })
    }

    fn encode(&self) -> Result<Vec<u8>, PartError> {
        Ok(json::write(self)?)
    }

    fn decode(_extension: &str, bytes: &[u8], frame_width: usize) -> Result<Comparison, PartError> {
        let mut read: Comparison = json::read(bytes)?;
        read.check_sales(frame_width)?;
        read.space.grow();
        Ok(read)
    }

    fn check(&self, widths: InputWidths) -> Result<(), PartError> {
        let Some(width) = widths.design else {
            return Err(PartError::misfit("no features in model.json"));
        };
        check::linear(&self.line, width)?;
        self.check_sales(widths.tree_features)
    }
}

/// The value up to which half of the weight lies; of values and weights, which are sorted.
fn weighted_median(weighed: &mut [(f32, f32)]) -> Option<f32> {
    weighed.sort_by(|one, other| one.0.total_cmp(&other.0));
    let half = weighed.iter().map(|(_, weight)| weight).sum::<f32>() / 2.0;
    let mut sum = 0.0;
    let middle = weighed.iter().position(|(_, weight)| {
        sum += weight;
        sum >= half
    });
    middle
        .or(weighed.len().checked_sub(1))
        .map(|at| weighed[at].0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weighted_median_is_where_half_of_the_weight_is() {
        assert_eq!(weighted_median(&mut []), None);
        assert_eq!(weighted_median(&mut [(3.0, 1.0)]), Some(3.0));
        let mut weighed = [(9.0, 1.0), (1.0, 1.0), (2.0, 1.0)];
        assert_eq!(weighted_median(&mut weighed), Some(2.0));
        // One absurd sale, however near, does not decide alone.
        let mut weighed = [(100.0, 2.0), (1.0, 1.5), (2.0, 1.5)];
        assert_eq!(weighted_median(&mut weighed), Some(2.0));
    }
}
