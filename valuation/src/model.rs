//! A fitted model: prices for batches of records.

use arrow_array::RecordBatch;
use records::{Schema, Task};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::artifact::Golden;
use crate::assessed::Assessed;
use crate::baseline::group_field;
use crate::binding::position;
use crate::cells::{Cell, Cells};
use crate::check;
use crate::estimator::Estimator;
use crate::estimator::estimates::Estimate;
use crate::estimator::plan::Plan;
use crate::known::Warning;
use crate::link::Link;
use crate::mismatch::{self, SchemaMismatch};
use crate::part_error::PartError;
use crate::predict_error::PredictError;
use crate::prediction::Prediction;
use crate::profile::Profile;
use crate::reading::{BoundRecord, bind_record, check_known_columns, decoded};
use crate::report::Report;

/// What `model.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Version of the artifact's format: an older program refuses what it cannot read.
    pub(crate) format: u32,
    /// States which code fitted the model.
    pub(crate) code_version: String,
    /// Microseconds since 1970, as given to the fit.
    pub(crate) trained_at_us: i64,
    /// Newest time in training: the age of the data, not of the fit.
    pub(crate) data_until_us: Option<i64>,
    /// What the records are.
    pub(crate) schema: Schema,
    /// Fitted features, members and weights.
    pub(crate) plan: Plan,
    /// Share of prices the interval is to hold.
    pub(crate) confidence: f64,
    /// How good the model was on its hold-out.
    pub(crate) report: Report,
    /// What training looked like; none in artifacts of releases that did not write it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<Profile>,
}

impl Head {
    /// Whether the schema is one that records can be decoded by, and what was read fits it.
    ///
    /// # Errors
    /// States what does not.
    pub(crate) fn check(&self) -> Result<(), PartError> {
        check::schema(&self.schema, Task::Regression)?;
        if !(0.0..=1.0).contains(&self.confidence) {
            return Err(PartError::Misfit(format!(
                "confidence {}, expected between 0 and 1",
                self.confidence
            )));
        }
        match &self.profile {
            Some(profile) => profile.check(),
            None => Ok(()),
        }
    }
}

/// A fitted price model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub(crate) head: Head,
    pub(crate) estimator: Estimator,
    pub(crate) golden: Vec<Golden>,
}

impl Model {
    /// Prices every row of a batch, in order. Columns are looked up by name; nulls and absent
    /// optional columns are imputed, unknown levels count as "other". Batches of a schema that
    /// [`Model::fits`] has accepted are never refused.
    ///
    /// # Errors
    /// When a column that the model reads is not of its field's type, or a required one is absent.
    pub fn predict(&self, batch: &RecordBatch) -> Result<Vec<Prediction>, PredictError> {
        self.check_columns(batch)?;
        let estimates = self.estimator.batch(batch).into_iter();
        Ok(estimates.map(|estimate| self.price(estimate)).collect())
    }

    /// What [`Model::predict`] says of every row of a batch, in order, beside what [`Model::warnings`] says, and the
    /// names that the model has learned nothing of: the names of a row are looked up once for all of it.
    ///
    /// # Errors
    /// As [`Model::predict`].
    pub fn assess(&self, batch: &RecordBatch) -> Result<Vec<Assessed>, PredictError> {
        self.check_columns(batch)?;
        let assessed = self.estimator.assess(batch).into_iter();
        let assessed = assessed.map(|(estimate, outside)| outside.beside(self.price(estimate)));
        Ok(assessed.collect())
    }

    /// Where the fields of records stand that are priced one by one: see [`Model::predict_record`]. `fields`
    /// are the names of the cells, in their order. `None` for a model that needs a batch, as it computes
    /// segments of the market first.
    ///
    /// # Errors
    /// When a required field that the model reads is not among them.
    pub fn bind_record(&self, fields: &[&str]) -> Result<Option<BoundRecord>, PredictError> {
        if self.estimator.plan.segments.is_some() {
            return Ok(None);
        }
        bind_record(&self.head.schema, &self.estimator, fields).map(Some)
    }

    /// Prices one record from its cells, without a batch; the same bits as [`Model::predict`] gives.
    /// `bound` is of this model, and has the fields of `cells` in their order; a cell that is not there, or
    /// not of its field's kind, is not known.
    pub fn predict_record(&self, bound: &BoundRecord, cells: &[Cell]) -> Prediction {
        self.price(self.estimator.record(bound.only(), cells))
    }

