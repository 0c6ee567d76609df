//! Where the time of a price and of a fit goes, step by step, on one thread:
//!
//! ```text
//! cargo bench -p valuation --bench stages -- DIRECTORY_OF_SETS [NAME ...] [--fit]
//! ```
//!
//! Sets are `kc_house`, `spb_flats`, `used_cars` (the schemas of bench/accuracy; a fifth of the rows
//! is judged on) and `made`, listings that need no file and are all there is without a directory. A
//! model is fitted once and kept in the directory for temporary files; `--fit` fits it again and prints its
//! error and the processor time that it took. Each figure is processor time, the least of five.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow_array::RecordBatch;
use records::file::FileReader;
use records::{Decoder, Purpose, Schema};
use valuation::stages::Stages;
use valuation::{FitOptions, Model, SplitBy, fit};

/// Rows that are timed.
const ROWS: usize = 4096;
const NOW_US: i64 = 1_767_225_600_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (flags, named): (Vec<String>, Vec<String>) = arguments
        .into_iter()
        .partition(|argument| argument.starts_with("--"));
    let again = flags.iter().any(|flag| flag == "--fit");
    let mut named = named.into_iter();
    let directory = named.next().map(PathBuf::from);
    let mut sets: Vec<String> = named.collect();
    if sets.is_empty() {
        sets = match &directory {
            Some(_) => vec!["kc_house".into(), "spb_flats".into(), "used_cars".into()],
            None => Vec::new(),
        };
        sets.push("made".into());
    }
    for set in sets {
        let (schema, batch) = read(&set, directory.as_deref());
        println!("{set}: {} rows", batch.num_rows());
        let model = fitted(&set, &schema, &batch, again);
        steps(&batch, &model);
    }
}

fn read(set: &str, directory: Option<&Path>) -> (Schema, RecordBatch) {
    let Some(directory) = directory.filter(|_| set != "made") else {
        return (Schema::real_estate(), made(20_000));
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join(format!("bench/judging/schemas/{set}.toml"));
    let schema = Schema::load(path.to_str().unwrap()).unwrap();
    let file = directory.join(format!("{set}.csv"));
    let mut reader = FileReader::open(&file, &schema, Purpose::Listing).unwrap();
    let read = reader.next_batch(usize::MAX).unwrap().unwrap();
    (schema, read.batch)
}

/// Listings of a known function and some noise.
fn made(count: usize) -> RecordBatch {
    let mut state = 42_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut decoder = Decoder::new(&Schema::real_estate(), Purpose::Listing);
    for id in 0..count {
        let (city, street) = ((next() * 8.0) as u32, (next() * 90.0) as u32);
        let (area, total) = (25.0 + 95.0 * next(), 2 + (next() * 15.0) as u32);
        let (floor, rooms) = (
            1 + (next() * f64::from(total)) as u32,
            1 + (area / 35.0) as u32,
        );
        let log = 11.0
            + 0.25 * f64::from(city)
            + 0.9 * area.ln()
            + 0.2 * (next() - 0.5)
            + f64::from(street % 7) * 0.02
            - if floor == 1 { 0.08 } else { 0.0 };
        let row = format!(
            r#"{{"id": "l{id}", "listed_at": {}, "city": "city{city}", "street": "street{street}",
            "floor": {floor}, "floors_total": {total}, "area": {area}, "rooms": {rooms},
            "price": {}}}"#,
            1_690_000_000 + 3600 * id,
            log.exp()
        );
        decoder.push(row.as_bytes(), NOW_US).unwrap();
    }
    decoder.finish().batch
}

