//! Names that move from version to version.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A name that states what a version is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alias {
    /// Answers requests.
    Champion,
    /// Was judged last and not promoted, or is to be judged.
    Challenger,
    /// Answered before: what a rollback goes to.
    Previous,
}

/// Which version each alias names; an alias that names none is absent.
pub type Aliases = BTreeMap<Alias, u64>;

impl Alias {
    /// All of them.
    pub const ALL: [Alias; 3] = [Alias::Champion, Alias::Challenger, Alias::Previous];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Alias::Champion => "champion",
            Alias::Challenger => "challenger",
            Alias::Previous => "previous",
        }
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
