//! The verdict on a version, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::contest::Contest;

/// One condition of the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What is checked.
    pub name: String,
    /// Whether it is as it should be.
    pub passes: bool,
    /// The numbers, for people.
    #[serde(rename = "said")]
    pub message: String,
}

/// The verdict on a version, with what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which version.
    pub challenger: u64,
    /// Against which; `None` where it is the first.
    pub champion: Option<u64>,
    /// Whether the rule would have it promoted.
    pub passes: bool,
    /// In a sentence.
    #[serde(rename = "said")]
    pub message: String,
    /// All conditions; none where there was nothing to compare.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// The numbers; `None` where there was nothing to compare.
    #[serde(default)]
    pub contest: Option<Contest>,
}

impl Verdict {
    /// A verdict without a comparison.
    pub(crate) fn plain(
        challenger: u64,
        champion: Option<u64>,
        passes: bool,
        message: impl Into<String>,
    ) -> Verdict {
        Verdict {
            challenger,
            champion,
            passes,
            message: message.into(),
            checks: Vec::new(),
            contest: None,
        }
    }

    /// The verdict of the checks of a comparison.
    pub(super) fn of(contest: Contest, checks: Vec<Check>) -> Verdict {
        let (challenger, champion) = (contest.challenger.version, contest.champion.version);
        let found = Verdict::of_checks(challenger, champion, contest.rows, checks);
        Verdict {
            contest: Some(contest),
            ..found
        }
    }

    /// The same where the checks alone state what was found on N rows.
    pub(crate) fn of_checks(
        challenger: u64,
        champion: u64,
        rows: usize,
        checks: Vec<Check>,
    ) -> Verdict {
        let failed: Vec<&Check> = checks.iter().filter(|check| !check.passes).collect();
        let message = match failed.first() {
            None => format!("it passes all {} checks on {rows} rows", checks.len()),
            Some(_) => {
                let failures: Vec<String> = failed
                    .iter()
                    .map(|check| format!("{}: {}", check.name, check.message))
                    .collect();
                format!("it fails {}", failures.join("; "))
            }
        };
        Verdict {
            challenger,
            champion: Some(champion),
            passes: failed.is_empty(),
            message,
            checks,
            contest: None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "{}", self.message)?;
        if let Some(contest) = &self.contest {
            write!(
                to,
                "\ncompared on {} rows of the hold-out: {} that the champion has not learned from, \
                 {} as it valued them before it did; left out {}",
                contest.rows, contest.rows_new, contest.rows_judged_before, contest.rows_left_out
            )?;
        }
        for check in &self.checks {
            let mark = if check.passes { "passes" } else { "FAILS" };
            write!(to, "\n  {:<12} {mark:<7} {}", check.name, check.message)?;
        }
        Ok(())
    }
}
