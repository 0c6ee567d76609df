//! What a follower has read, learned and published: kept with its state.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts over all its restarts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Messages read.
    pub(super) read: u64,
    /// Records learned from.
    pub(super) learned: u64,
    /// Records whose target has no logarithm: a price not above 0, a count below it.
    pub(super) passed_over: u64,
    /// Messages that are not records, by code.
    pub(super) rejected: BTreeMap<String, u64>,
    /// How many had been learned from when a version was published last, or tried to be.
    pub(super) published_at: u64,
    /// The version published last.
    pub(super) version: Option<String>,
    /// Where the base is from, in words.
    pub(super) base: String,
}
