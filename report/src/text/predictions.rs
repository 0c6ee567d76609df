//! The predictions of every row of a file, as CSV.

use std::fmt::Write as _;

use valuation::{ClusterReport, FitReport, JudgedRow};

/// A line for each row of the file that the schema took; `lines` are their places in the file. Of several classes
/// `actual` is the number of the row's level among those of the report, from 0, `value` and `high` are the probability
/// of the predicted level, and `low` that of the row's level.
pub fn predictions(lines: &[u64], report: &FitReport) -> String {
    let mut judged: Vec<&JudgedRow> = report.judged().iter().collect();
    judged.sort_by_key(|one| one.row);
    let mut judged = judged.into_iter().peekable();
    let mut text = "line,side,actual,value,low,high\n".to_owned();
    for (row, line) in lines.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = match judged.next_if(|one| one.row == row) {
            Some(one) => writeln!(
                text,
                "{line},test,{},{},{},{}",
                one.actual, one.value, one.low, one.high
            ),
            None => writeln!(text, "{line},train,,,,"),
        };
    }
    text
}

/// A line for each row of the file that the schema took: where it stands, and its cluster.
pub fn cluster_predictions(lines: &[u64], report: &ClusterReport) -> String {
    let mut text = "line,prediction\n".to_owned();
    for (line, cluster) in lines.iter().zip(&report.members) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line},{cluster}");
    }
    text
}
