//! `hedonic`: everything in one process.

mod cli;

use std::process::ExitCode;

use anyhow::Context;
use tokio::runtime::Runtime;

/// Reads the flags, and runs everything or a command.
fn main() -> ExitCode {
    let cli = common::cli::parse::<cli::Cli>(commit::commit!());
    quickstart::memory::bound();
    quickstart::log::start("warn");
    common::telemetry::record_metrics();
    common::telemetry::choose_tls_provider();
    let runtime = Runtime::new().context("cannot start threads");
    let ended = runtime.and_then(|runtime| {
        let ended = runtime.block_on(cli.run());
        // A thread that fits a model or waits for a broker is not waited for.
        runtime.shutdown_background();
        ended
    });
    common::cli::exit_code(ended)
}
