//! Fitting an estimator: features once, every member out of fold, weights, stretch, spread.

use arrow_array::RecordBatch;
use rayon::prelude::*;
use records::Schema;

use super::grown::Grown;
use super::{Estimator, MemberHead, Plan, bounded};
use crate::boosted::{Boosted, BoostedOptions, Growth, Table};
use crate::cells::median;
use crate::conformal;
use crate::draw::fold_of;
use crate::equity::Equity;
use crate::features::Features;
use crate::fit::{FitError, FitOptions};
use crate::linear::{Linear, SparseRow};
use crate::member::{Member, MemberOptions, NamedMember};
use crate::metrics::FoldReport;
use crate::stack;

/// Fewer rows are left to the linear member: trees would learn them by heart.
const LEAST_TREE_ROWS: usize = 400;
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
};

/// What is fitted.
pub(crate) struct Wanted<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) batch: &'a RecordBatch,
    /// Rows to learn from.
    pub(crate) rows: &'a [usize],
    /// Log targets by row of the batch.
    pub(crate) logs: &'a [f64],
    /// The field of the groups.
    pub(crate) group: Option<&'a str>,
    pub(crate) options: &'a FitOptions,
    pub(crate) members: &'a [NamedMember],
}

/// A fitted estimator and what its members said of rows they had not seen.
pub(crate) struct Fitted {
    pub(crate) estimator: Estimator,
    /// All members, those without weight too, by name.
    pub(crate) all: Vec<(String, Member)>,
    /// Weights by member of `all`.
    pub(crate) weights: Vec<f64>,
    /// Columns of the linear design that carry information, or values of the frame.
    pub(crate) columns: usize,
    /// The member that is best alone, out of fold: its index in `all`.
    pub(crate) best: usize,
    /// Out-of-fold root mean squared log error by member of `all`.
    pub(crate) member_errors: Vec<f64>,
    /// How far off the members were on each fold.
    pub(crate) folds: Vec<FoldReport>,
    /// Share of prices the intervals are to hold.
    pub(crate) confidence: f64,
}

/// A member, the linear design where it reads it, and what it said of rows it had not seen.
type Out = (Member, Option<Features>, Vec<f64>);

/// Root mean squared log error.
pub(super) fn error(own: &[f64], targets: &[f64]) -> f64 {
    let pairs = own.iter().zip(targets);
    let squares = pairs.map(|(own, target)| (own - target) * (own - target));
    (squares.sum::<f64>() / targets.len().max(1) as f64).sqrt()
}

/// The errors of each fold: of the members' predictions, by member and row, and of the whole.
fn fold_errors(
    predictions: &[Vec<f64>],
    valued: &[f64],
    targets: &[f64],
    folds: &[usize],
) -> Vec<FoldReport> {
    let count = folds.iter().max().map_or(0, |last| last + 1);
    let of = |fold: usize| {
        let own = |values: &[f64]| -> Vec<f64> {
            let pairs = values.iter().zip(folds);
            pairs
                .filter(|(_, own)| **own == fold)
                .map(|(value, _)| *value)
                .collect()
        };
        let targets = own(targets);
        FoldReport {
            rows: targets.len(),
            members: predictions
                .iter()
                .map(|said| error(&own(said), &targets))
                .collect(),
            stack: error(&own(valued), &targets),
        }
    };
    (0..count).map(of).collect()
}

