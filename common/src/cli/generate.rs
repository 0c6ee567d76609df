//! `completions` and `man`: files for shells and readers, made from the flags themselves.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Command, CommandFactory};

use super::output::write;

/// The commands that every program has.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Generate {
    /// Print the completions of a shell
    ///
    ///   PROGRAM completions bash > ~/.local/share/bash-completion/completions/PROGRAM
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// Write a page for each command into this directory [default: print the first page]
        directory: Option<PathBuf>,
        /// The same, as in earlier releases.
        #[arg(long, value_name = "DIR", hide = true, conflicts_with = "directory")]
        to: Option<PathBuf>,
    },
}

/// The shells that completions are printed for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
}

impl Generate {
    /// Prints or writes the files of the program `P`.
    ///
    /// # Errors
    /// When the directory or standard output cannot be written.
    pub fn run<P: CommandFactory>(&self) -> anyhow::Result<()> {
        self.run_completing::<P>(P::command())
    }

    /// The same, with the completions of another command than the program's: one without hidden flags.
    ///
    /// # Errors
    /// As [`Generate::run`].
    pub fn run_completing<P: CommandFactory>(&self, completed: Command) -> anyhow::Result<()> {
        match self {
            Generate::Completions { shell } => completions(*shell, completed),
            Generate::Man { directory, to } => {
                manual(directory.as_deref().or(to.as_deref()), P::command())
            }
        }
    }
}

fn completions(shell: Shell, mut command: Command) -> anyhow::Result<()> {
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

fn manual(directory: Option<&Path>, command: Command) -> anyhow::Result<()> {
    let Some(directory) = directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return write(&page);
    };
    std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(command, directory))
        .with_context(|| format!("cannot write manual pages into {}", directory.display()))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Generate;

    #[derive(Parser)]
    #[command(name = "program", version)]
    struct Program {
        #[command(subcommand)]
        command: Generate,
    }

    #[test]
    fn each_command_has_a_manual_page() {
        Program::command().debug_assert();
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().to_str().expect("a path in UTF-8");
        for flags in [&["man", path][..], &["man", "--to", path]] {
            let flags = std::iter::once(&"program").chain(flags);
            let program = Program::try_parse_from(flags).expect("the flags are valid");
            program.command.run::<Program>().expect("pages are written");
            for page in ["program.1", "program-completions.1", "program-man.1"] {
                let page = directory.path().join(page);
                std::fs::remove_file(&page)
                    .unwrap_or_else(|error| panic!("{}: {error}", page.display()));
            }
        }
    }
}
