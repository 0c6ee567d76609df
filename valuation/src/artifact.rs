//! A model as files: written whole, and verified whole when read.

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::boosted::Boosted;
use crate::check;
use crate::comparables::Comparables;
use crate::estimator::{Estimator, MemberHead};
use crate::frame::Frame;
use crate::json;
use crate::member::Member;
use crate::model::{Golden, Head, Model};
use crate::neighbours::Neighbours;

/// Version of the artifact's format.
pub(crate) const FORMAT: u32 = 4;
/// Greatest relative difference from a golden prediction: processors round differently.
const TOLERANCE: f64 = 1e-9;
/// Largest file read: bounds what a wrong directory can cost.
const MAX_BYTES: u64 = 256 << 20;
const HEAD: &str = "model.json";
const NEIGHBOURS: &str = "neighbours.json";
const COMPARABLES: &str = "comparables.json";
const SPREAD: &str = "spread.trees";
const GOLDEN: &str = "golden.json";
const SUMS: &str = "SHA256SUMS";

/// Why a model could not be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// A file or directory could not be read or written.
    #[error("cannot read or write {file} of the model: check that it is there and its permissions")]
    File {
        /// Its name.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The directory to save into holds something.
    #[error("expected an empty directory to save the model into, found files: give a new one")]
    NotEmpty,
    /// A file is larger than any model's.
    #[error("{file} has {bytes} bytes, expected at most 268435456: this is not a model's file")]
    TooLarge {
        /// Its name.
        file: String,
        /// Its size.
        bytes: u64,
    },
    /// A file is not what was saved.
    #[error("{file} does not match SHA256SUMS: it was changed or cut short; fetch the model again")]
    Checksum {
        /// Its name.
        file: String,
    },
    /// Written in another format.
    #[error(
        "model.json is of format {found}, expected {expected}: fit the model again with this version"
    )]
    Format {
        /// What it says.
        found: u64,
        /// What this program reads.
        expected: u32,
    },
    /// A file's content is not what the format says.
    #[error("{file} is not what the format says: {detail}; fit the model again")]
    Content {
        /// Its name.
        file: String,
        /// Where and what.
        detail: String,
    },
    /// The model does not give what it gave when it was fitted.
    #[error(
        "golden.json row {row}: expected {expected}, the model gives {found}; fit the model again"
    )]
    Golden {
        /// Counted from 0.
        row: usize,
        /// What was saved.
        expected: f64,
        /// What came out; NaN when the row cannot be decoded.
        found: f64,
    },
}

fn at(file: &str) -> impl FnOnce(std::io::Error) -> ArtifactError {
    let file = file.to_owned();
    |source| ArtifactError::File { file, source }
}

