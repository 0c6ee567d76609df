//! Files that are there whole or not at all, also after a power cut.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::RegistryError;
use crate::error::at;
pub(super) use crate::fresh::beside;
use crate::limits::{JSON_BYTES, input};

/// Writes `value` as JSON; directories on the way are made.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RegistryError> {
    let content = |error: serde_json::Error| RegistryError::Content {
        path: path.to_owned(),
        detail: error.to_string(),
    };
    let bytes = serde_json::to_vec_pretty(value).map_err(content)?;
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(at(parent))?;
    let fresh = beside(parent);
    let written = File::create(&fresh)
        .and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&fresh, path));
    if let Err(error) = written {
        // It may never have been made.
        let _ = fs::remove_file(&fresh);
        return Err(at(path)(error));
    }
    sync_directory(parent)
}

/// Reads what [`write_json`] wrote; `None` where nothing is.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RegistryError> {
    let bytes = match bounded::read(path, JSON_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => {
            return match error.io().map(std::io::Error::kind) {
                Some(ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
                _ => Err(input(error)),
            };
        }
    };
    let content = |error: serde_json::Error| RegistryError::Content {
        path: path.to_owned(),
        detail: error.to_string(),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(content)
}

/// Makes renames in a directory last.
pub(super) fn sync_directory(path: &Path) -> Result<(), RegistryError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(at(path))
}

/// Makes the files of a directory last, and those of the directories in it.
pub(super) fn sync_tree(path: &Path) -> Result<(), RegistryError> {
    for entry in fs::read_dir(path).map_err(at(path))? {
        let path_of_entry = entry.map_err(at(path))?.path();
        if path_of_entry.is_dir() {
            sync_tree(&path_of_entry)?;
        } else {
            let file = File::open(&path_of_entry).and_then(|file| file.sync_all());
            file.map_err(at(&path_of_entry))?;
        }
    }
    sync_directory(path)
}

/// Names in a directory, in order; none where it is not there.
pub(super) fn names(path: &Path) -> Result<Vec<String>, RegistryError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(path)(error)),
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}
