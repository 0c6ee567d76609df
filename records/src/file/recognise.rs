//! What a file is by its first bytes, where that is not what its name says.

use std::path::Path;

use super::error::FileError;

/// Bytes that identify a file's format.
pub(super) const FIRST_BYTES: u64 = 64;

/// Something else than delimited UTF-8 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mistaken {
    /// What the bytes are.
    pub found: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

const UNPACK: &str = "unpack it first";
const EXPORT: &str = "export the sheet as CSV in UTF-8, or unpack the archive";
const ENCODE: &str = "save it as UTF-8";

/// First bytes, what they mean, and what to do. The longer of two that begin alike comes first.
const SIGNATURES: [(&[u8], &str, &str); 13] = [
    (b"\x1f\x8b", "gzip-compressed data", UNPACK),
    (
        b"PK\x03\x04",
        "a ZIP archive or a spreadsheet (.xlsx)",
        EXPORT,
    ),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet (.xls)", EXPORT),
    (b"\xfd7zXZ\0", "xz-compressed data", UNPACK),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed data", UNPACK),
    (b"BZh91AY&SY", "bzip2-compressed data", UNPACK),
    (b"PAR1", "Apache Parquet", "name it .parquet"),
    (b"ARROW1", "an Arrow file", "write it as Parquet"),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "export the table as CSV",
    ),
    (b"\xff\xfe\0\0", "UTF-32 text", ENCODE),
    (b"\0\0\xfe\xff", "UTF-32 text", ENCODE),
    (b"\xff\xfe", "UTF-16 text", ENCODE),
    (b"\xfe\xff", "UTF-16 text", ENCODE),
];

/// What the first bytes of a file say that it is, where they are a format's mark.
pub(super) fn by_mark(head: &[u8]) -> Option<Mistaken> {
    let mut signatures = SIGNATURES.iter();
    let (_, found, advice) = signatures.find(|(first, _, _)| head.starts_with(first))?;
    Some(Mistaken { found, advice })
}

/// What the first bytes of a file say that it is, where it is not a text that can be read.
pub fn recognise(head: &[u8]) -> Option<Mistaken> {
    // Text in UTF-8 has none; UTF-16 without a mark has one beside every Latin letter.
    let nul = || {
        head.contains(&0).then_some(Mistaken {
            found: "zero bytes, as in UTF-16 text or a binary file",
            advice: ENCODE,
        })
    };
    by_mark(head).or_else(nul)
}

/// What the first line of a text states that it is, where that is no table.
pub(super) fn other_text(head: &[u8]) -> Option<Mistaken> {
    const BEGINS: [(&str, &str, &str); 8] = [
        ("{\"", "JSON", "name it .json or .jsonl"),
        ("[{", "JSON", "name it .json"),
        ("<!doctype", "a web page", "export the table as CSV"),
        ("<html", "a web page", "export the table as CSV"),
        ("<table", "a web page", "export the table as CSV"),
        ("<?xml", "XML", "export the table as CSV"),
        ("@relation", "an ARFF file", "export the table as CSV"),
        (
            "insert into",
            "statements of SQL",
            "export the table as CSV",
        ),
    ];
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let is = |word: &str| {
        text.get(..word.len())
            .is_some_and(|first| first.eq_ignore_ascii_case(word))
    };
    let (_, found, advice) = BEGINS.iter().find(|(begin, _, _)| is(begin))?;
    Some(Mistaken { found, advice })
}

/// Refuses what is something else by its first bytes.
pub(super) fn refuse(
    path: &Path,
    expected: &'static str,
    found: Option<Mistaken>,
) -> Result<(), FileError> {
    match found {
        None => Ok(()),
        Some(Mistaken { found, advice }) => Err(FileError::Mistaken {
            path: path.to_owned(),
            expected,
            found,
            advice,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_no_tables_are_called_by_their_name() {
        for (head, part) in [
            ("{\"id\": 1}\n", "JSON"),
            ("[{\"id\": 1}\n", "JSON"),
            ("\u{feff}<!DOCTYPE html>\n", "web page"),
            ("INSERT INTO homes VALUES (1);\n", "SQL"),
        ] {
            let found = other_text(head.as_bytes()).expect(head);
            assert!(found.found.contains(part), "{head}");
        }
        for head in ["{A1B2},5,Kazan\n", "id,city\n", "insertion,price\n"] {
            assert_eq!(other_text(head.as_bytes()), None, "{head}");
        }
    }

    #[test]
    fn text_is_text_and_the_rest_is_called_by_its_name() {
        for text in ["", "id,city\n", "\u{feff}id;город\n", "PK,id\n", "BZh,1\n"] {
            assert_eq!(recognise(text.as_bytes()), None, "{text:?}");
        }
        // A header in Latin-1 is not distinguished from others here: the cell that is not UTF-8 is named.
        assert_eq!(recognise(b"id,\xe9tage\n"), None);
        for (head, part) in [
            (&b"\x1f\x8b\x08\0"[..], "gzip"),
            (b"PK\x03\x04\x14\0", "spreadsheet"),
            (b"\xff\xfei\0d\0", "UTF-16"),
            (b"\xff\xfe\0\0i\0\0\0", "UTF-32"),
            (b"i\0d\0,\0", "zero bytes"),
            (b"PAR1\x15\x04", "Parquet"),
        ] {
            let found = recognise(head).expect("no text").found;
            assert!(found.contains(part), "{found}");
        }
    }
}
