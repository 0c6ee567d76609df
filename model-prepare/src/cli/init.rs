//! `init`: questions with defaults, then the schema, the settings and the first report of a file.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use common::args::CommonArgs;
use common::cli::print;
use model_prepare::{Config, Guess, InferOptions, Init, Proposal, RejectKind};
use records::Schema;

use super::schema::FileArgs;
use super::settings::Settings;

/// Answers that no column fits before `init` gives up.
const MOST_TRIES: usize = 3;
/// Reasons of refused rows that are shown before the first question.
const MOST_REASONS: usize = 5;

/// Flags of `init`.
#[derive(clap::Args)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Directory of the schema, the settings, the report and the model versions [default: the name of
    /// the file]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Ask nothing, and take the defaults
    #[arg(long)]
    yes: bool,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

impl InitArgs {
    /// Asks, writes, trains, and prints the account and the next commands.
    ///
    /// # Errors
    /// When nobody can answer, the file cannot be learned from, or a file would be replaced.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        ensure!(
            self.yes || std::io::stdin().is_terminal(),
            "standard input is not a terminal, so that nobody can answer questions: give --yes to take the \
             defaults, with --target COLUMN and --dir DIR to choose others"
        );
        ensure!(
            settings.common.schema.is_none(),
            "init proposes a schema: leave --schema out, or train with it: model-prepare train --schema SCHEMA.toml"
        );
        let (common, registry) = (settings.common.clone(), settings.registry.clone());
        let work = move || self.work(common, registry);
        tokio::task::spawn_blocking(work).await?
    }

    fn work(self, mut common: CommonArgs, registry: Option<PathBuf>) -> anyhow::Result<()> {
        let mut options = self.file.options();
        let asks = !self.yes;
        let mut proposal = match asks {
            true => proposal_of_answers(&mut options)?,
            false => model_prepare::infer(&options)?,
        };
        if asks {
            ask_about_leaks(&mut proposal)?;
        }
        let default = stem(&options);
        let directory = match (self.dir, asks) {
            (Some(directory), _) => directory,
            (None, true) => ask(
                "Directory for the schema, settings, report and models",
                Some(&default),
            )?
            .into(),
            (None, false) => default.into(),
        };
        let init = Init {
            file: options.file,
            registry: registry.unwrap_or_else(|| directory.join("models")),
            directory,
            replaces: self.force,
        };
        init.check()?;
        let trains = !asks || is_yes("Train a quick model and write its report", true)?;
        init.write(&proposal)?;
        for (key, path) in [
            ("schema.source", init.schema()),
            ("registry.path", init.registry.clone()),
        ] {
            common.set.push(format!("{key}={}", path.display()));
        }
        let config = Config::new(&common.layered()?)?;
        let trained = match trains {
            true => {
                let trained = init.train(config);
                Some(trained.with_context(|| {
                    format!(
                        "the schema and the settings are in {}, but no model could be trained",
                        init.directory.display()
                    )
                })?)
            }
            false => None,
        };
        if let Some(evaluated) = &trained {
            print(&report::text::evaluation(evaluated))?;
            print("")?;
        }
        print(&format!(
            "schema    {}\nsettings  {}",
            init.schema().display(),
            init.settings().display()
        ))?;
        if trained.is_some() {
            print(&format!(
                "report    {}\nmodels    {}",
                init.report().display(),
                init.registry.display()
            ))?;
        }
        print(&format!("\n{}", proposal.account))?;
        print(&init.next_commands(trained.is_some()))
    }
}

/// A proposal for the column that is answered.
fn proposal_of_answers(options: &mut InferOptions) -> anyhow::Result<Proposal> {
    let mut tries = 0;
    let mut proposal = loop {
        let error = match model_prepare::infer(options) {
            Ok(proposal) => break proposal,
            Err(error) => error,
        };
        tries += 1;
        if tries > MOST_TRIES {
            return Err(error);
        }
        say(&format!("{error:#}"))?;
        options.target = Some(ask("Column to predict", None)?);
    };
    let target = target(&proposal)?;
    let answer = ask("Column to predict", Some(&target))?;
    if answer != target {
        options.target = Some(answer);
        proposal = model_prepare::infer(options)?;
    }
    let account = &proposal.account;
    let refused: usize = account.refused.iter().map(|kind| kind.rows).sum();
    say(&format!(
        "The schema takes {} rows of the file and refuses {refused}.",
        account.taken
    ))?;
    for kind in account.refused.iter().take(MOST_REASONS) {
        let RejectKind { rows, first, .. } = kind;
        say(&format!("  {rows} rows: {first}"))?;
    }
    Ok(proposal)
}

/// The field that a proposal predicts.
fn target(proposal: &Proposal) -> anyhow::Result<String> {
    let schema = Schema::parse(&proposal.schema, "proposed")?;
    schema.target.context("the proposed schema has no target")
}

/// Takes back what is left out as a leak, where it is none.
fn ask_about_leaks(proposal: &mut Proposal) -> anyhow::Result<()> {
    for Guess {
        what, value, why, ..
    } in &proposal.account.guesses
    {
        if *what == "leak"
            && is_yes(
                &format!("{value} may leak the target ({why}). Learn from it all the same"),
                false,
            )?
        {
            proposal.schema = model_prepare::learning_from(&proposal.schema, value);
        }
    }
    Ok(())
}

/// The file's name up to its first full stop.
fn stem(options: &InferOptions) -> String {
    let name = options.file.file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    let stem = name.split('.').find(|part| !part.is_empty());
    stem.unwrap_or("listings").to_owned()
}

/// A line for who answers: standard output is kept for the result.
fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr(), "{line}")?)
}

/// An answer; an empty line takes the default.
fn ask(question: &str, default: Option<&str>) -> anyhow::Result<String> {
    let mut screen = std::io::stderr();
    match default {
        Some(default) => write!(screen, "{question} [{default}]: ")?,
        None => write!(screen, "{question}: ")?,
    }
    screen.flush()?;
    let mut line = String::new();
    if std::io::stdin().read_line(&mut line)? == 0 {
        bail!(
            "expected an answer to {question:?}, found the end of the input; --yes takes the defaults"
        );
    }
    let answer = line.trim();
    match (answer.is_empty(), default) {
        (true, Some(default)) => Ok(default.to_owned()),
        _ => Ok(answer.to_owned()),
    }
}

fn is_yes(question: &str, default: bool) -> anyhow::Result<bool> {
    let shown = if default { "yes" } else { "no" };
    let answer = ask(&format!("{question}?"), Some(shown))?;
    match answer.to_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => bail!("expected yes or no, found {answer:?}"),
    }
}
