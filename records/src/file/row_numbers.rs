//! Numbers of rows for which a header has no name: what R writes.

use super::split::Split;

/// Whether records begin with the number of their row, for which the header has no name.
#[derive(Default)]
pub(super) struct RowNumbers {
    /// Records, the header among them; whether each of the others has this many cells.
    records: usize,
    cells: Option<usize>,
    /// The number before.
    last: Option<i64>,
    is_broken: bool,
    /// Records whose last cell is not empty: a separator at the end of a record is no cell.
    ended: usize,
    /// Whether the header has a name for such numbers.
    is_named: bool,
}

impl RowNumbers {
    /// Sees the next record; the first is the header.
    pub(super) fn add<R: std::io::BufRead>(&mut self, records: &Split<R>) {
        self.records += 1;
        let first = String::from_utf8_lossy(records.cells().next().unwrap_or_default());
        let first = first.trim();
        if self.records == 1 {
            let name = first.trim_start_matches('\u{feff}').to_ascii_lowercase();
            let names = ["", "id", "no", "nr", "index", "row", "#"];
            self.is_named = names.contains(&name.as_str()) || name.ends_with("id");
            return;
        }
        let number = first.parse::<i64>().ok();
        let follows = match (self.last, number) {
            (None, Some(first)) => (0..=1).contains(&first),
            (Some(last), Some(number)) => number == last + 1,
            (_, None) => false,
        };
        let is_alike = self.cells.is_none_or(|cells| cells == records.len());
        self.is_broken |= !follows || !is_alike;
        self.last = number;
        self.cells = Some(records.len());
        let last = records.cells().last().unwrap_or_default();
        self.ended += usize::from(!last.trim_ascii().is_empty());
    }

    /// Whether each record has such a number beside the header's cells.
    pub(super) fn are_beside(&self, header: usize) -> bool {
        const LEAST: usize = 4;
        self.records >= LEAST
            && !self.is_broken
            && !self.is_named
            && self.cells == Some(header + 1)
            && self.ended * 2 > self.records
    }
}
