//! `producer-emulator`: makes listings and requests, and sends them to Kafka; replays files.

mod cli;

use std::process::ExitCode;

/// Reads the flags and runs the service or a command.
fn main() -> ExitCode {
    common::service::run_main::<cli::Cli>(commit::commit!())
}
