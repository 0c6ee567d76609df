//! `model-prepare`: the trainer. Fits the price model, judges it, and publishes a version of it.

mod cli;

use std::process::ExitCode;

/// Reads the flags and runs the command; an error ends the program with exit code 1.
fn main() -> ExitCode {
    common::cli::main(cli::run::run(common::cli::parse(commit::commit!())))
}
