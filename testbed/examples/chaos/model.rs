//! A small model, trained by the program that trains models.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// Listings it learns from.
const ROWS: u32 = 600;

/// Trains and publishes the first version with the services' settings.
pub fn train(program: &Path, flags: &[String], directory: &Path) -> anyhow::Result<()> {
    let mut csv = String::from("id,city,street,floor,rooms,area,price,listed_at\n");
    for n in 0..ROWS {
        let area = 25 + n % 80;
        let price = f64::from(area) * 100_000.0 * (1.0 + 0.02 * f64::from(n % 7));
        let (city, street, floor, rooms) = (n % 5, n % 40, 1 + n % 9, 1 + n % 4);
        let (hour, minute) = (n / 60, n % 60);
        writeln!(
            csv,
            "{n},city{city},street{street},{floor},{rooms},{area},{price},2025-06-01T{hour:02}:{minute:02}:00Z"
        )?;
    }
    let data = directory.join("base.csv");
    std::fs::write(&data, csv).with_context(|| data.display().to_string())?;
    let output = Command::new(program)
        .arg("--data")
        .arg(&data)
        .args(flags)
        .arg("--set=prepare.effort=quick")
        .output()
        .with_context(|| format!("{} does not start", program.display()))?;
    ensure!(
        output.status.success(),
        "the model could not be trained: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
