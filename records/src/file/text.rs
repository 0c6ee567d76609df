//! Files as UTF-8 text, whatever they are packed in and whichever character set they are in.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::archive::Opened;
use super::error::FileError;
use super::recognise::{Mistaken, by_mark, refuse};

/// Bytes from which the character set is recognised.
const SAMPLE_BYTES: u64 = 4 << 20;
/// Bytes with other than ASCII letters that tell one character set from another.
const TELLING_BYTES: usize = 512 * 1024;
/// Bytes that are decoded at a time.
const PART_BYTES: usize = 64 * 1024;

/// A text that is being read.
pub(super) type Source = Box<dyn Read + Send>;

/// Opens a file as UTF-8 text. With it, what was found of it that people should know.
///
/// # Errors
/// When it cannot be read, or is not a text.
pub(super) fn open(path: &Path, file: Opened) -> Result<(Source, Vec<String>), FileError> {
    let io = |source| FileError::Io {
        path: path.to_owned(),
        source,
    };
    let mut notes = Vec::new();
    let file: Source = match file {
        Opened::File(file) => Box::new(file),
        Opened::Inside { name, bytes } => {
            notes.push(format!("{name} of the archive"));
            Box::new(std::io::Cursor::new(bytes))
        }
    };
    let mut source = unpacked(BufReader::new(file), &mut notes).map_err(io)?;
    let mut sample = Vec::new();
    source
        .by_ref()
        .take(SAMPLE_BYTES)
        .read_to_end(&mut sample)
        .map_err(io)?;
    let encoding = encoding(&sample);
    let read = Box::new(std::io::Cursor::new(sample)).chain(source);
    match encoding {
        Detected::Utf8 => Ok((Box::new(read), notes)),
        Detected::Other(encoding) => {
            notes.push(format!("read as {}", encoding.name()));
            Ok((Box::new(Transcoded::new(read, encoding)), notes))
        }
        Detected::Older => {
            let older = Mistaken {
                found: "letters of an older character set (of DOS or of the Macintosh)",
                advice: "save it as UTF-8",
            };
            refuse(
                path,
                "text in UTF-8 or a character set of the web",
                Some(older),
            )?;
            Ok((Box::new(read), notes))
        }
        Detected::None(first) => {
            refuse(path, "delimited text", by_mark(&first))?;
            Ok((Box::new(read), notes))
        }
    }
}

/// The bytes that a gzip or zstd file has inside.
fn unpacked(mut file: BufReader<Source>, notes: &mut Vec<String>) -> std::io::Result<Source> {
    let first = file.fill_buf()?;
    Ok(if first.starts_with(b"\x1f\x8b") {
        notes.push("decompressed from gzip".to_owned());
        Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file)))
    } else if first.starts_with(b"\x28\xb5\x2f\xfd") {
        notes.push("decompressed from zstd".to_owned());
        Box::new(BufReader::new(zstd::stream::read::Decoder::with_buffer(
            file,
        )?))
    } else {
        Box::new(file)
    })
}

