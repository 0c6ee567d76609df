//! The ensemble of a class: weights and calibration by the log loss.

use super::blend;
use super::job::{FitJob, FittedMember, OutOfFoldFits, all_weight_on, weigh};
use crate::classification::{ClassFold, area};
use crate::equity::Equity;
use crate::estimator::Estimator;
use crate::estimator::plan::Plan;
use crate::fit_error::FitError;
use crate::folds::Fold;
use crate::linear_design::LinearDesign;
use crate::link::Link;
use crate::progress::FitStage;
use crate::tree_inputs::{TreeInputs, TreeSource};

/// A fitted estimator of a class and what its members predicted for rows they had not seen.
pub(crate) struct FittedClasses {
    pub(crate) estimator: Estimator,
    /// All members, with how many trees a fit on all rows is worth.
    pub(crate) all: Vec<FittedMember>,
    /// Weights by member of `all`.
    pub(crate) weights: Vec<f64>,
    /// Calibration and log loss of each member alone, out of fold.
    pub(crate) alone: Vec<(Equity, f64)>,
    /// Columns that carry information.
    pub(crate) columns: usize,
    pub(crate) folds: Vec<ClassFold>,
    /// Mean log loss of the whole, out of fold.
    pub(crate) log_loss: f64,
    /// Positions among the job's rows that are judged on in any fold, rising.
    pub(crate) judged: Vec<usize>,
    /// By judged row the calibrated log odds of the whole, out of fold.
    pub(crate) log_odds: Vec<f64>,
    /// By judged row whether its fold had rows of the class to learn from, and others: what a fold predicts without is
    /// nothing that the whole would.
    pub(crate) seen: Vec<bool>,
}

/// Log odds as they are.
const NO_CALIBRATION: Equity = Equity {
    centre: 0.0,
    slope: 1.0,
    shift: 0.0,
};

impl FittedClasses {
    /// Leaves one member in an estimator.
    pub(crate) fn weigh_only(&self, index: usize, estimator: &mut Estimator) {
        weigh(&self.all, &all_weight_on(index, self.all.len()), estimator);
    }
}

