//! Room where data are kept.

use std::path::{Path, PathBuf};

use indicatif::DecimalBytes;
use rustix::fs::{Access, access, statvfs};

use super::Finding;

/// Less is soon used up: a version with its report and its rows takes some tens of megabytes.
const FEW_BYTES: u64 = 2_000_000_000;
/// Less is too little for a version, and for the write-ahead log of a database beside it.
const TOO_FEW_BYTES: u64 = 200_000_000;

/// A directory that a program keeps something in.
#[derive(Debug, Clone)]
pub struct Directory {
    /// What it holds, in a word; names the line.
    pub holds: &'static str,
    /// Where it is; made by who writes there first.
    pub path: PathBuf,
    /// Whether the program writes there, or only reads.
    pub is_written: bool,
    /// The flag or setting that names it, for who wants another.
    pub setting: &'static str,
}

impl Directory {
    pub(super) fn check_name(&self) -> String {
        format!("disk, {}", self.holds)
    }

    pub(super) fn check(&self) -> Finding {
        let (name, path) = (self.check_name(), self.path.display());
        let elsewhere = format!("or name another directory ({})", self.setting);
        let there = match nearest(&self.path) {
            Ok(there) => there,
            Err(error) => {
                let found = format!("cannot read {path}: {error}");
                return Finding::failed(name, found, format!("check its permissions, {elsewhere}"));
            }
        };
        if !there.is_dir() {
            let found = format!(
                "expected a directory at {path}, found the file {}",
                there.display()
            );
            return Finding::failed(name, found, format!("move it away, {elsewhere}"));
        }
        let (rights, right) = match self.is_written {
            true => (Access::WRITE_OK | Access::EXEC_OK, "write"),
            false => (Access::READ_OK | Access::EXEC_OK, "read"),
        };
        if let Err(error) = access(&there, rights) {
            let found = format!("this user may not {right} in {}: {error}", there.display());
            let mend = format!("change its permissions (chown, chmod), {elsewhere}");
            return Finding::failed(name, found, mend);
        }
        match statvfs(&there) {
            Ok(room) => {
                let block = room.f_frsize;
                judge(
                    name,
                    &path.to_string(),
                    room.f_bavail.saturating_mul(block),
                    room.f_blocks.saturating_mul(block),
                )
            }
            Err(error) => Finding::warning(
                name,
                format!("the free space at {path} is unknown: {error}"),
                "check it with df",
            ),
        }
    }
}

/// The part of the path that is there: the rest is made by who writes there first.
fn nearest(path: &Path) -> std::io::Result<PathBuf> {
    let whole = std::path::absolute(path)?;
    let there = whole.ancestors().find(|part| part.exists());
    // A root is always there.
    Ok(there.unwrap_or(Path::new("/")).to_owned())
}

fn judge(name: String, path: &str, free: u64, all: u64) -> Finding {
    let found = format!(
        "{} free of {} at {path}",
        DecimalBytes(free),
        DecimalBytes(all)
    );
    let mend = "free some space: model-prepare gc deletes old versions; or use a larger disk";
    match free {
        0..TOO_FEW_BYTES => Finding::failed(
            name,
            format!("{found}, expected at least {}", DecimalBytes(TOO_FEW_BYTES)),
            mend,
        ),
        TOO_FEW_BYTES..FEW_BYTES => Finding::warning(
            name,
            format!("{found}, recommended at least {}", DecimalBytes(FEW_BYTES)),
            mend,
        ),
        _ => Finding::passed(name, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;

    #[test]
    fn room_is_judged_by_the_stated_bounds() {
        let outcome = |free| judge("disk".to_owned(), "x", free, 10_000_000_000).outcome;
        assert_eq!(outcome(0), Outcome::Failed);
        assert_eq!(outcome(TOO_FEW_BYTES - 1), Outcome::Failed);
        assert_eq!(outcome(TOO_FEW_BYTES), Outcome::Warning);
        assert_eq!(outcome(FEW_BYTES), Outcome::Passed);
    }

    #[test]
    fn a_path_that_is_not_there_yet_is_judged_by_what_holds_it_and_a_file_is_refused() {
        let program = std::env::current_exe().expect("this program has a path");
        let at = |path: PathBuf| Directory {
            holds: "models",
            path,
            is_written: true,
            setting: "registry.path",
        };
        let new = program.with_file_name("not-there").join("models");
        assert!(at(new.clone()).check().found.contains(" free of "));
        assert!(!new.exists(), "nothing is made");
        let file = at(program.join("models")).check();
        assert_eq!(file.outcome, Outcome::Failed);
        assert!(file.found.contains("found the file"), "{file:?}");
        assert!(file.mend.is_some_and(|mend| mend.contains("registry.path")));
    }
}
