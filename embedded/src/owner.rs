//! Who runs the server: PostgreSQL refuses root.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::Digest;

use crate::error::EmbeddedError;

/// Where the cluster lies when the server's user cannot reach the directory asked for.
const ELSEWHERE: &str = "/var/lib";

/// The user under which the server runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    /// User and group; `None` where this process is not root and runs the server as itself.
    ids: Option<(u32, u32)>,
}

impl Owner {
    /// `postgres`, else `nobody`, where this process is root; else itself.
    pub fn choose() -> Owner {
        if !is_root() {
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
    pub fn give(self, path: &Path) -> Result<(), EmbeddedError> {
        if let Some((uid, gid)) = self.ids {
            std::os::unix::fs::chown(path, Some(uid), Some(gid))
                .map_err(EmbeddedError::io(path))?;
        }
        Ok(())
    }

    /// The directory itself where the owner can reach it; else one under `/var/lib` that is named
    /// after it, so that the next start finds it again, made and open.
    pub fn home(self, directory: &Path) -> Result<PathBuf, EmbeddedError> {
        let home = self.place(directory);
        if home != directory {
            std::fs::create_dir_all(&home).map_err(EmbeddedError::io(&home))?;
            std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o755))
                .map_err(EmbeddedError::io(&home))?;
        }
        Ok(home)
    }

    /// The same, as it is: nothing is made.
    pub fn place(self, directory: &Path) -> PathBuf {
        if directory.ancestors().all(|part| self.may_enter(part)) {
            return directory.to_owned();
        }
        let digest = sha2::Sha256::digest(directory.as_os_str().as_encoded_bytes());
        let name: String = digest
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Path::new(ELSEWHERE).join(format!("hedonic-{name}"))
    }

    fn may_enter(self, directory: &Path) -> bool {
        let (Some((uid, gid)), Ok(found)) = (self.ids, std::fs::metadata(directory)) else {
            return true;
        };
        let needed = if found.uid() == uid {
            0o100
        } else if found.gid() == gid {
            0o010
        } else {
            0o001
        };
        found.mode() & needed != 0
    }
}

fn is_root() -> bool {
    match std::fs::metadata("/proc/self") {
        Ok(process) => process.uid() == 0,
        // No /proc, as on macOS.
        Err(_) => Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|output| output.stdout.trim_ascii() == b"0"),
    }
}
