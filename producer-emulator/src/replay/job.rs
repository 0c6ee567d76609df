//! What to replay.

use std::path::PathBuf;

use super::batches::Batches;
use super::part::Part;

/// What to replay, where to, and how fast.
#[derive(Debug, Clone)]
pub struct Job {
    /// A `.csv`, `.tsv` or `.parquet` file, or a folder of Parquet files.
    pub file: PathBuf,
    /// `new_data`, `requests` and `actuals` stand for the topics of the settings; else a topic's own
    /// name.
    pub topic: String,
    /// Messages per second, evenly; none: as fast as Kafka takes them.
    pub rate: Option<f64>,
    /// Stop after N messages.
    pub limit: Option<u64>,
    /// Records of the file to pass over, good or not: where an earlier replay stopped.
    pub skip: u64,
    /// Equal parts of the file that appear one after the other; none: it is sent in one go.
    pub batches: Option<Batches>,
    /// Which records are sent: some may be held back, to be requested later.
    pub part: Part,
}
