//! Names in runs: files, parameters, tags.

use sha2::{Digest, Sha256};

/// The rows a version was judged on, with its predictions.
pub(crate) const HOLDOUT: &str = "holdout.parquet";
/// The rows it was fitted on and judged on.
pub(crate) const TRAINING_SET: &str = "training_set.parquet";
/// Every measure.
pub(crate) const REPORT: &str = "report.json";
/// The same with plots.
pub(crate) const PAGE: &str = "report.html";
/// The parameter that states how many rows had been stored when the training began.
pub(crate) const ARRIVED: &str = "data.arrived";
/// The tag that states which follower has published it.
pub(crate) const FOLLOWED: &str = "followed";
/// Who decides when a program does, in the history.
pub(crate) const PROGRAM: &str = "model-prepare";

/// Changes when the schema does: the same data mean something else then.
pub(crate) fn schema_digest(schema: &records::Schema) -> String {
    // What was read from TOML is written as JSON.
    let text = serde_json::to_vec(schema).unwrap_or_default();
    let digest = Sha256::digest(&text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
