//! A fitted model of a class: probabilities for batches of records.

use arrow_array::RecordBatch;
use records::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::report::ClassReport;
use crate::artifact::Golden;
use crate::assessed::Assessed;
use crate::baseline::group_field;
use crate::boosted::probability;
use crate::cells::Cell;
use crate::estimator::Estimator;
use crate::estimator::estimates::Estimate;
use crate::estimator::plan::Plan;
use crate::mismatch::{self, SchemaMismatch};
use crate::name_tables::Names;
use crate::predict_error::PredictError;
use crate::prediction::Prediction;
use crate::reading::{BoundRecord, bind_record, check_known_columns, decoded};

/// What `model.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ClassHead {
    /// Version of the artifact's format: an older program refuses what it cannot read.
    pub(super) format: u32,
    /// States which code fitted the model.
    pub(super) code_version: String,
    /// Microseconds since 1970, as given to the fit.
    pub(super) trained_at_us: i64,
    /// Newest time in training: the age of the data, not of the fit.
    pub(super) data_until_us: Option<i64>,
    /// What the records are, and what the class is.
    pub(super) schema: Schema,
    /// Fitted features, members and weights; all in log odds.
    pub(super) plan: Plan,
    /// The probability from which on a record is predicted to be of the class.
    pub(super) threshold: f64,
    /// How good the model was on its hold-out.
    pub(super) report: ClassReport,
}

/// A fitted model that states how likely a record is of the class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassModel {
    pub(super) head: ClassHead,
    pub(super) estimator: Estimator,
    pub(super) golden: Vec<Golden>,
}

impl ClassModel {
    /// See [`crate::TrainedModel::names`].
    pub(crate) fn names(&self) -> Names<'_> {
        self.estimator.names()
    }

    /// How likely each row of a batch is of the class, in order: `value`, and no range.
    ///
    /// # Errors
    /// When a column that the model reads is not of its field's type, or a required one is absent.
    pub fn predict(&self, batch: &RecordBatch) -> Result<Vec<Prediction>, PredictError> {
        check_known_columns(&self.head.schema, &self.estimator, batch)?;
        let predicted = self.estimator.batch(batch).into_iter();
        Ok(predicted.map(likely).collect())
    }

    /// The same beside the names of each row that the model has learned nothing of, see [`crate::Model::assess`].
    ///
    /// # Errors
    /// As [`ClassModel::predict`].
    pub fn assess(&self, batch: &RecordBatch) -> Result<Vec<Assessed>, PredictError> {
        check_known_columns(&self.head.schema, &self.estimator, batch)?;
        let assessed = self.estimator.assess(batch).into_iter();
        let assessed = assessed.map(|(estimate, outside)| outside.beside(likely(estimate)));
        Ok(assessed.collect())
    }

    /// See [`crate::Model::bind_record`].
    ///
    /// # Errors
    /// When a required field that the model reads is not among them.
    pub fn bind_record(&self, fields: &[&str]) -> Result<BoundRecord, PredictError> {
        bind_record(&self.head.schema, &self.estimator, fields)
    }

    /// See [`crate::Model::predict_record`].
    pub fn predict_record(&self, bound: &BoundRecord, cells: &[Cell]) -> Prediction {
        likely(self.estimator.record(bound.only(), cells))
    }

    /// See [`crate::Model::assess_record`].
    pub fn assess_record(&self, bound: &BoundRecord, cells: &[Cell]) -> Assessed {
        let (estimate, outside) = self.estimator.assess_record(bound.only(), cells);
        outside.beside(likely(estimate))
    }

    fn reads(&self, field: &str) -> bool {
        self.estimator.reads(field)
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
    pub fn report(&self) -> &ClassReport {
        &self.head.report
    }

    /// The field whose levels are the groups that errors are grouped by.
    pub fn group(&self) -> Option<&str> {
        group_field(&self.head.schema, &self.head.report.dropped)
    }

    /// The probability from which on a record is predicted to be of the class.
    pub fn threshold(&self) -> f64 {
        self.head.threshold
    }

    /// When it was fitted, microseconds since 1970.
    pub fn trained_at_us(&self) -> i64 {
        self.head.trained_at_us
    }

    /// The newest time in training, microseconds since 1970; `None` without a time field.
    pub fn data_until_us(&self) -> Option<i64> {
        self.head.data_until_us
    }

    /// The probability of one JSON record; `None` when it is not a record of the schema.
    pub(super) fn predict_json(&self, record: &Map<String, Value>) -> Option<Prediction> {
        let ClassHead {
            schema,
            trained_at_us,
            data_until_us,
            ..
        } = &self.head;
        let batch = decoded(schema, record, *trained_at_us, *data_until_us)?;
        self.predict(&batch).ok()?.first().copied()
    }
}

/// How likely a record of this estimate is of the class.
fn likely(estimate: Estimate) -> Prediction {
    Prediction::plain(probability(estimate.log))
}
