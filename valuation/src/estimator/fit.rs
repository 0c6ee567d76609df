//! Fitting an estimator: features once, every member out of fold, weights, stretch, spread.

use arrow_array::RecordBatch;
use rayon::prelude::*;
use records::Schema;

use super::folds::{self, Fold};
use super::grown::Grown;
use super::{Estimator, MemberHead, Plan, bounded};
use crate::boosted::{Boosted, BoostedOptions, Growth, Table};
use crate::cells::{Cells, median};
use crate::conformal;
use crate::equity::Equity;
use crate::features::Features;
use crate::fit::{FitError, FitOptions};
use crate::link::Link;
use crate::member::{Member, MemberOptions, NamedMember};
use crate::metrics::FoldReport;
use crate::mondrian::Widths;
use crate::stack;

/// Fewer rows are left to the linear member: trees would learn them by heart.
const LEAST_TREE_ROWS: usize = 400;
/// Half a range in spreads at least: where members are never off (a price that is a function of its
/// fields), a range is still a range, and what the hold-out is off by can be told in its widths.
const LEAST_QUANTILE: f64 = 1e-3;
/// Coverages that ranges are judged at beside the one asked for.
const LEVELS: [f64; 4] = [0.5, 0.8, 0.9, 0.95];
/// How many times as quickly trees of folds learn: they are thrown away.
const HASTE: f64 = 1.5;
/// Trees of the spread: few and shallow, since how far off is known roughly at best.
pub(super) const SPREAD: BoostedOptions = BoostedOptions {
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
    /// How far off in log price rows were that had not been seen, by row of the batch.
    pub(crate) off: Vec<(usize, f64)>,
    /// Rows learned from.
    pub(crate) rows: usize,
    /// Share of prices the intervals are to hold.
    pub(crate) confidence: f64,
    /// For other shares: how many times the spread half a range is.
    pub(crate) halves: Vec<(f64, f64)>,
}

/// A member out of fold.
pub(super) struct Out {
    /// Fitted on all rows.
    pub(super) member: Member,
    /// The linear design, where it reads it.
    pub(super) features: Option<Features>,
    /// What members like it said of the judged rows, which they had not seen.
    pub(super) said: Vec<f64>,
}

