//! Messages that somebody has corrupted: each is a row or a reject with a reason, never a panic, and what is
//! taken can be written and read again.
//!
//! `HEDONIC_TEST_FUZZ=5000000` tries as many, `HEDONIC_TEST_FUZZ_SEED=7` others than by default.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use records::decode::Decoder;
use records::{Purpose, Schema, encode};

const NOW_US: i64 = 1_790_000_000_000_000;
const FEW: u64 = 100_000;
/// Rows of a batch.
const ROWS: usize = 1000;

/// Valid messages that are corrupted.
const GOOD: [&str; 5] = [
    r#"{"id":1,"city":"Kazan","street":"Lenina","floor":3,"rooms":2,"price":5400000}"#,
    r#"{"id":"a-1","listed_at":"2026-01-02T03:04:05Z","city":"Санкт-Петербург","street":"Невский пр.","floor":3,"rooms":2,"floors_total":9,"area":61.5,"kitchen_area":9.25,"year_built":1975,"building_type":"panel","latitude":59.93,"longitude":30.31,"price":5.4e6}"#,
    r#"{"id":"b","city":"K\u0430zan \ud83c\udfe0","street":"\"quoted\" \\ \/ \n","floor":-1,"rooms":0,"price":1,"more":{"deep":[1,{"x":null}],"t":true}}"#,
    r#" { "price" : 1e5 , "rooms" : 3 , "floor" : 1 , "street" : "s" , "city" : "c" , "id" : 9007199254740993 } "#,
    r#"{"id":"c","city":"Kazan","street":"","floor":null,"rooms":2,"area":null,"price":100000.0,"id2":[]}"#,
];

/// Pieces that parsers trip over.
const PIECES: [&[u8]; 34] = [
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    b"\\u0000",
    b"\\ud800",
    b"\\udc00\\ud800",
    b"\\u00",
    b"\\x41",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"1e400",
    b"-1e400",
    b"-0",
    b"NaN",
    b"Infinity",
    b"99999999999999999999999999",
    b"0.1e-400",
    b"1E+",
    b"+1",
    b"01",
    b"null",
    b"true",
    b"/**/",
    b"\xe2\x80\xae",
    b"\r\n",
];

/// How often each way to spoil was taken.
const WAYS: usize = 10;

fn spoil(rng: &mut ChaCha8Rng, message: &mut Vec<u8>, ways: &mut [u64; WAYS]) {
    let at = rng.random_range(0..=message.len());
    let way = rng.random_range(0..WAYS);
    ways[way] += 1;
    let splice = |message: &mut Vec<u8>, piece: &[u8]| {
        let tail = message.split_off(at);
        message.extend_from_slice(piece);
        message.extend_from_slice(&tail);
    };
    match way {
        // A bit, a byte.
        0 if at < message.len() => message[at] ^= 1 << rng.random_range(0..8),
        1 if at < message.len() => message[at] = rng.random(),
        // Cut short; a part left out; a part twice.
        2 => message.truncate(at),
        3 => {
            let end = message.len().min(at + rng.random_range(0..20));
            message.drain(at..end);
        }
        4 => {
            let end = message.len().min(at + rng.random_range(0..60));
            let again = message[at..end].to_vec();
            splice(message, &again);
        }
        5 => splice(message, PIECES[rng.random_range(0..PIECES.len())]),
        // Nested beyond what a stack takes.
        6 => {
            let open = [&b"["[..], b"{\"a\":", b"[{\"a\":"][rng.random_range(0..3_usize)];
            let depth = [3, 127, 129, 5000][rng.random_range(0..4_usize)];
            splice(message, &open.repeat(depth));
        }
        // Numbers longer than any type.
        7 => {
            let length = rng.random_range(1..400);
            let digits: Vec<u8> = (0..length).map(|_| rng.random_range(b'0'..=b'9')).collect();
            splice(message, &digits);
        }
        // A text longer than any field.
        8 => {
            let letter =
                [&b"x"[..], "я".as_bytes(), b"\\u0041", b"\\n"][rng.random_range(0..4_usize)];
            let length = rng.random_range(1..3000);
            splice(message, &letter.repeat(length));
        }
        // Two messages as one.
        _ => {
            let other = GOOD[rng.random_range(0..GOOD.len())].as_bytes();
            splice(message, other);
        }
    }
}

fn setting(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn each_mutated_message_is_a_row_or_a_reject_and_rows_come_back() {
    let (count, seed) = (
        setting("HEDONIC_TEST_FUZZ", FEW),
        setting("HEDONIC_TEST_FUZZ_SEED", 1),
    );
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let schema = Schema::real_estate();
    let mut decoders =
        [Purpose::Listing, Purpose::Request].map(|purpose| Decoder::new(&schema, purpose));
    let mut again =
        [Purpose::Listing, Purpose::Request].map(|purpose| Decoder::new(&schema, purpose));
    let (mut rows, mut waiting) = (0_u64, [0_usize; 2]);
    let mut ways = [0; WAYS];
    let mut reasons = std::collections::BTreeMap::<&str, u64>::new();
    let mut message = Vec::new();
    for number in 0..count {
        message.clear();
        message.extend_from_slice(GOOD[rng.random_range(0..GOOD.len())].as_bytes());
        // Mostly once: what is corrupted more is seldom JSON any more.
        for _ in 0..[1, 1, 1, 1, 2, 3][rng.random_range(0..6_usize)] {
            spoil(&mut rng, &mut message, &mut ways);
        }
        let which = (number % 2) as usize;
        match decoders[which].push(&message, NOW_US) {
            Ok(()) => {
                rows += 1;
                waiting[which] += 1;
            }
            Err(reason) => {
                *reasons.entry(reason.code()).or_default() += 1;
                let text = reason.to_string();
                assert!(
                    !text.is_empty() && text.len() < 4096,
                    "{} bytes of a reason: {text:.200}",
                    text.len()
                );
                assert!(!text.contains('\0'), "a NUL in a reason: {text:?}");
            }
        }
        if waiting[which] == ROWS || (number + 2 >= count && waiting[which] > 0) {
            let decoded = decoders[which].finish();
            assert_eq!(decoded.batch.num_rows(), waiting[which]);
            // What was taken is whole: written and read again, it is the same.
            let records: Vec<_> = (0..waiting[which])
                .map(|row| encode::to_json(&decoded.batch, row))
                .collect();
            for record in &records {
                let text = serde_json::Value::Object(record.clone()).to_string();
                let mut values = record.values().filter_map(serde_json::Value::as_str);
                let has_nul = values.any(|value| value.contains('\0'));
                assert!(!has_nul, "a NUL was taken: {text}");
                again[which]
                    .push(text.as_bytes(), NOW_US)
                    .unwrap_or_else(|error| panic!("{error}: {text}"));
            }
            let read = again[which].finish().batch;
            for (row, record) in records.iter().enumerate() {
                assert_eq!(&encode::to_json(&read, row), record);
            }
            waiting[which] = 0;
        }
    }
    let rejects: u64 = reasons.values().sum();
    println!("{count} messages: {rows} rows, {rejects} rejects {reasons:?}; ways {ways:?}");
    assert_eq!(rows + rejects, count);
    // Each way was taken, and both outcomes are frequent: the test tests something.
    assert!(ways.iter().all(|taken| *taken > count / 50), "{ways:?}");
    assert!(
        rows > count / 100 && rejects > count / 3,
        "{rows} rows, {rejects} rejects"
    );
    assert!(reasons.len() >= 4, "{reasons:?}");
}
