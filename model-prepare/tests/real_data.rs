//! Public data sets, where they are at hand: real prices with their gaps and mistakes.
//!
//! They are not part of the repository. `HEDONIC_DATA_DIR` names the directory that holds them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use common::Layered;
use model_prepare::Config;
use valuation::Report;

/// The text of a data set, or a loud word that it is not there.
fn data(file: &str) -> Option<String> {
    let directory = std::env::var_os("HEDONIC_DATA_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = directory.join(file);
    match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) => {
            // Straight to standard error: what is printed in a test that passes is not shown.
            let skipped = format!(
                "\nSKIPPED: cannot read {} ({error}); set HEDONIC_DATA_DIR to its directory\n",
                path.display()
            );
            std::io::stderr()
                .write_all(skipped.as_bytes())
                .expect("standard error");
            None
        }
    }
}

/// Trains on the text by a schema of this directory.
fn report(text: &str, schema: &str) -> Report {
    let home = tempfile::tempdir().expect("temporary directory");
    let file = home.path().join("data.csv");
    fs::write(&file, text).expect("file");
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/schemas")
        .join(schema);
    let overrides = [
        ("schema.source".to_owned(), source.display().to_string()),
        // Minutes of a debug build otherwise; bench/accuracy measures the default.
        ("prepare.effort".to_owned(), "quick".to_owned()),
        (
            "registry.path".to_owned(),
            home.path().join("models").display().to_string(),
        ),
    ];
    let config = Config::new(&Layered::load(None, &overrides).expect("settings"));
    let trained = model_prepare::train_on_file(&config.expect("configuration"), &file);
    let trained = trained.expect("trains");
    println!("{}", trained.table());
    valuation::Model::load(&trained.saved.expect("is saved").path).expect("the version loads");
    trained.report.price().expect("prices").clone()
}

fn is_worth_having(report: &Report) {
    assert!(
        report.model.mdape < 0.8 * report.baseline.mdape,
        "the model is off by {}, the baseline by {}",
        report.model.mdape,
        report.baseline.mdape
    );
    assert!(
        (0.8..0.97).contains(&report.coverage),
        "the 90 % range holds {}",
        report.coverage
    );
}

#[test]
fn flats_in_st_petersburg() {
    let Some(text) = data("spb_flats.csv") else {
        return;
    };
    // Its first column has no name, and one has capitals, which a schema cannot have.
    let text = format!(
        "id{}",
        text.replacen("cityCenters_nearest", "centre_distance", 1)
    );
    let report = report(&text, "spb_flats.toml");
    assert_eq!(report.baseline_name, "median last_price by locality_name");
    is_worth_having(&report);
}

#[test]
fn houses_in_king_county() {
    let Some(text) = data("kc_house.csv") else {
        return;
    };
    let report = report(&text, "kc_house.toml");
    assert_eq!(report.baseline_name, "median price by zipcode");
    is_worth_having(&report);
}
