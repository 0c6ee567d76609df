//! Any bytes decode to a row or a reject, never a panic; what is encoded comes back.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use records::decode::Decoder;
use records::{Purpose, Schema, encode};

const NOW_US: i64 = 1_790_000_000_000_000;
const PLAIN: &[u8] =
    br#"{"id":1,"city":"Kazan","street":"Lenina","floor":3,"rooms":2,"price":5400000}"#;

fn decode(payload: &[u8]) -> Result<records::Decoded, records::Reason> {
    let mut decoder = Decoder::new(&Schema::real_estate(), Purpose::Listing);
    decoder.push(payload, NOW_US)?;
    Ok(decoder.finish())
}

#[test]
fn a_plain_producers_message_is_taken() {
    let decoded = decode(PLAIN).expect("taken");
    assert_eq!(decoded.batch.num_rows(), 1);
    assert_eq!(decoded.key_was_number, [true]);
    let record = encode::to_json(&decoded.batch, 0);
    assert_eq!(record["id"], "1");
    assert_eq!(record["price"], 5_400_000.0);
}

#[test]
fn each_fault_has_its_reason() {
    let with = |from: &str, to: &str| {
        let text = String::from_utf8_lossy(PLAIN).replace(from, to);
        decode(text.as_bytes()).expect_err(to).code()
    };
    assert_eq!(with(r#""city":"Kazan","#, ""), "missing_field");
    assert_eq!(with(r#""floor":3"#, r#""floor":"3""#), "wrong_type");
    assert_eq!(with(r#""floor":3"#, r#""floor":[3]"#), "wrong_type");
    assert_eq!(with(r#""floor":3"#, r#""floor":3000"#), "out_of_bounds");
    assert_eq!(with("Kazan", r"Ka\u0000zan"), "invalid_text");
    assert_eq!(with("}", ""), "malformed");
    assert_eq!(with("}", "} {}"), "malformed");
    assert_eq!(decode(b" ").expect_err("empty").code(), "empty");
}

/// A million messages with bytes flipped, cut, doubled: each is a row or a reject.
#[test]
fn a_million_mutated_messages_are_all_accounted_for() {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let mut decoder = Decoder::new(&Schema::real_estate(), Purpose::Listing);
    let (mut rows, mut rejects) = (0_u64, 0_u64);
    let mut message = Vec::new();
    for _ in 0..1_000_000 {
        message.clear();
        message.extend_from_slice(PLAIN);
        for _ in 0..rng.random_range(0..4) {
            let at = rng.random_range(0..message.len());
            match rng.random_range(0..4) {
                0 => message[at] = rng.random(),
                1 => message.truncate(at.max(1)),
                2 => message.insert(at, rng.random()),
                _ => {
                    message.remove(at);
                }
            }
            if message.is_empty() {
                break;
            }
        }
        match decoder.push(&message, NOW_US) {
            Ok(()) => rows += 1,
            Err(_) => rejects += 1,
        }
        if decoder.len() == 10_000 {
            assert_eq!(decoder.finish().batch.num_rows(), 10_000);
        }
    }
    assert_eq!(rows + rejects, 1_000_000);
    assert_eq!(rows % 10_000, decoder.finish().batch.num_rows() as u64);
    assert!(
        rows > 200_000 && rejects > 200_000,
        "{rows} rows, {rejects} rejects"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_row_or_a_reject(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(decoded) = decode(&bytes) {
            prop_assert_eq!(decoded.batch.num_rows(), 1);
        }
    }

    #[test]
    fn what_is_encoded_comes_back(
        id in "[a-z0-9]{1,20}", city in "[^\0]{0,40}[a-z]", floor in -5_i64..=200,
        area in proptest::option::of(5.0_f64..5000.0), price in 1.0_f64..1e12,
        at in 0_i64..NOW_US,
    ) {
        let mut record = serde_json::json!({
            "id": id, "city": city, "street": "s", "floor": floor, "rooms": 1, "price": price,
            "listed_at": records::timestamp::format(at),
        });
        if let Some(area) = area {
            record["area"] = area.into();
        }
        let decoded = decode(record.to_string().as_bytes()).expect("valid");
        prop_assert_eq!(serde_json::Value::from(encode::to_json(&decoded.batch, 0)), record);
    }
}
