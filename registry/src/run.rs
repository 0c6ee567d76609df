//! A run: what a training was given and what it came to.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::history::now_ms;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Under way, or interrupted without a word.
    Running,
    /// It finished.
    Finished,
    /// It failed.
    Failed,
    /// It was abandoned before its end, as hopeless.
    Killed,
}

/// A number that a run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Its name: letters, digits, `_`, `-`, `.`, `/` and spaces, as MLflow allows.
    pub key: String,
    /// Its value; finite.
    pub value: f64,
    /// Which of several: a fold, a trial; 0 where there is one.
    pub step: i64,
    /// When, milliseconds since 1970: the same measure logged again is the same.
    pub at_ms: i64,
}

/// A file that is kept with a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Under which name; `/` makes folders.
    pub name: String,
    /// Where it is now.
    pub path: PathBuf,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// 32 hexadecimal digits, ours: a server's own id is another.
    pub id: String,
    /// For people.
    pub name: String,
    /// The run it is a part of, such as a sweep of its trials.
    #[serde(default)]
    pub parent: Option<String>,
    /// How it stands.
    pub status: RunStatus,
    /// When it began, milliseconds since 1970.
    pub started_ms: i64,
    /// When it ended.
    #[serde(default)]
    pub ended_ms: Option<i64>,
    /// What it was given.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// What it came to.
    #[serde(default)]
    pub measures: Vec<Measure>,
    /// What else is to be known.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl Run {
    /// A run that begins now.
    pub fn start(name: impl Into<String>) -> Run {
        Run {
            id: fresh_id(),
            name: name.into(),
            parent: None,
            status: RunStatus::Running,
            started_ms: now_ms(),
            ended_ms: None,
            params: BTreeMap::new(),
            measures: Vec::new(),
            tags: BTreeMap::new(),
        }
    }

    /// The run has ended.
    pub fn end(&mut self, status: RunStatus) {
        self.status = status;
        self.ended_ms = Some(now_ms());
    }

    /// Notes what it was given.
    pub fn param(&mut self, key: impl Into<String>, value: impl ToString) {
        self.params.insert(key.into(), value.to_string());
    }

    /// Notes a number; one that is none (NaN, infinite) is left out, as no home could tell it.
    pub fn measure(&mut self, key: impl Into<String>, step: usize, value: f64) {
        if value.is_finite() {
            self.measures.push(Measure {
                key: key.into(),
                value,
                step: i64::try_from(step).unwrap_or(i64::MAX),
                at_ms: now_ms(),
            });
        }
    }

    /// The last value of a measure.
    pub fn value(&self, key: &str) -> Option<f64> {
        let of_key = self.measures.iter().filter(|measure| measure.key == key);
        of_key
            .max_by_key(|measure| (measure.step, measure.at_ms))
            .map(|measure| measure.value)
    }
}

/// An id that no other run has, on whatever machine.
pub(crate) fn fresh_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0_u8);
    let name = format!(
        "{:?} {} {} {random}",
        now,
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let digest = Sha256::digest(name.as_bytes());
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether a name is a path below where it is put, and leads nowhere else.
pub(crate) fn is_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}