/// Root mean squared log error.
pub(super) fn error(own: &[f64], targets: &[f64]) -> f64 {
    let pairs = own.iter().zip(targets);
    let squares = pairs.map(|(own, target)| (own - target) * (own - target));
    (squares.sum::<f64>() / targets.len().max(1) as f64).sqrt()
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
        let own = |values: &[f64]| -> Vec<f64> {
            let places = fold
                .judge
                .iter()
                .map(|row| judged.binary_search(&(*row as usize)));
            places.flatten().map(|place| values[place]).collect()
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
    folds.iter().map(of).collect()
}

/// A member of trees on all rows, and by row what others like it say that have not seen the row.
fn trees(
    table: &Table,
    folds: &[Fold],
    options: &MemberOptions,
    seed: u64,
) -> Result<(Boosted, Vec<f64>), String> {
    match options {
        MemberOptions::Boosted(options) => {
            let (said, rounds) = Boosted::out_of_fold(table, folds, options, HASTE, seed);
            Ok((Boosted::fit(table, options, rounds, seed)?, said))
        }
        MemberOptions::Forest(options) => {
            let said = Boosted::forest_out_of_fold(table, folds, options, seed);
            Ok((Boosted::forest(table, options, seed)?, said))
        }
        other => Err(format!("{other:?} has no trees")),
    }
}

impl Wanted<'_> {
    /// Fits all members and puts them together.
    pub(crate) fn fit(&self) -> Result<Fitted, FitError> {
        let targets = self.targets();
        let folds = self.folds();
        let judged = folds::judged(&folds);
        let actual: Vec<f64> = judged.iter().map(|row| targets[*row]).collect();
        let solver = |detail| FitError::Solver { detail };
        let grows = targets.len() >= LEAST_TREE_ROWS
            && self
                .members
                .iter()
                .any(|member| !member.options.is_linear());
        let lines: Vec<Option<Out>> = self
            .members
            .iter()
            .map(|member| match &member.options {
                MemberOptions::Linear => self.linear(&folds, &judged).map(Some),
                MemberOptions::ElasticNet(options) => {
                    self.elastic_net(options, &folds, &judged).map(Some)
                }
                MemberOptions::Comparables(_)
                | MemberOptions::Boosted(_)
                | MemberOptions::Forest(_)
                | MemberOptions::Logistic(_) => Ok(None),
            })
            .collect::<Result<_, FitError>>()?;
        let line = lines
            .iter()
            .flatten()
            .map(|line| error(&line.said, &actual));
        let line = line.fold(f64::MAX, f64::min);
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
                    (MemberOptions::Linear | MemberOptions::ElasticNet(_), _) => Ok(line?),
                    (_, None) => return None,
                    (MemberOptions::Comparables(options), Some(grown)) => {
                        self.compared(*options, grown, &folds, &judged)
                    }
                    (options, Some(grown)) => {
                        let seed = self.seed(index);
                        let found = trees(&grown.table, &folds, options, seed);
                        found
                            .map(|(boosted, said)| Out {
                                member: Member::Boosted(Box::new(boosted)),
                                features: None,
                                said: judged.iter().map(|row| said[*row]).collect(),
                            })
                            .map_err(solver)
                    }
                };
                Some(out.map(|out| (member.name.clone(), out)))
            })
            .collect::<Result<_, FitError>>()?;
        self.assemble(fitted, grown, &actual, &judged, &folds)
    }

    /// The folds that say what members are worth.
    fn folds(&self) -> Vec<Fold> {
        folds::of(self.options, self.rows.len(), self.times())
    }

    /// The rows' times, microseconds since 1970; none where the schema has none. What has no time
    /// counts as old: it is learned from, and judged on by little.
    fn times(&self) -> Option<Vec<i64>> {
        let cells = Cells::of(self.batch, self.schema.time.as_deref()?);
        let time = |row: &usize| cells.time_us(*row).unwrap_or(i64::MIN);
        Some(self.rows.iter().map(time).collect())
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

    /// Log targets of the rows.
    pub(super) fn targets(&self) -> Vec<f64> {
        self.rows.iter().map(|row| self.logs[*row]).collect()
    }

    /// The seed of a member's trees.
    pub(super) fn seed(&self, index: usize) -> u64 {
        self.options.seed.wrapping_add(1000 * index as u64)
    }

    /// Puts members together by what they said of the `judged` rows, whose log targets are `targets`.
    fn assemble(
        &self,
        fitted: Vec<(String, Out)>,
        grown: Option<Grown>,
        targets: &[f64],
        judged: &[usize],
        folds: &[Fold],
    ) -> Result<Fitted, FitError> {
        let (mut all, mut predictions, mut features) = (Vec::new(), Vec::new(), None);
        for (name, out) in fitted {
            features = out.features.or(features);
            all.push((name, out.member));
            predictions.push(out.said);
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
            (Some(grown), _) => grown.width(),
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
        let link = Link::of(self.schema);
        let equity = match link {
            Link::Log => Equity::fit(&stacked, targets),
            Link::LogOnePlus => Equity::level(&stacked, targets),
        };
        let valued = stacked.iter().map(|own| link.hold(equity.apply(*own)));
        let valued: Vec<f64> = valued.collect();
        let errors = fold_errors(&predictions, &valued, targets, judged, folds);
        let off: Vec<f64> = valued
            .iter()
            .zip(targets)
            .map(|(own, target)| (own - target).abs())
            .collect();
        let usual = median(&mut off.clone()).unwrap_or(0.0).max(1e-6);
        let (spread, out) = match &grown {
            Some(grown) => {
                let fitted = grown.part(judged, off.clone()).and_then(|table| {
                    let (seed, count) = (self.options.seed, self.options.folds.max(2));
                    let folds = folds::all(judged.len(), count, seed);
                    let (out, rounds) = Boosted::out_of_fold(&table, &folds, &SPREAD, 1.0, seed);
                    Ok((Boosted::fit(&table, &SPREAD, rounds, seed)?, out))
                });
                let (spread, out) = fitted.map_err(|detail| FitError::Solver { detail })?;
                (Some(spread), out)
            }
            None => (None, vec![usual; off.len()]),
        };
        let mut scores: Vec<f64> = off
            .iter()
            .zip(&out)
            .map(|(off, spread)| off / bounded(*spread, usual))
            .collect();
        let widths = self.widths(judged, &mut scores);
        let (frame, neighbours, comparables) = match grown {
            Some(grown) => (Some(grown.frame), grown.neighbours, grown.comparables),
            None => (None, Vec::new(), None),
        };
        let plan = Plan {
            link,
            features,
            frame,
            members: Vec::new(),
            equity,
            spread: usual,
            quantile: conformal::half_width(&scores, self.options.interval).max(LEAST_QUANTILE),
            widths,
            segments: None,
        };
        let halves = LEVELS.map(|level| (level, conformal::half_width(&scores, level)));
        let estimator = Estimator {
            plan,
            members: Vec::new(),
            neighbours,
            comparables,
            spread,
            bindings: Default::default(),
        };
        let mut fitted = Fitted {
            estimator,
            all,
            weights,
            columns,
            best,
            member_errors,
            folds: errors,
            off: judged.iter().map(|row| self.rows[*row]).zip(off).collect(),
            rows: self.rows.len(),
            confidence: self.options.interval,
            halves: halves.to_vec(),
        };
        fitted.weigh(fitted.weights.clone());
        Ok(fitted)
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
        self.estimator.share();
        self.weights = weights;
    }

    /// Drops the parts that no member reads.
    pub(crate) fn prune(&mut self) {
        let Estimator { plan, members, .. } = &mut self.estimator;
        if !members.iter().any(Member::reads_design) {
            plan.features = None;
        }
    }
}
