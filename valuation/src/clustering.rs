//! Which records are alike: k-means on standardised features, for schemas of `task = "clustering"`.
//!
//! Nothing is predicted that could be right or wrong: a record's cluster is the centre that lies
//! nearest to it. Clusters are numbered from 0 by falling size. The silhouette states how well they are
//! distinguished, and chooses how many there are where nobody says it.

mod artifact;
mod columns;
mod error;
mod fit;
mod kmeans;
mod options;
mod principal;
mod report;
pub(crate) mod segments;
mod silhouette;

use arrow_array::RecordBatch;
use ndarray::Array2;
use records::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::columns::Feature;
pub use self::error::ClusteringError;
pub use self::fit::Clustering;
pub use self::options::ClusteringOptions;
pub use self::report::{Cluster, ClusterReport, Picture, Point, Tried};
use crate::mismatch::{self, SchemaMismatch};
use crate::predict_error::PredictError;
use crate::reading::{check_columns, decoded};

/// Fitted clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    head: Head,
    /// (clusters, features), standardised: what the head keeps as rows.
    centres: Array2<f64>,
    golden: Vec<Golden>,
}

/// What `model.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Head {
    /// Version of the artifact's format: an older program refuses what it cannot read.
    format: u32,
    /// States which code found the clusters.
    code_version: String,
    /// Microseconds since 1970, as given to the fit.
    trained_at_us: i64,
    /// Newest time in training: the age of the data, not of the fit.
    data_until_us: Option<i64>,
    /// What the records are.
    schema: Schema,
    /// By cluster, standardised: exact, where the report's are in the fields' units.
    centres: Vec<Vec<f64>>,
    /// How well clusters are distinguished, and the features.
    report: ClusterReport,
}

/// A sample row and its cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Golden {
    /// The record as JSON, so that decoding is checked too.
    record: Map<String, Value>,
    /// The cluster it was in when they were found.
    prediction: usize,
}

impl Clusters {
    /// The cluster of every row of a batch, in order. Columns are looked up by name; nulls and absent
    /// optional columns are filled, unknown levels are none of those known.
    ///
    /// # Errors
    /// When a column that is compared by is not of its field's type, or a required one is absent.
    pub fn predict(&self, batch: &RecordBatch) -> Result<Vec<usize>, PredictError> {
        check_columns(&self.head.schema, |field| self.reads(field), batch)?;
        let features = &self.head.report.features;
        let table = columns::table(features, batch, 0..batch.num_rows());
        Ok(kmeans::nearest(&table, &self.centres))
    }

    /// The mean silhouette of a clustering of these records, `members` by row, in the scale of these
    /// clusters' features: what clusters of another fit are compared by. `None` for fewer than two
    /// clusters that have rows.
    pub fn silhouette(&self, batch: &RecordBatch, members: &[usize]) -> Option<f64> {
        let features = &self.head.report.features;
        let table = columns::table(features, batch, 0..batch.num_rows());
        let clusters = members.iter().max().map_or(0, |last| last + 1);
        let all = silhouette::of_rows(&table, members, clusters)?;
        Some(silhouette::mean(&all))
    }

    /// Whether records of `schema` can be put into these clusters: every field that is compared by is
    /// there, of the same kind and unit.
    ///
    /// # Errors
    /// Names every difference.
    pub fn fits(&self, schema: &Schema) -> Result<(), SchemaMismatch> {
        mismatch::fits(self.schema(), |field| self.reads(field), schema)
    }

    /// Whether a field is compared by.
    pub fn reads(&self, field: &str) -> bool {
        let features = &self.head.report.features;
        features.iter().any(|feature| feature.field == field)
    }

    /// What the records are.
    pub fn schema(&self) -> &Schema {
        &self.head.schema
    }

    /// How they were found; `fit_seconds` is 0 and `members` empty in loaded clusters.
    pub fn report(&self) -> &ClusterReport {
        &self.head.report
    }

    /// When they were found, microseconds since 1970.
    pub fn trained_at_us(&self) -> i64 {
        self.head.trained_at_us
    }

    /// The newest time in training, microseconds since 1970; `None` without a time field.
    pub fn data_until_us(&self) -> Option<i64> {
        self.head.data_until_us
    }

    /// The cluster of one JSON record; `None` when it is not a record of the schema.
    fn predict_json(&self, record: &Map<String, Value>) -> Option<usize> {
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
