//! All that was found, as lines for people or as JSON for programs.

use std::fmt;
use std::io::Write;

use super::{Finding, Outcome};

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A line a check.
    Text,
    /// One JSON object.
    Json,
}

/// All that was found, in the order it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// A line each.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing failed; a warning is not a failure.
    pub fn is_healthy(&self) -> bool {
        self.count(Outcome::Failed) == 0
    }

    /// The first finding of this name.
    pub fn of(&self, check: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.check == check)
    }

    /// `{"healthy": …, "checks": [{"check", "outcome", "found", "mend"}]}`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "healthy": self.is_healthy(), "checks": self.findings })
    }

    /// Prints it on standard output.
    pub fn print(&self, format: Format) {
        let mut out = std::io::stdout();
        // A reader that has gone, such as `head`, is not a failure.
        let _ = match format {
            Format::Text => write!(out, "{self}"),
            Format::Json => writeln!(out, "{:#}", self.to_json()),
        }
        .and_then(|()| out.flush());
    }

    fn count(&self, outcome: Outcome) -> usize {
        let findings = self.findings.iter();
        findings
            .filter(|finding| finding.outcome == outcome)
            .count()
    }
}

/// A line a finding, below it what to do, and at the end how many ended how.
impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let width = |finding: &Finding| finding.check.chars().count();
        let width = self.findings.iter().map(width).max().unwrap_or(0);
        for finding in &self.findings {
            let found = lines(&finding.found, width);
            writeln!(
                out,
                "{:<7}  {:<width$}  {found}",
                finding.outcome, finding.check
            )?;
            if let Some(mend) = &finding.mend {
                writeln!(out, "{:<7}  {:<width$}  -> {}", "", "", lines(mend, width))?;
            }
        }
        let all = [
            Outcome::Passed,
            Outcome::Warning,
            Outcome::Failed,
            Outcome::Skipped,
        ];
        let counts: Vec<String> = all
            .iter()
            .map(|outcome| (self.count(*outcome), outcome))
            .filter(|(count, _)| *count > 0)
            .map(|(count, outcome)| format!("{count} {outcome}"))
            .collect();
        writeln!(out, "{}", counts.join(", "))
    }
}

/// A text of several lines stays in its column.
fn lines(text: &str, width: usize) -> String {
    text.trim()
        .replace('\n', &format!("\n{:1$}", "", width + 11))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            findings: vec![
                Finding::passed("broker", "Kafka at k:9092, cluster c"),
                Finding::warning("topic rejects", "is not there", "make it"),
                Finding::failed("database", "no answer:\nrefused", "start it"),
                Finding::skipped("tables", "the database does not answer"),
            ],
        }
    }

    #[test]
    fn lines_are_aligned_and_say_what_to_mend() {
        let expected = "\
passed   broker         Kafka at k:9092, cluster c
warning  topic rejects  is not there
                        -> make it
failed   database       no answer:
                        refused
                        -> start it
skipped  tables         the database does not answer
1 passed, 1 warning, 1 failed, 1 skipped
";
        assert_eq!(report().to_string(), expected);
    }

    #[test]
    fn json_has_every_part_of_every_line() {
        let json = report().to_json();
        assert_eq!(json["healthy"], false);
        assert_eq!(
            json["checks"][1],
            serde_json::json!({
                "check": "topic rejects", "outcome": "warning", "found": "is not there",
                "mend": "make it",
            })
        );
        assert_eq!(json["checks"][0]["mend"], serde_json::Value::Null);
    }

    #[test]
    fn only_a_failure_is_unhealthy() {
        let mut report = report();
        assert!(!report.is_healthy());
        report.findings.remove(2);
        assert!(report.is_healthy());
        assert_eq!(report.of("tables"), report.findings.last());
    }
}