/// The character set of a text.
enum Detected {
    Utf8,
    Other(&'static Encoding),
    /// One that no browser knows: read as another its letters would be wrong.
    Older,
    /// Something else by these first bytes.
    None(Vec<u8>),
}

fn encoding(sample: &[u8]) -> Detected {
    let is_utf32 = sample.starts_with(b"\xff\xfe\0\0") || sample.starts_with(b"\0\0\xfe\xff");
    if is_utf32 || sample.starts_with(b"PAR1") || sample.starts_with(b"PK\x03\x04") {
        return Detected::None(sample.iter().take(64).copied().collect());
    }
    if let Some((encoding, _)) = Encoding::for_bom(sample) {
        return match encoding == UTF_8 {
            true => Detected::Utf8,
            false => Detected::Other(encoding),
        };
    }
    // Latin letters and separators of UTF-16 have a zero beside each.
    let zeros = |odd: usize| {
        let half = sample.iter().skip(odd).step_by(2);
        half.filter(|byte| **byte == 0).count() * 2
    };
    let (even, odd) = (zeros(0), zeros(1));
    if sample.len() > 16 {
        if odd * 4 > sample.len() && even * 20 < sample.len() {
            return Detected::Other(UTF_16LE);
        }
        if even * 4 > sample.len() && odd * 20 < sample.len() {
            return Detected::Other(UTF_16BE);
        }
    }
    // A bad byte here and there makes no other character set of a text that has many good letters: its
    // rows are refused. The last letter may be cut.
    let (mut good, mut bad) = (0, 0);
    for chunk in sample.utf8_chunks() {
        good += chunk
            .valid()
            .chars()
            .filter(|letter| !letter.is_ascii())
            .count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    let is_cut = std::str::from_utf8(sample).is_err_and(|error| error.error_len().is_none());
    if bad == 0 || is_cut || good > bad || sample.contains(&0) {
        return Detected::Utf8;
    }
    if by_mark(sample).is_some() {
        return Detected::None(sample.iter().take(64).copied().collect());
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(telling(sample), true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    match guess == WINDOWS_1252 && is_older(sample) {
        true => Detected::Older,
        false => Detected::Other(guess),
    }
}

/// A short text, or the lines from the first that has other than ASCII letters, as many as it takes.
fn telling(sample: &[u8]) -> &[u8] {
    if sample.len() <= TELLING_BYTES {
        return sample;
    }
    let first = sample.iter().position(|byte| !byte.is_ascii()).unwrap_or(0);
    let line = memchr::memrchr(b'\n', &sample[..first]).map_or(0, |at| at + 1);
    &sample[line..sample.len().min(line + TELLING_BYTES)]
}

/// Whether most letters with accents have bytes that are signs in windows-1252: code pages of DOS and of the
/// Macintosh have é, ç and î there.
fn is_older(sample: &[u8]) -> bool {
    // Šš Œœ Žž Ÿ and what stands in words: an apostrophe, dashes, an ellipsis.
    const IN_WORDS: [u8; 12] = [
        0x8A, 0x8C, 0x8E, 0x9A, 0x9C, 0x9E, 0x9F, 0x91, 0x92, 0x96, 0x97, 0x85,
    ];
    let is_sign = |part: &&[u8]| {
        (0x80..=0x9F).contains(&part[1])
            && !IN_WORDS.contains(&part[1])
            && part[0].is_ascii_alphabetic()
            && part[2].is_ascii_alphabetic()
    };
    let signs = sample.windows(3).filter(is_sign).count();
    let letters = sample.iter().filter(|byte| **byte >= 0xC0).count();
    signs > letters
}

/// A text in UTF-8 out of one in another character set.
struct Transcoded<R> {
    source: R,
    decoder: Decoder,
    /// Bytes as they were read.
    input: Vec<u8>,
    /// How many of them are decoded.
    taken: usize,
    /// UTF-8 that is to be given out.
    output: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl<R: Read> Transcoded<R> {
    fn new(source: R, encoding: &'static Encoding) -> Transcoded<R> {
        Transcoded {
            source,
            decoder: encoding.new_decoder_with_bom_removal(),
            input: Vec::new(),
            taken: 0,
            output: Vec::new(),
            given: 0,
            is_over: false,
        }
    }

    fn fill(&mut self) -> std::io::Result<()> {
        self.input.drain(..self.taken);
        self.taken = 0;
        if self.input.is_empty() {
            self.input.resize(PART_BYTES, 0);
            let count = self.source.read(&mut self.input)?;
            self.input.truncate(count);
            self.is_over = count == 0;
        }
        self.output.resize(3 * PART_BYTES + 16, 0);
        let (_, read, written, _) =
            self.decoder
                .decode_to_utf8(&self.input, &mut self.output, self.is_over);
        self.taken = read;
        self.output.truncate(written);
        self.given = 0;
        Ok(())
    }
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.given == self.output.len() {
            if self.is_over || buffer.is_empty() {
                return Ok(0);
            }
            self.fill()?;
        }
        let rest = &self.output[self.given..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}
