//! Corrupted messages: every one must be rejected by the schema `real-estate`.

use fake::Fake;
use fake::faker::lorem::en::{Sentence, Word};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde_json::{Map, Value, json};

/// Required fields of a request; a listing also needs its price.
const REQUIRED: [&str; 5] = ["id", "city", "street", "floor", "rooms"];

/// Spoils a record in one of six ways, evenly drawn. A record without a price is a request: its
/// price is then left alone, because readers of requests pass it over.
pub fn spoil(mut record: Map<String, Value>, rng: &mut impl Rng) -> Vec<u8> {
    let has_price = record.contains_key("price");
    match rng.random_range(0..6) {
        0 => drop_required(&mut record, has_price, rng),
        1 => mistype(&mut record, has_price, rng),
        2 => exaggerate(&mut record, has_price, rng),
        3 => {
            let mut payload = Value::Object(record).to_string().into_bytes();
            // The closing brace at least is cut off.
            payload.truncate(rng.random_range(1..payload.len()));
            return payload;
        }
        4 => return garbage(rng),
        _ => {
            let blanks = rng.random_range(0..4);
            return " ".repeat(blanks).into_bytes();
        }
    }
    Value::Object(record).to_string().into_bytes()
}

fn drop_required(record: &mut Map<String, Value>, has_price: bool, rng: &mut impl Rng) {
    let count = REQUIRED.len() + usize::from(has_price);
    let field = *REQUIRED.get(rng.random_range(0..count)).unwrap_or(&"price");
    match rng.random_range(0..2) {
        0 => {
            record.remove(field);
        }
        _ => {
            record.insert(field.to_owned(), Value::Null);
        }
    }
}

fn mistype(record: &mut Map<String, Value>, has_price: bool, rng: &mut impl Rng) {
    let word: String = Word().fake_with_rng(rng);
    let mut choices = vec![
        ("id", json!([word])),
        ("city", json!([rng.random_range(0..1_000)])),
        ("street", json!({ "name": word })),
        ("floor", json!(word)),
        ("rooms", json!(2.5)),
        ("rooms", json!(true)),
        ("floors_total", json!(word)),
        ("area", json!("54,3 m2")),
        ("kitchen_area", json!([8, 9])),
        ("year_built", json!("before the war")),
        ("building_type", json!({ "code": 7 })),
        ("latitude", json!("55°45′N")),
        ("listed_at", json!("yesterday")),
    ];
    if has_price {
        choices.push(("price", json!("on request")));
        choices.push(("price", json!({ "amount": 5_000_000, "currency": "RUB" })));
    }
    put_one(record, &choices, rng);
}

fn exaggerate(record: &mut Map<String, Value>, has_price: bool, rng: &mut impl Rng) {
    let mut choices = vec![
        ("floor", json!(999)),
        ("floor", json!(-40)),
        ("rooms", json!(-1)),
        ("rooms", json!(rng.random_range(51..100_000))),
        ("floors_total", json!(0)),
        ("area", json!(0.4)),
        ("area", json!(540_000.0)),
        ("kitchen_area", json!(900.0)),
        ("year_built", json!(20_019)),
        ("year_built", json!(19)),
        ("latitude", json!(557.5)),
        ("longitude", json!(-3_761.0)),
        ("listed_at", json!("2999-01-01T00:00:00Z")),
        ("city", json!("x".repeat(5_000))),
        ("street", json!("   ")),
        ("street", json!("Lenina\u{0}")),
    ];
    if has_price {
        choices.push(("price", json!(0)));
        choices.push(("price", json!(-5_000_000)));
        choices.push(("price", json!(1e15)));
    }
    put_one(record, &choices, rng);
}

fn put_one(record: &mut Map<String, Value>, choices: &[(&str, Value)], rng: &mut impl Rng) {
    if let Some((field, value)) = choices.choose(rng) {
        record.insert((*field).to_owned(), value.clone());
    }
}

/// Text that is not a JSON object: a sentence, a quoted one, an array, or bytes that are no text.
fn garbage(rng: &mut impl Rng) -> Vec<u8> {
    let sentence: String = Sentence(3..9).fake_with_rng(rng);
    match rng.random_range(0..4) {
        0 => sentence.into_bytes(),
        1 => json!(sentence).to_string().into_bytes(),
        2 => json!([sentence]).to_string().into_bytes(),
        _ => [b"\xff\xfe\0".as_slice(), sentence.as_bytes()].concat(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use records::{Decoder, Purpose, Schema};

    use crate::hedonic::Hedonics;
    use crate::listing::Generator;
    use crate::places::Places;

    const AT_US: i64 = 1_770_000_000_000_000;

    /// Decodes 10,000 messages and gives the reasons' codes.
    fn decode(purpose: Purpose) -> BTreeSet<&'static str> {
        let with_price = purpose == Purpose::Listing;
        let hedonics = Hedonics::default();
        let mut generator = Generator::new(Places::built_in(), Vec::new(), hedonics, 0.2);
        let mut decoder = Decoder::new(&Schema::real_estate(), purpose);
        let mut dirty = 0;
        let mut reasons = BTreeSet::new();
        for n in 0..10_000 {
            let listing = generator.listing(n.to_string(), AT_US);
            let message = generator.message(&listing, with_price);
            let text = String::from_utf8_lossy(&message.payload).into_owned();
            let result = decoder.push(&message.payload, AT_US);
            assert_eq!(result.is_err(), message.dirty, "{result:?}: {text}");
            dirty += u32::from(message.dirty);
            reasons.extend(result.err().map(|reason| reason.code()));
        }
        assert!((1_850..2_150).contains(&dirty), "{dirty}");
        let decoded = decoder.finish();
        assert!(decoded.unknown_fields > 100, "{}", decoded.unknown_fields);
        reasons
    }

    #[test]
    fn exactly_the_dirty_listings_are_rejected_for_every_kind_of_reason() {
        let reasons = decode(Purpose::Listing);
        assert_eq!(reasons.len(), 8, "{reasons:?}");
    }

    #[test]
    fn exactly_the_dirty_requests_are_rejected_for_every_kind_of_reason() {
        let reasons = decode(Purpose::Request);
        assert_eq!(reasons.len(), 8, "{reasons:?}");
    }
}