    /// [`Model::assess`] of one record, as [`Model::predict_record`].
    pub fn assess_record(&self, bound: &BoundRecord, cells: &[Cell]) -> Assessed {
        let (estimate, outside) = self.estimator.assess_record(bound.only(), cells);
        outside.beside(self.price(estimate))
    }

    /// What of every row of a batch lies outside of what the model has learned from, in order; nothing for a
    /// model of an earlier release, which did not write that down.
    ///
    /// # Errors
    /// As [`Model::predict`].
    pub fn warnings(&self, batch: &RecordBatch) -> Result<Vec<Vec<Warning>>, PredictError> {
        self.check_columns(batch)?;
        let Some(known) = &self.estimator.plan.known else {
            return Ok(vec![Vec::new(); batch.num_rows()]);
        };
        let places = known.places(&|name| position(batch, name));
        let bound = known.bind_at(&places, &|place| Cells::from(batch.column(place)), &[]);
        let rows = 0..batch.num_rows();
        Ok(rows.map(|row| bound.warnings(row, &[])).collect())
    }

    fn price(&self, estimate: Estimate) -> Prediction {
        let Plan { quantile, link, .. } = self.estimator.plan;
        let half = quantile * estimate.spread;
        Prediction {
            value: link.value(estimate.log),
            low: link.value(estimate.log - half),
            high: link.value(estimate.log + half),
        }
    }

    /// Whether a batch has the columns that the model reads; asked once for each schema.
    pub(crate) fn check_columns(&self, batch: &RecordBatch) -> Result<(), PredictError> {
        check_known_columns(&self.head.schema, &self.estimator, batch)
    }

    /// Whether requests of `schema` can be priced: every field the model reads is there, of the
    /// same kind and unit, and the target is the same. Fields that the model does not read may
    /// come and go; what is required and what is bounded may change.
    ///
    /// # Errors
    /// Names every difference.
    pub fn fits(&self, schema: &Schema) -> Result<(), SchemaMismatch> {
        mismatch::fits(self.schema(), |field| self.estimator.reads(field), schema)
    }

    /// What the model's records are.
    pub fn schema(&self) -> &Schema {
        &self.head.schema
    }

    /// How it was fitted and judged; `fit_seconds` is 0 in a loaded model.
    pub fn report(&self) -> &Report {
        &self.head.report
    }

    /// What is estimated of the target: its logarithm, or a count's plus 1.
    pub fn link(&self) -> Link {
        self.estimator.plan.link
    }

    /// The field whose levels are the groups that errors are grouped by.
    pub fn group(&self) -> Option<&str> {
        group_field(&self.head.schema, &self.head.report.dropped)
    }

    /// The share of prices the intervals are to hold, such as 0.9.
    pub fn confidence(&self) -> f64 {
        self.head.confidence
    }

    /// When it was fitted, microseconds since 1970.
    pub fn trained_at_us(&self) -> i64 {
        self.head.trained_at_us
    }

    /// The newest time in training, microseconds since 1970; `None` without a time field.
    pub fn data_until_us(&self) -> Option<i64> {
        self.head.data_until_us
    }

    /// What training looked like; `None` for a model that an earlier release has fitted.
    pub fn profile(&self) -> Option<&Profile> {
        self.head.profile.as_ref()
    }

    /// The median absolute percentage error to expect of predictions whose prices are not known
    /// yet, as a share: 0.08 for 8 %. `None` without a [profile](Model::profile), and for no
    /// predictions.
    ///
    /// It assumes that errors lie within the ranges as they did on the hold-out: the log error over
    /// half the range's log width has the hold-out's distribution, whatever is priced, and prices
    /// lie above an estimate as often as below. So it rises where what is requested is of a kind
    /// that the model knows to be hard, and stays where the relation of price and features itself
    /// has changed: that is seen only when prices arrive. (Estimating error without labels from a
    /// model's own uncertainty: Garg et al. 2022, Leveraging unlabeled data to predict
    /// out-of-distribution performance, do it for classifiers.)
    pub fn expected_ape(&self, predictions: &[Prediction]) -> Option<f64> {
        self.profile()?
            .errors()
            .median_ape(self.link(), predictions)
    }

    /// Prices one JSON record; `None` when it is not a record of the schema.
    pub(crate) fn predict_json(&self, record: &Map<String, Value>) -> Option<Prediction> {
        let Head {
            schema,
            trained_at_us,
            data_until_us,
            ..
        } = &self.head;
        let batch = decoded(schema, record, *trained_at_us, *data_until_us)?;
        self.predict(&batch).ok()?.first().copied()
    }
}
