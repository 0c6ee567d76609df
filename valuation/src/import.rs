//! A booster that another program fitted, as a member of a model.
//!
//! The booster reads the columns that the model's trees read ([`Model::design_names`]), so it belongs to the state of
//! one model. Its weight is the share of the booster that is best on rows that neither has learned from; on the
//! half of them that does not decide the weight, the result is compared with the model as it was.

use arrow_array::{RecordBatch, UInt64Array};
use arrow_select::take::take_record_batch;
use rayon::prelude::*;
use serde::Serialize;

use crate::boosted::{Boosted, Codes, TreeError};
use crate::cells::Cells;
use crate::conformal::{self, Share};
use crate::estimator::Estimator;
use crate::estimator::estimates::Estimate;
use crate::estimator::plan::MemberHead;
use crate::fit::golden;
use crate::members::{Fitted as _, Member, Trees};
use crate::metrics::{JudgedRow, Metrics};
use crate::model::Model;
use crate::predict_error::PredictError;
use crate::provenance::Provenance;
use crate::ratio_study::RatioStudy;
use crate::report::{MemberReport, Report};
use crate::rng::fold_of;
use crate::segment;

/// Rows of a half at least: fewer say little about a weight.
const LEAST_ROWS: usize = 100;
/// Share of the error that a booster must take away: less is chance.
const LEAST_GAIN: f64 = 0.001;
/// A smaller weight is chance; a greater one would make the other members, which are known to be sound, useless.
const WEIGHTS: std::ops::RangeInclusive<f64> = 0.01..=0.99;
/// Half a range in spreads at least, as in a fit.
const LEAST_QUANTILE: f64 = 1e-3;

/// Why a booster is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read as trees of this model.
    #[error("the booster cannot be a member of this model: {0}")]
    Booster(TreeError),
    /// A value has too many thresholds for a byte.
    #[error("the booster cannot be a member of this model: {0}; fit it with max_bin=254 or less")]
    Thresholds(TreeError),
    /// The name is not one, or is taken.
    #[error(
        "expected a new name of lower-case letters, digits and hyphens for the member, found {found:?}; the model has \
         {members}"
    )]
    Name {
        /// What was given.
        found: String,
        /// The names of the model's members.
        members: String,
    },
    /// The model has no columns of trees.
    #[error("the model has no base learner of trees, and so no columns that a booster could read")]
    NoDesign,
    /// Nothing says that the booster holds to the schema's `monotone`.
    #[error(
        "a booster may not hold to `monotone` of the field {0:?}: take `monotone` from the schema and train again"
    )]
    Monotone(String),
    /// The rows cannot be read.
    #[error(transparent)]
    Rows(#[from] PredictError),
    /// Too few rows.
    #[error(
        "expected at least {expected} rows with a target to judge the booster on, found {found}"
    )]
    FewRows {
        /// The least.
        expected: usize,
        /// The rows with a target.
        found: usize,
    },
    /// It makes nothing better.
    #[error(
        "the model is not better with the booster: the error (root mean square, logarithm) is {with:.5} with a weight of \
         {weight:.3}, and {without:.5} without it; the booster alone has {alone:.5}"
    )]
    NoGain {
        /// The best weight on the first half.
        weight: f64,
        /// The error on the other half with the booster.
        with: f64,
        /// That of the model as it was.
        without: f64,
        /// That of the booster alone.
        alone: f64,
    },
}

/// What an import came to. Errors are root mean squares of logarithms, on the half of the rows that did not decide
/// the weight.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportReport {
    /// The new member's name.
    pub name: String,
    /// Its trees.
    pub trees: usize,
    /// Its weight.
    pub weight: f64,
    /// Rows that decided the weight and the width of the ranges.
    pub weighed_rows: usize,
    /// Rows that judged.
    pub judged_rows: usize,
    /// The error with the new member.
    pub with: f64,
    /// The error of the model as it was.
    pub without: f64,
    /// The error of the booster alone.
    pub alone: f64,
    /// Share of the targets inside their ranges.
    pub coverage: Share,
}

/// The rows with a target, and what the parts say of them.
struct Judged {
    batch: RecordBatch,
    /// Their places in the batch that was given.
    places: Vec<u64>,
    targets: Vec<f64>,
    logs: Vec<f64>,
    /// Positions that decide the weight, and those that judge.
    halves: [Vec<usize>; 2],
}

impl Model {
    /// The names of the values that the model's trees read, in their order: the columns of a booster that is to
    /// be imported.
    pub fn design_names(&self) -> Vec<String> {
        let width = self.estimator.width();
        (0..width).map(|value| format!("f{value}")).collect()
    }

    /// The values that the model's trees read of each row, row-major, [`Model::design_names`] a row; NaN where
    /// nothing is known.
    ///
    /// # Errors
    /// When the batch lacks a column that the model reads.
    pub fn design(&self, batch: &RecordBatch) -> Result<Vec<f32>, PredictError> {
        self.check_columns(batch)?;
        let batch = self.estimator.complete(batch);
        let bound = self.estimator.bind(&batch);
        let rows = (0..batch.num_rows()).into_par_iter();
        Ok(rows.flat_map_iter(|row| bound.frame_row(row)).collect())
    }

