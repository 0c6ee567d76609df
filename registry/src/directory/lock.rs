//! One writer at a time, of threads and of processes.

use std::fs::{self, File};
use std::path::Path;

use super::at;
use crate::RegistryError;

/// Held until dropped; a process that is killed gives it back.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for its turn: whoever holds it only writes small files.
    pub(super) fn take(root: &Path) -> Result<Lock, RegistryError> {
        fs::create_dir_all(root).map_err(at(root))?;
        let path = root.join(".lock");
        // A handle of its own each time: the lock is the handle's, so threads exclude each other too.
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(at(&path))?;
        file.lock().map_err(at(&path))?;
        Ok(Lock { _file: file })
    }
}
