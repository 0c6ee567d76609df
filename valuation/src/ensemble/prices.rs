//! The ensemble of prices and counts: weights by least squares, the stretch, the spread, and the ranges' width.

use std::collections::BTreeMap;

use crate::boosted::{Boosted, BoostedOptions, Direction, Growth, MOST_MORE};
use crate::cells::{Cells, median};
use crate::comparables::Comparables;
use crate::conformal;
use crate::equity::Equity;
use crate::equity_report::EquityReport;
use crate::estimator::Estimator;
use crate::estimator::estimates::bounded;
use crate::estimator::plan::Plan;
use crate::fit_error::FitError;
use crate::folds::{self, Fold};
use crate::known::Known;
use crate::linear_design::LinearDesign;
use crate::link::Link;
use crate::members::Fitted as _;
use crate::metrics::root_mean_square;
use crate::mondrian::Widths;
use crate::neighbours::Neighbours;
use crate::progress::FitStage;
use crate::report::FoldReport;
use crate::solver_error::SolverError;
use crate::tree_features::TreeFeatures;
use crate::tree_inputs::TreeInputs;
use crate::widths_by_estimate::WidthsByEstimate;

use super::beyond;
use super::job::{FitJob, FittedMember, OutOfFoldFits, all_weight_on, more_trees, weigh};
use super::stack;

/// Half a range in spreads at least: where members are never off (a price that is a function of its
/// fields), a range is still a range, and what the hold-out is off by can be told in its widths.
const LEAST_QUANTILE: f64 = 1e-3;
/// Coverages that ranges are judged at beside the one asked for.
const LEVELS: [f64; 4] = [0.5, 0.8, 0.9, 0.95];
/// Trees of the spread: few and shallow, since how far off is known roughly at best.
const SPREAD: BoostedOptions = BoostedOptions {
    growth: Growth::Symmetric,
    rounds: 30,
    rate: 0.2,
    leaves: 0,
    depth: 4,
    leaf_rows: 40.0,
    row_share: 1.0,
    column_share: 1.0,
    penalty: 1.0,
    trusted: 1.0,
    patience: 10,
    names: None,
    neighbours: None,
    fits_size: false,
};

/// A fitted estimator of prices and what its members predicted for rows they had not seen.
pub(crate) struct FittedPrices {
    pub(crate) estimator: Estimator,
    /// All members, those without weight too.
    pub(crate) all: Vec<FittedMember>,
    /// Weights by member of `all`.
    pub(crate) weights: Vec<f64>,
    /// Columns of the linear design that carry information, or values of the trees' rows.
    pub(crate) columns: usize,
    /// The member that is best alone, out of fold: its index in `all`.
    pub(crate) best: usize,
    /// Out-of-fold root mean squared log error by member of `all`.
    pub(crate) member_errors: Vec<f64>,
    /// How far off the members were on each fold.
    pub(crate) folds: Vec<FoldReport>,
    /// What the stretch reached; none of counts, and of a model fitted again.
    pub(crate) equity: Option<EquityReport>,
    /// How far off in log price rows were that had not been seen, by row of the batch.
    pub(crate) off: Vec<(usize, f64)>,
    /// Rows learned from.
    rows: usize,
    /// Share of prices the intervals are to hold.
    pub(crate) confidence: f64,
    /// For other shares: how many times the spread half a range is.
    pub(crate) halves: Vec<(f64, f64)>,
}

/// The errors of each fold: of the members' predictions, by member and judged row, and of the whole.
fn fold_errors(
    predictions: &[Vec<f64>],
    valued: &[f64],
    targets: &[f64],
    judged: &[usize],
    folds: &[Fold],
) -> Vec<FoldReport> {
    let of = |fold: &Fold| {
        let of_fold = |values: &[f64]| -> Vec<f64> {
            let places = fold
                .judge
                .iter()
                .map(|row| judged.binary_search(&(*row as usize)));
            places.flatten().map(|place| values[place]).collect()
        };
        let targets = of_fold(targets);
        FoldReport {
            rows: targets.len(),
            members: predictions
                .iter()
                .map(|predicted| root_mean_square(&of_fold(predicted), &targets))
                .collect(),
            stack: root_mean_square(&of_fold(valued), &targets),
        }
    };
    folds.iter().map(of).collect()
}

