//! The threads that predictions and fits run on: those of this process, not of one that it was forked from.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The pool, and the process whose threads it has.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// The pool of this process, of `RAYON_NUM_THREADS` threads or one for each core. Workers of Spark and of
/// `multiprocessing` are forked, and a fork has no threads.
pub(crate) fn pool() -> PyResult<Arc<ThreadPool>> {
    let process = std::process::id();
    let mut kept = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((owner, pool)) = kept.take() {
        if owner == process {
            *kept = Some((owner, Arc::clone(&pool)));
            return Ok(pool);
        }
        // Its threads are the parent's: ending them here would wait for ever.
        std::mem::forget(pool);
    }
    let pool = ThreadPoolBuilder::new()
        .thread_name(|number| format!("hedonic-{number}"))
        .build()
        .map_err(|error| {
            PyRuntimeError::new_err(format!(
                "cannot start the threads of a prediction: {error}; set RAYON_NUM_THREADS to fewer"
            ))
        })?;
    let pool = Arc::new(pool);
    *kept = Some((process, Arc::clone(&pool)));
    Ok(pool)
}
