//! A fitted model of several classes: the probability of each level for batches of records.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use records::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::judge::probabilities;
use super::normalised::{normalised, predicted_level};
use super::report::MulticlassReport;
use crate::artifact::Golden;
use crate::assessed::{Assessed, Outside, UnseenName};
use crate::baseline::group_field;
use crate::cells::Cell;
use crate::estimator::Estimator;
use crate::estimator::plan::Plan;
use crate::mismatch::{self, SchemaMismatch};
use crate::name_tables::Names;
use crate::predict_error::PredictError;
use crate::prediction::Prediction;
use crate::reading::{BoundRecord, bind_records, check_known_columns, decoded};

/// What `model.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MulticlassHead {
    /// Version of the artifact's format: an older program refuses what it cannot read.
    pub(super) format: u32,
    /// States which code fitted the model.
    pub(super) code_version: String,
    /// Microseconds since 1970, as given to the fit.
    pub(super) trained_at_us: i64,
    /// Newest time in training: the age of the data, not of the fit.
    pub(super) data_until_us: Option<i64>,
    /// What the records are, and what the target is.
    pub(super) schema: Schema,
    /// The levels that are predicted, in alphabetical order.
    pub(super) levels: Vec<String>,
    /// By level: fitted features, members and weights; all in log odds of the level against the rest.
    pub(super) plans: Vec<Plan>,
    /// What probabilities are raised to before they are divided by their sum.
    pub(super) exponent: f64,
    /// How good the model was on its hold-out.
    pub(super) report: MulticlassReport,
}

/// A fitted model that states how likely each level of the target is.
#[derive(Debug, Clone, PartialEq)]
pub struct MulticlassModel {
    pub(super) head: MulticlassHead,
    /// By level.
    pub(super) estimators: Vec<Estimator>,
    pub(super) golden: Vec<Golden<Vec<f64>>>,
    /// By field how many estimators have learned names of it: a name that all of them lack is unseen.
    name_readers: BTreeMap<String, usize>,
}

impl MulticlassModel {
    /// Of a head and the estimator of each of its levels.
    pub(super) fn new(
        head: MulticlassHead,
        estimators: Vec<Estimator>,
        golden: Vec<Golden<Vec<f64>>>,
    ) -> MulticlassModel {
        let mut name_readers = BTreeMap::new();
        for estimator in &estimators {
            for field in estimator.names().into_keys() {
                *name_readers.entry(field.to_owned()).or_default() += 1;
            }
        }
        MulticlassModel {
            head,
            estimators,
            golden,
            name_readers,
        }
    }

    /// The levels that are predicted, in alphabetical order: probabilities have their order.
    pub fn levels(&self) -> &[String] {
        &self.head.levels
    }

