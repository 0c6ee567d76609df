//! Fits on four fifths of a CSV, prices the fifth left out, and prints as JSON how far off the prices are:
//!
//! ```text
//! cargo run --release -p valuation --example judge_a_csv -- data.csv schema.toml [seed] [judged.csv]
//! ```
//!
//! `judged.csv` gets the rows of the fifth by key, so that other systems can be judged on the same ones. What a
//! member is, `MEMBERS` may say as JSON; without it the defaults of `FitOptions` are fitted.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use arrow_array::cast::AsArray;
use records::file::FileReader;
use records::{Purpose, Schema};
use serde_json::json;
use valuation::{FitOptions, FitReport, Provenance, SplitBy, train};

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: judge_a_csv DATA.csv SCHEMA.toml [SEED] [JUDGED.csv]";
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().map(PathBuf::from).ok_or(usage)?;
    let schema = Schema::load(&arguments.next().ok_or(usage)?)?;
    let seed = arguments.next().unwrap_or_else(|| "42".to_owned());
    let judged = arguments.next();
    let read = FileReader::open(&file, &schema, Purpose::Listing)?.next_batch(usize::MAX)?;
    let batch = read.ok_or("the file has no rows")?.batch;

    let members = match std::env::var("MEMBERS") {
        Ok(members) => serde_json::from_str(&members)?,
        Err(_) => Vec::new(),
    };
    let options = FitOptions {
        seed: seed.parse()?,
        split: SplitBy::Random,
        refit: false,
        min_rows: 50,
        members,
        ..FitOptions::default()
    };
    let provenance = Provenance {
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        trained_at_us: 0,
    };
    let (_, report) = train(&schema, &batch, &options, provenance)?;
    let FitReport::Price(report) = report else {
        return Err("the schema's task is not regression".into());
    };
    let widths = report.judged.iter().map(|row| (row.high / row.low).ln());
    let width = widths.sum::<f64>() / report.judged.len().max(1) as f64;
    let members = report.members.iter().map(|member| {
        json!({
            "name": member.name,
            "weight": member.weight,
            "trees": member.trees,
            "fold_error": member.fold_error,
            "holdout_error": member.holdout_error,
            "recipe": member.recipe,
        })
    });
    let found = json!({
        "rows": report.rows,
        "rmsle": report.model.rmsle,
        "mdape": report.model.mdape,
        "baseline_rmsle": report.baseline.rmsle,
        "coverage": report.coverage,
        "log_width": width,
        "fit_s": report.fit_seconds,
        "members": members.collect::<Vec<_>>(),
    });
    println!("{found}");

    if let Some(path) = judged {
        let keys = batch.column_by_name(&schema.key);
        let keys = keys.and_then(|keys| keys.as_string_opt::<i32>());
        let keys = keys.ok_or("the schema's key is no text")?;
        let mut lines = "key,actual,value,low,high\n".to_owned();
        for row in &report.judged {
            let key = keys.value(row.row);
            writeln!(
                lines,
                "{key},{},{},{},{}",
                row.actual, row.value, row.low, row.high
            )?;
        }
        std::fs::write(path, lines)?;
    }
    Ok(())
}