impl Wanted<'_> {
    /// Fits all members and puts them together.
    pub(crate) fn fit(&self) -> Result<Fitted, FitError> {
        let targets: Vec<f64> = self.rows.iter().map(|row| self.logs[*row]).collect();
        let count = self.options.folds.max(2);
        let folds: Vec<usize> = (0..targets.len())
            .map(|position| fold_of(position, count, self.options.seed))
            .collect();
        let solver = |detail| FitError::Solver { detail };
        let grows = targets.len() >= LEAST_TREE_ROWS
            && self
                .members
                .iter()
                .any(|member| member.options != MemberOptions::Linear);
        let lines: Vec<Option<Out>> = self
            .members
            .iter()
            .map(|member| match member.options {
                MemberOptions::Linear => self.linear(&targets, &folds, count).map(Some),
                MemberOptions::Boosted(_) => Ok(None),
            })
            .collect::<Result<_, FitError>>()?;
        let line = lines
            .iter()
            .flatten()
            .map(|(_, _, out)| error(out, &targets));
        let line = line.fold(f64::INFINITY, f64::min);
        let grown = match grows {
            true => self.grow(&targets, line).map_err(solver)?,
            false => None,
        };
        let fitted: Vec<(String, Out)> = self
            .members
            .par_iter()
            .zip(lines)
            .enumerate()
            .filter_map(|(index, (member, line))| {
                let out = match (&member.options, &grown) {
                    (MemberOptions::Linear, _) => Ok(line?),
                    (MemberOptions::Boosted(_), None) => return None,
                    (MemberOptions::Boosted(options), Some(grown)) => {
                        let seed = self.options.seed.wrapping_add(1000 * index as u64);
                        let table = &grown.table;
                        let (out, rounds) = Boosted::out_of_fold(table, &folds, options, seed);
                        Boosted::fit(table, options, rounds, seed)
                            .map(|boosted| (Member::Boosted(Box::new(boosted)), None, out))
                            .map_err(solver)
                    }
                };
                Some(out.map(|out| (member.name.clone(), out)))
            })
            .collect::<Result<_, FitError>>()?;
        self.assemble(fitted, grown, &targets, &folds)
    }

    fn assemble(
        &self,
        fitted: Vec<(String, Out)>,
        grown: Option<Grown>,
        targets: &[f64],
        folds: &[usize],
    ) -> Result<Fitted, FitError> {
        let (mut all, mut predictions, mut features) = (Vec::new(), Vec::new(), None);
        for (name, (member, own, out)) in fitted {
            features = own.or(features);
            all.push((name, member));
            predictions.push(out);
        }
        let member_errors: Vec<f64> = predictions.iter().map(|own| error(own, targets)).collect();
        let best = (0..all.len())
            .min_by(|one, other| member_errors[*one].total_cmp(&member_errors[*other]));
        let Some(best) = best else {
            return Err(FitError::Solver {
                detail: "no member was to be fitted".to_owned(),
            });
        };
        let weights = stack::weights(&predictions, targets);
        let columns = match (&grown, all.first()) {
            (Some(grown), _) => grown.table.values().len() / targets.len().max(1),
            (None, Some((_, Member::Linear(linear)))) => linear.active,
            _ => 0,
        };
        let stacked: Vec<f64> = (0..targets.len())
            .map(|row| {
                weights
                    .iter()
                    .zip(&predictions)
                    .map(|(weight, own)| weight * own[row])
                    .sum()
            })
            .collect();
        let equity = Equity::fit(&stacked, targets);
        let valued: Vec<f64> = stacked.iter().map(|own| equity.apply(*own)).collect();
        let errors = fold_errors(&predictions, &valued, targets, folds);
        let off: Vec<f64> = valued
            .iter()
            .zip(targets)
            .map(|(own, target)| (own - target).abs())
            .collect();
        let usual = median(&mut off.clone()).unwrap_or(0.0).max(1e-6);
        let (spread, out) = match &grown {
            Some(grown) => {
                let table = Table::new(grown.table.values().to_vec(), &[], off.clone());
                let seed = self.options.seed;
                let fitted = table.and_then(|table| {
                    let (out, rounds) = Boosted::out_of_fold(&table, folds, &SPREAD, seed);
                    Ok((Boosted::fit(&table, &SPREAD, rounds, seed)?, out))
                });
                let (spread, out) = fitted.map_err(|detail| FitError::Solver { detail })?;
                (Some(spread), out)
            }
            None => (None, vec![usual; off.len()]),
        };
        let scores: Vec<f64> = off
            .iter()
            .zip(&out)
            .map(|(off, spread)| off / bounded(*spread, usual))
            .collect();
        let (frame, neighbours, comparables) = match grown {
            Some(grown) => (Some(grown.frame), grown.neighbours, grown.comparables),
            None => (None, Vec::new(), None),
        };
        let plan = Plan {
            features,
            frame,
            members: Vec::new(),
            equity,
            spread: usual,
            quantile: conformal::half_width(&scores, self.options.interval),
        };
        let estimator = Estimator {
            plan,
            members: Vec::new(),
            neighbours,
            comparables,
            spread,
        };
        let mut fitted = Fitted {
            estimator,
            all,
            weights,
            columns,
            best,
            member_errors,
            folds: errors,
            confidence: self.options.interval,
        };
        fitted.weigh(fitted.weights.clone());
        Ok(fitted)
    }

    /// The linear member on all rows, and every row's value by one that has not seen it.
    fn linear(&self, targets: &[f64], folds: &[usize], count: usize) -> Result<Out, FitError> {
        let solve = |rows: &[usize]| {
            let targets: Vec<f64> = rows.iter().map(|row| self.logs[*row]).collect();
            let (schema, batch) = (self.schema, self.batch);
            let (features, design) =
                Features::fit(schema, batch, rows, &targets, self.group, self.options);
            let linear = Linear::fit(&design, &targets, features.width())
                .map_err(|detail| FitError::Solver { detail })?;
            Ok((features, linear))
        };
        let (features, linear) = solve(self.rows)?;
        let parts: Vec<Vec<(usize, f64)>> = (0..count)
            .into_par_iter()
            .map(|fold| {
                let (own, others): (Vec<usize>, Vec<usize>) =
                    (0..folds.len()).partition(|row| folds[*row] == fold);
                let others: Vec<usize> = others.iter().map(|row| self.rows[*row]).collect();
                if others.is_empty() {
                    return Ok(Vec::new());
                }
                let (features, linear) = solve(&others)?;
                let bound = features.bind(self.batch);
                let mut design = SparseRow::new();
                let value = |row: usize| {
                    bound.write(self.rows[row], &mut design);
                    (row, linear.predict(&design))
                };
                Ok(own.into_iter().map(value).collect())
            })
            .collect::<Result<_, FitError>>()?;
        let mut out = vec![0.0; targets.len()];
        for (row, value) in parts.into_iter().flatten() {
            out[row] = value;
        }
        Ok((Member::Linear(linear), Some(features), out))
    }
}

