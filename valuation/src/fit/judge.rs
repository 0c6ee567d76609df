//! Judging a fitted estimator on the hold-out, which decides nothing about it.

use arrow_array::RecordBatch;

use super::data::Data;
use crate::baseline::GroupMedian;
use crate::conformal::{self, Share};
use crate::ensemble::FittedPrices;
use crate::estimator::estimates::Estimate;
use crate::metrics::{JudgedRow, Metrics};
use crate::report::{Calibration, MemberReport, Stacked};
use crate::split::Split;

/// What the hold-out says.
pub(super) struct Judged {
    /// Errors of what is kept.
    pub(super) model: Metrics,
    /// Errors of the group medians, which it has to beat.
    pub(super) baseline: Metrics,
    /// Prices and estimates side by side, for the ratio study.
    pub(super) actual: Vec<f64>,
    pub(super) valued: Vec<f64>,
    /// The same with ranges and row numbers, for segments and plots.
    pub(super) rows: Vec<JudgedRow>,
    /// Every member alone, the dropped ones too.
    pub(super) members: Vec<MemberReport>,
    /// Whether more than one member has weight.
    pub(super) stack: bool,
    /// The weighted members beside the best alone; none where one member has all weight.
    pub(super) stacked: Option<Stacked>,
    /// Share of the prices inside their ranges.
    pub(super) coverage: Share,
    /// The same of ranges of other widths.
    pub(super) calibration: Vec<Calibration>,
    /// Above 1 where the hold-out is further off than the folds were.
    pub(super) widened: f64,
}

/// Judges on the hold-out. Which members have weight was decided by the folds: a hold-out that chose would no longer be
/// one, and of few rows it would choose by chance. `None` for an empty hold-out.
pub(super) fn judge(
    data: &Data,
    batch: &RecordBatch,
    sides: &Split,
    fitted: &mut FittedPrices,
) -> Option<Judged> {
    let count = sides.holdout.len();
    let rows = arrow_select::take::take_record_batch(batch, &positions(&sides.holdout)).ok()?;
    let logs: Vec<f64> = sides.holdout.iter().map(|row| data.logs[*row]).collect();
    let actual: Vec<f64> = sides.holdout.iter().map(|row| data.prices[*row]).collect();
    let off = |found: &[Estimate]| {
        let squares = found
            .iter()
            .zip(&logs)
            .map(|(estimate, log)| (estimate.log - log) * (estimate.log - log));
        (squares.sum::<f64>() / count as f64).sqrt()
    };
    let weights = fitted.weights.clone();
    let found = fitted.estimator.batch(&rows);
    let stack_error = off(&found);
    let mut members = Vec::new();
    let mut best = None;
    for (index, weight) in weights.iter().enumerate() {
        fitted.weigh_only(index);
        let alone = fitted.estimator.batch(&rows);
        members.push(MemberReport {
            name: fitted.all[index].name.clone(),
            weight: *weight,
            trees: fitted.all[index].trees(),
            fold_error: fitted.member_errors[index],
            holdout_error: off(&alone),
            recipe: fitted.all[index]
                .recipe
                .as_ref()
                .map(|(_, told)| told.clone()),
        });
        if index == fitted.best {
            best = Some(off(&alone));
        }
    }
    let alone = best?;
    let stack = weights.iter().filter(|weight| **weight > 0.0).count() > 1;
    let stacked = stack.then(|| Stacked {
        best: fitted.all[fitted.best].name.clone(),
        alone,
        weighted: stack_error,
    });
    fitted.weigh(weights);
    let medians = GroupMedian::fit(data.groups, &data.prices, &sides.train);
    let guesses = sides
        .holdout
        .iter()
        .map(|row| medians.of(data.groups.text(*row)));
    let guessed: Vec<f64> = guesses.collect();
    let link = data.link;
    let valued: Vec<f64> = found
        .iter()
        .map(|estimate| link.value(estimate.log))
        .collect();
    let unseen = sides.holdout.iter().zip(&logs).zip(&found);
    let off = unseen.map(|((row, log), estimate)| (*row, (log - estimate.log).abs()));
    fitted.off.extend(off);
    let quantile = fitted.estimator.plan.quantile;
    let scores: Vec<f64> = found
        .iter()
        .zip(&logs)
        .map(|(estimate, log)| (log - estimate.log).abs() / estimate.spread)
        .collect();
    let held = |half: f64| {
        let hits = scores.iter().filter(|score| **score <= half).count();
        Share::of(hits, count)
    };
    let coverage = held(quantile);
    let levels = fitted.halves.iter();
    let calibration = levels.map(|(level, half)| Calibration {
        level: *level,
        held: held(*half),
    });
    let calibration = calibration.collect();
    // What comes after training is further off than the folds were: the range is to hold then too.
    let widened = match coverage.high < fitted.confidence {
        true => conformal::half_width(&scores, fitted.confidence) / quantile,
        false => 1.0,
    };
    let judged = |(row, estimate): (&usize, &Estimate)| JudgedRow {
        row: *row,
        actual: data.prices[*row],
        value: link.value(estimate.log),
        low: link.value(estimate.log - quantile * estimate.spread),
        high: link.value(estimate.log + quantile * estimate.spread),
    };
    let rows = sides.holdout.iter().zip(&found).map(judged).collect();
    Some(Judged {
        rows,
        model: Metrics::on(link, &actual, &valued)?,
        baseline: Metrics::on(link, &actual, &guessed)?,
        actual,
        valued,
        members,
        stack,
        stacked,
        coverage,
        calibration,
        widened,
    })
}

fn positions(rows: &[usize]) -> arrow_array::UInt64Array {
    rows.iter().map(|row| *row as u64).collect()
}
