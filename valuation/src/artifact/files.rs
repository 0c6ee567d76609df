//! A model's files: written with their checksums, and read by them.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use bounded::{Folder, InputError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::ArtifactError;
use super::format::{FORMAT, GOLDEN, HEAD, Reading};
use crate::json;

/// Bounds of one file. What is read as JSON needs several times its size.
const SUMS_BYTES: u64 = 1 << 20;
const HEAD_BYTES: u64 = 64 << 20;
const GOLDEN_BYTES: u64 = 16 << 20;
const PART_BYTES: u64 = 256 << 20;
const SUMS: &str = "SHA256SUMS";

fn at(file: &str) -> impl FnOnce(std::io::Error) -> ArtifactError {
    let file = file.to_owned();
    |source| ArtifactError::File { file, source }
}

/// That a file's content is not what the format says.
pub(crate) fn broken<E: Display>(file: &str) -> impl FnOnce(E) -> ArtifactError + use<E> {
    let file = file.to_owned();
    move |error| ArtifactError::Content {
        file,
        detail: error.to_string(),
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A file's bytes, for people to read.
pub(crate) fn encode<T: Serialize>(file: &str, value: &T) -> Result<Vec<u8>, ArtifactError> {
    json::write_pretty(value).map_err(|error| broken(file)(error))
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
pub(crate) struct Verified {
    folder: Folder,
    sums: String,
}

impl Verified {
    /// Reads the checksums of a directory.
    pub(crate) fn open(dir: &Path, reading: &Reading) -> Result<Verified, ArtifactError> {
        let folder = Folder::open(dir, reading.max_bytes).map_err(input("the directory"))?;
        let sums = match &reading.sums {
            Some(sums) => sums.clone(),
            None => folder.read(SUMS, SUMS_BYTES).map_err(input(SUMS))?,
        };
        let sums = String::from_utf8_lossy(&sums).into_owned();
        Ok(Verified { folder, sums })
    }

    /// The bytes of a file that is what was saved.
    pub(crate) fn bytes(&self, file: &str) -> Result<Vec<u8>, ArtifactError> {
        let most = match file {
            HEAD => HEAD_BYTES,
            GOLDEN => GOLDEN_BYTES,
            _ => PART_BYTES,
        };
        let bytes = self.folder.read(file, most).map_err(input(file))?;
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
        decoded(file, &self.bytes(file)?)
    }

    /// Whether a file was saved; one that is there without a checksum was not.
    pub(crate) fn lists(&self, file: &str) -> Result<bool, ArtifactError> {
        let end = format!("  {file}");
        match self.sums.lines().any(|line| line.ends_with(&end)) {
            false if self.folder.has(file) => Err(ArtifactError::Checksum {
                file: file.to_owned(),
            }),
            listed => Ok(listed),
        }
    }

    /// What the model is, where it is of this format.
    pub(crate) fn head<T: DeserializeOwned>(&self) -> Result<T, ArtifactError> {
        let bytes = self.bytes(HEAD)?;
        // Of all else nothing is kept: a tree of values would need many times the file's size.
        let any: Format = decoded(HEAD, &bytes)?;
        match any.format {
            found if found == u64::from(FORMAT) => decoded(HEAD, &bytes),
            found => Err(ArtifactError::Format {
                found,
                expected: FORMAT,
            }),
        }
    }
}

/// The part of `model.json` that states how to read it.
#[derive(Deserialize)]
struct Format {
    /// 0 where it is absent.
    #[serde(default)]
    format: u64,
}

fn decoded<T: DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T, ArtifactError> {
    json::read(bytes).map_err(|error| broken(file)(error))
}

fn input(file: &str) -> impl FnOnce(InputError) -> ArtifactError {
    let file = file.to_owned();
    |error| match error {
        InputError::Io { source, .. } => ArtifactError::File { file, source },
        error => ArtifactError::Input(error),
    }
}
