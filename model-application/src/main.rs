//! `model-application`: answers requests for a price.

mod cli;
mod score;

use std::process::ExitCode;

/// Reads the flags and runs the service or a command.
fn main() -> ExitCode {
    common::service::run_main::<cli::Cli>(commit::commit!())
}
