//! A price model as files.

use std::path::Path;

use super::error::ArtifactError;
use super::files::{Verified, broken, encode, save};
use super::format::{GOLDEN, HEAD, Reading};
use super::golden::compare;
use super::parts::{estimator, parts};
use crate::model::{Head, Model};

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
    /// States which file or row failed.
    pub fn load(dir: &Path) -> Result<Model, ArtifactError> {
        Model::read(&Verified::open(dir, &Reading::default())?)
    }

    pub(crate) fn read(files: &Verified) -> Result<Model, ArtifactError> {
        let head: Head = files.head()?;
        head.check().map_err(broken(HEAD))?;
        let model = Model {
            estimator: estimator(files, &head.plan, &head.schema)?,
            head,
            golden: files.json(GOLDEN)?,
        };
        compare(&model.golden, |golden| model.predict_json(&golden.record))?;
        Ok(model)
    }
}