fn content(file: &str) -> impl FnOnce(serde_json::Error) -> ArtifactError {
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

fn encode<T: Serialize>(file: &str, value: &T) -> Result<Vec<u8>, ArtifactError> {
    json::write_pretty(value).map_err(content(file))
}

fn decode<T: DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T, ArtifactError> {
    json::read(bytes).map_err(content(file))
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

/// The file of a member.
fn file_of(member: &MemberHead) -> String {
    format!("member-{}.{}", member.name, member.extension)
}

impl Model {
    /// Writes the model's files into an existing, empty directory.
    ///
    /// # Errors
    /// When the directory is absent or not empty, or a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), ArtifactError> {
        if fs::read_dir(dir)
            .map_err(at("the directory"))?
            .next()
            .is_some()
        {
            return Err(ArtifactError::NotEmpty);
        }
        let mut files = vec![(HEAD.to_owned(), encode(HEAD, &self.head)?)];
        let part = |file: String, bytes: Result<Vec<u8>, String>| match bytes {
            Ok(bytes) => Ok((file, bytes)),
            Err(detail) => Err(ArtifactError::Content { file, detail }),
        };
        let heads = &self.estimator.plan.members;
        for (head, member) in heads.iter().zip(&self.estimator.members) {
            files.push(part(file_of(head), member.encode())?);
        }
        // Large: without the spaces.
        if !self.estimator.neighbours.is_empty() {
            let bytes = json::write(&self.estimator.neighbours);
            files.push((NEIGHBOURS.to_owned(), bytes.map_err(content(NEIGHBOURS))?));
        }
        if let Some(comparables) = &self.estimator.comparables {
            let bytes = json::write(comparables);
            files.push((COMPARABLES.to_owned(), bytes.map_err(content(COMPARABLES))?));
        }
        if let Some(spread) = &self.estimator.spread {
            files.push(part(SPREAD.to_owned(), spread.encode())?);
        }
        files.push((GOLDEN.to_owned(), encode(GOLDEN, &self.golden)?));
        let mut sums = String::new();
        for (file, bytes) in files {
            sums.push_str(&format!("{}  {file}\n", digest(&bytes)));
            fs::write(dir.join(&file), bytes).map_err(at(&file))?;
        }
        fs::write(dir.join(SUMS), sums).map_err(at(SUMS))
    }

    /// Reads a model and verifies it: checksums, format, that its parts fit together, golden rows.
    ///
    /// # Errors
    /// Says which file or row failed.
    pub fn load(dir: &Path) -> Result<Model, ArtifactError> {
        let sums = String::from_utf8_lossy(&read(dir, SUMS)?).into_owned();
        let verified = |file: &str| {
            let bytes = read(dir, file)?;
            let line = format!("{}  {file}", digest(&bytes));
            match sums.lines().any(|sum| sum == line) {
                true => Ok(bytes),
                false => Err(ArtifactError::Checksum {
                    file: file.to_owned(),
                }),
            }
        };
        let (head, golden) = (verified(HEAD)?, verified(GOLDEN)?);
        let any: serde_json::Value = decode(HEAD, &head)?;
        let found = any
            .get("format")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or(0);
        if found != u64::from(FORMAT) {
            return Err(ArtifactError::Format {
                found,
                expected: FORMAT,
            });
        }
        let head = decode::<Head>(HEAD, &head)?;
        let broken = |file: &str| {
            let file = file.to_owned();
            move |detail| ArtifactError::Content { file, detail }
        };
        check::head(&head).map_err(broken(HEAD))?;
        let listed = |file: &str| {
            sums.lines()
                .any(|line| line.ends_with(&format!("  {file}")))
        };
        let mut members = Vec::new();
        for own in &head.plan.members {
            let file = file_of(own);
            let bytes = verified(&file)?;
            let mut member = Member::decode(&own.extension, &bytes).map_err(broken(&file))?;
            if let Member::Comparison(comparison) = &mut member {
                let width = head.plan.frame.as_ref().map_or(0, Frame::width);
                comparison.check(width).map_err(broken(&file))?;
                comparison.space.grow();
            }
            members.push(member);
        }
        let mut neighbours: Vec<Neighbours> = match listed(NEIGHBOURS) {
            true => decode(NEIGHBOURS, &verified(NEIGHBOURS)?)?,
            false => Vec::new(),
        };
        let mut comparables: Option<Comparables> = match listed(COMPARABLES) {
            true => Some(decode(COMPARABLES, &verified(COMPARABLES)?)?),
            false => None,
        };
        let spread = match listed(SPREAD) {
            true => Some(Boosted::decode(&verified(SPREAD)?).map_err(broken(SPREAD))?),
            false => None,
        };
        let plan = head.plan.clone();
        let width = plan.frame.as_ref().map_or(0, Frame::width);
        for neighbours in &mut neighbours {
            neighbours.check(width).map_err(broken(NEIGHBOURS))?;
            neighbours.space.grow();
        }
        if let Some(comparables) = &mut comparables {
            comparables.check(width).map_err(broken(COMPARABLES))?;
            comparables.space.grow();
        }
        let model = Model {
            estimator: Estimator {
                plan,
                members,
                neighbours,
                comparables,
                spread,
            },
            head,
            golden: decode::<Vec<Golden>>(GOLDEN, &golden)?,
        };
        let fits = model.estimator.check(&model.head.schema);
        fits.map_err(|(file, detail)| ArtifactError::Content { file, detail })?;
        if model.golden.is_empty() {
            return Err(broken(GOLDEN)("no row, expected at least one".to_owned()));
        }
        for (row, golden) in model.golden.iter().enumerate() {
            let now = model.predict_json(&golden.record);
            let pairs = now.map(|now| {
                let then = golden.prediction;
                [
                    (then.value, now.value),
                    (then.low, now.low),
                    (then.high, now.high),
                ]
            });
            for (expected, found) in pairs.unwrap_or([(golden.prediction.value, f64::NAN); 3]) {
                let near = (found - expected).abs() <= TOLERANCE * expected.abs();
                if !near {
                    return Err(ArtifactError::Golden {
                        row,
                        expected,
                        found,
                    });
                }
            }
        }
        Ok(model)
    }
}