impl Fitted {
    /// Puts the members of a weight above 0 into the estimator.
    pub(crate) fn weigh(&mut self, weights: Vec<f64>) {
        let parts = self
            .all
            .iter()
            .zip(&weights)
            .filter(|(_, weight)| **weight > 0.0);
        let (heads, members): (Vec<MemberHead>, Vec<Member>) = parts
            .map(|((name, member), weight)| {
                let head = MemberHead {
                    name: name.clone(),
                    extension: member.extension().to_owned(),
                    weight: *weight,
                };
                (head, member.clone())
            })
            .unzip();
        self.estimator.plan.members = heads;
        self.estimator.members = members;
        self.weights = weights;
    }

    /// Names and weights of the members in use.
    pub(crate) fn weights_by_name(&self) -> (Vec<String>, Vec<f64>) {
        let heads = self.estimator.plan.members.iter();
        heads.map(|head| (head.name.clone(), head.weight)).unzip()
    }

    /// Gives the members of these names these weights, and the others none.
    pub(crate) fn weigh_by_name(&mut self, names: &[String], weights: &[f64]) {
        let weight = |name: &String| names.iter().position(|other| other == name);
        let all = self
            .all
            .iter()
            .map(|(name, _)| weight(name).map_or(0.0, |at| weights[at]));
        self.weigh(all.collect());
    }

    /// Drops the parts that no member reads.
    pub(crate) fn prune(&mut self) {
        let Estimator { plan, members, .. } = &mut self.estimator;
        if !members.iter().any(Member::is_linear) {
            plan.features = None;
        }
    }
}
