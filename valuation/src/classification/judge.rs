//! Judging a fitted estimator of a class on the hold-out.

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use records::Schema;

use super::errors::calibration;
use super::metrics::{ClassMetrics, RocPoint, area, roc};
use super::report::{Bin, ClassMember, Importance};
use crate::boosted::probability;
use crate::ensemble::{FittedClasses, loss};
use crate::estimator::Estimator;
use crate::metrics::JudgedRow;
use crate::rng::Rng;

/// Shuffles of each field.
const SHUFFLES: u64 = 3;

/// What the hold-out says.
pub(super) struct Judged {
    pub(super) model: ClassMetrics,
    pub(super) baseline: ClassMetrics,
    pub(super) members: Vec<ClassMember>,
    pub(super) roc: Vec<RocPoint>,
    pub(super) calibration: Vec<Bin>,
    pub(super) importance: Vec<Importance>,
    pub(super) rows: Vec<JudgedRow>,
}

/// What is judged on.
pub(super) struct Holdout<'a> {
    /// The training data.
    pub(super) schema: &'a Schema,
    pub(super) batch: &'a RecordBatch,
    /// Rows of the batch.
    pub(super) rows: &'a [usize],
    /// Their classes.
    pub(super) classes: &'a [bool],
    /// What is predicted where nothing is known.
    pub(super) base_rate: f64,
    pub(super) threshold: f64,
    /// Of the shuffles.
    pub(super) seed: u64,
}

/// Judges on the hold-out; `None` where one of the classes is not among it.
pub(super) fn judge(holdout: &Holdout, fitted: &FittedClasses) -> Option<Judged> {
    let Holdout {
        schema,
        batch,
        classes,
        base_rate,
        threshold,
        seed,
        ..
    } = *holdout;
    let taken: UInt64Array = holdout.rows.iter().map(|row| *row as u64).collect();
    let rows = arrow_select::take::take_record_batch(batch, &taken).ok()?;
    let mut members = Vec::new();
    for (index, member) in fitted.all.iter().enumerate() {
        let mut alone = fitted.estimator.clone();
        alone.plan.equity = fitted.alone[index].0;
        fitted.weigh_only(index, &mut alone);
        let log_odds = log_odds(&alone, &rows);
        members.push(ClassMember {
            name: member.name.clone(),
            weight: fitted.weights[index],
            trees: member.trees(),
            fold_log_loss: fitted.alone[index].1,
            holdout_log_loss: loss(&log_odds, classes),
            holdout_auc: area(&log_odds, classes)?,
        });
    }
    let predicted: Vec<f64> = log_odds(&fitted.estimator, &rows)
        .into_iter()
        .map(probability)
        .collect();
    let model = ClassMetrics::of(&predicted, classes, threshold)?;
    let baseline = ClassMetrics::of(&vec![base_rate; classes.len()], classes, threshold)?;
    let judged = |((row, class), predicted): ((&usize, &bool), &f64)| JudgedRow {
        row: *row,
        actual: f64::from(u8::from(*class)),
        value: *predicted,
        low: *predicted,
        high: *predicted,
    };
    Some(Judged {
        importance: {
            let estimator = &fitted.estimator;
            let auc = |rows: &RecordBatch| area(&log_odds(estimator, rows), classes);
            importance(schema, &rows, seed, &|field| estimator.reads(field), &auc)
        },
        roc: roc(&predicted, classes),
        calibration: calibration(&predicted, classes),
        rows: holdout
            .rows
            .iter()
            .zip(classes)
            .zip(&predicted)
            .map(judged)
            .collect(),
        members,
        model,
        baseline,
    })
}

/// The log odds of every row of a batch.
pub(crate) fn log_odds(estimator: &Estimator, batch: &RecordBatch) -> Vec<f64> {
    estimator
        .batch(batch)
        .into_iter()
        .map(|estimate| estimate.log)
        .collect()
}

/// What `auc` of the rows loses where a field that is `read` is shuffled among them.
pub(crate) fn importance(
    schema: &Schema,
    rows: &RecordBatch,
    seed: u64,
    is_read: &dyn Fn(&str) -> bool,
    auc: &dyn Fn(&RecordBatch) -> Option<f64>,
) -> Vec<Importance> {
    let Some(whole) = auc(rows) else {
        return Vec::new();
    };
    let of = |at: usize, column: &ArrayRef| -> Option<f64> {
        let mut lost = 0.0;
        for shuffle in 0..SHUFFLES {
            let order = Rng::new(seed.wrapping_add(shuffle)).order(rows.num_rows());
            let order: UInt64Array = order.into_iter().map(|row| row as u64).collect();
            let mut columns = rows.columns().to_vec();
            columns[at] = arrow_select::take::take(column, &order, None).ok()?;
            let mixed = RecordBatch::try_new(rows.schema(), columns).ok()?;
            lost += whole - auc(&mixed)?;
        }
        Some(lost / SHUFFLES as f64)
    };
    let times = schema.time.iter().filter_map(|name| schema.field(name));
    let fields = schema.features().chain(times);
    let mut found: Vec<Importance> = fields
        .filter(|field| is_read(&field.name))
        .filter_map(|field| {
            let (at, _) = rows.schema_ref().column_with_name(&field.name)?;
            Some(Importance {
                field: field.name.clone(),
                auc_lost: of(at, rows.column(at))?,
            })
        })
        .collect();
    found.sort_by(|one, other| other.auc_lost.total_cmp(&one.auc_lost));
    found
}
