//! What a check has found.

use std::fmt;

use serde::Serialize;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// It works, or may work, but somebody should look at it.
    Warning,
    /// A service that needs it cannot do its work.
    Failed,
    /// Not looked at, as something else failed.
    Skipped,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Outcome::Passed => "passed",
            Outcome::Warning => "warning",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        })
    }
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked; a short name, stable for scripts.
    pub check: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What is there, in words; never a secret.
    pub found: String,
    /// What to do about it; `None` where nothing is to be done.
    pub mend: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn passed(check: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding {
            check: check.into(),
            outcome: Outcome::Passed,
            found: found.into(),
            mend: None,
        }
    }

    /// It may work; `mend` states what would make it sure.
    pub fn warning(
        check: impl Into<String>,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        Finding {
            outcome: Outcome::Warning,
            mend: Some(mend.into()),
            ..Finding::passed(check, found)
        }
    }

    /// It does not work before somebody does what `mend` says.
    pub fn failed(
        check: impl Into<String>,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        Finding {
            outcome: Outcome::Failed,
            ..Finding::warning(check, found, mend)
        }
    }

    /// It was not looked at; `why` names what failed before.
    pub fn skipped(check: impl Into<String>, why: impl Into<String>) -> Finding {
        Finding {
            outcome: Outcome::Skipped,
            ..Finding::passed(check, why)
        }
    }
}

/// A check that panicked is our fault, and has nothing about the set-up.
pub(super) fn broken_off(check: impl Into<String>, error: &tokio::task::JoinError) -> Finding {
    Finding::failed(
        check,
        format!("the check failed unexpectedly: {error}"),
        "this is a bug of this program: standard error has details",
    )
}
