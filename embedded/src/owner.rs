//! Who runs the server: PostgreSQL refuses root.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::EmbeddedError;

/// The user under which the server runs; `None` where this process is not root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    ids: Option<(u32, u32)>,
}

impl Owner {
    /// `postgres`, else `nobody`, where this process is root; else itself.
    pub fn choose() -> Owner {
        let is_root = std::fs::metadata("/proc/self")
            .map(|process| process.uid() == 0)
            .unwrap_or(false);
        if !is_root {
            return Owner { ids: None };
        }
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let ids = ["postgres", "nobody"].iter().find_map(|name| {
            let line = accounts
                .lines()
                .find(|line| line.split(':').next() == Some(name))?;
            let mut parts = line.split(':').skip(2);
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        });
        Owner {
            // 65534 is nobody wherever there is no account file to ask.
            ids: Some(ids.unwrap_or((65534, 65534))),
        }
    }

    /// Lets a command run as the owner, away from the terminal's Ctrl-C.
    pub fn run(self, command: &mut Command) -> &mut Command {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
        if let Some((uid, gid)) = self.ids {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Gives a path to the owner.
    pub fn own(self, path: &Path) -> Result<(), EmbeddedError> {
        if let Some((uid, gid)) = self.ids {
            std::os::unix::fs::chown(path, Some(uid), Some(gid))
                .map_err(EmbeddedError::io(path))?;
        }
        Ok(())
    }

    /// The directory itself where the owner can reach it; else one beside the system's temporary
    /// files or under `/var/lib`, named after it.
    pub fn reachable(self, directory: &Path) -> PathBuf {
        let closed =
            |parent: &Path| std::fs::metadata(parent).is_ok_and(|found| found.mode() & 0o001 == 0);
        if self.ids.is_none() || !directory.ancestors().skip(1).any(closed) {
            return directory.to_owned();
        }
        use sha2::Digest;
        let digest = sha2::Sha256::digest(directory.as_os_str().as_encoded_bytes());
        let name: String = digest
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Path::new("/var/lib").join(format!("hedonic-{name}"))
    }
}
