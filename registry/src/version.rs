//! A version of a model.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One version of a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Counts up from 1.
    pub number: u64,
    /// The directory with its files; of an MLflow server's version, where
    /// [`crate::Registry::fetch`] puts them.
    pub path: PathBuf,
}

impl Version {
    /// How a number is written: `v000007`.
    pub fn name(number: u64) -> String {
        format!("v{number:06}")
    }

    /// Reads `v000007`, `v7` or `7`.
    pub fn parse(text: &str) -> Option<u64> {
        let digits = text.strip_prefix('v').unwrap_or(text);
        // A sign is not part of a number here.
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())?
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&Version::name(self.number))
    }
}

/// What is known of a version beside its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionInfo {
    /// Its number.
    pub number: u64,
    /// When it was published, milliseconds since 1970.
    pub created_ms: i64,
    /// Id of the run that made it; `None` where it was put there without one.
    pub run: Option<String>,
    /// What people and programs noted of it.
    pub tags: BTreeMap<String, String>,
}
