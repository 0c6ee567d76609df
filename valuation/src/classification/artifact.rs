//! A model of a class as files.

use std::path::Path;

use records::Task;

use super::model::{ClassHead, ClassModel};
use crate::artifact::{
    ArtifactError, GOLDEN, HEAD, Reading, Verified, broken, compare, encode, estimator, parts, save,
};
use crate::check;

impl ClassModel {
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
    pub fn load(dir: &Path) -> Result<ClassModel, ArtifactError> {
        ClassModel::read(&Verified::open(dir, &Reading::default())?)
    }

    pub(crate) fn read(files: &Verified) -> Result<ClassModel, ArtifactError> {
        let head: ClassHead = files.head()?;
        check::schema(&head.schema, Task::Classification).map_err(broken(HEAD))?;
        if !(0.0..=1.0).contains(&head.threshold) {
            let misfit = format!("threshold {}, expected between 0 and 1", head.threshold);
            return Err(broken(HEAD)(misfit));
        }
        let model = ClassModel {
            estimator: estimator(files, &head.plan, &head.schema)?,
            head,
            golden: files.json(GOLDEN)?,
        };
        compare(&model.golden, |golden| model.predict_json(&golden.record))?;
        Ok(model)
    }
}
