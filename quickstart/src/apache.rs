//! Apache Kafka beside hedonic, for clients that the embedded broker does not serve: started and stopped by
//! `scripts/kafka`, with its data below the data directory.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, bail};

/// What `--kafka` has for one.
pub(crate) const NAME: &str = "apache";
/// In the repository.
const SCRIPT: &str = "scripts/kafka";
/// Longest start: the first one downloads Kafka.
const START: Duration = Duration::from_secs(900);
/// Longest wait of the script for the broker, in seconds: two minutes, its default, are too few beside compilers.
const SERVE_S: &str = "300";
/// Longest stop: the script kills the broker after 15 s.
const STOP: Duration = Duration::from_secs(25);
/// Lines of the script's messages that an error repeats.
const SHOWN_LINES: usize = 5;

/// A broker that the script has started, or that was running.
pub(crate) struct Apache {
    script: PathBuf,
    directory: PathBuf,
    /// host:port.
    pub address: String,
}

impl Apache {
    /// Starts the cluster of this data directory, or finds it running.
    ///
    /// # Errors
    /// When there is no script, or no Java, or the broker does not start.
    pub async fn start(data_dir: &Path, partitions: i32) -> anyhow::Result<Apache> {
        let script = script().with_context(|| {
            format!(
                "--kafka {NAME}: expected {SCRIPT} of the repository in a directory above this program or the \
                 current one; run hedonic there, or start a broker yourself and name it with --kafka HOST:PORT"
            )
        })?;
        let directory = std::path::absolute(data_dir)?.join("kafka");
        let mut command = Command::new(&script);
        let partitions = partitions.to_string();
        command.args(["start", "--timeout-s", SERVE_S]);
        command.args(["--partitions", &partitions, "--dir"]);
        command.arg(&directory);
        let started = run(command, START).await?;
        let address = String::from_utf8_lossy(&started.stdout).trim().to_owned();
        if !started.status.success() || address.is_empty() {
            let said = String::from_utf8_lossy(&started.stderr);
            let lines: Vec<&str> = said.lines().collect();
            let last = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
            bail!("--kafka {NAME}: {SCRIPT} did not start a broker: {last}");
        }
        Ok(Apache {
            script,
            directory,
            address,
        })
    }

    /// Stops it.
    ///
    /// # Errors
    /// When the script fails.
    pub async fn stop(&self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.script);
        command.args(["stop", "--dir"]).arg(&self.directory);
        let stopped = run(command, STOP).await?;
        if !stopped.status.success() {
            let said = String::from_utf8_lossy(&stopped.stderr);
            bail!("{SCRIPT} did not stop the broker: {}", said.trim());
        }
        Ok(())
    }
}

async fn run(mut command: Command, limit: Duration) -> anyhow::Result<Output> {
    // A Ctrl-C for hedonic is not one for the broker, which is stopped last.
    command.process_group(0);
    let running = tokio::task::spawn_blocking(move || command.output());
    let ended = tokio::time::timeout(limit, running)
        .await
        .with_context(|| format!("{SCRIPT} did not end within {} s", limit.as_secs()))?;
    ended?.with_context(|| format!("cannot run {SCRIPT}"))
}

/// The script in a directory above this program or the current one.
fn script() -> Option<PathBuf> {
    let places = [std::env::current_exe(), std::env::current_dir()];
    places.iter().flatten().find_map(|place| {
        let mut scripts = place.ancestors().map(|above| above.join(SCRIPT));
        scripts.find(|script| script.is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_found_above_the_program() {
        let script = script().expect("the tests run in the repository");
        assert!(script.ends_with(SCRIPT), "{}", script.display());
    }
}
