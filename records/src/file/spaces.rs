//! Text whose cells are separated by spaces, as many as it takes to line them up: each run outside quotes
//! becomes one tab.

use std::io::Read;

/// Bytes that are read at a time.
const PART_BYTES: usize = 64 * 1024;

/// Passes a text on, or the same with tabs between its cells.
pub(super) struct Spaces<R> {
    source: R,
    /// The quote of a text with spaces between its cells; of others nothing is changed.
    quote: Option<u8>,
    input: Vec<u8>,
    output: Vec<u8>,
    given: usize,
    /// Whether a cell of this line has begun, spaces were met behind it, and a quote is open.
    has_begun: bool,
    is_between: bool,
    is_quoted: bool,
}

impl<R: Read> Spaces<R> {
    /// `quote` of a text with spaces between its cells; `None` passes everything on.
    pub(super) fn new(source: R, quote: Option<u8>) -> Spaces<R> {
        Spaces {
            source,
            quote,
            input: Vec::new(),
            output: Vec::new(),
            given: 0,
            has_begun: false,
            is_between: false,
            is_quoted: false,
        }
    }

    fn change(&mut self, quote: u8) {
        for byte in std::mem::take(&mut self.input) {
            match byte {
                _ if self.is_quoted => {
                    self.is_quoted = byte != quote;
                    self.output.push(byte);
                }
                b' ' | b'\t' => self.is_between = self.has_begun,
                b'\n' | b'\r' => {
                    (self.has_begun, self.is_between) = (false, false);
                    self.output.push(byte);
                }
                _ => {
                    let is_first = !self.has_begun || self.is_between;
                    if std::mem::take(&mut self.is_between) {
                        self.output.push(b'\t');
                    }
                    self.is_quoted = is_first && byte == quote;
                    self.has_begun = true;
                    self.output.push(byte);
                }
            }
        }
    }
}

impl<R: Read> Read for Spaces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(quote) = self.quote else {
            return self.source.read(buffer);
        };
        while self.given == self.output.len() {
            if buffer.is_empty() {
                return Ok(0);
            }
            self.output.clear();
            self.given = 0;
            self.input.resize(PART_BYTES, 0);
            let count = self.source.read(&mut self.input)?;
            self.input.truncate(count);
            if count == 0 {
                return Ok(0);
            }
            self.change(quote);
        }
        let rest = &self.output[self.given..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match (self.0.split_first(), buffer.first_mut()) {
                (Some((byte, rest)), Some(place)) => {
                    (*place, self.0) = (*byte, rest);
                    Ok(1)
                }
                _ => Ok(0),
            }
        }
    }

    #[test]
    fn runs_of_spaces_become_tabs_and_quoted_ones_stay() {
        for (text, quote, expected) in [
            ("id  city\n 1   Ufa  \n", b'"', "id\tcity\n1\tUfa\n"),
            (
                "1 \"Nizhny Tagil\" 2\r\n",
                b'"',
                "1\t\"Nizhny Tagil\"\t2\r\n",
            ),
            ("1 2.5 'a  b'\n", b'\'', "1\t2.5\t'a  b'\n"),
            ("1 l'Isle 2\n", b'\'', "1\tl'Isle\t2\n"),
        ] {
            let mut whole = String::new();
            let mut source = Spaces::new(text.as_bytes(), Some(quote));
            source.read_to_string(&mut whole).expect("reads");
            assert_eq!(whole, expected, "{text:?}");
            let mut by_bytes = String::new();
            let mut source = Spaces::new(Drops(text.as_bytes()), Some(quote));
            source.read_to_string(&mut by_bytes).expect("reads");
            assert_eq!(by_bytes, expected, "{text:?}");
            let mut same = String::new();
            let mut source = Spaces::new(text.as_bytes(), None);
            source.read_to_string(&mut same).expect("reads");
            assert_eq!(same, text);
        }
    }
}
