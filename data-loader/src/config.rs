//! Section `[loader]`.

use serde::Deserialize;

/// Section `[schema]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchemaConfig {
    /// A built-in schema's name or a file's path.
    pub source: String,
}

/// How the loader loads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoaderConfig {
    /// Address of the HTTP interface.
    pub http: String,
    /// Whether loading starts without `POST /start`.
    pub autostart: bool,
    /// Consumer group, and the name under which offsets are kept.
    pub group: String,
    /// Most messages of a micro-batch.
    pub batch_rows: usize,
    /// Most bytes of a micro-batch.
    pub batch_bytes: usize,
    /// Longest a message waits for others to share its transaction.
    pub batch_ms: u64,
    /// Longest that one try to write a micro-batch may take: a connection that has gone silent ends so.
    pub write_timeout_ms: u64,
    /// How long the broker may hold a fetch without data.
    pub fetch_wait_ms: u64,
}
