//! A model of several classes as files: of each level what a model of a class has, under names that begin with the
//! level's number.

use std::path::Path;

use records::Task;

use super::levels::MOST_LEVELS;
use super::model::{MulticlassHead, MulticlassModel};
use crate::artifact::{
    ArtifactError, GOLDEN, HEAD, Reading, Verified, broken, compare, encode, estimator_at, parts,
    save,
};
use crate::check;

/// What the names of a level's files begin with: never the level's text, which may be anything.
fn prefix(level: usize) -> String {
    format!("level-{level}-")
}

impl MulticlassModel {
    /// Writes the model's files into an existing, empty directory.
    ///
    /// # Errors
    /// When the directory is absent or not empty, or a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), ArtifactError> {
        let mut files = vec![(HEAD.to_owned(), encode(HEAD, &self.head)?)];
        for (level, estimator) in self.estimators.iter().enumerate() {
            let parts = parts(estimator)?.into_iter();
            files.extend(parts.map(|(file, bytes)| (prefix(level) + &file, bytes)));
        }
        files.push((GOLDEN.to_owned(), encode(GOLDEN, &self.golden)?));
        save(dir, files)
    }

    /// Reads a model and verifies it: checksums, format, that its parts fit together, golden rows.
    ///
    /// # Errors
    /// States which file or row failed.
    pub fn load(dir: &Path) -> Result<MulticlassModel, ArtifactError> {
        MulticlassModel::read(&Verified::open(dir, &Reading::default())?)
    }

    pub(crate) fn read(files: &Verified) -> Result<MulticlassModel, ArtifactError> {
        let head: MulticlassHead = files.head()?;
        check::schema(&head.schema, Task::Classification).map_err(broken(HEAD))?;
        let levels = &head.levels;
        let are_in_order = levels.windows(2).all(|pair| pair[0] < pair[1]);
        let is_whole = head.plans.len() == levels.len() && head.report.levels.len() == levels.len();
        if !(2..=MOST_LEVELS).contains(&levels.len()) || !are_in_order || !is_whole {
            let misfit = format!(
                "{} levels with {} plans, expected 2 to {MOST_LEVELS} in order, each with its plan and its report",
                levels.len(),
                head.plans.len()
            );
            return Err(broken(HEAD)(misfit));
        }
        if !head.exponent.is_finite() || head.exponent <= 0.0 {
            let misfit = format!("exponent {}, expected above 0", head.exponent);
            return Err(broken(HEAD)(misfit));
        }
        if !head.schema.is_multiclass() {
            return Err(broken(HEAD)(
                "a model of levels, expected a schema whose target is a category without [class]",
            ));
        }
        let estimators = head.plans.iter().enumerate();
        let estimators = estimators
            .map(|(level, plan)| estimator_at(files, &prefix(level), plan, &head.schema))
            .collect::<Result<Vec<_>, ArtifactError>>()?;
        let model = MulticlassModel::new(head, estimators, files.json(GOLDEN)?);
        compare(&model.golden, |golden| model.predict_json(&golden.record))?;
        Ok(model)
    }
}
