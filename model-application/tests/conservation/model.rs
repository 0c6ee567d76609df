//! A small model.

// Not every test fits both kinds.
#![allow(dead_code)]

use records::{Decoder, Purpose, Schema};
use serde_json::json;
use testbed::Testbed;
use valuation::{Effort, FitOptions};

/// Fits a line on made listings, whose price a square metre is `level`, and publishes the version.
pub fn publish(bed: &Testbed, level: f64) {
    fit(bed, level, 0.0, Effort::Quick);
}

/// Fits trees too, on prices that no line explains.
pub fn publish_trees(bed: &Testbed, level: f64) {
    fit(bed, level, 0.4, Effort::Standard);
}

/// `twist` is what is paid on top in every second pair of a city and a floor.
fn fit(bed: &Testbed, level: f64, twist: f64, effort: Effort) {
    let schema = Schema::real_estate();
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    // Trees need more to be grown on.
    let rows: u32 = if effort == Effort::Quick { 600 } else { 2000 };
    for n in 0..rows {
        let area = 25.0 + f64::from(n % 80);
        let twisted = 1.0 + twist * f64::from((n % 5 + n % 9) % 2);
        let listing = json!({
            "id": n, "city": format!("city{}", n % 5), "street": format!("street{}", n % 40),
            "floor": 1 + n % 9, "rooms": 1 + n % 4, "area": area,
            "price": area * level * twisted * (1.0 + 0.02 * f64::from(n % 7)),
        });
        let arrival_us = 1_700_000_000_000_000 + i64::from(n);
        decoder
            .push(listing.to_string().as_bytes(), arrival_us)
            .expect("a good listing");
    }
    let options = FitOptions {
        effort,
        ..FitOptions::default()
    };
    let batch = decoder.finish().batch;
    let (model, _) = valuation::fit(&schema, &batch, &options, "test", 1_700_000_001_000_000)
        .expect("a model can be fitted");
    let config = model_application::Config::new(&bed.settings(&[])).expect("valid settings");
    registry::Directory::new(&config.registry.path)
        .publish(|path| model.save(path))
        .expect("the version can be published");
}