    /// The model with a booster of XGBoost (its JSON, objective `reg:squarederror` on the target's logarithm) as a
    /// further member. `batch` has rows with targets that neither has learned from.
    ///
    /// # Errors
    /// When the booster is over other columns, the rows are too few, or the model is not better with it.
    pub fn import_xgboost(
        &self,
        name: &str,
        bytes: &[u8],
        batch: &RecordBatch,
        seed: u64,
        provenance: Provenance,
    ) -> Result<(Model, Report, ImportReport), ImportError> {
        self.check_name(name)?;
        let mut fields = self.schema().features();
        if let Some(field) = fields.find(|field| field.monotone.is_some()) {
            return Err(ImportError::Monotone(field.name.clone()));
        }
        let names = self.design_names();
        if names.is_empty() {
            return Err(ImportError::NoDesign);
        }
        let boosted = Boosted::from_xgboost(bytes, &names).map_err(|error| match error {
            TreeError::Thresholds { .. } => ImportError::Thresholds(error),
            error => ImportError::Booster(error),
        })?;
        let rows = self.judged_rows(batch, seed)?;
        let of_booster = Boosted::rows(&[&boosted], &self.design(&rows.batch)?).remove(0);
        let of_members = self.estimator.sums(&rows.batch);
        let [weighed, judges] = &rows.halves;
        let weight = best_weight(&rows.logs, &of_members, &of_booster, weighed);
        let before = self.estimator.batch(&rows.batch);
        let trees = boosted.trees();
        let mut estimator = self.estimator.with(name, boosted, weight);
        let after = estimator.batch(&rows.batch);
        let error = |of: &dyn Fn(usize) -> f64, half: &[usize]| {
            let squares = half.iter().map(|row| (of(*row) - rows.logs[*row]).powi(2));
            (squares.sum::<f64>() / half.len() as f64).sqrt()
        };
        let (with, without, alone) = (
            error(&|row| after[row].log, judges),
            error(&|row| before[row].log, judges),
            error(&|row| of_booster[row], judges),
        );
        if !WEIGHTS.contains(&weight) || with > (1.0 - LEAST_GAIN) * without {
            return Err(ImportError::NoGain {
                weight,
                with,
                without,
                alone,
            });
        }
        let score = |row: &usize| (after[*row].log - rows.logs[*row]).abs() / after[*row].spread;
        let scores: Vec<f64> = weighed.iter().map(score).collect();
        let quantile = conformal::half_width(&scores, self.head.confidence).max(LEAST_QUANTILE);
        estimator.plan.quantile = quantile;
        let hits = judges.iter().filter(|row| score(row) <= quantile).count();
        let imported = ImportReport {
            name: name.to_owned(),
            trees,
            weight,
            weighed_rows: weighed.len(),
            judged_rows: judges.len(),
            with,
            without,
            alone,
            coverage: Share::of(hits, judges.len()),
        };
        let member = MemberReport {
            name: name.to_owned(),
            weight,
            trees,
            fold_error: error(&|row| of_booster[row], weighed),
            holdout_error: alone,
            recipe: None,
        };
        let estimates = (before.as_slice(), after.as_slice());
        let report = self.report_with(member, &imported, (batch, &rows), estimates, quantile);
        let model = self.with_estimator(estimator, &report, &rows, provenance);
        Ok((model, report, imported))
    }

    fn check_name(&self, name: &str) -> Result<(), ImportError> {
        let members = self.estimator.plan.members.iter();
        let taken: Vec<&str> = members.map(|head| head.name.as_str()).collect();
        let is_plain =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        match name.is_empty() || !name.chars().all(is_plain) || taken.contains(&name) {
            true => Err(ImportError::Name {
                found: name.to_owned(),
                members: taken.join(", "),
            }),
            false => Ok(()),
        }
    }

    /// The rows that have a target, in two halves.
    fn judged_rows(&self, batch: &RecordBatch, seed: u64) -> Result<Judged, ImportError> {
        let link = self.link();
        let target = self.schema().target.as_deref().unwrap_or_default();
        let cells = Cells::of(batch, target);
        let known: Vec<(u64, f64)> = (0..batch.num_rows())
            .filter_map(|row| Some((row as u64, cells.number(row)?)))
            .filter(|(_, target)| target.is_finite() && link.takes(*target))
            .collect();
        let (places, targets): (Vec<u64>, Vec<f64>) = known.into_iter().unzip();
        let mut halves = [Vec::new(), Vec::new()];
        for row in 0..targets.len() {
            halves[fold_of(row, 2, seed)].push(row);
        }
        if halves.iter().any(|half| half.len() < LEAST_ROWS) {
            return Err(ImportError::FewRows {
                // Halves are drawn, and not quite alike.
                expected: 3 * LEAST_ROWS,
                found: targets.len(),
            });
        }
        let taken = take_record_batch(batch, &UInt64Array::from(places.clone()));
        Ok(Judged {
            batch: taken.expect("the rows are of the batch"),
            places,
            logs: targets.iter().map(|target| link.log(*target)).collect(),
            targets,
            halves,
        })
    }

