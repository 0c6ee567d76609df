//! A model of whatever task: what a service answers with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow_array::RecordBatch;
use records::{Schema, Task};
use serde::Deserialize;

use crate::artifact::{ArtifactError, Reading, Verified};
use crate::assessed::{Assessed, Outside};
use crate::cells::Cell;
use crate::classification::ClassModel;
use crate::clustering::Clusters;
use crate::explain::Explanation;
use crate::known::Warning;
use crate::mismatch::SchemaMismatch;
use crate::model::Model;
use crate::multiclass::MulticlassModel;
use crate::predict_error::PredictError;
use crate::prediction::Prediction;
use crate::profile::Profile;
use crate::reading::BoundRecord;

/// A fitted model, by the task of its schema.
#[derive(Debug, Clone, PartialEq)]
pub enum TrainedModel {
    /// A number: a price and its range.
    Price(Box<Model>),
    /// How likely a record is of a class.
    Class(Box<ClassModel>),
    /// How likely each level of the target is.
    Multiclass(Box<MulticlassModel>),
    /// Which records are alike.
    Clusters(Box<Clusters>),
}

/// The part of `model.json` that states which task it is.
#[derive(Deserialize)]
struct Head {
    schema: Schema,
}

impl TrainedModel {
    /// Reads a model and verifies it: checksums, format, that its parts fit together, golden rows.
    ///
    /// # Errors
    /// States which file or row failed.
    pub fn load(dir: &Path) -> Result<TrainedModel, ArtifactError> {
        TrainedModel::load_by(dir, &Reading::default())
    }

    /// The same within bounds, or by checksums that were taken elsewhere.
    ///
    /// # Errors
    /// States which file or row failed.
    pub fn load_by(dir: &Path, reading: &Reading) -> Result<TrainedModel, ArtifactError> {
        let head: Head = Verified::open(dir, reading)?.head()?;
        let files = Verified::open(dir, reading)?;
        match head.schema.task {
            Task::Classification if head.schema.is_multiclass() => {
                let model = MulticlassModel::read(&files)?;
                Ok(TrainedModel::Multiclass(Box::new(model)))
            }
            Task::Classification => Ok(TrainedModel::Class(Box::new(ClassModel::read(&files)?))),
            Task::Clustering => Ok(TrainedModel::Clusters(Box::new(Clusters::read(&files)?))),
            Task::Regression => Ok(TrainedModel::Price(Box::new(Model::read(&files)?))),
        }
    }

