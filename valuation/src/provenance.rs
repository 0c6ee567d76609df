//! Where a model comes from.

/// Where a model comes from: written into its artifact, and read by nothing that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The version of the code that fits it.
    pub code_version: String,
    /// When it is fitted, microseconds since 1970.
    pub trained_at_us: i64,
}
