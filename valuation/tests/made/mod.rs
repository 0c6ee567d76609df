//! Made listings, and models of them.
#![allow(dead_code)] // Every test file takes what it needs.

use arrow_array::RecordBatch;
use records::{Decoder, Purpose, Schema};
use serde_json::{Value, json};
use valuation::{Effort, FitError, FitOptions, Model, Report, fit};

pub const NOW_US: i64 = 1_767_225_600_000_000;

/// Numbers between 0 and 1, always the same from a seed.
pub struct Uniform(pub u64);

impl Uniform {
    pub fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nearly normal, of deviation 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }

    /// One of `0..count`.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() * count as f64) as usize
    }
}

/// Every row must be a record of the schema.
pub fn decode_as(schema: &Schema, rows: &[Value], purpose: Purpose) -> RecordBatch {
    let mut decoder = Decoder::new(schema, purpose);
    for row in rows {
        decoder.push(row.to_string().as_bytes(), NOW_US).unwrap();
    }
    decoder.finish().batch
}

pub fn decode(rows: &[Value], purpose: Purpose) -> RecordBatch {
    decode_as(&Schema::real_estate(), rows, purpose)
}

/// By a line alone, which says all there is to say of made listings.
pub fn fitted_as(schema: &Schema, rows: &[Value]) -> Result<(Model, Report), FitError> {
    let batch = decode_as(schema, rows, Purpose::Listing);
    let options = FitOptions {
        effort: Effort::Quick,
        ..FitOptions::default()
    };
    fit(schema, &batch, &options, "test", NOW_US)
}

/// Listings of a known function: city × area^0.9 × a trend, 10 % noise.
pub fn listings(count: usize) -> Vec<Value> {
    let mut random = Uniform(42);
    (0..count)
        .map(|id| {
            let city = (random.next() * 8.0) as usize;
            let street = (random.next() * 90.0) as usize;
            let area = 25.0 + 95.0 * random.next();
            let total = 2 + (random.next() * 15.0) as i64;
            let floor = 1 + (random.next() * total as f64) as i64;
            let noise = random.normal();
            let mut log = 11.0 + 0.25 * city as f64 + 0.9 * area.ln() + 0.1 * noise;
            log += 0.002 * street as f64 + 0.1 * id as f64 / count as f64;
            if floor == 1 {
                log -= 0.08;
            }
            let mut row = json!({
                "id": format!("l{id}"), "listed_at": 1_700_000_000 + 3600 * id,
                "city": format!("city{city}"), "street": format!("street{street}"),
                "floor": floor, "floors_total": total, "area": area,
                "rooms": 1 + (area / 35.0) as i64, "price": log.exp(),
            });
            if id % 10 == 0 {
                row.as_object_mut().unwrap().remove("floors_total");
            }
            row
        })
        .collect()
}

pub fn fitted(rows: &[Value]) -> Result<(Model, Report), FitError> {
    fitted_as(&Schema::real_estate(), rows)
}
