//! What was said of every row of a file.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use valuation::{JudgedRow, Report};

use crate::listings::Listings;

/// A line for each row of the file that the schema took.
pub(super) fn predictions(listings: &Listings, report: &Report) -> String {
    let rejected: BTreeSet<u64> = listings.rejected.iter().copied().collect();
    // The header is line 1. Texts that span lines would shift what follows them.
    let lines = (2..).filter(|line| !rejected.contains(line));
    let mut judged: Vec<&JudgedRow> = report.judged.iter().collect();
    judged.sort_by_key(|one| one.row);
    let mut judged = judged.into_iter().peekable();
    let mut text = "line,side,actual,value,low,high\n".to_owned();
    for (row, line) in (0..listings.batch.num_rows()).zip(lines) {
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
