//! `completions` and `man`: files for shells and readers, out of the flags themselves.

use std::path::PathBuf;

use anyhow::Context;
use clap::Command;

use super::output::write;

/// The shells that completions are printed for.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Flags of `man`.
#[derive(clap::Args)]
pub(crate) struct ManArgs {
    /// Write a page for each command into this directory [default: print the first page]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Prints the completions of a shell for the program `command`.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn completions(shell: Shell, mut command: Command) -> anyhow::Result<()> {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut text);
    write(&text)
}

impl ManArgs {
    /// Writes the manual pages of the program `command`.
    ///
    /// # Errors
    /// When the directory or standard output cannot be written.
    pub(crate) fn run(self, command: Command) -> anyhow::Result<()> {
        let Some(directory) = self.to else {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            return write(&page);
        };
        std::fs::create_dir_all(&directory)
            .and_then(|()| clap_mangen::generate_to(command, &directory))
            .with_context(|| format!("cannot write manual pages into {}", directory.display()))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use crate::cli::args::Cli;

    #[test]
    fn each_command_has_a_manual_page() {
        let directory = tempfile::tempdir().expect("a directory");
        let args = super::ManArgs {
            to: Some(directory.path().to_owned()),
        };
        args.run(Cli::command()).expect("pages are written");
        for page in [
            "model-prepare.1",
            "model-prepare-train.1",
            "model-prepare-sweep.1",
        ] {
            assert!(directory.path().join(page).exists(), "{page}");
        }
    }
}
