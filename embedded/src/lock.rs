//! One process a data directory: a second one must not adopt, and later stop, the first one's
//! server.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::error::EmbeddedError;

/// Held while the server is ours. The operating system lets go of it when the process ends, also
/// by `kill -9`: an orphaned server can then be adopted. Programs that are started do not inherit
/// it.
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Closing the file would do, were it not for a program that is being started just now: until it
    /// runs, it has the file as well.
    fn drop(&mut self) {
        // What cannot be let go of is when this process ends.
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Takes the lock of a directory.
    ///
    /// # Errors
    /// [`EmbeddedError::InUse`] when another process holds it.
    pub fn take(home: &Path) -> Result<Lock, EmbeddedError> {
        let path = home.join("postgres.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(EmbeddedError::io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only for the message: a holder that has not written yet is unknown.
                let _ = file.read_to_string(&mut holder);
                return Err(EmbeddedError::InUse {
                    home: home.to_owned(),
                    holder: match holder.trim() {
                        "" => "another process".to_owned(),
                        pid => format!("process {pid}"),
                    },
                });
            }
            Err(TryLockError::Error(error)) => return Err(EmbeddedError::io(&path)(error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(EmbeddedError::io(&path))?;
        Ok(Lock { file })
    }
}
