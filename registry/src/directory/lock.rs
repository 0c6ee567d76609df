//! One writer at a time, of threads and of processes.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::RegistryError;
use crate::error::at;

/// Longest wait for a turn.
const WAIT: Duration = Duration::from_secs(120);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// Held until dropped; a process that is killed gives it back.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for its turn: anyone who holds it only writes small files, so that one who keeps it is stuck.
    pub(super) fn take(root: &Path) -> Result<Lock, RegistryError> {
        fs::create_dir_all(root).map_err(at(root))?;
        let path = root.join(".lock");
        // A handle of its own each time: the lock is the handle's, so threads exclude each other too.
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            // A pipe of that name would be waited for.
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
            .open(&path)
            .map_err(at(&path))?;
        let until = Instant::now() + WAIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
                Err(TryLockError::WouldBlock) if Instant::now() > until => {
                    return Err(RegistryError::Locked {
                        place: root.to_owned(),
                        seconds: WAIT.as_secs(),
                    });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            }
        }
    }
}
