//! What a training came to.

use registry::Version;
use report::RejectKind;
use valuation::FitReport;

use crate::promotion::verdict::Verdict;

/// A version that was fitted, and what became of it.
#[derive(Debug)]
pub struct Trained {
    /// Its number and place; `None` where the MLflow server was away, and it waits to be sent.
    pub saved: Option<Version>,
    /// Id of its run.
    pub run: String,
    /// The verdict on it and whether it was promoted; `None` where the server was away.
    pub decision: Option<(Verdict, bool)>,
    /// How good it is.
    pub report: FitReport,
    /// Rows that the schema refused.
    pub rows_rejected: usize,
    /// The same by what is wrong with them, the most frequent first.
    pub refused: Vec<RejectKind>,
}

impl Trained {
    /// Its measures, what was left out, and where the version is, for a terminal.
    pub fn table(&self) -> String {
        report::text::training(&self.report, self.rows_rejected, &self.refused) + &self.message()
    }

    /// Its name: `v000007`, or what is to be done where it has none yet.
    pub fn name(&self) -> String {
        match &self.saved {
            Some(version) => version.to_string(),
            None => "a version that waits to be sent".to_owned(),
        }
    }

    /// Where it is, and whether it is the champion, in sentences.
    pub fn message(&self) -> String {
        let Some(version) = &self.saved else {
            return format!(
                "kept as the run {}, as the MLflow server does not answer: `model-prepare sync` sends it",
                self.run
            );
        };
        let saved = format!("saved as {version} in {}", version.path.display());
        match &self.decision {
            Some((verdict, true)) => format!("{saved}\npromoted: {verdict}"),
            Some((verdict, false)) => format!("{saved}\nkept as challenger: {verdict}"),
            None => format!(
                "{saved}\nnot judged, as the MLflow server does not answer any more: \
                 `model-prepare promote {version}` does it"
            ),
        }
    }
}
