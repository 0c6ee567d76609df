//! What was said of every row of a file.

use std::fmt::Write as _;

use valuation::JudgedRow;

use crate::Found;
use crate::listings::Listings;

/// A line for each row of the file that the schema took.
pub(super) fn predictions(listings: &Listings, found: &Found) -> String {
    let mut judged: Vec<&JudgedRow> = found.judged().iter().collect();
    judged.sort_by_key(|one| one.row);
    let mut judged = judged.into_iter().peekable();
    let mut text = "line,side,actual,value,low,high\n".to_owned();
    for (row, line) in listings.lines.iter().enumerate() {
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
