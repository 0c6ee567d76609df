//! A fitted model, as Python holds it.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3_arrow::input::AnyRecordBatch;
use records::{Task, timestamp};
use serde::Serialize;
use valuation::{Provenance, TrainedModel};

use crate::design::{self, price};
use crate::error::value_error;
use crate::predictions::{self, Predictions, listings};
use crate::{explanation, thread_pool};

/// A fitted model of whatever task.
#[pyclass(frozen, module = "hedonic._core")]
pub(crate) struct NativeModel {
    pub(crate) model: Arc<TrainedModel>,
}

/// What is known of a model beside its schema, as JSON for Python.
#[derive(Serialize)]
struct About<'a> {
    task: Task,
    trained_at_us: i64,
    data_until_us: Option<i64>,
    /// Share of prices that the ranges are to hold; of prices only.
    interval: Option<f64>,
    /// Probability from which on a record is of the class; of classes only.
    threshold: Option<f64>,
    /// What records of the class are called; of classes only.
    class: Option<&'a str>,
    /// The levels whose probabilities are predicted; of several classes only.
    levels: Option<&'a [String]>,
}

#[pymethods]
impl NativeModel {
    /// Reads the directory of a version, and verifies it.
    #[staticmethod]
    fn load(py: Python<'_>, directory: PathBuf) -> PyResult<NativeModel> {
        let pool = thread_pool::pool()?;
        let load = || pool.install(|| TrainedModel::load(&directory));
        let model = py.detach(load).map_err(value_error)?;
        Ok(NativeModel {
            model: Arc::new(model),
        })
    }

    /// Writes the model's files into an empty directory.
    fn save(&self, py: Python<'_>, directory: PathBuf) -> PyResult<()> {
        py.detach(|| self.model.save(&directory))
            .map_err(value_error)
    }

    /// Predicts every row of a table.
    #[pyo3(signature = (table, as_of_us=None))]
    fn predict(
        &self,
        py: Python<'_>,
        table: AnyRecordBatch,
        as_of_us: Option<i64>,
    ) -> PyResult<Predictions> {
        let pool = thread_pool::pool()?;
        let table = table.into_reader()?;
        let now_us = as_of_us.unwrap_or_else(timestamp::now_us);
        py.detach(|| predictions::predict(&self.model, table, now_us, &pool))
    }

    /// The values that the trees read of every row of a table, with what a base learner predicts for it.
    #[pyo3(signature = (table, member=None, as_of_us=None))]
    fn design(
        &self,
        py: Python<'_>,
        table: AnyRecordBatch,
        member: Option<&str>,
        as_of_us: Option<i64>,
    ) -> PyResult<Predictions> {
        let pool = thread_pool::pool()?;
        let table = table.into_reader()?;
        let now_us = as_of_us.unwrap_or_else(timestamp::now_us);
        py.detach(|| design::design(&self.model, table, member, now_us, &pool))
    }

    /// The model with a booster of XGBoost (its JSON) as a further base learner, judged on the rows of a table; and what
    /// the booster is worth, as JSON.
    fn import_xgboost(
        &self,
        py: Python<'_>,
        booster: &[u8],
        table: AnyRecordBatch,
        name: &str,
        seed: u64,
    ) -> PyResult<(NativeModel, String)> {
        let pool = thread_pool::pool()?;
        let table = table.into_reader()?;
        py.detach(|| {
            let model = price(&self.model)?;
            let now_us = timestamp::now_us();
            let rows = listings(table, model.schema(), now_us, |_, _| {})?;
            let provenance = Provenance {
                code_version: env!("CARGO_PKG_VERSION").to_owned(),
                trained_at_us: now_us,
            };
            let import = || model.import_xgboost(name, booster, &rows, seed, provenance);
            let (imported, _, report) = pool.install(import).map_err(value_error)?;
            let report = serde_json::to_string(&report).map_err(value_error)?;
            let model = NativeModel {
                model: Arc::new(TrainedModel::Price(Box::new(imported))),
            };
            Ok((model, report))
        })
    }

    /// Explains the price of one record of JSON, as JSON.
    #[pyo3(signature = (record, comparables, as_of_us=None))]
    fn explain(
        &self,
        py: Python<'_>,
        record: &str,
        comparables: usize,
        as_of_us: Option<i64>,
    ) -> PyResult<String> {
        let now_us = as_of_us.unwrap_or_else(timestamp::now_us);
        py.detach(|| explanation::explain(&self.model, record, comparables, now_us))
    }

    /// The schema as JSON.
    fn schema_json(&self) -> PyResult<String> {
        serde_json::to_string(self.model.schema()).map_err(value_error)
    }

    /// What is known of the model beside its schema, as JSON.
    fn about_json(&self) -> PyResult<String> {
        let model = &self.model;
        let about = About {
            task: model.schema().task,
            trained_at_us: model.trained_at_us(),
            data_until_us: model.data_until_us(),
            interval: model.confidence(),
            threshold: model.threshold(),
            class: model.class().map(|_| model.schema().class_name()),
            levels: model.multiclass().map(|model| model.levels()),
        };
        serde_json::to_string(&about).map_err(value_error)
    }

    /// How the model was fitted and judged, as JSON.
    fn report_json(&self) -> PyResult<String> {
        match self.model.as_ref() {
            TrainedModel::Price(model) => serde_json::to_string(model.report()),
            TrainedModel::Class(model) => serde_json::to_string(model.report()),
            TrainedModel::Multiclass(model) => serde_json::to_string(model.report()),
            TrainedModel::Clusters(clusters) => serde_json::to_string(clusters.report()),
        }
        .map_err(value_error)
    }
}
