//! Directories and files that are filled beside their place: names that nobody else has, and what a
//! process that was killed left of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::run::fresh_id;

/// Begins the name of whatever is being made.
const BEGIN: &str = ".new-";
/// How names begin that this and earlier releases gave.
const BEGINNINGS: [&str; 3] = [BEGIN, ".fetch-", ".publish-"];
/// Nothing is being made for as long as this: a training that writes its files takes seconds.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// A name in `directory` that nobody else uses: a process's id may be another's after a restart, and is
/// always 1 in a container.
pub(crate) fn beside(directory: &Path) -> PathBuf {
    directory.join(format!("{BEGIN}{}", fresh_id()))
}

/// Removes what was left half made. Nothing here is an error: it costs room, and nothing else.
pub(crate) fn sweep(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let now = SystemTime::now();
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !BEGINNINGS.iter().any(|begin| name.starts_with(begin)) {
            continue;
        }
        // Of the entry itself: a link is not followed.
        let Ok(about) = entry.metadata() else {
            continue;
        };
        let age = about
            .modified()
            .ok()
            .and_then(|at| now.duration_since(at).ok());
        if age.is_none_or(|age| age < STALE) {
            continue;
        }
        let path = entry.path();
        let removed = match about.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        match removed {
            Ok(()) => tracing::info!(path = %path.display(), "removed an incomplete version"),
            Err(error) => {
                tracing::debug!(path = %path.display(), %error, "cannot remove an incomplete \
                                                                 version");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_and_half_made_goes_and_all_else_stays() {
        let home = tempfile::tempdir().expect("a directory");
        let old = SystemTime::now() - 2 * STALE;
        for name in [".new-7-0", ".fetch-7-v000001", "v000001", ".lock"] {
            let path = home.path().join(name);
            fs::create_dir(&path).expect("a directory");
            fs::write(path.join("half"), "x").expect("writes");
            let directory = fs::File::open(&path).expect("opens");
            directory.set_modified(old).expect("is older");
        }
        let young = beside(home.path());
        fs::create_dir(&young).expect("a directory");
        sweep(home.path());
        let mut left: Vec<PathBuf> = fs::read_dir(home.path())
            .expect("reads")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        left.sort();
        let mut expected = [
            home.path().join("v000001"),
            home.path().join(".lock"),
            young,
        ];
        expected.sort();
        assert_eq!(left, expected);
    }
}
