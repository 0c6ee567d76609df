//! Delimited text as people's programs write it: lines are counted as an editor counts them, and no cell
//! takes more memory than it may.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use records::file::{Delimited, FileError};
use records::{Purpose, Schema, encode};

const HEADER: &str = "id,city,street,floor,rooms,price";

/// The lines of the good rows, and line and code of each reject.
type Lines = (Vec<u64>, Vec<(u64, String)>);

fn read(text: impl Read) -> Result<Lines, FileError> {
    let schema = Schema::real_estate();
    let mut reader = Delimited::new(text, Path::new("x.csv"), &schema, Purpose::Listing)?;
    let (mut lines, mut rejects) = (Vec::new(), Vec::new());
    while let Some(batch) = reader.next_batch(100)? {
        lines.extend(batch.lines);
        rejects.extend(
            batch
                .rejects
                .into_iter()
                .map(|reject| (reject.line, reject.reason.code().to_owned())),
        );
    }
    Ok((lines, rejects))
}

#[test]
fn a_line_has_the_same_number_whatever_ends_it() {
    let rows = [
        HEADER,
        "a,Kazan,Lenina,3,2,5400000",
        "b,Kazan,Lenina,3,2,none",
        "",
        "c,\"Ka\u{a}zan\",Lenina,3,2,5400000",
        "d,Kazan,Lenina,3,2",
        "",
        "",
        "e,Kazan,Lenina,3,2,5400000",
    ];
    for end in ["\n", "\r\n", "\r"] {
        let text = rows.join("\n").replace('\n', end);
        for text in [
            text.clone(),
            format!("{text}{end}"),
            format!("\u{feff}{text}"),
        ] {
            let (lines, rejects) = read(text.as_bytes()).expect("reads");
            assert_eq!(lines, [2, 5, 10], "{end:?}");
            let expected = [(3, "wrong_type".to_owned()), (7, "ragged".to_owned())];
            assert_eq!(rejects, expected, "{end:?}");
        }
    }
}

/// A source that states how much of it was read.
struct Counted<'a, R>(R, &'a AtomicU64);

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.read(to)?;
        self.1.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

#[test]
fn a_cell_of_300_mb_is_refused_by_line_and_column_before_it_is_read() {
    const SIZE: u64 = 300_000_000;
    let good = format!("{HEADER}\r\na,Kazan,Lenina,3,2,5400000\r\n");
    for (what, begin, column) in [
        ("a quote left open", "b,Kazan,\"", 3),
        ("a long cell", "b,", 2),
        ("the first cell", "", 1),
    ] {
        let start = format!("{good}{begin}");
        let read_bytes = AtomicU64::new(0);
        let long = start.as_bytes().chain(std::io::repeat(b'x').take(SIZE));
        let error = read(Counted(long, &read_bytes)).expect_err(what);
        assert!(
            matches!(&error, FileError::TooLong { line: 3, column: found, .. } if *found == column),
            "{what}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.contains("x.csv, line 3, column") && text.contains("1 MiB"),
            "{text}"
        );
        let read_bytes = read_bytes.load(Ordering::Relaxed);
        assert!(read_bytes < 4 << 20, "{what}: {read_bytes} bytes were read");
    }
    // As many cells, or as many bytes in cells that are short.
    let cells = good.as_bytes().chain(std::io::repeat(b',').take(SIZE));
    assert!(matches!(
        read(cells),
        Err(FileError::TooLong { line: 3, .. })
    ));
    let mut wide = good.clone();
    for _ in 0..40 {
        wide.push_str(&"y".repeat(1 << 19));
        wide.push(',');
    }
    let error = read(wide.as_bytes()).expect_err("20 MiB in one record");
    assert!(error.to_string().contains("16 MiB"), "{error}");
}

#[test]
fn a_cell_just_within_the_bound_is_a_record_of_its_own() {
    let text = format!(
        "{HEADER},note\na,Kazan,Lenina,3,2,5400000,{}\nb,Kazan,Lenina,3,2,1,-\n",
        "z".repeat(1 << 20)
    );
    let (lines, rejects) = read(text.as_bytes()).expect("reads");
    assert_eq!((lines, rejects), (vec![2, 3], vec![]));
}

proptest! {
    /// What `csv` reads, this reads: cell by cell.
    #[test]
    fn cells_are_those_that_the_crate_csv_reads(
        rows in proptest::collection::vec(("[a-z]{1,4}", "[\",;\r\n a-z]{0,12}", "[\" a-zé]{0,6}"), 1..20),
        raw in proptest::option::of("[\",\r\na]{0,30}"),
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["id", "city", "street", "floor", "rooms", "price"]).expect("memory takes it");
        for (id, city, street) in &rows {
            writer.write_record([id, city, street, "3", "2", "1"]).expect("memory takes it");
        }
        let mut text = writer.into_inner().expect("memory takes it");
        text.extend_from_slice(raw.unwrap_or_default().as_bytes());
        let mut plain = csv::ReaderBuilder::new().flexible(true).from_reader(&text[..]);
        let expected = plain.byte_records().map(|record| record.expect("memory is read").len() == 6).collect::<Vec<_>>();
        let schema = Schema::real_estate();
        let mut reader = Delimited::new(&text[..], Path::new("x.csv"), &schema, Purpose::Listing).expect("the header fits");
        let mut found = 0;
        while let Some(batch) = reader.next_batch(7).expect("memory is read") {
            found += batch.batch.num_rows() + batch.rejects.len();
            for row in 0..batch.batch.num_rows() {
                let record = encode::to_json(&batch.batch, row);
                let of = rows.iter().find(|row| record["id"] == row.0.as_str());
                prop_assert!(of.is_some() || record["id"] != "");
            }
        }
        prop_assert_eq!(found, expected.len());
    }
}
