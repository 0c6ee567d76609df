//! `init`: from a file to its schema, settings for every program, and a first model with its report.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use report::Evaluated;
use valuation::SplitBy;

use crate::config::{Config, PromotionMode};
use crate::evaluate::{Evaluation, evaluate};
use crate::infer::proposal::Proposal;

/// Days that a training on stored listings reads: the listings of a file may be of any age.
const ANY_AGE_DAYS: u32 = 36_500;

/// Where `init` writes, and for which file.
#[derive(Debug, Clone)]
pub struct Init {
    /// The listings.
    pub file: PathBuf,
    /// The directory of everything that is written.
    pub directory: PathBuf,
    /// The directory of model versions.
    pub registry: PathBuf,
    /// Whether files that are there are replaced.
    pub replaces: bool,
}

impl Init {
    /// The schema file.
    pub fn schema(&self) -> PathBuf {
        self.directory.join("schema.toml")
    }

    /// The settings, for `--config`.
    pub fn settings(&self) -> PathBuf {
        self.directory.join("hedonic.toml")
    }

    /// The report of the first model.
    pub fn report(&self) -> PathBuf {
        self.directory.join("report.html")
    }

    /// Whether everything can be written without a loss.
    ///
    /// # Errors
    /// When a file is there already, with its name.
    pub fn check(&self) -> anyhow::Result<()> {
        let directory = self.directory.display();
        ensure!(
            !self.directory.exists() || self.directory.is_dir(),
            "{directory}: expected a directory, found a file; give another with --dir"
        );
        for path in [self.schema(), self.settings(), self.report()] {
            ensure!(
                self.replaces || !path.exists(),
                "{} exists: give another directory with --dir, or --force to replace it",
                path.display()
            );
        }
        Ok(())
    }

    /// Writes the schema and the settings.
    ///
    /// # Errors
    /// When a file is there already, or cannot be written.
    pub fn write(&self, proposal: &Proposal) -> anyhow::Result<()> {
        self.check()?;
        std::fs::create_dir_all(&self.directory)
            .with_context(|| format!("cannot create {}", self.directory.display()))?;
        let write = |path: PathBuf, text: &str| {
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write(self.schema(), &proposal.schema)?;
        write(self.settings(), &self.settings_text())
    }

    fn settings_text(&self) -> String {
        // The escapes of TOML are those of JSON.
        let quoted = |path: &Path| serde_json::json!(path.display().to_string()).to_string();
        format!(
            "# Settings for --config; all others are those of config/default.toml. The paths are relative to the\n\
             # directory in which a program is started.\n\
             \n\
             [schema]\n\
             source = {}\n\
             \n\
             [registry]\n\
             path = {}\n\
             \n\
             [prepare]\n\
             # A training on stored listings reads them whatever their age.\n\
             window_days = {ANY_AGE_DAYS}\n",
            quoted(&self.schema()),
            quoted(&self.registry),
        )
    }

    /// Fits a quick model, judges it on a part that it has not seen, writes the report, and saves the model as
    /// the champion; `config` is that of the settings that were written.
    ///
    /// # Errors
    /// When the file cannot be learned from, or something cannot be written.
    pub fn train(&self, config: Config) -> anyhow::Result<Evaluated> {
        let mut config = config.quick();
        // A version of an earlier call may be of another schema: it is no rival.
        config.prepare.promote = PromotionMode::Always;
        let prepare = &config.prepare;
        let evaluation = Evaluation {
            report: None,
            html: Some(self.report()),
            predictions: None,
            split: SplitBy::Time,
            test_fraction: prepare.holdout_fraction,
            seed: prepare.seed,
            registry: Some(self.registry.clone()),
        };
        evaluate(&config, &self.file, &evaluation)
    }

    /// The commands that come next.
    pub fn next_commands(&self, has_model: bool) -> String {
        let word = |path: &Path| shell_word(&path.display().to_string());
        let (file, schema) = (word(&self.file), word(&self.schema()));
        let settings = word(&self.settings());
        let mut text = format!(
            "next:\n  \
             hedonic --data {file} --schema {schema}\n      \
             the web app, and prices over HTTP; the held-out listings as a stream of requests\n  \
             model-prepare train --data {file} --config {settings}\n      \
             the full model in place of the quick one"
        );
        if has_model {
            text.push_str(&format!(
                "\n  model-application --serve-only --config {settings}\n      \
                 prices over HTTP from the saved model alone\n  \
                 {}\n      the report of the quick model, for a browser",
                word(&self.report())
            ));
        }
        text
    }
}

/// A schema from whose field the fit learns, though it may leak the target.
#[must_use]
pub fn learning_from(schema: &str, field: &str) -> String {
    const SECTION: &str = "\n[[field]]";
    let head = format!("\nname = {field:?}\n");
    let sections: Vec<String> = schema
        .split(SECTION)
        .map(|section| match section.starts_with(&head) {
            true => section.replace("\nlearn = false\n", "\nlearn = true\n"),
            false => section.to_owned(),
        })
        .collect();
    sections.join(SECTION)
}

/// A text as one word of a shell.
fn shell_word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/+:@%".contains(letter);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell_are_quoted_where_they_must_be() {
        for (text, expected) in [
            ("data/flats-2.csv", "data/flats-2.csv"),
            ("my flats.csv", "'my flats.csv'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), expected);
        }
    }

    #[test]
    fn one_field_is_learned_from_and_the_others_are_not() {
        let schema = "name = \"x\"\n\n[[field]]\nname = \"a\"\nlearn = false\n\n[[field]]\nname = \"ab\"\nlearn = \
                      false\n";
        let changed = learning_from(schema, "a");
        assert_eq!(changed.matches("learn = true").count(), 1);
        assert!(changed.contains("name = \"a\"\nlearn = true"), "{changed}");
        assert_eq!(learning_from(schema, "none"), schema);
    }
}
