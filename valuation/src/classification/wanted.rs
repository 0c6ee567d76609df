//! The members: each out of fold and on all rows, then weighed and calibrated together.

use arrow_array::RecordBatch;
use rayon::prelude::*;
use records::Schema;

use super::blend;
use super::logistic::{self, LogisticOptions};
use super::metrics::area;
use super::report::ClassFold;
use crate::boosted::{Boosted, BoostedOptions, ForestOptions, Table};
use crate::cells::Cells;
use crate::equity::Equity;
use crate::estimator::{Estimator, Fold, MemberHead, Plan, folds};
use crate::features::Features;
use crate::fit::{FitError, FitOptions};
use crate::frame::Frame;
use crate::link::Link;
use crate::member::{Member, MemberOptions, NamedMember, odds_of};

/// How many times as quickly trees of folds learn: they are thrown away.
const HASTE: f64 = 1.5;

/// What is fitted.
pub(super) struct Wanted<'a> {
    pub(super) schema: &'a Schema,
    pub(super) batch: &'a RecordBatch,
    /// Rows to learn from.
    pub(super) rows: Vec<usize>,
    /// By row of the batch.
    pub(super) classes: &'a [bool],
    pub(super) options: &'a FitOptions,
    pub(super) members: &'a [NamedMember],
}

/// A fitted estimator and what its members said of rows they had not seen.
pub(super) struct Fitted {
    pub(super) estimator: Estimator,
    /// All members by name, with how many trees a fit on all rows is worth.
    pub(super) all: Vec<(String, Member)>,
    /// Weights by member of `all`.
    pub(super) weights: Vec<f64>,
    /// Calibration and log loss of each member alone, out of fold.
    pub(super) alone: Vec<(Equity, f64)>,
    /// Columns that carry information.
    pub(super) columns: usize,
    pub(super) folds: Vec<ClassFold>,
    /// Mean log loss of the whole, out of fold.
    pub(super) log_loss: f64,
}

impl Fitted {
    /// Leaves one member in an estimator.
    pub(super) fn only(&self, index: usize, estimator: &mut Estimator) {
        let weights = (0..self.all.len()).map(|own| f64::from(u8::from(own == index)));
        weigh(&self.all, &weights.collect::<Vec<_>>(), estimator);
    }
}

/// Puts the members of a weight above 0 into an estimator.
fn weigh(all: &[(String, Member)], weights: &[f64], estimator: &mut Estimator) {
    let parts = all.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
    let (heads, members) = parts
        .map(|((name, member), weight)| {
            let head = MemberHead {
                name: name.clone(),
                extension: member.extension().to_owned(),
                weight: *weight,
            };
            (head, member.clone())
        })
        .unzip();
    estimator.plan.members = heads;
    estimator.members = members;
    estimator.share();
}

/// What members learn from.
struct Ground {
    features: Features,
    design: Vec<crate::linear::SparseRow>,
    frame: Frame,
    /// For trees that say log odds.
    table: Table,
    /// For trees that say shares.
    shares: Table,
}

fn solver(detail: String) -> FitError {
    FitError::Solver { detail }
}

