//! A model's files: written with their checksums, and read by them.

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{ArtifactError, FORMAT, HEAD};
use crate::json;

/// Largest file read: bounds what a wrong directory can cost.
const MAX_BYTES: u64 = 256 << 20;
const SUMS: &str = "SHA256SUMS";

fn at(file: &str) -> impl FnOnce(std::io::Error) -> ArtifactError {
    let file = file.to_owned();
    |source| ArtifactError::File { file, source }
}

/// That a file's content is not what the format says.
pub(crate) fn broken(file: &str) -> impl FnOnce(String) -> ArtifactError + use<> {
    let file = file.to_owned();
    move |detail| ArtifactError::Content { file, detail }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A file's bytes, for people to read.
pub(crate) fn encode<T: Serialize>(file: &str, value: &T) -> Result<Vec<u8>, ArtifactError> {
    json::write_pretty(value).map_err(|error| broken(file)(error.to_string()))
}

/// Writes files and their checksums into an existing, empty directory.
///
/// # Errors
/// When the directory is absent or not empty, or a file cannot be written.
pub(crate) fn save(dir: &Path, files: Vec<(String, Vec<u8>)>) -> Result<(), ArtifactError> {
    let mut there = fs::read_dir(dir).map_err(at("the directory"))?;
    if there.next().is_some() {
        return Err(ArtifactError::NotEmpty);
    }
    let mut sums = String::new();
    for (file, bytes) in files {
        sums.push_str(&format!("{}  {file}\n", digest(&bytes)));
        fs::write(dir.join(&file), bytes).map_err(at(&file))?;
    }
    fs::write(dir.join(SUMS), sums).map_err(at(SUMS))
}

/// A directory whose files are read by their checksums.
pub(crate) struct Verified<'a> {
    dir: &'a Path,
    sums: String,
}

impl Verified<'_> {
    /// Reads the checksums of a directory.
    pub(crate) fn open(dir: &Path) -> Result<Verified<'_>, ArtifactError> {
        let sums = String::from_utf8_lossy(&read(dir, SUMS)?).into_owned();
        Ok(Verified { dir, sums })
    }

    /// The bytes of a file that is what was saved.
    pub(crate) fn bytes(&self, file: &str) -> Result<Vec<u8>, ArtifactError> {
        let bytes = read(self.dir, file)?;
        let line = format!("{}  {file}", digest(&bytes));
        match self.sums.lines().any(|sum| sum == line) {
            true => Ok(bytes),
            false => Err(ArtifactError::Checksum {
                file: file.to_owned(),
            }),
        }
    }

    /// What a file of JSON holds.
    pub(crate) fn json<T: DeserializeOwned>(&self, file: &str) -> Result<T, ArtifactError> {
        let bytes = self.bytes(file)?;
        json::read(&bytes).map_err(|error| broken(file)(error.to_string()))
    }

    /// Whether a file was saved.
    pub(crate) fn lists(&self, file: &str) -> bool {
        let end = format!("  {file}");
        self.sums.lines().any(|line| line.ends_with(&end))
    }

    /// What the model is, where it is of this format.
    pub(crate) fn head<T: DeserializeOwned>(&self) -> Result<T, ArtifactError> {
        let any: serde_json::Value = self.json(HEAD)?;
        let found = any.get("format").and_then(serde_json::Value::as_u64);
        match found {
            Some(found) if found == u64::from(FORMAT) => self.json(HEAD),
            found => Err(ArtifactError::Format {
                found: found.unwrap_or(0),
                expected: FORMAT,
            }),
        }
    }
}

fn read(dir: &Path, file: &str) -> Result<Vec<u8>, ArtifactError> {
    let path = dir.join(file);
    let bytes = fs::metadata(&path).map_err(at(file))?.len();
    if bytes > MAX_BYTES {
        return Err(ArtifactError::TooLarge {
            file: file.to_owned(),
            bytes,
        });
    }
    fs::read(path).map_err(at(file))
}
