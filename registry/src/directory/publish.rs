//! Versions: directories that are renamed into place.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::atomic;
use crate::error::at;
use crate::history::now_ms;
use crate::{RegistryError, Version, fresh};

/// Tries to find a free number while others publish too.
const TRIES: u64 = 1000;
/// The file that states where a version comes from.
const ORIGIN: &str = "registry.json";

/// Where a version comes from; travels with its files, so that the two are published at once.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) created_ms: i64,
    pub(super) run: Option<String>,
}

/// Where a version comes from; `None` for one that was put there without a run.
pub(super) fn origin(version: &Version) -> Result<Option<Origin>, RegistryError> {
    atomic::read_json(&version.path.join(ORIGIN))
}

pub(super) fn publish<E: From<RegistryError>>(
    root: &Path,
    run: Option<&str>,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<Version, E> {
    fs::create_dir_all(root).map_err(at(root))?;
    fresh::sweep(root);
    let fresh = atomic::beside(root);
    fs::create_dir(&fresh).map_err(at(&fresh))?;
    let result = write(&fresh).and_then(|()| {
        if let Some(run) = run {
            let origin = Origin {
                created_ms: now_ms(),
                run: Some(run.to_owned()),
            };
            atomic::write_json(&fresh.join(ORIGIN), &origin)?;
        }
        atomic::sync_tree(&fresh)?;
        Ok(place(root, &fresh)?)
    });
    if result.is_err() {
        // It may have been moved or never made: what is left is what counts.
        let _ = fs::remove_dir_all(&fresh);
    }
    result
}

fn place(root: &Path, fresh: &Path) -> Result<Version, RegistryError> {
    let mut number = versions(root)?.pop().map_or(1, |newest| newest.number + 1);
    for _ in 0..TRIES {
        let path = root.join(Version::name(number));
        // A rename onto a directory that is not empty fails: another has taken the number.
        match fs::rename(fresh, &path) {
            Ok(()) => {
                atomic::sync_directory(root)?;
                return Ok(Version { number, path });
            }
            Err(_) if path.exists() => number += 1,
            Err(error) => return Err(at(&path)(error)),
        }
    }
    Err(at(fresh)(std::io::Error::other("no free version number")))
}

pub(super) fn versions(root: &Path) -> Result<Vec<Version>, RegistryError> {
    let mut versions: Vec<Version> = atomic::names(root)?
        .into_iter()
        .filter_map(|name| {
            let number = name.strip_prefix('v')?.parse().ok()?;
            Some(Version {
                number,
                path: root.join(name),
            })
        })
        .collect();
    versions.sort();
    Ok(versions)
}
