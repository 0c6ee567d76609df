//! One call that fits a model of whatever task.

use arrow_array::RecordBatch;
use records::{Schema, Task};

use crate::classification::classify;
use crate::clustering::{Clustering, Tried};
use crate::fit::{FitOptions, fit};
use crate::fit_error::FitError;
use crate::fit_report::FitReport;
use crate::multiclass::classify_levels;
use crate::progress::{FitStage, Measure, Tracker};
use crate::provenance::Provenance;
use crate::trained_model::TrainedModel;

/// Fits a model of the schema's task on a batch of records and judges it on the hold-out.
///
/// A regression gives prices (or counts) with prediction intervals, a classification the probability of the
/// schema's class (or of each level of its target), a clustering groups of similar records. The metrics of the report are those of a model that
/// has not seen the hold-out; the model returned is refitted on all records, unless [`FitOptions::refit`] is
/// false. The same input gives the same bits, on any number of threads. [`FitOptions::observer`] is told how
/// far it is.
///
/// # Errors
/// See [`FitError`].
pub fn train(
    schema: &Schema,
    batch: &RecordBatch,
    options: &FitOptions,
    provenance: Provenance,
) -> Result<(TrainedModel, FitReport), FitError> {
    let Provenance {
        code_version,
        trained_at_us,
    } = provenance;
    match schema.task {
        Task::Regression => {
            let (model, report) = fit(schema, batch, options, &code_version, trained_at_us)?;
            Ok((
                TrainedModel::Price(Box::new(model)),
                FitReport::Price(Box::new(report)),
            ))
        }
        Task::Classification if schema.is_multiclass() => {
            let (model, report) =
                classify_levels(schema, batch, options, &code_version, trained_at_us)?;
            Ok((
                TrainedModel::Multiclass(Box::new(model)),
                FitReport::Multiclass(Box::new(report)),
            ))
        }
        Task::Classification => {
            let (model, report) = classify(schema, batch, options, &code_version, trained_at_us)?;
            Ok((
                TrainedModel::Class(Box::new(model)),
                FitReport::Class(Box::new(report)),
            ))
        }
        Task::Clustering => {
            let clustering = Clustering {
                schema,
                batch,
                options: options.clustering,
                min_rows: options.min_rows,
                seed: options.seed,
                threads: options.threads,
            };
            let tracker = Tracker::new(&options.observer, Measure::Silhouette, |_, _| 0.0);
            let tried = clustering.tried()?;
            tracker.clusters(tried, batch.num_rows(), schema.features().count());
            let on_tried = |tried: &Tried| tracker.tried(tried.silhouette);
            let (model, report) = clustering.fit(&code_version, trained_at_us, &on_tried)?;
            tracker.enter(FitStage::Explaining);
            tracker.done();
            Ok((
                TrainedModel::Clusters(Box::new(model)),
                FitReport::Clusters(Box::new(report)),
            ))
        }
    }
}
