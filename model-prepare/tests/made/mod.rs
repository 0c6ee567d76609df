//! Made listings, and the program run on them.
#![allow(dead_code)] // Every test file takes what it needs.

use std::path::Path;
use std::process::{Command, Output};

/// The columns of a made listing.
pub const HEADER: &str = "id,listed_at,city,street,floor,rooms,area,price";

/// Numbers between 0 and 1, always the same from a seed.
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Cells of a listing in the order of the header; its price follows city and area, with noise.
pub fn listing(id: usize) -> [String; 8] {
    let mut random = Uniform(id as u64 * 7919 + 1);
    // The first draws of neighbouring seeds are alike.
    (0..8).for_each(|_| {
        random.next();
    });
    let mut below = |count: f64| (random.next() * count) as usize;
    let (city, street, floor) = (below(5.0), below(40.0), 1 + below(9.0));
    let area = 25 + below(95.0);
    let noise = 0.9 + below(200.0) as f64 / 1000.0;
    let price = 60_000.0 * (0.3 * city as f64).exp() * area as f64 * noise;
    [
        format!("l{id}"),
        (1_700_000_000 + 3600 * id).to_string(),
        format!("city{city}"),
        format!("street{street}"),
        floor.to_string(),
        (1 + area / 35).to_string(),
        area.to_string(),
        format!("{price:.0}"),
    ]
}

/// A CSV file of N listings.
pub fn csv(count: usize) -> String {
    let mut text = format!("{HEADER}\n");
    for id in 0..count {
        text.push_str(&listing(id).join(","));
        text.push('\n');
    }
    text
}

/// The program, away from the settings of anyone who runs the test.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_model-prepare"));
    for (name, _) in std::env::vars() {
        let is_ours = name.starts_with("HEDONIC") || name.starts_with("MLFLOW");
        if is_ours || name == "DATABASE_URL" || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// The program with these flags.
pub fn command(registry: &Path, flags: &[&str]) -> Command {
    let mut command = program();
    command.arg("--registry").arg(registry).args(flags);
    command
}

/// Runs the program to its end.
pub fn run(registry: &Path, flags: &[&str]) -> Output {
    command(registry, flags).output().expect("the program runs")
}

/// What the program wrote: standard output, standard error.
pub fn output_text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
