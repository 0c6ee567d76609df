//! Errors of the libraries as exceptions of Python.

use pyo3::PyErr;
use pyo3::exceptions::PyValueError;

/// An error of a library as Python's `ValueError`, with its sources.
pub(crate) fn value_error(error: impl std::error::Error) -> PyErr {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    PyValueError::new_err(text)
}
