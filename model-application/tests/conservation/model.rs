//! A small model.

use records::{Decoder, Purpose, Schema};
use serde_json::json;
use testbed::Testbed;
use valuation::{Effort, FitOptions};

/// Fits on made listings, whose price a square metre is `level`, and publishes the version.
pub fn publish(bed: &Testbed, level: f64) {
    let schema = Schema::real_estate();
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    for n in 0..600_u32 {
        let area = 25.0 + f64::from(n % 80);
        let listing = json!({
            "id": n, "city": format!("city{}", n % 5), "street": format!("street{}", n % 40),
            "floor": 1 + n % 9, "rooms": 1 + n % 4, "area": area,
            "price": area * level * (1.0 + 0.02 * f64::from(n % 7)),
        });
        let arrival_us = 1_700_000_000_000_000 + i64::from(n);
        decoder
            .push(listing.to_string().as_bytes(), arrival_us)
            .expect("a good listing");
    }
    let options = FitOptions {
        effort: Effort::Quick,
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
