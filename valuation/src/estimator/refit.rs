//! Fitting again on more rows, with everything chosen that there is to choose: what folds are for is
//! known already.

use rayon::prelude::*;

use super::fit::{Fitted, SPREAD, Wanted};
use super::{Estimator, Plan};
use crate::boosted::{Boosted, MOST_MORE};
use crate::features::Features;
use crate::fit::FitError;
use crate::member::{Member, MemberOptions};

impl Wanted<'_> {
    /// The members that `judged` has weights for, on these rows: as many trees as were judged, more
    /// by as much as there are more rows; the stretch, the ranges' width and the weights are those
    /// judged. The spread is learned from rows that `judged` was off on without having seen them.
    pub(crate) fn refit(&self, judged: &Fitted) -> Result<Fitted, FitError> {
        let targets = self.targets();
        let solver = |detail| FitError::Solver { detail };
        let plan = &judged.estimator.plan;
        let grown = match judged.estimator.spread {
            Some(_) => self.grow(&targets, f64::INFINITY).map_err(solver)?,
            None => None,
        };
        let more = (self.rows.len() as f64 / judged.rows.max(1) as f64).clamp(1.0, MOST_MORE);
        let rounds = |trees: usize| (trees as f64 * more).round() as usize;
        let wanted: Vec<(usize, usize)> = judged
            .all
            .iter()
            .enumerate()
            .filter(|(index, _)| judged.weights[*index] > 0.0)
            .filter_map(|(index, (name, _))| {
                let mut members = self.members.iter();
                Some((index, members.position(|member| member.name == *name)?))
            })
            .collect();
        let fitted: Vec<(usize, Member, Option<Features>)> = wanted
            .into_par_iter()
            .map(
                |(index, wanted)| match (&self.members[wanted].options, &grown) {
                    (MemberOptions::Linear | MemberOptions::ElasticNet(_), _) => {
                        let shrinkage = match &judged.all[index].1 {
                            Member::Linear(linear) => linear.shrinkage,
                            _ => None,
                        };
                        let design = self.design(self.rows);
                        let line = design.line(shrinkage)?;
                        Ok((index, Member::Linear(line), Some(design.features)))
                    }
                    (MemberOptions::Comparables(options), Some(grown)) => {
                        let all: Vec<usize> = (0..self.rows.len()).collect();
                        let (own, features) = self.comparison(*options, grown, &all)?;
                        Ok((index, Member::Comparison(Box::new(own)), Some(features)))
                    }
                    (options, Some(grown)) => {
                        let (table, seed) = (&grown.table, self.seed(wanted));
                        let own = match options {
                            MemberOptions::Forest(options) => Boosted::forest(table, options, seed),
                            MemberOptions::Boosted(options) => {
                                let trees = rounds(judged.all[index].1.trees());
                                Boosted::fit(table, options, trees, seed)
                            }
                            other => Err(format!("{other:?} has no trees")),
                        };
                        let own = own.map_err(solver)?;
                        Ok((index, Member::Boosted(Box::new(own)), None))
                    }
                    (_, None) => Err(FitError::Solver {
                        detail: "no column for trees is left on all rows".to_owned(),
                    }),
                },
            )
            .collect::<Result<_, FitError>>()?;
        let spread = match (&judged.estimator.spread, &grown) {
            (Some(spread), Some(grown)) => {
                let (positions, off): (Vec<usize>, Vec<f64>) = judged
                    .off
                    .iter()
                    .filter_map(|(row, off)| Some((self.rows.binary_search(row).ok()?, *off)))
                    .unzip();
                let table = grown.part(&positions, off).map_err(solver)?;
                let trees = rounds(spread.trees());
                let own = Boosted::fit(&table, &SPREAD, trees, self.options.seed);
                Some(own.map_err(solver)?)
            }
            _ => None,
        };
        let (mut all, mut weights, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        let mut features = None;
        for (index, member, own) in fitted {
            features = own.or(features);
            all.push((judged.all[index].0.clone(), member));
            weights.push(judged.weights[index]);
            errors.push(judged.member_errors[index]);
        }
        let columns = match (&grown, &features) {
            (Some(grown), _) => grown.width(),
            (None, Some(features)) => features.width(),
            (None, None) => 0,
        };
        let (frame, neighbours, comparables) = match grown {
            Some(grown) => (Some(grown.frame), grown.neighbours, grown.comparables),
            None => (None, Vec::new(), None),
        };
        let mut fitted = Fitted {
            estimator: Estimator {
                plan: Plan {
                    features,
                    frame,
                    members: Vec::new(),
                    ..plan.clone()
                },
                members: Vec::new(),
                neighbours,
                comparables,
                spread,
                bindings: Default::default(),
            },
            all,
            columns,
            best: 0,
            member_errors: errors,
            folds: Vec::new(),
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
