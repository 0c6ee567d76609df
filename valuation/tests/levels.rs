//! Categories of many levels: within their group, and never from a row's own target.
#![allow(clippy::unwrap_used)]

mod made;

use made::{Uniform, decode, fitted};
use records::Purpose;
use serde_json::{Value, json};

/// Listings whose price is pure noise; the street is one of `streets`.
fn noise(count: usize, streets: usize) -> Vec<Value> {
    let mut random = Uniform(7);
    (0..count)
        .map(|id| {
            let street = format!("street{}", random.below(streets));
            json!({
                "id": format!("n{id}"), "listed_at": 1_700_000_000 + 3600 * id,
                "city": format!("city{}", random.below(4)), "street": street,
                "floor": 1 + random.below(9), "rooms": 1 + random.below(4),
                "price": (15.0 + 0.3 * random.normal()).exp(),
            })
        })
        .collect()
}

#[test]
fn a_category_that_says_nothing_gives_no_gain() {
    // Down to two rows a level: a mean that had seen its own row would look like a find.
    let (_, without) = fitted(&noise(4000, 1)).unwrap();
    for streets in [100, 1000, 2000] {
        let (_, report) = fitted(&noise(4000, streets)).unwrap();
        let ratio = report.model.rmse / without.model.rmse;
        println!("{streets} streets: {ratio}, R² {}", report.model.r2);
        assert!(
            (0.98..1.015).contains(&ratio) && report.model.r2 < 0.01,
            "{streets} streets are learned by heart: {report:#?}"
        );
        assert!(
            (0.87..=0.93).contains(&report.coverage),
            "{}",
            report.coverage
        );
    }
}

#[test]
fn a_street_of_one_city_is_not_its_namesake_in_another() {
    // Every street is expensive in one city and cheap in the other: over both, all are the same.
    let mut random = Uniform(11);
    let effect = |city: usize, street: usize| match (city + street) % 2 {
        0 => 0.4,
        _ => -0.4,
    };
    let rows: Vec<Value> = (0..6000)
        .map(|id| {
            let (city, street) = (random.below(2), random.below(80));
            let log = 15.0 + 0.2 * city as f64 + effect(city, street) + 0.05 * random.normal();
            json!({
                "id": format!("s{id}"), "listed_at": 1_700_000_000 + 3600 * id,
                "city": format!("city{city}"), "street": format!("street{street}"),
                "floor": 1 + random.below(9), "rooms": 1 + random.below(4), "price": log.exp(),
            })
        })
        .collect();
    let (model, report) = fitted(&rows).unwrap();
    assert!(report.model.mdape < 0.08, "{report:#?}");
    assert!(report.baseline.mdape > 0.2, "{report:#?}");
    let price = |city: &str, street: &str| {
        let row = json!({"id": "a", "city": city, "street": street, "floor": 3, "rooms": 2});
        let batch = decode(&[row], Purpose::Request);
        model.predict(&batch).unwrap()[0].value
    };
    let dearer = |a: f64, b: f64| assert!((1.9..2.6).contains(&(a / b)), "{}", a / b);
    dearer(price("city0", "street2"), price("city0", "street3"));
    dearer(price("city1", "street3"), price("city1", "street2"));
    // A street that its city does not have is the city's average.
    let unknown = price("city0", "elsewhere");
    assert!(unknown < price("city0", "street2") && unknown > price("city0", "street3"));
}
