//! A fitted model: prices for batches of records.

use arrow_array::RecordBatch;
use records::{Decoder, Purpose, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::baseline::group_field;
use crate::binding::{Places, position};
use crate::cells::Cell;
use crate::estimator::{Estimate, Estimator, Plan};
use crate::link::Link;
use crate::metrics::Report;
use crate::profile::Profile;

/// Why a batch could not be priced.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// A column the schema requires is not there, or not of its field's type.
    #[error(
        "expected a column {column} of type {expected}, found {found}: decode the records with the model's own schema"
    )]
    Column {
        /// Its name.
        column: String,
        /// The type the schema says.
        expected: String,
        /// The type that is there, or "none".
        found: String,
    },
    /// The batch has no such row.
    #[error("expected a row below {rows}, found {row}")]
    Row {
        /// The row asked for, counting from 0.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// The trees could not be taken apart.
    #[error("the price cannot be explained: {detail}; fit the model again")]
    Explain {
        /// What the trees said.
        detail: String,
    },
}

/// An estimate in the target's unit. `value` is a median; the price lies between `low` and
/// `high` with the model's confidence. Of a class, `value` is the probability, and both ends are it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The price to recommend.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Prediction {
    /// An estimate without a range.
    pub(crate) fn plain(value: f64) -> Prediction {
        Prediction {
            value,
            low: value,
            high: value,
        }
    }
}

/// A sample row and what it must give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Golden {
    /// The record as JSON, so that decoding is checked too.
    pub(crate) record: Map<String, Value>,
    /// What the model said when it was fitted.
    pub(crate) prediction: Prediction,
}

/// What `model.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Version of the artifact's format: an older program refuses what it cannot read.
    pub(crate) format: u32,
    /// Says which code fitted the model.
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

    /// Where the fields of records stand that are priced one by one: see [`Model::predict_record`]. `fields`
    /// are the names of the cells, in their order. `None` for a model that needs a batch, as it works out
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
        self.price(self.estimator.record(&bound.places, cells))
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

    /// The field whose levels are the groups that errors are told by.
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
    /// lie above an estimate as often as below. So it rises where what is asked for is of a kind
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

/// Where the fields of a record stand that a model reads.
#[derive(Debug, Clone)]
pub struct BoundRecord {
    pub(crate) places: Places,
}

/// Binds the fields of records to what an estimator of a schema reads.
///
/// # Errors
/// Names the first required field that is read and not given.
pub(crate) fn bind_record(
    schema: &Schema,
    estimator: &Estimator,
    fields: &[&str],
) -> Result<BoundRecord, PredictError> {
    let find = |name: &str| fields.iter().position(|field| *field == name);
    let times = schema.time.iter().filter_map(|name| schema.field(name));
    for field in schema.features().chain(times) {
        let needed = field.required && estimator.reads(&field.name);
        if needed && find(&field.name).is_none() {
            return Err(PredictError::Column {
                column: field.name.clone(),
                expected: field.kind.data_type().to_string(),
                found: "none".to_owned(),
            });
        }
    }
    Ok(BoundRecord {
        places: estimator.places(&find),
    })
}

/// Whether a batch has the columns that an estimator of a schema reads; asked once for each schema of
/// batches.
///
/// # Errors
/// Names the first that is not there, or of another type.
pub(crate) fn check_known_columns(
    schema: &Schema,
    estimator: &Estimator,
    batch: &RecordBatch,
) -> Result<(), PredictError> {
    let own = batch.schema_ref();
    let find = || estimator.places(&|name| position(batch, name));
    let check = || check_columns(schema, |field| estimator.reads(field), batch);
    estimator.bindings.check(own, find, check)
}

/// Whether a batch has the columns that a model of a schema `reads`.
///
/// # Errors
/// Names the first that is not there, or of another type.
pub(crate) fn check_columns(
    schema: &Schema,
    reads: impl Fn(&str) -> bool,
    batch: &RecordBatch,
) -> Result<(), PredictError> {
    let times = schema.time.iter().filter_map(|name| schema.field(name));
    for field in schema.features().chain(times) {
        if !reads(&field.name) {
            continue;
        }
        let expected = field.kind.data_type();
        let found = batch
            .column_by_name(&field.name)
            .map(|column| column.data_type());
        let fits = match found {
            Some(found) => *found == expected,
            None => !field.required,
        };
        if !fits {
            return Err(PredictError::Column {
                column: field.name.clone(),
                expected: expected.to_string(),
                found: found.map_or("none".to_owned(), ToString::to_string),
            });
        }
    }
    Ok(())
}

/// The batch of one JSON record, as a request; `None` when it is not a record of the schema.
pub(crate) fn decoded(
    schema: &Schema,
    record: &Map<String, Value>,
    trained_at_us: i64,
    data_until_us: Option<i64>,
) -> Option<RecordBatch> {
    let mut decoder = Decoder::new(schema, Purpose::Request);
    let payload = serde_json::to_vec(record).ok()?;
    // A record later than its arrival would be rejected, whatever the clock said at the fit.
    let arrival_us = trained_at_us.max(data_until_us.unwrap_or(i64::MIN));
    decoder.push(&payload, arrival_us).ok()?;
    Some(decoder.finish().batch)
}
