//! The command line of every program: flags, version, output, errors and exit codes.

mod exit;
mod generate;
mod output;
mod version;

use clap::{Command, Parser};

pub use exit::{exit_code, main};
pub use generate::Generate;
pub use output::{print, write};

/// Reads the flags of a program. `--help`, `--version` and wrong flags end the process, as in clap; `commit`
/// is what `commit::commit!()` gives.
pub fn parse<P: Parser>(commit: &str) -> P {
    let mut command = command::<P>(commit);
    let mut matches = command.get_matches_mut();
    P::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| error.format(&mut command).exit())
}

fn command<P: Parser>(commit: &str) -> Command {
    // clap takes a text that lives as long as the process, which this one does anyhow.
    P::command().version(&*version::text(commit).leak())
}
