//! Who decided what of a version, when, on what evidence.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It became the champion.
    Promoted,
    /// It was judged and is no more than the challenger.
    Kept,
    /// It became the champion again.
    RolledBack,
    /// It was the champion for being the newest, and is now by name.
    Pinned,
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Action::Promoted => "promoted",
            Action::Kept => "kept",
            Action::RolledBack => "rolled back to",
            Action::Pinned => "pinned",
        })
    }
}

/// Why a decision is taken.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reason {
    /// A person or a program.
    pub who: String,
    /// In a sentence.
    pub why: String,
    /// What it rests on, for programs; null where there is none.
    pub evidence: Value,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Counts up from 1.
    pub number: u64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// What.
    pub action: Action,
    /// Of which version.
    pub version: u64,
    /// Which was the champion until then.
    pub from: Option<u64>,
    /// By whom.
    pub who: String,
    /// Why.
    pub why: String,
    /// On what evidence; null where there is none.
    #[serde(default)]
    pub evidence: Value,
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