    /// See [`crate::TrainedModel::names`].
    pub(crate) fn names(&self) -> Names<'_> {
        let mut names = Names::new();
        for (field, of_field) in self.estimators.iter().flat_map(Estimator::names) {
            names.entry(field).or_default().extend(of_field);
        }
        names
    }

    /// By row of a batch the probability of each level; they sum to one.
    ///
    /// # Errors
    /// When a column that the model reads is not of its field's type, or a required one is absent.
    pub fn probabilities(&self, batch: &RecordBatch) -> Result<Vec<Vec<f64>>, PredictError> {
        self.check_columns(batch)?;
        Ok(probabilities(
            self.estimators.iter(),
            self.head.exponent,
            batch,
        ))
    }

    /// By row of a batch the probability of the level that is predicted: `value`, and no range.
    ///
    /// # Errors
    /// As [`MulticlassModel::probabilities`].
    pub fn predict(&self, batch: &RecordBatch) -> Result<Vec<Prediction>, PredictError> {
        let rows = self.probabilities(batch)?;
        Ok(rows.iter().map(|row| prediction(row)).collect())
    }

    /// The probabilities beside the names of each row that the model has learned nothing of, see [`crate::Model::assess`].
    ///
    /// # Errors
    /// As [`MulticlassModel::probabilities`].
    pub fn assess(&self, batch: &RecordBatch) -> Result<Vec<Assessed>, PredictError> {
        self.check_columns(batch)?;
        let mut rows = vec![(Vec::new(), Vec::new()); batch.num_rows()];
        for estimator in &self.estimators {
            let assessed = estimator.assess(batch).into_iter();
            for ((log_odds, outside), (estimate, own)) in rows.iter_mut().zip(assessed) {
                log_odds.push(estimate.log);
                outside.push(own);
            }
        }
        let rows = rows.into_iter();
        Ok(rows
            .map(|(log_odds, outside)| self.assessed(&log_odds, outside))
            .collect())
    }

    /// See [`crate::Model::bind_record`].
    ///
    /// # Errors
    /// When a required field that the model reads is not among them.
    pub fn bind_record(&self, fields: &[&str]) -> Result<BoundRecord, PredictError> {
        bind_records(&self.head.schema, &self.estimators, fields)
    }

    /// See [`crate::Model::predict_record`].
    pub fn predict_record(&self, bound: &BoundRecord, cells: &[Cell]) -> Prediction {
        let estimators = self.estimators.iter().zip(&bound.places);
        let log_odds: Vec<f64> = estimators
            .map(|(estimator, places)| estimator.record(places, cells).log)
            .collect();
        prediction(&normalised(&log_odds, self.head.exponent))
    }

    /// See [`crate::Model::assess_record`].
    pub fn assess_record(&self, bound: &BoundRecord, cells: &[Cell]) -> Assessed {
        let estimators = self.estimators.iter().zip(&bound.places);
        let (log_odds, outside): (Vec<f64>, Vec<Outside>) = estimators
            .map(|(estimator, places)| {
                let (estimate, outside) = estimator.assess_record(places, cells);
                (estimate.log, outside)
            })
            .unzip();
        self.assessed(&log_odds, outside)
    }

    /// Of the log odds of each level, and what each level's estimator knows nothing of.
    fn assessed(&self, log_odds: &[f64], outside: Vec<Outside>) -> Assessed {
        let probabilities = normalised(log_odds, self.head.exponent);
        Assessed {
            probabilities: probabilities.clone(),
            ..self.outside(outside).beside(prediction(&probabilities))
        }
    }

    /// What none of the levels knows, once.
    fn outside(&self, by_level: Vec<Outside>) -> Outside {
        let mut all = Outside::default();
        let mut lacking: BTreeMap<(String, String), usize> = BTreeMap::new();
        for outside in by_level {
            for warning in outside.warnings {
                if !all.warnings.contains(&warning) {
                    all.warnings.push(warning);
                }
            }
            for UnseenName { field, name } in outside.unseen {
                *lacking.entry((field, name)).or_default() += 1;
            }
        }
        let by_all = lacking.into_iter().filter(|((field, _), levels)| {
            let readers = self.name_readers.get(field).copied();
            *levels >= readers.unwrap_or(1)
        });
        all.unseen = by_all
            .map(|((field, name), _)| UnseenName { field, name })
            .collect();
        all
    }

    fn check_columns(&self, batch: &RecordBatch) -> Result<(), PredictError> {
        let mut estimators = self.estimators.iter();
        estimators
            .try_for_each(|estimator| check_known_columns(&self.head.schema, estimator, batch))
    }

    fn reads(&self, field: &str) -> bool {
        let mut estimators = self.estimators.iter();
        estimators.any(|estimator| estimator.reads(field))
    }

    /// See [`crate::Model::fits`].
    ///
    /// # Errors
    /// Names every difference.
    pub fn fits(&self, schema: &Schema) -> Result<(), SchemaMismatch> {
        mismatch::fits(self.schema(), |field| self.reads(field), schema)
    }

    /// What the model's records are.
    pub fn schema(&self) -> &Schema {
        &self.head.schema
    }

    /// How it was fitted and judged; `fit_seconds` is 0 in a loaded model.
    pub fn report(&self) -> &MulticlassReport {
        &self.head.report
    }

    /// The field whose levels are the groups that errors are grouped by.
    pub fn group(&self) -> Option<&str> {
        group_field(&self.head.schema, &self.head.report.dropped)
    }

    /// When it was fitted, microseconds since 1970.
    pub fn trained_at_us(&self) -> i64 {
        self.head.trained_at_us
    }

    /// The newest time in training, microseconds since 1970; `None` without a time field.
    pub fn data_until_us(&self) -> Option<i64> {
        self.head.data_until_us
    }

    /// The probabilities of one JSON record; `None` when it is not a record of the schema.
    pub(super) fn predict_json(&self, record: &Map<String, Value>) -> Option<Vec<f64>> {
        let MulticlassHead {
            schema,
            trained_at_us,
            data_until_us,
            ..
        } = &self.head;
        let batch = decoded(schema, record, *trained_at_us, *data_until_us)?;
        self.probabilities(&batch).ok()?.into_iter().next()
    }
}

/// The probability of the level that is predicted.
fn prediction(probabilities: &[f64]) -> Prediction {
    let level = predicted_level(probabilities);
    Prediction::plain(probabilities.get(level).copied().unwrap_or(f64::NAN))
}
