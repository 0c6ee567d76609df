//! Any bytes decode to a row or a reject, never a panic; what is encoded comes back.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use records::decode::Decoder;
use records::{Arrival, Purpose, Schema, encode};

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
    assert_eq!(with(r#""floor":3"#, r#""floor":"third""#), "wrong_type");
    assert_eq!(with(r#""floor":3"#, r#""floor":[3]"#), "wrong_type");
    assert_eq!(with(r#""floor":3"#, r#""floor":3000"#), "out_of_bounds");
    assert_eq!(with("Kazan", r"Ka\u0000zan"), "invalid_text");
    assert_eq!(with("}", ""), "malformed");
    assert_eq!(with("}", "} {}"), "malformed");
    assert_eq!(decode(b" ").expect_err("empty").code(), "empty");
}

#[test]
fn what_is_too_long_is_refused_before_an_index_or_a_topic_has_to() {
    let with = |id: &str, city: &str| {
        let text = String::from_utf8_lossy(PLAIN)
            .replace("\"id\":1", &format!("\"id\":\"{id}\""))
            .replace("Kazan", city);
        decode(text.as_bytes())
    };
    assert!(with(&"i".repeat(1024), "Kazan").is_ok());
    let long = with(&"i".repeat(1025), "Kazan").expect_err("longer than an index takes");
    assert_eq!((long.code(), long.field()), ("too_long", Some("id")));
    assert!(long.to_string().contains("expected at most 1024"), "{long}");
    let long = with("1", &"c".repeat(3_000_000)).expect_err("larger than a message");
    assert_eq!(long.code(), "too_large");
    assert_eq!(
        with("1", &"c".repeat(5000)).expect_err("too long").code(),
        "too_long"
    );

    let mut small = Decoder::new(&Schema::real_estate(), Purpose::Listing)
        .with_max_message_bytes(PLAIN.len() - 1);
    assert_eq!(
        small.push(PLAIN, NOW_US).expect_err("too large").code(),
        "too_large"
    );
    let id = "i".repeat(1025);
    let message = format!("{{\"id\":\"{id}\"}}");
    let key = records::decode::key_of_reject(&Schema::real_estate(), message.as_bytes());
    assert_eq!(key, None, "nothing is stored under it");
}

#[test]
fn a_records_time_is_compared_with_the_present_not_with_its_arrival() {
    let at = |listed_at: i64, arrival: Arrival| {
        let text = String::from_utf8_lossy(PLAIN)
            .replace("\"floor\"", &format!("\"listed_at\":{listed_at},\"floor\""));
        let mut decoder = Decoder::new(&Schema::real_estate(), Purpose::Listing);
        decoder
            .push_from(text.as_bytes(), arrival, &"")
            .map(|()| decoder.finish())
    };
    let day_us = 24 * 3600 * 1_000_000;
    let waited = Arrival {
        us: NOW_US - 10 * day_us,
        now_us: NOW_US,
    };
    assert!(at(NOW_US, waited).is_ok());
    let ahead = at(NOW_US + 2 * day_us, waited).expect_err("two days ahead");
    assert_eq!(ahead.code(), "out_of_bounds");
    assert!(at(NOW_US + 2 * day_us, Arrival::accepted_before(NOW_US)).is_ok());
}

#[test]
fn a_reason_does_not_repeat_the_message() {
    let text = serde_json::Value::from("я\n\"".repeat(100_000)).to_string();
    for message in [
        text.clone(),
        format!("[{text}]"),
        format!("{{\"id\":1}} {text}"),
        format!("{{{text}"),
    ] {
        let reason = decode(message.as_bytes())
            .expect_err("no object")
            .to_string();
        assert!(reason.len() < 1000, "{} bytes of a reason", reason.len());
        assert!(reason.contains("at line 1 column"), "{reason}");
    }
}

/// A million messages with bytes flipped, cut, duplicated: each is a row or a reject.
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
        // White space around a text is not part of it.
        record["city"] = city.trim().into();
        prop_assert_eq!(serde_json::Value::from(encode::to_json(&decoded.batch, 0)), record);
    }
}