    /// The report of the model with the new member: what was measured on a hold-out is that of the judging half,
    /// and the baseline the model as it was.
    fn report_with(
        &self,
        member: MemberReport,
        imported: &ImportReport,
        (batch, rows): (&RecordBatch, &Judged),
        (before, after): (&[Estimate], &[Estimate]),
        quantile: f64,
    ) -> Report {
        let (link, half) = (self.link(), &rows.halves[1]);
        let actual: Vec<f64> = half.iter().map(|row| rows.targets[*row]).collect();
        let values = |of: &[Estimate]| -> Vec<f64> {
            half.iter().map(|row| link.value(of[*row].log)).collect()
        };
        let (old, new) = (values(before), values(after));
        let judged: Vec<JudgedRow> = half
            .iter()
            .map(|row| {
                let Estimate { log, spread } = after[*row];
                JudgedRow {
                    row: rows.places[*row] as usize,
                    actual: rows.targets[*row],
                    value: link.value(log),
                    low: link.value(log - quantile * spread),
                    high: link.value(log + quantile * spread),
                }
            })
            .collect();
        let mut report = self.head.report.clone();
        for other in &mut report.members {
            other.weight *= 1.0 - imported.weight;
        }
        report.members.push(member);
        report.rows = rows.targets.len();
        report.removed.clear();
        report.holdout_rows = half.len();
        (report.holdout_outliers, report.holdout_copies) = (0, 0);
        report.without_copies = None;
        report.model = Metrics::on(link, &actual, &new).unwrap_or(report.model);
        report.baseline = Metrics::on(link, &actual, &old).unwrap_or(report.baseline);
        report.baseline_name = format!("the model without {}", imported.name);
        report.ratios = RatioStudy::on(link, &actual, &new);
        report.segments = segment::of(self.schema(), link, batch, self.group(), &judged);
        report.judged = judged;
        report.folds.clear();
        (report.stack, report.stacked) = (true, None);
        report.coverage = imported.coverage.value;
        report.coverage_low = imported.coverage.low;
        report.coverage_high = imported.coverage.high;
        report.calibration.clear();
        report.widened = 1.0;
        report
    }

    fn with_estimator(
        &self,
        estimator: Estimator,
        report: &Report,
        rows: &Judged,
        provenance: Provenance,
    ) -> Model {
        let mut head = self.head.clone();
        head.plan = estimator.plan.clone();
        head.report = Report {
            judged: Vec::new(),
            ..report.clone()
        };
        head.code_version = provenance.code_version;
        head.trained_at_us = provenance.trained_at_us;
        if let Some(time) = &head.schema.time {
            let cells = Cells::of(&rows.batch, time);
            let times = (0..rows.batch.num_rows()).filter_map(|row| cells.time_us(row));
            head.data_until_us = head.data_until_us.max(times.max());
        }
        let mut model = Model {
            head,
            estimator,
            golden: Vec::new(),
        };
        model.golden = golden(&model, &rows.batch, &rows.halves[0]);
        model
    }
}

impl Estimator {
    /// The weighted sum of the members for each row, before the stretch.
    fn sums(&self, batch: &RecordBatch) -> Vec<f64> {
        let batch = self.complete(batch);
        let bound = self.bind(&batch);
        let sum = |row: usize| {
            let (values, design) = (bound.frame_row(row), bound.design_row(row));
            let codes = &mut Codes::default();
            let members = self.plan.members.iter().zip(&self.members);
            members
                .map(|(head, member)| head.weight * member.row(&design, &values, codes))
                .sum()
        };
        (0..batch.num_rows()).into_par_iter().map(sum).collect()
    }

    /// The estimator with trees of this weight; the weights of the others become less in proportion.
    fn with(&self, name: &str, boosted: Boosted, weight: f64) -> Estimator {
        let mut estimator = self.clone();
        for head in &mut estimator.plan.members {
            head.weight *= 1.0 - weight;
        }
        let member = Member::from(Trees::sum(boosted));
        estimator.plan.members.push(MemberHead {
            name: name.to_owned(),
            extension: member.extension().to_owned(),
            weight,
        });
        estimator.members.push(member);
        estimator.share();
        estimator
    }
}

/// The weight w of the booster by which (1 − w) · members + w · booster is least off on some rows, in squares.
fn best_weight(logs: &[f64], of_members: &[f64], of_booster: &[f64], rows: &[usize]) -> f64 {
    let (mut along, mut square) = (0.0, 0.0);
    for row in rows {
        let step = of_booster[*row] - of_members[*row];
        along += step * (logs[*row] - of_members[*row]);
        square += step * step;
    }
    (along / square.max(f64::MIN_POSITIVE)).clamp(0.0, *WEIGHTS.end())
}
