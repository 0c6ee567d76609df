//! `data-loader`: listings from Kafka to PostgreSQL, exactly once.

mod cli;

use std::process::ExitCode;

/// Reads the flags and runs the service or a command.
fn main() -> ExitCode {
    common::service::run_main::<cli::Cli>(commit::commit!())
}
