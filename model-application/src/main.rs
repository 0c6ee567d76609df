//! `model-application`: answers requests for a price.

mod cli;
mod score;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Decoding, pricing and wording make many small pieces per record: a tenth of the time with the C library's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Reads the flags and runs the service or a command.
fn main() -> ExitCode {
    common::service::run_main::<cli::Cli>(commit::commit!())
}
