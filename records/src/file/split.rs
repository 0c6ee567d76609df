//! Delimited text as records of cells, of bounded memory: a quote that is left open takes in the rest of a
//! file, whatever its size.

use std::io::{BufRead, ErrorKind};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// Bytes of a cell at most: a text beyond 1 MiB is a quote that is left open, or no record.
pub(super) const CELL_BYTES: usize = 1 << 20;
/// Bytes of all cells of a record at most.
pub(super) const RECORD_BYTES: usize = 16 << 20;
/// Cells of a record at most.
pub(super) const CELLS: usize = 100_000;
/// Room for a record at first; it grows up to the bounds.
const FIRST_BYTES: usize = 4096;
const FIRST_CELLS: usize = 64;

/// What a record has too much of.
#[derive(Debug)]
pub(super) enum SplitError {
    /// The source failed.
    Io(std::io::Error),
    /// More than a bound.
    TooLong {
        /// Line on which the record begins.
        line: u64,
        /// Which cell, counting from 1.
        column: usize,
        /// The bound, for people.
        most: &'static str,
    },
}

/// What stands between cells and around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    /// What stands between cells.
    pub(super) separator: u8,
    /// What stands around a cell that has the separator in it.
    pub(super) quote: u8,
    /// What precedes a quote inside quotes, where a file does not double it.
    pub(super) escape: Option<u8>,
}

/// Reads records one by one.
pub(super) struct Split<R> {
    source: R,
    core: Reader,
    /// Cells of the record read last, one after the other.
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// How many there are.
    cells: usize,
    /// Line on which it begins, and breaks of lines in it and behind it.
    line: u64,
    breaks: u64,
    /// Breaks of lines read so far.
    read: u64,
    /// Whether the byte before was a carriage return, with which a line feed is one break.
    was_return: bool,
}

impl<R: BufRead> Split<R> {
    pub(super) fn new(source: R, marks: Marks) -> Split<R> {
        Split {
            source,
            core: ReaderBuilder::new()
                .delimiter(marks.separator)
                .quote(marks.quote)
                .escape(marks.escape)
                .build(),
            text: vec![0; FIRST_BYTES],
            ends: vec![0; FIRST_CELLS],
            cells: 0,
            line: 1,
            breaks: 0,
            read: 0,
            was_return: false,
        }
    }

    /// Reads the next record; false at the end. Blank lines are none.
    pub(super) fn advance(&mut self) -> Result<bool, SplitError> {
        self.cells = 0;
        self.skip_breaks()?;
        self.line = 1 + self.read;
        let (mut written, mut cells) = (0, 0);
        loop {
            let input = fill(&mut self.source)?;
            let (result, read, wrote, ended) =
                self.core
                    .read_record(input, &mut self.text[written..], &mut self.ends[cells..]);
            (self.read, self.was_return) = breaks(&input[..read], self.read, self.was_return);
            self.source.consume(read);
            written += wrote;
            cells += ended;
            let from = cells.checked_sub(1).map_or(0, |last| self.ends[last]);
            if written - from > CELL_BYTES {
                return Err(self.too_long(cells, "1 MiB"));
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if written >= RECORD_BYTES => {
                    return Err(self.too_long(cells, "16 MiB for the whole record"));
                }
                ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len(), 0),
                ReadRecordResult::OutputEndsFull if cells >= CELLS => {
                    return Err(self.too_long(cells, "100000 cells"));
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::Record => {
                    self.cells = cells;
                    self.breaks = 1 + self.read - self.line;
                    return match self.longest() {
                        Some((cell, _)) => Err(self.too_long(cell, "1 MiB")),
                        None => Ok(true),
                    };
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// The first cell that is too long, where there is one: several may come at once.
    fn longest(&self) -> Option<(usize, usize)> {
        let mut from = 0;
        let lengths = self.ends[..self.cells].iter().map(|end| {
            let length = end - from;
            from = *end;
            length
        });
        lengths.enumerate().find(|(_, length)| *length > CELL_BYTES)
    }

    fn too_long(&self, cells: usize, most: &'static str) -> SplitError {
        SplitError::TooLong {
            line: self.line,
            column: cells + 1,
            most,
        }
    }

    /// Passes over the ends of lines before a record, so that its own line is known.
    fn skip_breaks(&mut self) -> Result<(), SplitError> {
        loop {
            let input = fill(&mut self.source)?;
            let blank = input
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'));
            let blank = blank.count();
            if blank == 0 {
                return Ok(());
            }
            (self.read, self.was_return) = breaks(&input[..blank], self.read, self.was_return);
            self.source.consume(blank);
        }
    }

    /// The cells of the record read last.
    pub(super) fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        self.ends[..self.cells].iter().map(move |end| {
            let cell = &self.text[from..*end];
            from = *end;
            cell
        })
    }

    /// How many cells it has.
    pub(super) fn len(&self) -> usize {
        self.cells
    }

    /// Line on which it begins, counting from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// How many lines it takes; 0 of one line that is not ended.
    pub(super) fn lines(&self) -> u64 {
        self.breaks
    }
}

fn fill(source: &mut impl BufRead) -> Result<&[u8], SplitError> {
    loop {
        match source.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(SplitError::Io(error)),
            Ok(_) => break,
        }
    }
    // What is filled stays: a second call reads nothing.
    source.fill_buf().map_err(SplitError::Io)
}

/// Breaks of lines in some more bytes: a line feed, a carriage return, or both.
fn breaks(bytes: &[u8], mut count: u64, mut was_return: bool) -> (u64, bool) {
    let mut last = None;
    for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
        let after_return = match at {
            0 => was_return,
            at => last == Some(at - 1) && bytes[at - 1] == b'\r',
        };
        if !(bytes[at] == b'\n' && after_return) {
            count += 1;
        }
        last = Some(at);
    }
    if let Some(byte) = bytes.last() {
        was_return = *byte == b'\r';
    }
    (count, was_return)
}