impl FitJob<'_> {
    /// Fits all members of a class and puts them together.
    ///
    /// # Errors
    /// When a solver fails.
    pub(crate) fn fit_classes(&self) -> Result<FittedClasses, FitError> {
        let OutOfFoldFits {
            context,
            all,
            predicted,
        } = self.fit_members()?;
        self.enter(FitStage::Weights);
        let actual: Vec<bool> = context
            .judged_targets()
            .iter()
            .map(|class| *class > 0.0)
            .collect();
        let (judged, folds) = (context.judged.clone(), context.folds.clone());
        let seen = seen(&folds, &judged, &context.targets);
        let of_seen = |values: &[f64]| -> Vec<f64> {
            let rows = values.iter().zip(&seen);
            rows.filter_map(|(value, seen)| seen.then_some(*value))
                .collect()
        };
        let shown: Vec<Vec<f64>> = predicted.iter().map(|values| of_seen(values)).collect();
        let known: Vec<bool> = (actual.iter().zip(&seen))
            .filter_map(|(class, seen)| seen.then_some(*class))
            .collect();
        // Where the class comes so late that no fold shows what members are worth, all are worth the same.
        let is_shown = known.contains(&true) && known.contains(&false);
        let weights = match is_shown {
            true => blend::weights(&shown, &known),
            false => vec![1.0 / all.len().max(1) as f64; all.len()],
        };
        let calibrate = |log_odds: &[f64]| match is_shown {
            true => blend::calibrate(log_odds, &known),
            false => NO_CALIBRATION,
        };
        let alone = shown.iter().map(|log_odds| {
            let calibration = calibrate(log_odds);
            let applied: Vec<f64> = log_odds
                .iter()
                .map(|log_odds| calibration.apply(*log_odds))
                .collect();
            (calibration, blend::loss(&applied, &known))
        });
        let alone = alone.collect();
        self.enter(FitStage::Intervals);
        let equity = calibrate(&blend::weighted(&shown, &weights));
        let sum = blend::weighted(&predicted, &weights);
        let log_odds: Vec<f64> = sum.iter().map(|log_odds| equity.apply(*log_odds)).collect();
        // The columns of both kinds are kept until it is known who reads them.
        let _ = context.design();
        let (linear_design, tree_inputs) = context.into_columns();
        let width = |width: Option<usize>| width.unwrap_or(0);
        let columns = width(
            tree_inputs
                .as_ref()
                .map(|inputs| inputs.tree_features.width()),
        )
        .max(width(linear_design.as_ref().map(LinearDesign::width)));
        let mut estimator = estimator(linear_design, tree_inputs, equity);
        weigh(&all, &weights, &mut estimator);
        Ok(FittedClasses {
            estimator,
            folds: by_fold(&folds, &judged, &log_odds, &actual),
            log_loss: blend::loss(&log_odds, &actual),
            log_odds,
            judged,
            seen,
            columns,
            all,
            weights,
            alone,
        })
    }

    /// The members that have weight on these rows, with the weights and the calibration of `judged`.
    ///
    /// # Errors
    /// When a solver fails.
    pub(crate) fn refit_classes(&self, judged: &FittedClasses) -> Result<Estimator, FitError> {
        let grow = |source: &TreeSource| Ok(Some(source.of_classes()?));
        let (context, fitted) = self.refit_members(&judged.all, &judged.weights, grow, 1.0)?;
        let (indices, all): (Vec<usize>, Vec<FittedMember>) = fitted.into_iter().unzip();
        let weights: Vec<f64> = indices.iter().map(|index| judged.weights[*index]).collect();
        let (linear_design, tree_inputs) = context.into_columns();
        let mut estimator = estimator(linear_design, tree_inputs, judged.estimator.plan.equity);
        weigh(&all, &weights, &mut estimator);
        Ok(estimator)
    }
}

/// An estimator without members. Classes have no ranges.
fn estimator(
    linear_design: Option<LinearDesign>,
    tree_inputs: Option<TreeInputs>,
    equity: Equity,
) -> Estimator {
    Estimator {
        plan: Plan {
            linear_design,
            tree_features: tree_inputs.map(|inputs| inputs.tree_features),
            members: Vec::new(),
            equity,
            spread: 0.0,
            quantile: 0.0,
            widths: None,
            widths_by_estimate: None,
            link: Link::default(),
            known: None,
            segments: None,
        },
        members: Vec::new(),
        neighbours: Vec::new(),
        comparables: None,
        spread: None,
        bindings: Default::default(),
        name_tables: Default::default(),
    }
}

/// By judged row whether the rows that its fold learned from are of the class, and others.
fn seen(folds: &[Fold], judged: &[usize], targets: &[f64]) -> Vec<bool> {
    let mut seen = vec![false; judged.len()];
    for fold in folds {
        let of_class = fold.train.iter();
        let of_class = of_class.filter(|row| targets[**row as usize] > 0.0).count();
        if of_class == 0 || of_class == fold.train.len() {
            continue;
        }
        for row in &fold.judge {
            if let Ok(place) = judged.binary_search(&(*row as usize)) {
                seen[place] = true;
            }
        }
    }
    seen
}

fn by_fold(folds: &[Fold], judged: &[usize], log_odds: &[f64], classes: &[bool]) -> Vec<ClassFold> {
    let of = |fold: &Fold| {
        let places = fold.judge.iter();
        let places = places.filter_map(|row| judged.binary_search(&(*row as usize)).ok());
        let (predicted, classes): (Vec<f64>, Vec<bool>) = places
            .map(|place| (log_odds[place], classes[place]))
            .unzip();
        ClassFold {
            rows: classes.len(),
            log_loss: blend::loss(&predicted, &classes),
            auc: area(&predicted, &classes),
        }
    };
    folds.iter().map(of).collect()
}
