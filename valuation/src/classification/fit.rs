//! Fitting: split, fit every member out of fold, weigh, calibrate, judge, refit on everything.

use std::collections::BTreeMap;
use std::time::Instant;

use arrow_array::RecordBatch;
use rayon::prelude::*;
use records::{Schema, Task};

use super::blend;
use super::classes::classes;
use super::judge::{Holdout, judge};
use super::logistic::{self, LogisticOptions};
use super::metrics::area;
use super::model::{ClassHead, ClassModel};
use super::report::{ClassFold, ClassReport};
use crate::artifact::FORMAT;
use crate::boosted::{Boosted, BoostedOptions, ForestOptions, Table};
use crate::cells::Cells;
use crate::clean::Records;
use crate::equity::Equity;
use crate::estimator::{Estimator, Fold, MemberHead, Plan, folds};
use crate::features::Features;
use crate::fit::{FitError, FitOptions, SplitBy, check_columns, no_features, on_pool};
use crate::frame::Frame;
use crate::link::Link;
use crate::member::{Member, MemberOptions, NamedMember, odds_of};
use crate::model::Golden;
use crate::split::{split, split_randomly};
use crate::useless;

/// Fewest records that are ever fitted on, whatever `min_rows` says.
const LEAST_ROWS: usize = 10;
/// Sample rows kept with a model.
const GOLDEN_ROWS: usize = 20;
/// How many times as quickly trees of folds learn: they are thrown away.
const HASTE: f64 = 1.5;

/// Fits a model of the schema's class and judges it as [`crate::fit`] does: on the newest records, or on
/// such that were drawn, which it has not seen. The model returned is refitted on all of them, with
/// the judged model's weights and calibration.
///
/// # Errors
/// See [`FitError`].
pub fn classify(
    schema: &Schema,
    batch: &RecordBatch,
    options: &FitOptions,
    code_version: &str,
    trained_at_us: i64,
) -> Result<(ClassModel, ClassReport), FitError> {
    options.check()?;
    options.check_members(Task::Classification)?;
    on_pool(options.threads, || {
        classify_on_this_pool(schema, batch, options, code_version, trained_at_us)
    })
}

