//! Models kept from earlier releases load and state what they said then: anyone who upgrades keeps his
//! models. A directory of `tests/kept` is what a release wrote; it is never written again.
#![allow(clippy::unwrap_used)]

mod made;

use std::fs;
use std::path::Path;

use made::decode;
use records::Purpose;
use serde_json::Value;
use valuation::Model;

#[test]
fn models_of_earlier_releases_load_and_answer() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept");
    let directories: Vec<_> = fs::read_dir(kept)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(!directories.is_empty());
    for directory in directories {
        // Its golden rows are among what is verified.
        let model =
            Model::load(&directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
        let golden = fs::read_to_string(directory.join("golden.json")).unwrap();
        let golden: Vec<Value> = serde_json::from_str(&golden).unwrap();
        let records: Vec<Value> = golden.iter().map(|row| row["record"].clone()).collect();
        let requests = decode(&records, Purpose::Request);
        let prices = model.predict(&requests).unwrap();
        assert_eq!(prices.len(), golden.len());
        for (row, price) in prices.iter().enumerate() {
            assert!(
                price.low < price.value && price.value < price.high,
                "{price:?}"
            );
            let explained = model.explain(&requests, row, 5).unwrap();
            let amounts: f64 = explained.reasons.iter().map(|reason| reason.amount).sum();
            let off = (explained.base + amounts) / price.value - 1.0;
            assert!(off.abs() < 1e-4, "{off}");
            assert_eq!(explained.comparables.len(), 5);
        }
    }
}
