//! How a delimited text is written, recognised by its cells rather than from its bytes: a comma inside a quoted
//! header separates nothing.

use std::io::{Cursor, Read};

use super::row_numbers::RowNumbers;
use super::spaces::Spaces;
use super::split::{Marks, Split};

/// Separators that a file may use.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Separators of files that have none of those.
const RARE_SEPARATORS: [u8; 5] = [b'^', b'~', b'\x01', b'\x1f', b':'];
/// Records looked at.
const MOST_RECORDS: usize = 50;

/// Lines of titles and comments above a header at most.
const MOST_ABOVE: usize = 10;
/// What precedes a quote inside quotes in files that do not double it.
const BACKSLASH: u8 = b'\\';
/// What stands around cells, but for some programs.
const QUOTE: u8 = b'"';
const SINGLE_QUOTE: u8 = b'\'';

/// How a delimited text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) marks: Marks,
    /// Spaces stand between cells, as many as it takes to line them up; `marks` are those of the text with tabs
    /// in their place.
    pub(super) is_spaced: bool,
    /// Bytes before the header: the line `sep=;` that Excel writes and reads, or titles and comments.
    pub(super) skipped: usize,
    /// Records begin with a number of the row, for which the header has no name: what R writes.
    pub(super) has_row_numbers: bool,
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
    /// Whether most records have a cell in single quotes, and none begins with one that is not closed.
    is_single_quoted: bool,
    has_row_numbers: bool,
}

impl Fit {
    /// What decides between two.
    fn rank(&self) -> (usize, usize) {
        (self.alike, self.cells)
    }

    /// Whether every record fits.
    fn is_whole(&self) -> bool {
        self.alike > 10 || self.has_row_numbers
    }
}

/// How a text is written, from its first bytes.
pub(super) fn sniff(sample: &[u8]) -> Dialect {
    if let Some(dialect) = declared(sample) {
        return dialect;
    }
    let (mut fit, mut marks) = best(sample, &SEPARATORS);
    let mut is_spaced = false;
    if fit.alike == 0 {
        let rare = best(sample, &RARE_SEPARATORS);
        if rare.0.cells > 1 && rare.0.is_whole() {
            (fit, marks) = rare;
        } else if let Some(spaced) = spaced(sample) {
            (fit, marks) = spaced;
            is_spaced = true;
        }
    }
    let mut breaks = memchr::memchr_iter(b'\n', sample);
    let above = match fit.line {
        0 | 1 => None,
        line => breaks.nth(usize::try_from(line - 2).unwrap_or(usize::MAX)),
    };
    Dialect {
        marks,
        is_spaced,
        skipped: above.map_or(0, |at| at + 1),
        has_row_numbers: fit.has_row_numbers,
    }
}

/// The separator that fits best, and how cells are quoted.
fn best(sample: &[u8], separators: &[u8]) -> (Fit, Marks) {
    let among = |quote: u8, escape: Option<u8>| {
        let fits = separators.iter().map(|separator| {
            let marks = Marks {
                separator: *separator,
                quote,
                escape,
            };
            (fit(sample, marks), marks)
        });
        // `max_by_key` takes the last of equals; reversed, a header of one column is a CSV's.
        fits.rev().max_by_key(|(fit, _)| fit.rank())
    };
    let usual = Marks {
        separator: b',',
        quote: QUOTE,
        escape: None,
    };
    let mut found = among(QUOTE, None).unwrap_or((Fit::default(), usual));
    if sample.windows(2).any(|pair| *pair == [BACKSLASH, QUOTE])
        && let Some(escaped) = among(QUOTE, Some(BACKSLASH))
        && escaped.0.alike > found.0.alike
    {
        found = escaped;
    }
    if sample.contains(&SINGLE_QUOTE)
        && let Some(single) = among(SINGLE_QUOTE, None)
        && (single.0.alike > found.0.alike
            || (found.0.is_single_quoted && single.0.rank() >= found.0.rank()))
    {
        found = single;
    }
    found
}

/// The same of a text with spaces between its cells. Lines of one number in groups, such as `1 250 000`, are no
/// table.
fn spaced(sample: &[u8]) -> Option<(Fit, Marks)> {
    let is_number = |line: &[u8]| {
        let text = String::from_utf8_lossy(line);
        let mut groups = text.split_whitespace();
        let is_first = |group: &str| group.len() <= 3 && group.parse::<u16>().is_ok();
        let is_next = |group: &str| {
            let whole = group.split(['.', ',']).next().unwrap_or_default();
            whole.len() == 3 && whole.parse::<u16>().is_ok()
        };
        groups.next().is_some_and(is_first) && groups.all(is_next)
    };
    let lines = || {
        sample
            .split(|byte| *byte == b'\n')
            .skip(1)
            .take(MOST_RECORDS)
    };
    let numbers = lines().filter(|line| is_number(line)).count();
    if numbers * 2 >= lines().count() {
        return None;
    }
    let table = |quote: u8| {
        let mut text = Vec::new();
        // A slice is read without an error.
        Spaces::new(sample, Some(quote))
            .read_to_end(&mut text)
            .ok()?;
        let marks = Marks {
            separator: b'\t',
            quote,
            escape: None,
        };
        let fit = fit(&text, marks);
        (fit.cells > 1 && fit.is_whole() && !fit.is_single_quoted).then_some((fit, marks))
    };
    table(QUOTE).or_else(|| table(SINGLE_QUOTE))
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
            marks: Marks {
                separator: *separator,
                quote: QUOTE,
                escape: None,
            },
            is_spaced: false,
            skipped: end,
            has_row_numbers: false,
        }),
        _ => None,
    }
}

