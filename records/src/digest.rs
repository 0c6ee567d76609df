//! A digest of a request, which distinguishes the same request from another one under its id.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::row::{Cell, Row};

/// Digest of a request's record: SipHash-1-3 of 128 bits over each cell (the field's name, the kind of
/// value, the value), summed over the cells that have a value.
///
/// It is over what the client gave, once decoded: neither the order of fields, nor white space, nor
/// fields that the schema does not name change it, and a value that is absent is a value that is null.
/// The key and what is filled in on arrival are not part of it.
pub type Digest = [u8; 16];

/// Of a row before what is missing is filled in.
pub(crate) fn of(row: &Row) -> Digest {
    let mut sum = 0_u128;
    for (index, slot) in row.slots().iter().enumerate() {
        let cell = row.cell(index);
        if slot.is_key || *cell == Cell::Null {
            continue;
        }
        let mut hasher = SipHasher13::new();
        // No text holds the byte 0xff, so that a name ends where it ends.
        hasher.write(slot.field.name.as_bytes());
        match cell {
            Cell::Null => hasher.write(&[0xff, 0]),
            // The sum makes 0 of -0.
            Cell::Number(value) => write(&mut hasher, 1, &(value + 0.0).to_le_bytes()),
            Cell::Integer(value) => write(&mut hasher, 2, &value.to_le_bytes()),
            Cell::Boolean(value) => write(&mut hasher, 3, &[u8::from(*value)]),
            Cell::Timestamp(us) => write(&mut hasher, 4, &us.to_le_bytes()),
            Cell::Text(range) => write(&mut hasher, 5, row.text_of(range).as_bytes()),
        }
        // A sum has no order: a schema whose fields are in another one gives the same.
        sum = sum.wrapping_add(hasher.finish128().into());
    }
    sum.to_le_bytes()
}

fn write(hasher: &mut SipHasher13, kind: u8, value: &[u8]) {
    hasher.write(&[0xff, kind]);
    hasher.write(value);
}

#[cfg(test)]
mod tests {
    use crate::{Decoder, Digest, Purpose, Schema};

    fn of(payload: &str, arrival_us: i64) -> Digest {
        let mut decoder = Decoder::new(&Schema::real_estate(), Purpose::Request);
        decoder
            .push(payload.as_bytes(), arrival_us)
            .expect("a good request");
        decoder.finish().digests[0]
    }

    #[test]
    fn the_same_content_has_the_same_digest_however_it_is_written() {
        let first = r#"{"id":1,"city":"a","street":"b","floor":3,"rooms":2,"area":50}"#;
        let digest = of(first, 1_700_000_000_000_000);
        for same in [
            r#"{ "rooms":2, "floor":3.0, "area":50.0, "street":"b", "city":"a", "id":1 }"#,
            r#"{"id":1,"city":"a","street":"b","floor":3,"rooms":2,"area":50,"unknown":[1]}"#,
            r#"{"id":1,"city":"a","street":"b","floor":3,"rooms":2,"area":50,"latitude":null}"#,
            r#"{"id":"other","city":"a","street":"b","floor":3,"rooms":2,"area":50}"#,
        ] {
            assert_eq!(of(same, 1_800_000_000_000_000), digest, "{same}");
        }
        for other in [
            r#"{"id":1,"city":"a","street":"b","floor":3,"rooms":2,"area":51}"#,
            r#"{"id":1,"city":"b","street":"a","floor":3,"rooms":2,"area":50}"#,
            r#"{"id":1,"city":"a","street":"b","floor":2,"rooms":3,"area":50}"#,
            r#"{"id":1,"city":"a","street":"b","floor":3,"rooms":2}"#,
            r#"{"id":1,"city":"a","street":"b","floor":3,"rooms":2,"area":50,"listed_at":"2023-01-01"}"#,
        ] {
            assert_ne!(of(other, 1_700_000_000_000_000), digest, "{other}");
        }
    }
}
