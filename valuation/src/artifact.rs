//! A model as files: written whole, and verified whole when read.

mod files;
mod parts;

use std::path::Path;

pub(crate) use self::files::{Verified, broken, encode, save};
pub(crate) use self::parts::{estimator, parts};
use crate::check;
use crate::model::{Golden, Head, Model, Prediction};

/// Version of the artifact's format.
pub(crate) const FORMAT: u32 = 4;
/// Greatest relative difference from a golden prediction: processors round differently.
const TOLERANCE: f64 = 1e-9;
/// What every model has: what it is, and rows that say whether it still says the same.
pub(crate) const HEAD: &str = "model.json";
pub(crate) const GOLDEN: &str = "golden.json";

/// How a model's files are read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Bytes of all files together at most: bounds what a wrong or hostile directory can cost.
    pub max_bytes: u64,
    /// What `SHA256SUMS` must say, where a signature was checked on it: the file of the directory is then
    /// not read, as it may have been exchanged since.
    pub sums: Option<Vec<u8>>,
}

impl Default for Reading {
    /// 1 GiB, and the directory's own checksums.
    fn default() -> Reading {
        Reading {
            max_bytes: 1 << 30,
            sums: None,
        }
    }
}

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
    /// A file is no regular file, leads out of the directory, or is larger than any model's.
    #[error(transparent)]
    Input(bounded::InputError),
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

impl Model {
    /// Writes the model's files into an existing, empty directory.
    ///
    /// # Errors
    /// When the directory is absent or not empty, or a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), ArtifactError> {
        let mut files = vec![(HEAD.to_owned(), encode(HEAD, &self.head)?)];
        files.extend(parts(&self.estimator)?);
        files.push((GOLDEN.to_owned(), encode(GOLDEN, &self.golden)?));
        save(dir, files)
    }

    /// Reads a model and verifies it: checksums, format, that its parts fit together, golden rows.
    ///
    /// # Errors
    /// Says which file or row failed.
    pub fn load(dir: &Path) -> Result<Model, ArtifactError> {
        Model::read(&Verified::open(dir, &Reading::default())?)
    }

    pub(crate) fn read(files: &Verified) -> Result<Model, ArtifactError> {
        let head: Head = files.head()?;
        check::head(&head).map_err(broken(HEAD))?;
        let model = Model {
            estimator: estimator(files, &head.plan, &head.schema)?,
            head,
            golden: files.json(GOLDEN)?,
        };
        compare(&model.golden, |golden| model.predict_json(&golden.record))?;
        Ok(model)
    }
}

/// Whether `say` gives what golden rows say.
///
/// # Errors
/// Names the first row that differs; there must be one at least.
pub(crate) fn compare(
    golden: &[Golden],
    say: impl Fn(&Golden) -> Option<Prediction>,
) -> Result<(), ArtifactError> {
    if golden.is_empty() {
        return Err(broken(GOLDEN)("no row, expected at least one".to_owned()));
    }
    for (row, golden) in golden.iter().enumerate() {
        let pairs = say(golden).map(|now| {
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
    Ok(())
}
