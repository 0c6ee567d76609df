//! The native part of the Python package `hedonic`: reads tables over the Arrow PyCapsule interface, and calls the
//! model that the services call. What users see is in `hedonic/`.

mod design;
mod error;
mod explanation;
mod model;
mod predictions;
mod thread_pool;
mod training;

use pyo3::prelude::*;

/// The module `hedonic._core`.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<model::NativeModel>()?;
    module.add_class::<predictions::Predictions>()?;
    module.add_function(wrap_pyfunction!(training::train, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
