//! The options of a proposal.

use std::path::PathBuf;

/// The options of a proposal.
#[derive(Debug, Clone, Default)]
pub struct InferOptions {
    /// The file.
    pub file: PathBuf,
    /// The column to be predicted; left out, one that is called as prices are.
    pub target: Option<String>,
    /// The columns of a file without a header.
    pub columns: Vec<String>,
    /// What precedes decimals where the file does not prove it.
    pub decimal: Option<char>,
    /// Which of day and month comes first where the file does not prove it.
    pub days_first: Option<bool>,
}