impl FitJob<'_> {
    /// Fits all members and puts them together.
    ///
    /// # Errors
    /// When a solver fails, or the rows are enough for none of the members.
    pub(crate) fn fit_prices(&self) -> Result<FittedPrices, FitError> {
        let OutOfFoldFits {
            context,
            all,
            predicted,
        } = self.fit_members()?;
        self.tracker.enter(FitStage::Weights);
        let targets = context.judged_targets();
        let (judged, folds) = (context.judged.clone(), context.folds.clone());
        let errors = predicted
            .iter()
            .map(|values| root_mean_square(values, &targets));
        let member_errors: Vec<f64> = errors.collect();
        let best = (0..all.len())
            .min_by(|one, other| member_errors[*one].total_cmp(&member_errors[*other]))
            .ok_or(SolverError::NoMember)?;
        let weights = stack::weights(&predicted, &targets);
        let (linear_design, tree_inputs) = context.into_columns();
        let columns = match (
            &tree_inputs,
            all.first().and_then(|member| member.member.as_line()),
        ) {
            (Some(inputs), _) => inputs.width(),
            (None, Some(line)) => line.active,
            (None, None) => 0,
        };
        let stacked: Vec<f64> = (0..targets.len())
            .map(|row| {
                weights
                    .iter()
                    .zip(&predicted)
                    .map(|(weight, values)| weight * values[row])
                    .sum()
            })
            .collect();
        let link = Link::of(self.schema);
        let (equity, equity_report) = match link {
            Link::Log => {
                let (equity, report) = Equity::fit(&stacked, &targets);
                // JSON has no other numbers.
                let is_finite = report.prd.is_finite() && report.prb.is_finite();
                (equity, is_finite.then_some(report))
            }
            Link::LogOnePlus => (Equity::level(&stacked, &targets), None),
        };
        let valued = stacked.iter().map(|log| link.hold(equity.apply(*log)));
        let valued: Vec<f64> = valued.collect();
        let fold_reports = fold_errors(&predicted, &valued, &targets, &judged, &folds);
        self.tracker.enter(FitStage::Intervals);
        let off: Vec<f64> = valued
            .iter()
            .zip(&targets)
            .map(|(log, target)| (log - target).abs())
            .collect();
        let usual = median(&mut off.clone()).unwrap_or(0.0).max(1e-6);
        let (spread, out_of_fold) = match &tree_inputs {
            Some(inputs) => {
                let table = inputs.part(&judged, off.clone())?;
                let (seed, count) = (self.options.seed, self.options.folds.max(2));
                let folds = folds::all(judged.len(), count, seed);
                let (out, rounds) = Boosted::out_of_fold(&table, &folds, &SPREAD, 1.0, seed);
                (Some(Boosted::fit(&table, &SPREAD, rounds, seed)?), out)
            }
            None => (None, vec![usual; off.len()]),
        };
        let mut scores: Vec<f64> = off
            .iter()
            .zip(&out_of_fold)
            .map(|(off, spread)| off / bounded(*spread, usual))
            .collect();
        let widths = self.widths(&judged, &mut scores);
        let level = self.options.interval;
        let widths_by_estimate = WidthsByEstimate::fit(&valued, &scores, level);
        if let Some(widths) = &widths_by_estimate {
            for (score, estimate) in scores.iter_mut().zip(&valued) {
                *score /= widths.of(*estimate);
            }
        }
        let columns_of_plan = PlanColumns::of(linear_design, tree_inputs);
        let costs = beyond::costs(self);
        let line = all.iter().find_map(|member| member.member.as_line());
        let of_line = match (columns_of_plan.linear_design.as_ref(), line) {
            (Some(design), Some(line)) => design.elasticities(line),
            _ => BTreeMap::new(),
        };
        let known = Known::of(self.schema, self.batch, self.rows, |field| {
            costs.get(field).map_or(1.0, |beyond| beyond.factor)
        });
        let known = known.carried(self.batch, self.rows, |field| {
            let measured = costs.get(field).map(|beyond| beyond.elasticities)?;
            // Beside an area, what a line says of other sizes is shared out among them by chance.
            let is_told = self.schema.area().is_none_or(|area| area == field);
            let of_line = of_line.get(field).filter(|_| is_told);
            let end = |end: usize| {
                let found = measured[end].or_else(|| of_line.map(|both| both[end]));
                // What the schema says a price goes with, it goes with beyond the range too.
                Direction::of_field(self.schema, field).hold(found.unwrap_or(0.0))
            };
            Some([end(0), end(1)])
        });
        let plan = Plan {
            link,
            linear_design: columns_of_plan.linear_design,
            tree_features: columns_of_plan.tree_features,
            members: Vec::new(),
            equity,
            spread: usual,
            quantile: conformal::half_width(&scores, self.options.interval).max(LEAST_QUANTILE),
            widths,
            widths_by_estimate,
            known: Some(known),
            segments: None,
        };
        let halves = LEVELS.map(|level| (level, conformal::half_width(&scores, level)));
        let estimator = Estimator {
            plan,
            members: Vec::new(),
            neighbours: columns_of_plan.neighbours,
            comparables: columns_of_plan.comparables,
            spread,
            bindings: Default::default(),
            name_tables: Default::default(),
        };
        let mut fitted = FittedPrices {
            estimator,
            all,
            weights: Vec::new(),
            columns,
            best,
            member_errors,
            folds: fold_reports,
            equity: equity_report,
            off: judged.iter().map(|at| self.rows[*at]).zip(off).collect(),
            rows: self.rows.len(),
            confidence: self.options.interval,
            halves: halves.to_vec(),
        };
        fitted.weigh(weights);
        Ok(fitted)
    }

    /// Segments whose ranges are to be wider or narrower than elsewhere; the scores of the `judged`
    /// rows become such of their own segment's width.
    fn widths(&self, judged: &[usize], scores: &mut [f64]) -> Option<Widths> {
        let field = self.group?;
        let cells = Cells::of(self.batch, field);
        let rows = judged.iter().map(|position| self.rows[*position]);
        let segments = rows.clone().map(|row| cells.text(row));
        let widths = Widths::fit(field, segments, scores, self.options.interval)?;
        for (score, row) in scores.iter_mut().zip(rows) {
            *score /= widths.of(cells, row);
        }
        Some(widths)
    }

    /// The members that `judged` has weights for, on these rows: as many trees as were judged, more
    /// by as much as there are more rows; the stretch, the ranges' width and the weights are those
    /// judged. The spread is learned from rows that `judged` was off on without having seen them.
    ///
    /// # Errors
    /// When a solver fails, or the trees have no column on all rows.
    pub(crate) fn refit_prices(&self, judged: &FittedPrices) -> Result<FittedPrices, FitError> {
        let plan = &judged.estimator.plan;
        let has_trees = judged.estimator.spread.is_some();
        let more = (self.rows.len() as f64 / judged.rows.max(1) as f64).clamp(1.0, MOST_MORE);
        let (context, fitted) = self.refit_members(
            &judged.all,
            &judged.weights,
            |source| match has_trees {
                true => Ok(source.of_prices()?),
                false => Ok(None),
            },
            more,
        )?;
        let spread = match (&judged.estimator.spread, &context.tree_inputs) {
            (Some(spread), Some(inputs)) => {
                let (positions, off): (Vec<usize>, Vec<f64>) = judged
                    .off
                    .iter()
                    .filter_map(|(row, off)| Some((self.rows.binary_search(row).ok()?, *off)))
                    .unzip();
                let table = inputs.part(&positions, off)?;
                let trees = more_trees(spread.trees(), more);
                Some(Boosted::fit(&table, &SPREAD, trees, self.options.seed)?)
            }
            _ => None,
        };
        let (mut all, mut weights, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for (index, member) in fitted {
            all.push(member);
            weights.push(judged.weights[index]);
            errors.push(judged.member_errors[index]);
        }
        let (linear_design, tree_inputs) = context.into_columns();
        let columns = match (&tree_inputs, &linear_design) {
            (Some(inputs), _) => inputs.width(),
            (None, Some(linear_design)) => linear_design.width(),
            (None, None) => 0,
        };
        let columns_of_plan = PlanColumns::of(linear_design, tree_inputs);
        let mut fitted = FittedPrices {
            estimator: Estimator {
                plan: Plan {
                    linear_design: columns_of_plan.linear_design,
                    tree_features: columns_of_plan.tree_features,
                    members: Vec::new(),
                    known: plan
                        .known
                        .as_ref()
                        .map(|known| known.again(self.schema, self.batch, self.rows)),
                    ..plan.clone()
                },
                members: Vec::new(),
                neighbours: columns_of_plan.neighbours,
                comparables: columns_of_plan.comparables,
                spread,
                bindings: Default::default(),
                name_tables: Default::default(),
            },
            all,
            columns,
            best: 0,
            member_errors: errors,
            folds: Vec::new(),
            equity: None,
            off: Vec::new(),
            rows: self.rows.len(),
            confidence: judged.confidence,
            halves: Vec::new(),
            weights: Vec::new(),
        };
        fitted.weigh(weights);
        Ok(fitted)
    }
}

