//! What an artifact consists of, and how it is read.

/// Version of the artifact's format.
pub(crate) const FORMAT: u32 = 4;
/// What every model has: what it is, and rows that state whether it still says the same.
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