impl Wanted<'_> {
    fn own_classes(&self) -> Vec<bool> {
        self.rows.iter().map(|row| self.classes[*row]).collect()
    }

    fn ground(&self) -> Result<Ground, FitError> {
        let targets: Vec<f64> = self
            .own_classes()
            .into_iter()
            .map(|own| f64::from(u8::from(own)))
            .collect();
        let (schema, batch, rows) = (self.schema, self.batch, self.rows.as_slice());
        let (features, design) = Features::fit(schema, batch, rows, &targets, None, self.options);
        let (frame, values) = Frame::fit(schema, batch, rows, &targets, None);
        let table = |targets| Table::new(values.clone(), &frame.levels(), targets).map_err(solver);
        Ok(Ground {
            shares: table(targets.clone())?,
            table: table(targets)?.of_classes(),
            features,
            design,
            frame,
        })
    }

    fn folds(&self) -> Vec<Fold> {
        let time = self.schema.time.as_deref();
        let times = time.map(|time| {
            let cells = Cells::of(self.batch, time);
            let time = |row: &usize| cells.time_us(*row).unwrap_or(i64::MIN);
            self.rows.iter().map(time).collect()
        });
        folds::of(self.options, self.rows.len(), times)
    }

    /// Fits all members and puts them together.
    pub(super) fn fit(&self) -> Result<Fitted, FitError> {
        let classes = self.own_classes();
        let ground = self.ground()?;
        let folds = self.folds();
        let judged = folds::judged(&folds);
        let actual: Vec<bool> = judged.iter().map(|row| classes[*row]).collect();
        let fitted: Vec<(Member, Vec<f64>)> = self
            .members
            .par_iter()
            .enumerate()
            .map(|(index, member)| match &member.options {
                MemberOptions::Logistic(options) => self.line(&ground, &folds, *options),
                MemberOptions::Boosted(options) => self.trees(&ground, &folds, index, options),
                MemberOptions::Forest(options) => self.forest(&ground, &folds, index, options),
                other => Err(solver(format!("{other:?} tells no classes"))),
            })
            .collect::<Result<_, FitError>>()?;
        let (all, said): (Vec<(String, Member)>, Vec<Vec<f64>>) = self
            .members
            .iter()
            .zip(fitted)
            .map(|(named, (member, said))| {
                let said: Vec<f64> = judged.iter().map(|row| said[*row]).collect();
                ((named.name.clone(), member), said)
            })
            .unzip();
        let weights = blend::weights(&said, &actual);
        let alone = said.iter().map(|own| {
            let calibration = blend::calibrate(own, &actual);
            let applied: Vec<f64> = own.iter().map(|own| calibration.apply(*own)).collect();
            (calibration, blend::loss(&applied, &actual))
        });
        let alone = alone.collect();
        let sum = blend::weighted(&said, &weights);
        let equity = blend::calibrate(&sum, &actual);
        let log_odds: Vec<f64> = sum.iter().map(|own| equity.apply(*own)).collect();
        let mut estimator = Estimator {
            plan: plan(&ground, equity),
            members: Vec::new(),
            neighbours: Vec::new(),
            comparables: None,
            spread: None,
            bindings: Default::default(),
        };
        weigh(&all, &weights, &mut estimator);
        Ok(Fitted {
            estimator,
            folds: by_fold(&folds, &judged, &log_odds, &actual),
            log_loss: blend::loss(&log_odds, &actual),
            columns: ground.frame.width().max(ground.features.width()),
            all,
            weights,
            alone,
        })
    }

    /// The members that have weight on these rows, with the weights and the calibration of `before`.
    pub(super) fn refit(&self, before: &Fitted) -> Result<Estimator, FitError> {
        let ground = self.ground()?;
        let used = self.members.iter().zip(&before.all).enumerate();
        let used = used.filter(|(index, _)| before.weights[*index] > 0.0);
        let members: Vec<Member> = used
            .map(|(index, (named, (_, member)))| match &named.options {
                MemberOptions::Logistic(options) => self.whole_line(&ground, *options),
                MemberOptions::Boosted(options) => {
                    self.whole_trees(&ground, index, options, member.trees())
                }
                MemberOptions::Forest(options) => self.whole_forest(&ground, index, options),
                other => Err(solver(format!("{other:?} tells no classes"))),
            })
            .collect::<Result<_, FitError>>()?;
        Ok(Estimator {
            plan: Plan {
                members: before.estimator.plan.members.clone(),
                ..plan(&ground, before.estimator.plan.equity)
            },
            members,
            neighbours: Vec::new(),
            comparables: None,
            spread: None,
            bindings: Default::default(),
        })
    }

    fn seed(&self, index: usize) -> u64 {
        self.options.seed.wrapping_add(1000 * index as u64)
    }

    fn trees(
        &self,
        ground: &Ground,
        folds: &[Fold],
        index: usize,
        options: &BoostedOptions,
    ) -> Result<(Member, Vec<f64>), FitError> {
        let own = of_classes(options);
        let (said, rounds) =
            Boosted::out_of_fold(&ground.table, folds, &own, HASTE, self.seed(index));
        let member = self.whole_trees(ground, index, options, rounds)?;
        Ok((member, said))
    }

    fn whole_trees(
        &self,
        ground: &Ground,
        index: usize,
        options: &BoostedOptions,
        rounds: usize,
    ) -> Result<Member, FitError> {
        let own = of_classes(options);
        let trees = Boosted::fit(&ground.table, &own, rounds, self.seed(index));
        Ok(Member::Boosted(Box::new(trees.map_err(solver)?)))
    }

    fn forest(
        &self,
        ground: &Ground,
        folds: &[Fold],
        index: usize,
        options: &ForestOptions,
    ) -> Result<(Member, Vec<f64>), FitError> {
        let said = Boosted::forest_out_of_fold(&ground.shares, folds, options, self.seed(index));
        let member = self.whole_forest(ground, index, options)?;
        Ok((member, said.into_iter().map(odds_of).collect()))
    }

    fn whole_forest(
        &self,
        ground: &Ground,
        index: usize,
        options: &ForestOptions,
    ) -> Result<Member, FitError> {
        let trees = Boosted::forest(&ground.shares, options, self.seed(index));
        Ok(Member::Shares(Box::new(trees.map_err(solver)?)))
    }

    fn line(
        &self,
        ground: &Ground,
        folds: &[Fold],
        options: LogisticOptions,
    ) -> Result<(Member, Vec<f64>), FitError> {
        let classes = self.own_classes();
        let width = ground.features.width();
        let mut said = vec![f64::NAN; classes.len()];
        for fold in folds {
            let rows = fold.train.iter().map(|row| *row as usize);
            let (design, own): (Vec<_>, Vec<bool>) = rows
                .map(|row| (ground.design[row].clone(), classes[row]))
                .unzip();
            let line = logistic::fit(&design, &own, width, options).map_err(solver)?;
            for row in &fold.judge {
                said[*row as usize] = line.predict(&ground.design[*row as usize]);
            }
        }
        Ok((self.whole_line(ground, options)?, said))
    }

    fn whole_line(&self, ground: &Ground, options: LogisticOptions) -> Result<Member, FitError> {
        let (design, width) = (&ground.design, ground.features.width());
        let line = logistic::fit(design, &self.own_classes(), width, options);
        Ok(Member::Linear(line.map_err(solver)?))
    }
}

/// Residuals of classes are bounded: none is mistrusted.
fn of_classes(options: &BoostedOptions) -> BoostedOptions {
    BoostedOptions {
        trusted: 1.0,
        ..options.clone()
    }
}

/// The parts of a plan that are not members. Classes have no ranges.
fn plan(ground: &Ground, equity: Equity) -> Plan {
    Plan {
        features: Some(ground.features.clone()),
        frame: Some(ground.frame.clone()),
        members: Vec::new(),
        equity,
        spread: 0.0,
        quantile: 0.0,
        widths: None,
        link: Link::default(),
        segments: None,
    }
}

fn by_fold(folds: &[Fold], judged: &[usize], log_odds: &[f64], classes: &[bool]) -> Vec<ClassFold> {
    let of = |fold: &Fold| {
        let places = fold.judge.iter();
        let places = places.filter_map(|row| judged.binary_search(&(*row as usize)).ok());
        let (said, own): (Vec<f64>, Vec<bool>) = places
            .map(|place| (log_odds[place], classes[place]))
            .unzip();
        ClassFold {
            rows: own.len(),
            log_loss: blend::loss(&said, &own),
            auc: area(&said, &own),
        }
    };
    folds.iter().map(of).collect()
}
