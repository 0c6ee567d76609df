//! The native part of the Python package `hedonic`: reads tables over the Arrow PyCapsule interface, and calls the
//! model that the services call. What users see is in `hedonic/`.

mod explanation;
mod model;
mod predictions;
mod thread_pool;
mod training;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// An error of a library as Python's `ValueError`, with its sources.
fn value_error(error: impl std::error::Error) -> PyErr {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    PyValueError::new_err(text)
}

/// The module `hedonic._core`.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<model::NativeModel>()?;
    module.add_class::<predictions::Predictions>()?;
    module.add_function(wrap_pyfunction!(training::train, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
