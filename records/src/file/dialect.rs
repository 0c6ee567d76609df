//! How a delimited text is written, recognised by its cells rather than from its bytes: a comma inside a quoted
//! header separates nothing.

use std::io::Cursor;

use super::split::Split;

/// Separators that a file may use.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Records looked at.
const MOST_RECORDS: usize = 50;

/// Lines of titles and comments above a header at most.
const MOST_ABOVE: usize = 10;
/// What precedes a quote inside quotes in files that do not double it.
const BACKSLASH: u8 = b'\\';

/// How a delimited text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// What stands between cells.
    pub(super) separator: u8,
    /// What precedes a quote inside quotes, where it is not doubled.
    pub(super) escape: Option<u8>,
    /// Bytes before the header: the line `sep=;` that Excel writes and reads, or titles and comments.
    pub(super) skipped: usize,
}

/// How well a separator fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Fit {
    /// How many of ten records have as many cells as the header; one more, so that 0 is a separator that the
    /// header does not have.
    alike: usize,
    /// How many cells the header has.
    cells: usize,
    /// The line on which the header begins.
    line: u64,
}

/// How a text is written, from its first bytes.
pub(super) fn sniff(sample: &[u8]) -> Dialect {
    if let Some(dialect) = declared(sample) {
        return dialect;
    }
    let best = |escape: Option<u8>| {
        let fits = SEPARATORS
            .into_iter()
            .map(|separator| (fit(sample, separator, escape), separator, escape));
        // `max_by_key` takes the last of equals; reversed, a header of one column is a CSV's.
        fits.rev().max_by_key(|(fit, ..)| (fit.alike, fit.cells))
    };
    let has_escapes = sample.windows(2).any(|pair| *pair == [BACKSLASH, b'"']);
    let escaped = best(Some(BACKSLASH)).filter(|_| has_escapes);
    let plain = best(None);
    let better = match (plain, escaped) {
        (Some(plain), Some(escaped)) if escaped.0.alike > plain.0.alike => Some(escaped),
        (plain, _) => plain,
    };
    let (fit, separator, escape) = better.unwrap_or((Fit::default(), b',', None));
    let mut breaks = memchr::memchr_iter(b'\n', sample);
    let above = match fit.line {
        0 | 1 => None,
        line => breaks.nth(usize::try_from(line - 2).unwrap_or(usize::MAX)),
    };
    Dialect {
        separator,
        escape,
        skipped: above.map_or(0, |at| at + 1),
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
            escape: None,
            skipped: end,
        }),
        _ => None,
    }
}

/// How well a separator fits. Titles and comments above a header have one cell, and it has names.
fn fit(sample: &[u8], separator: u8, escape: Option<u8>) -> Fit {
    let mut records = Split::new(Cursor::new(sample), separator, escape);
    let mut found: Vec<(usize, u64)> = Vec::new();
    // Whether a record can be a header below others.
    let mut has_names: Vec<bool> = Vec::new();
    while found.len() < MOST_RECORDS && records.advance().is_ok_and(|more| more) {
        found.push((filled(&records), records.line()));
        has_names.push(records.cells().all(is_name));
    }
    // The last may be cut.
    if found.len() > 2 && !sample.ends_with(b"\n") {
        found.pop();
    }
    let above = found.iter().take(MOST_ABOVE + 1);
    let above = above.take_while(|(cells, _)| *cells < 2).count();
    let Some((header, line)) = found.get(above).copied().filter(|_| above <= MOST_ABOVE) else {
        return Fit::default();
    };
    let below = &found[above..];
    let alike = below.iter().filter(|(cells, _)| *cells == header).count();
    // In tenths: a ragged row or two decide nothing.
    let tenths = 10 * alike / below.len();
    if above > 0 && (tenths < 10 || below.len() < 3 || !has_names[above]) {
        return Fit::default();
    }
    Fit {
        alike: 1 + tenths,
        cells: header,
        line,
    }
}

/// Cells of a record; 1 of a comment, and of one with a value in its first alone, such as a title.
fn filled<R: std::io::BufRead>(records: &Split<R>) -> usize {
    let first = records.cells().next().unwrap_or_default();
    let is_title = !first.is_empty() && records.cells().skip(1).all(<[u8]>::is_empty);
    let is_comment = first.starts_with(b"# ");
    if is_title || is_comment {
        1
    } else {
        records.len()
    }
}

/// Whether a cell can be a column's name.
fn is_name(cell: &[u8]) -> bool {
    let text = String::from_utf8_lossy(cell);
    !text.trim().is_empty() && !is_value(&text)
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
        const LONG: &str = "Listings, 2024\n\nid,city,price\n1,a,2\n2,b,3\n";
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
            ("Listings\n\nid;city;price\n1;a;2\n2;b;3\n", b';', 10),
            ("Listings;;\nid;city;price\n1;a;2\n2;b;3\n", b';', 11),
            ("# made\n# today\nid,city\n1,a\n2,b\n", b',', 15),
            // Decimals in one column are no table below a title.
            ("price\n1,5\n2,5\n3,5\n", b',', 0),
            (LONG, b',', 0),
        ] {
            let expected = Dialect {
                separator,
                escape: None,
                skipped,
            };
            assert_eq!(sniff(text.as_bytes()), expected, "{text:?}");
        }
        let escaped = "id,title\n1,\"a \\\"nice\\\" flat, new\"\n2,\"b \\\"old\\\", c\"\n";
        assert_eq!(sniff(escaped.as_bytes()).escape, Some(b'\\'));
    }
}