fn classify_on_this_pool(
    schema: &Schema,
    batch: &RecordBatch,
    options: &FitOptions,
    code_version: &str,
    trained_at_us: i64,
) -> Result<(ClassModel, ClassReport), FitError> {
    let started = Instant::now();
    let target = check_columns(schema, batch, Task::Classification)?;
    let known = classes(schema, batch);
    let usable: Vec<usize> = (0..known.len())
        .filter(|row| known[*row].is_some())
        .collect();
    let of_class: Vec<bool> = known.iter().map(|own| *own == Some(true)).collect();
    let removed = BTreeMap::from([("no_target".to_owned(), known.len() - usable.len())]);
    let needed = options.min_rows.max(LEAST_ROWS);
    if usable.len() < needed {
        return Err(FitError::TooFewRows {
            found: usable.len(),
            needed,
            given: known.len(),
            removed: format!("no_target {}", known.len() - usable.len()),
        });
    }
    let dropped = useless::find(schema, batch, &usable);
    let telling = useless::without(schema, dropped.iter());

    let times = schema.time.as_deref();
    let times = times.map_or(Cells::Absent, |time| Cells::of(batch, time));
    let time_of = |row: usize| times.time_us(row).unwrap_or(i64::MIN);
    let by_time: Option<&dyn Fn(usize) -> i64> = schema.time.is_some().then_some(&time_of);
    let sides = match options.split {
        SplitBy::Time => split(&usable, by_time, options.holdout_fraction),
        SplitBy::Random => split_randomly(&usable, options.holdout_fraction, options.seed),
    };
    let targets: Vec<f64> = of_class
        .iter()
        .map(|own| f64::from(u8::from(*own)))
        .collect();
    let records = Records::of(&telling, batch, &targets);
    let holdout_copies = records.met(&sides.train, &sides.holdout);
    for side in [&sides.train, &sides.holdout] {
        let found = side.iter().filter(|row| of_class[**row]).count();
        if found == 0 || found == side.len() {
            return Err(FitError::SingleClass {
                class: schema.class_name().to_owned(),
                target: target.to_owned(),
                found,
                rows: side.len(),
            });
        }
    }

    let members = match options.members.is_empty() {
        true => options.effort.class_members(sides.train.len()),
        false => options.members.clone(),
    };
    let wanted = |rows: &[usize]| Wanted {
        schema: &telling,
        batch,
        rows: rows.to_vec(),
        classes: &of_class,
        options,
        members: &members,
    };
    let fitted = wanted(&sides.train).fit()?;
    if fitted.columns == 0 {
        return Err(no_features(schema));
    }
    let held: Vec<bool> = sides.holdout.iter().map(|row| of_class[*row]).collect();
    let ones = sides.train.iter().filter(|row| of_class[**row]).count();
    let base_rate = ones as f64 / sides.train.len() as f64;
    let holdout = Holdout {
        schema: &telling,
        batch,
        rows: &sides.holdout,
        classes: &held,
        base_rate,
        threshold: options.threshold,
        seed: options.seed,
    };
    let judged = judge(&holdout, &fitted).ok_or(FitError::EmptyHoldout {
        rows: usable.len(),
        fraction: options.holdout_fraction,
    })?;

    let mut everything = sides.train.clone();
    let mut kept = fitted.estimator.clone();
    if options.refit {
        everything.extend(&sides.holdout);
        everything.sort_unstable();
        kept = wanted(&everything).refit(&fitted)?;
    }
    if !kept.members.iter().any(Member::reads_design) {
        kept.plan.features = None;
    }
    let bins = judged.calibration.iter();
    let off = bins.map(|bin| (bin.said - bin.found).abs() * bin.rows as f64);
    let report = ClassReport {
        class: schema.class_name().to_owned(),
        rows: batch.num_rows(),
        removed,
        train_rows: sides.train.len(),
        holdout_rows: sides.holdout.len(),
        holdout_copies,
        base_rate,
        calibration_error: off.sum::<f64>() / sides.holdout.len() as f64,
        model: judged.model,
        baseline: judged.baseline,
        members: judged.members,
        folds: fitted.folds,
        fold_log_loss: fitted.log_loss,
        calibration_slope: fitted.estimator.plan.equity.slope,
        roc: judged.roc,
        calibration: judged.calibration,
        importance: judged.importance,
        judged: Vec::new(),
        fit_seconds: 0.0,
        features: fitted.columns,
        dropped,
    };
    let newest = everything.iter().filter_map(|row| times.time_us(*row));
    let mut model = ClassModel {
        head: ClassHead {
            format: FORMAT,
            code_version: code_version.to_owned(),
            trained_at_us,
            data_until_us: newest.max(),
            schema: schema.clone(),
            plan: kept.plan.clone(),
            threshold: options.threshold,
            report: report.clone(),
        },
        estimator: kept,
        golden: Vec::new(),
    };
    let sample = everything
        .iter()
        .step_by(everything.len().div_ceil(GOLDEN_ROWS).max(1));
    model.golden = sample
        .filter_map(|row| {
            let record = records::encode::to_json(batch, *row);
            let prediction = model.predict_json(&record)?;
            Some(Golden { record, prediction })
        })
        .collect();
    if model.golden.is_empty() {
        return Err(FitError::NotRecords {
            schema: schema.name.clone(),
        });
    }
    let report = ClassReport {
        judged: judged.rows,
        fit_seconds: started.elapsed().as_secs_f64(),
        ..report
    };
    Ok((model, report))
}

/// What is fitted.
struct Wanted<'a> {
    schema: &'a Schema,
    batch: &'a RecordBatch,
    /// Rows to learn from.
    rows: Vec<usize>,
    /// By row of the batch.
    classes: &'a [bool],
    options: &'a FitOptions,
    members: &'a [NamedMember],
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
    columns: usize,
    folds: Vec<ClassFold>,
    /// Mean log loss of the whole, out of fold.
    log_loss: f64,
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
    fn fit(&self) -> Result<Fitted, FitError> {
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
    fn refit(&self, before: &Fitted) -> Result<Estimator, FitError> {
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
