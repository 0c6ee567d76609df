//! Clusters as files: `model.json`, golden rows and checksums, as a price model has them.

use std::path::Path;

use ndarray::Array2;
use records::Task;

use super::{Clusters, Golden, Head, columns};
use crate::artifact::{ArtifactError, GOLDEN, HEAD, Reading, Verified, broken, encode, save};
use crate::check;
use crate::part_error::PartError;

impl Clusters {
    /// Writes the clusters' files into an existing, empty directory.
    ///
    /// # Errors
    /// When the directory is absent or not empty, or a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), ArtifactError> {
        let files = vec![
            (HEAD.to_owned(), encode(HEAD, &self.head)?),
            (GOLDEN.to_owned(), encode(GOLDEN, &self.golden)?),
        ];
        save(dir, files)
    }

    /// Reads clusters and verifies them: checksums, format, that their parts fit together, golden rows.
    ///
    /// # Errors
    /// States which file or row failed.
    pub fn load(dir: &Path) -> Result<Clusters, ArtifactError> {
        Clusters::read(&Verified::open(dir, &Reading::default())?)
    }

    pub(crate) fn read(files: &Verified) -> Result<Clusters, ArtifactError> {
        let head: Head = files.head()?;
        let golden: Vec<Golden> = files.json(GOLDEN)?;
        let clusters = Clusters {
            centres: centres(&head).map_err(broken(HEAD))?,
            head,
            golden,
        };
        if clusters.golden.is_empty() {
            return Err(broken(GOLDEN)("no row, expected at least one"));
        }
        for (row, golden) in clusters.golden.iter().enumerate() {
            let found = clusters.predict_json(&golden.record);
            if found != Some(golden.prediction) {
                return Err(ArtifactError::Golden {
                    row,
                    expected: golden.prediction as f64,
                    found: found.map_or(f64::NAN, |cluster| cluster as f64),
                });
            }
        }
        Ok(clusters)
    }
}

/// The centres as a table, of a head whose parts fit together.
fn centres(head: &Head) -> Result<Array2<f64>, PartError> {
    check::schema(&head.schema, Task::Clustering)?;
    let report = &head.report;
    columns::check(&report.features, &head.schema)?;
    let (clusters, width) = (head.centres.len(), report.features.len());
    if clusters < 2 || report.clusters != clusters || report.found.len() != clusters {
        return Err(PartError::Misfit(format!(
            "{clusters} centres, {} clusters and {} in the report: expected as many, and two at least",
            report.clusters,
            report.found.len()
        )));
    }
    let is_whole =
        |centre: &Vec<f64>| centre.len() == width && centre.iter().all(|value| value.is_finite());
    if !head.centres.iter().all(is_whole) {
        return Err(PartError::Misfit(format!(
            "a centre is not of {width} finite numbers"
        )));
    }
    let numbers = head.centres.iter().flatten().copied().collect();
    Array2::from_shape_vec((clusters, width), numbers)
        .map_err(|error| PartError::Misfit(error.to_string()))
}