/// How well a separator fits. Titles and comments above a header have one cell, and it has names.
fn fit(sample: &[u8], marks: Marks) -> Fit {
    let mut records = Split::new(Cursor::new(sample), marks);
    let mut found: Vec<(usize, u64)> = Vec::new();
    // Whether a record can be a header below others.
    let mut has_names: Vec<bool> = Vec::new();
    let mut numbers = RowNumbers::default();
    let (mut closed, mut open) = (0, 0);
    while found.len() < MOST_RECORDS && records.advance().is_ok_and(|more| more) {
        found.push((filled(&records), records.line()));
        has_names.push(records.cells().all(is_name));
        numbers.add(&records);
        let quoted = records
            .cells()
            .filter(|cell| cell.starts_with(&[SINGLE_QUOTE]));
        let (mut has_closed, mut has_open) = (false, false);
        for cell in quoted {
            let is_closed = cell.len() > 1 && cell.ends_with(&[SINGLE_QUOTE]);
            has_closed |= is_closed;
            has_open |= !is_closed;
        }
        closed += usize::from(has_closed);
        open += usize::from(has_open);
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
        is_single_quoted: open == 0 && closed * 2 >= found.len(),
        has_row_numbers: above == 0 && numbers.are_beside(header),
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
                marks: marks(separator, b'"'),
                is_spaced: false,
                skipped,
                has_row_numbers: false,
            };
            assert_eq!(sniff(text.as_bytes()), expected, "{text:?}");
        }
        let escaped = "id,title\n1,\"a \\\"nice\\\" flat, new\"\n2,\"b \\\"old\\\", c\"\n";
        assert_eq!(sniff(escaped.as_bytes()).marks.escape, Some(b'\\'));
    }

    fn marks(separator: u8, quote: u8) -> Marks {
        Marks {
            separator,
            quote,
            escape: None,
        }
    }

    #[test]
    fn rare_separators_single_quotes_and_spaces_are_told_too() {
        for (text, expected, is_spaced) in [
            ("id~city~price\n1~a~2\n", marks(b'~', b'"'), false),
            ("id^city^price\n1^a^2\n", marks(b'^', b'"'), false),
            ("id\u{1}price\n1\u{1}2\n", marks(b'\x01', b'"'), false),
            ("id:city\n1:a\n", marks(b':', b'"'), false),
            ("id;city\n1;'a; b'\n2;'c; d'\n", marks(b';', b'\''), false),
            ("'id','city'\n'1','a'\n", marks(b',', b'\''), false),
            // A name may begin with an apostrophe.
            ("id,city\n1,'t Zand\n2,Ede\n", marks(b',', b'"'), false),
            ("id city\n1   Ufa\n2   Perm\n", marks(b'\t', b'"'), true),
            (
                "id area city\n1 2.5 'abc d'\n2 3.5 'e f'\n",
                marks(b'\t', b'\''),
                true,
            ),
            // Numbers in groups, and names with a space, are one column.
            (
                "sale price net\n1 250 000\n2 500 000\n",
                marks(b',', b'"'),
                false,
            ),
            ("sale price\nx\ny z\n", marks(b',', b'"'), false),
            ("time\n10:30\n11:40\n", marks(b',', b'"'), false),
        ] {
            let found = sniff(text.as_bytes());
            assert_eq!(
                (found.marks, found.is_spaced),
                (expected, is_spaced),
                "{text:?}"
            );
        }
    }

    #[test]
    fn row_numbers_without_a_name_are_those_that_count() {
        for (text, has_row_numbers) in [
            ("city,price\n1,a,7\n2,b,8\n3,c,9\n", true),
            (
                "\"city\" \"price\"\n\"1\" \"a\" 7\n\"2\" \"b\" 8\n\"3\" \"c\" 9\n",
                true,
            ),
            // A name may be absent at the end as well.
            ("id,city\n1,a,7\n2,b,8\n3,c,9\n", false),
            ("city,price\n5,a,7\n2,b,8\n3,c,9\n", false),
            ("city,price\n1,a,\n2,b,\n3,c,\n", false),
            ("city,price\na,7\nb,8\nc,9\n", false),
        ] {
            let found = sniff(text.as_bytes()).has_row_numbers;
            assert_eq!(found, has_row_numbers, "{text:?}");
        }
    }
}
