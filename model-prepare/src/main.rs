//! `model-prepare`: the trainer. Fits the price model, judges it, and publishes a version of it.

mod cli;

use clap::Parser;

/// Reads the flags and runs the command; an error ends the program with exit code 1.
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    cli::run::run(cli::args::Cli::parse()).await
}
