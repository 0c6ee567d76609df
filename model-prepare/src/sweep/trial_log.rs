//! What was tried, a line of JSON a trial: a sweep that was killed continues.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use registry::Run;
use report::Trial;
use serde::{Deserialize, Serialize};

use super::plan::Plan;

/// The head of a log.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    plan: Plan,
    run: Run,
}

/// The log of a sweep.
pub(super) struct TrialLog {
    home: PathBuf,
    /// The run that the trials are parts of.
    pub(super) run: Run,
    known: Vec<Trial>,
    file: File,
}

impl TrialLog {
    /// Whether there is a log in `home`.
    pub(super) fn exists(home: &Path) -> bool {
        home.join("sweep.json").exists()
    }

    /// Opens the log in `home`, or begins it.
    pub(super) fn open(home: &Path, plan: &Plan) -> anyhow::Result<TrialLog> {
        fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
        let (head, trials) = (home.join("sweep.json"), home.join("trials.jsonl"));
        let run = match fs::read(&head) {
            Ok(bytes) => {
                let found: Head = serde_json::from_slice(&bytes)
                    .with_context(|| format!("{} is not what a sweep wrote", head.display()))?;
                ensure!(
                    found.plan == *plan,
                    "a sweep of this name was begun with other data or settings ({}): give another \
                     --name, or delete {}",
                    head.display(),
                    home.display()
                );
                found.run
            }
            Err(_) => {
                let name = home.file_name().unwrap_or_default().to_string_lossy();
                let run = plan.run(&name);
                let written = Head {
                    plan: plan.clone(),
                    run: run.clone(),
                };
                // Whole or not at all: a torn head would be taken for another's.
                let fresh = home.join(".sweep.json");
                fs::write(&fresh, serde_json::to_vec_pretty(&written)?)?;
                fs::rename(&fresh, &head)?;
                run
            }
        };
        let text = fs::read_to_string(&trials).unwrap_or_default();
        // The last line may be torn by a kill: that trial is retried.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let known = text[..whole]
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<Vec<Trial>, _>>()
            .with_context(|| format!("{} is not what a sweep wrote", trials.display()))?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&trials)
            .with_context(|| format!("cannot write {}", trials.display()))?;
        file.set_len(whole as u64)?;
        Ok(TrialLog {
            home: home.to_owned(),
            run,
            known,
            file,
        })
    }

    /// The rows of the sweep, kept at its beginning.
    pub(super) fn training_set(&self) -> PathBuf {
        self.home.join("training_set.parquet")
    }

    /// The trial of this number, where it was tried with these values.
    pub(super) fn known(&self, number: usize, values: &[f64]) -> Option<Trial> {
        let mut known = self.known.iter();
        let known = known.find(|trial| trial.number == number && trial.values == values);
        known.cloned()
    }

    pub(super) fn add(&mut self, trial: &Trial) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(trial)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        Ok(self.file.sync_data()?)
    }
}