    /// Writes the model's files into an existing, empty directory.
    ///
    /// # Errors
    /// When the directory is absent or not empty, or a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), ArtifactError> {
        match self {
            TrainedModel::Price(model) => model.save(dir),
            TrainedModel::Class(model) => model.save(dir),
            TrainedModel::Multiclass(model) => model.save(dir),
            TrainedModel::Clusters(model) => model.save(dir),
        }
    }

    /// What the model predicts for every row of a batch, in order.
    ///
    /// # Errors
    /// When a column that the model reads is not of its field's type, or a required one is absent.
    pub fn predict(&self, batch: &RecordBatch) -> Result<Vec<Prediction>, PredictError> {
        match self {
            TrainedModel::Price(model) => model.predict(batch),
            TrainedModel::Class(model) => model.predict(batch),
            TrainedModel::Multiclass(model) => model.predict(batch),
            TrainedModel::Clusters(model) => {
                Ok(model.predict(batch)?.into_iter().map(number).collect())
            }
        }
    }

    /// What the model predicts for every row of a batch, in order, and what of each row it knows nothing of: the
    /// names of a row are looked up once for all of it. Of clusters only what is predicted.
    ///
    /// # Errors
    /// As [`TrainedModel::predict`].
    pub fn assess(&self, batch: &RecordBatch) -> Result<Vec<Assessed>, PredictError> {
        match self {
            TrainedModel::Price(model) => model.assess(batch),
            TrainedModel::Class(model) => model.assess(batch),
            TrainedModel::Multiclass(model) => model.assess(batch),
            TrainedModel::Clusters(_) => {
                let predicted = self.predict(batch)?.into_iter();
                Ok(predicted
                    .map(|prediction| Outside::default().beside(prediction))
                    .collect())
            }
        }
    }

    /// A prediction as answers state it ([`Prediction::stated`]); a probability or a cluster's number as it is.
    #[must_use]
    pub fn stated(&self, prediction: Prediction) -> Prediction {
        match self {
            TrainedModel::Price(_) => prediction.stated(),
            TrainedModel::Class(_) | TrainedModel::Multiclass(_) | TrainedModel::Clusters(_) => {
                prediction
            }
        }
    }

    /// Where the fields of records stand that are priced one by one, bound once for a model and the fields
    /// of its records. `None` for what needs a batch: clusters, and prices by segments of the market.
    ///
    /// # Errors
    /// When a required field that the model reads is not among `fields`.
    pub fn bind_record(&self, fields: &[&str]) -> Result<Option<BoundRecord>, PredictError> {
        match self {
            TrainedModel::Price(model) => model.bind_record(fields),
            TrainedModel::Class(model) => model.bind_record(fields).map(Some),
            TrainedModel::Multiclass(model) => model.bind_record(fields).map(Some),
            TrainedModel::Clusters(_) => Ok(None),
        }
    }

    /// What the model predicts for one record, from its cells, without a batch: the same bits as
    /// [`TrainedModel::predict`] gives. `bound` is of this model, and has the fields of `cells` in their order.
    /// `None` of clusters, which are not bound.
    pub fn predict_record(&self, bound: &BoundRecord, cells: &[Cell]) -> Option<Prediction> {
        match self {
            TrainedModel::Price(model) => Some(model.predict_record(bound, cells)),
            TrainedModel::Class(model) => Some(model.predict_record(bound, cells)),
            TrainedModel::Multiclass(model) => Some(model.predict_record(bound, cells)),
            TrainedModel::Clusters(_) => None,
        }
    }

    /// [`TrainedModel::assess`] of one record, as [`TrainedModel::predict_record`]; `None` of clusters.
    pub fn assess_record(&self, bound: &BoundRecord, cells: &[Cell]) -> Option<Assessed> {
        match self {
            TrainedModel::Price(model) => Some(model.assess_record(bound, cells)),
            TrainedModel::Class(model) => Some(model.assess_record(bound, cells)),
            TrainedModel::Multiclass(model) => Some(model.assess_record(bound, cells)),
            TrainedModel::Clusters(_) => None,
        }
    }

    /// See [`Model::fits`].
    ///
    /// # Errors
    /// Names every difference.
    pub fn fits(&self, schema: &Schema) -> Result<(), SchemaMismatch> {
        match self {
            TrainedModel::Price(model) => model.fits(schema),
            TrainedModel::Class(model) => model.fits(schema),
            TrainedModel::Multiclass(model) => model.fits(schema),
            TrainedModel::Clusters(model) => model.fits(schema),
        }
    }

    /// What the model's records are.
    pub fn schema(&self) -> &Schema {
        match self {
            TrainedModel::Price(model) => model.schema(),
            TrainedModel::Class(model) => model.schema(),
            TrainedModel::Multiclass(model) => model.schema(),
            TrainedModel::Clusters(model) => model.schema(),
        }
    }

    /// When it was fitted, microseconds since 1970.
    pub fn trained_at_us(&self) -> i64 {
        match self {
            TrainedModel::Price(model) => model.trained_at_us(),
            TrainedModel::Class(model) => model.trained_at_us(),
            TrainedModel::Multiclass(model) => model.trained_at_us(),
            TrainedModel::Clusters(model) => model.trained_at_us(),
        }
    }

    /// The newest time in training, microseconds since 1970; `None` without a time field.
    pub fn data_until_us(&self) -> Option<i64> {
        match self {
            TrainedModel::Price(model) => model.data_until_us(),
            TrainedModel::Class(model) => model.data_until_us(),
            TrainedModel::Multiclass(model) => model.data_until_us(),
            TrainedModel::Clusters(model) => model.data_until_us(),
        }
    }

    /// The price model, where it is one.
    pub fn price(&self) -> Option<&Model> {
        match self {
            TrainedModel::Price(model) => Some(model),
            TrainedModel::Class(_) | TrainedModel::Multiclass(_) | TrainedModel::Clusters(_) => {
                None
            }
        }
    }

    /// The model of a class, where it is one.
    pub fn class(&self) -> Option<&ClassModel> {
        match self {
            TrainedModel::Class(model) => Some(model),
            TrainedModel::Price(_) | TrainedModel::Multiclass(_) | TrainedModel::Clusters(_) => {
                None
            }
        }
    }

    /// The model of several classes, where it is one.
    pub fn multiclass(&self) -> Option<&MulticlassModel> {
        match self {
            TrainedModel::Multiclass(model) => Some(model),
            TrainedModel::Price(_) | TrainedModel::Class(_) | TrainedModel::Clusters(_) => None,
        }
    }

    /// The clusters, where it is a clustering.
    pub fn clusters(&self) -> Option<&Clusters> {
        match self {
            TrainedModel::Clusters(model) => Some(model),
            TrainedModel::Price(_) | TrainedModel::Class(_) | TrainedModel::Multiclass(_) => None,
        }
    }

    /// The field whose levels are the groups that errors are grouped by.
    pub fn group(&self) -> Option<&str> {
        match self {
            TrainedModel::Price(model) => model.group(),
            TrainedModel::Class(model) => model.group(),
            TrainedModel::Multiclass(model) => model.group(),
            TrainedModel::Clusters(_) => None,
        }
    }

    /// The share of prices its ranges are to hold; `None` where there are no ranges.
    pub fn confidence(&self) -> Option<f64> {
        self.price().map(Model::confidence)
    }

    /// The probability from which on a record is predicted to be of the class; `None` where there is none.
    pub fn threshold(&self) -> Option<f64> {
        self.class().map(ClassModel::threshold)
    }

    /// What training looked like; `None` where live quality is not measured.
    pub fn profile(&self) -> Option<&Profile> {
        self.price().and_then(Model::profile)
    }

    /// The names that the model has learned something of, by field; none of clusters.
    pub fn names(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        match self {
            TrainedModel::Price(model) => model.estimator.names(),
            TrainedModel::Class(model) => model.names(),
            TrainedModel::Multiclass(model) => model.names(),
            TrainedModel::Clusters(_) => BTreeMap::new(),
        }
    }

    /// What of every row lies outside of what was learned ([`Model::warnings`]); nothing of what is not a price.
    ///
    /// # Errors
    /// As [`TrainedModel::predict`].
    pub fn warnings(&self, batch: &RecordBatch) -> Result<Vec<Vec<Warning>>, PredictError> {
        match self.price() {
            Some(model) => model.warnings(batch),
            None => Ok(vec![Vec::new(); batch.num_rows()]),
        }
    }

    /// Why a prediction is what it is ([`Model::explain`], [`ClassModel::explain`],
    /// [`MulticlassModel::explain`]); `None` of clusters.
    ///
    /// # Errors
    /// When the batch lacks a column that the model reads, or has no such row.
    pub fn explain(
        &self,
        batch: &RecordBatch,
        row: usize,
        comparables: usize,
    ) -> Result<Option<Explanation>, PredictError> {
        match self {
            TrainedModel::Price(model) => model.explain(batch, row, comparables).map(Some),
            TrainedModel::Class(model) => model.explain(batch, row).map(Some),
            TrainedModel::Multiclass(model) => model.explain(batch, row).map(Some),
            TrainedModel::Clusters(_) => Ok(None),
        }
    }
}

/// A cluster's number as a prediction; its range means nothing.
fn number(cluster: usize) -> Prediction {
    let value = cluster as f64;
    Prediction {
        value,
        low: value,
        high: value,
    }
}