/// What an estimator keeps of the columns that its members were fitted on.
struct PlanColumns {
    linear_design: Option<LinearDesign>,
    tree_features: Option<TreeFeatures>,
    neighbours: Vec<Neighbours>,
    comparables: Option<Comparables>,
}

impl PlanColumns {
    fn of(linear_design: Option<LinearDesign>, tree_inputs: Option<TreeInputs>) -> PlanColumns {
        let (tree_features, neighbours, comparables) = match tree_inputs {
            Some(inputs) => (
                Some(inputs.tree_features),
                inputs.neighbours,
                inputs.comparables,
            ),
            None => (None, Vec::new(), None),
        };
        PlanColumns {
            linear_design,
            tree_features,
            neighbours,
            comparables,
        }
    }
}

impl FittedPrices {
    /// Puts the members of a weight above 0 into the estimator.
    pub(crate) fn weigh(&mut self, weights: Vec<f64>) {
        weigh(&self.all, &weights, &mut self.estimator);
        self.weights = weights;
    }

    /// Leaves one member in the estimator.
    pub(crate) fn weigh_only(&mut self, index: usize) {
        self.weigh(all_weight_on(index, self.all.len()));
    }

    /// Drops the columns that no member reads.
    pub(crate) fn prune(&mut self) {
        self.estimator.prune();
    }
}
