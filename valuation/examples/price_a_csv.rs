//! Trains on a CSV of listings, prints how good the model is, and prices the first rows of the same file:
//!
//! ```text
//! cargo run --release -p valuation --example price_a_csv -- listings.csv [schema.toml]
//! ```
//!
//! Without a schema the columns are those of `schemas/real-estate.toml`.

use std::error::Error;
use std::path::PathBuf;

use records::file::FileReader;
use records::{Purpose, Schema};
use valuation::{FitOptions, FitReport, Provenance, train};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().map(PathBuf::from);
    let file = file.ok_or("usage: price_a_csv LISTINGS.csv [SCHEMA.toml]")?;
    let schema = match arguments.next() {
        Some(path) => Schema::load(&path)?,
        None => Schema::real_estate(),
    };
    let read = FileReader::open(&file, &schema, Purpose::Listing)?.next_batch(usize::MAX)?;
    let batch = read.ok_or("the file has no rows")?.batch;

    let provenance = Provenance {
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        trained_at_us: records::timestamp::now_us(),
    };
    let (model, report) = train(&schema, &batch, &FitOptions::default(), provenance)?;
    match &report {
        FitReport::Price(report) => println!(
            "median absolute error on the hold-out of {} rows: {:.1} % ({}: {:.1} %)",
            report.holdout_rows,
            100.0 * report.model.mdape,
            report.baseline_name,
            100.0 * report.baseline.mdape
        ),
        FitReport::Class(report) => {
            println!("AUC on the hold-out: {:.3}", report.model.auc.value);
        }
        FitReport::Multiclass(report) => println!(
            "accuracy on the hold-out: {:.1} %",
            100.0 * report.model.accuracy
        ),
        FitReport::Clusters(report) => println!(
            "{} clusters, silhouette {:.3}",
            report.clusters, report.silhouette
        ),
    }

    let first = batch.slice(0, batch.num_rows().min(5));
    for (row, prediction) in model.predict(&first)?.into_iter().enumerate() {
        println!(
            "row {row}: {:.0}, between {:.0} and {:.0}",
            prediction.value, prediction.low, prediction.high
        );
    }
    Ok(())
}