fn fitted(set: &str, schema: &Schema, batch: &RecordBatch, again: bool) -> Model {
    let kept = std::env::temp_dir().join(format!("hedonic-stages-{set}"));
    if !again && let Ok(model) = Model::load(&kept) {
        return model;
    }
    let options = FitOptions {
        split: SplitBy::Random,
        threads: 1,
        ..FitOptions::default()
    };
    let (from, at) = (processor_s(), Instant::now());
    let (model, report) = fit(schema, batch, &options, "bench", NOW_US).unwrap();
    let metrics = &report.model;
    println!(
        "  fit {:.2} s of a processor ({:.2} s), RMSLE {:.5}, MdAPE {:.3} %",
        processor_s() - from,
        at.elapsed().as_secs_f64(),
        metrics.rmsle,
        100.0 * metrics.mdape
    );
    let _ = std::fs::remove_dir_all(&kept);
    std::fs::create_dir_all(&kept).unwrap();
    model.save(&kept).unwrap();
    model
}

fn steps(batch: &RecordBatch, model: &Model) {
    let rows = batch.slice(0, batch.num_rows().min(ROWS));
    let count = rows.num_rows();
    println!("  bits of all prices {:016x}", bits(batch, model));
    let stages = Stages::new(model, &rows);
    let report = |name: &str, seconds: f64| {
        println!(
            "  {name:<44} {:>9.3} us a row",
            1e6 * seconds / count as f64
        );
    };
    report("cells to columns", least(|| stages.columns()));
    report("neighbours", least(|| stages.neighbours()));
    for (index, name) in stages.names().iter().enumerate() {
        report(
            &format!("{name}, batch"),
            least(|| stages.walk_batch(index)),
        );
        report(
            &format!("{name}, one row"),
            least(|| stages.walk_rows(index)),
        );
    }
    report("all trees, batch", least(|| stages.walk_all()));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    report(
        "whole, batch",
        pool.install(|| least(|| model.predict(&rows).unwrap())),
    );
    let single: Vec<RecordBatch> = (0..count).map(|row| rows.slice(row, 1)).collect();
    let one_by_one = || {
        single
            .iter()
            .for_each(|row| drop(black_box(model.predict(row))))
    };
    report("whole, one row", least(one_by_one));
    let some = 32.min(count);
    let explain = || (0..some).for_each(|row| drop(black_box(model.explain(&rows, row, 5))));
    report(
        "reasons and five comparables",
        pool.install(|| least(explain)) * (count as f64 / some as f64),
    );
}

/// A digest of all prices and ranges: the same before and after a change that is to change none.
fn bits(batch: &RecordBatch, model: &Model) -> u64 {
    let prices = model.predict(batch).unwrap();
    let numbers = prices
        .iter()
        .flat_map(|prediction| [prediction.value, prediction.low, prediction.high]);
    numbers.fold(0, |digest: u64, number| {
        (digest.rotate_left(5) ^ number.to_bits()).wrapping_mul(0x517c_c1b7_2722_0a95)
    })
}

/// Seconds of a processor that a run takes: the least of five times as many runs as a tenth of a second
/// holds. Processor time, as other programs may be running.
fn least<T>(mut run: impl FnMut() -> T) -> f64 {
    let at = Instant::now();
    black_box(run());
    let runs = (0.1 / at.elapsed().as_secs_f64()).ceil().clamp(1.0, 1000.0);
    let timed = (0..5).map(|_| {
        let from = thread_s();
        for _ in 0..runs as usize {
            black_box(run());
        }
        (thread_s() - from) / runs
    });
    timed.fold(f64::MAX, f64::min)
}

/// Processor time of this thread so far, as Linux counts it; elsewhere the time that has gone by.
fn thread_s() -> f64 {
    static BEGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns: Option<f64> = counted.split(' ').next().and_then(|ns| ns.parse().ok());
    match ns {
        Some(ns) => ns / 1e9,
        None => BEGIN.get_or_init(Instant::now).elapsed().as_secs_f64(),
    }
}

/// Processor time of this process so far, where the system says it.
fn processor_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    // A hundred ticks a second on Linux.
    ticks.flat_map(str::parse::<f64>).sum::<f64>() / 100.0
}
