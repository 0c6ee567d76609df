//! How a delimited text is written, recognised by its cells rather than from its bytes: a comma inside a quoted
//! header separates nothing.

use std::io::Cursor;

use super::split::Split;

/// Separators that a file may use.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Records looked at.
const MOST_RECORDS: usize = 50;

/// How a delimited text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// What stands between cells.
    pub separator: u8,
    /// Bytes before the header: the line `sep=;` that Excel writes and reads.
    pub skipped: usize,
}

/// How a text is written, from its first bytes.
pub(super) fn sniff(sample: &[u8]) -> Dialect {
    if let Some(dialect) = declared(sample) {
        return dialect;
    }
    // `max_by_key` takes the last of equals; reversed, a header of one column is a CSV's.
    let separator = SEPARATORS
        .into_iter()
        .rev()
        .max_by_key(|separator| fit(sample, *separator));
    Dialect {
        separator: separator.unwrap_or(b','),
        skipped: 0,
    }
}

/// Excel's own word on the separator.
fn declared(sample: &[u8]) -> Option<Dialect> {
    let end = sample.iter().position(|byte| *byte == b'\n')? + 1;
    let line = std::str::from_utf8(&sample[..end]).ok()?;
    let line = line
        .trim_start_matches('\u{feff}')
        .trim_end_matches(['\r', '\n'])
        .trim_matches('"');
    let word = line
        .get(..4)?
        .eq_ignore_ascii_case("sep=")
        .then(|| &line[4..])?;
    match word.as_bytes() {
        [separator] if separator.is_ascii() => Some(Dialect {
            separator: *separator,
            skipped: end,
        }),
        _ => None,
    }
}

/// How well a separator fits: how many of 100 records have as many cells as the header, and how many those
/// are. A separator that the header does not have fits worst.
fn fit(sample: &[u8], separator: u8) -> (usize, usize) {
    let mut records = Split::new(Cursor::new(sample), separator);
    let mut counts = Vec::new();
    while counts.len() < MOST_RECORDS && records.advance().is_ok_and(|more| more) {
        counts.push(records.len());
    }
    // The last may be cut.
    if counts.len() > 2 && !sample.ends_with(b"\n") {
        counts.pop();
    }
    let Some(header) = counts.first().copied().filter(|cells| *cells > 1) else {
        return (0, 0);
    };
    let alike = counts.iter().filter(|cells| **cells == header).count();
    // In tenths: a ragged row or two decide nothing.
    (1 + 10 * alike / counts.len(), header)
}

/// Whether a cell holds what records hold rather than what columns are called: a number or a time.
pub(super) fn is_value(cell: &str) -> bool {
    let cell = cell.trim();
    cell.parse::<f64>().is_ok() || crate::timestamp::parse(cell).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_is_told_by_the_cells_it_makes() {
        for (text, separator, skipped) in [
            ("a,b\n1,2\n", b',', 0),
            ("id;\"Area, sq, m\";\"Price, USD, net\"\n1;2;3\n", b';', 0),
            ("price;area\n1,5;2,5\n3,5;4,5\n", b';', 0),
            ("a|b|c\n1,5|2|3\n", b'|', 0),
            ("a\tb\n1\t2\n", b'\t', 0),
            ("only\n1\n2\n", b',', 0),
            ("sep=;\nprice;area\n1,5;2\n", b';', 6),
            ("\u{feff}\"SEP=|\"\r\na|b\n", b'|', 12),
            ("name,\"a;b;c;d\"\nx,y\n", b',', 0),
        ] {
            let expected = Dialect { separator, skipped };
            assert_eq!(sniff(text.as_bytes()), expected, "{text:?}");
        }
    }
}
