//! An Apache Kafka of a test's own, from `scripts/kafka`: to be restarted, killed and refused.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The variable that asks for tests on Apache Kafka.
const ASKED_FOR: &str = "HEDONIC_TEST_REAL_KAFKA";

/// Longest a broker may take to serve, on a machine that does much else.
const PATIENCE_S: &str = "600";

/// A running cluster; stopped when dropped.
pub struct RealKafka {
    home: TempDir,
    brokers: String,
}

impl RealKafka {
    /// Starts one with `arguments` of `scripts/kafka start`, such as `--brokers 3`.
    ///
    /// `None`, and loudly so, unless `HEDONIC_TEST_REAL_KAFKA` is set: it needs a JDK, and Maven
    /// the first time.
    ///
    /// # Panics
    /// When it is requested and is not available.
    pub fn start<'a>(arguments: &'a [&'a str]) -> BoxFuture<'a, Option<RealKafka>> {
        async move {
            if std::env::var_os(ASKED_FOR).is_none() {
                // Past the test harness, which hides what a test prints that passes.
                let _ = std::io::stderr().write_all(
                    format!("SKIPPED: set {ASKED_FOR}=1 to test on Apache Kafka\n").as_bytes(),
                );
                return None;
            }
            Some(RealKafka::launch(arguments).await)
        }
        .boxed()
    }

    /// Starts one whether or not it is requested.
    ///
    /// # Panics
    /// When it is not available.
    pub fn launch<'a>(arguments: &'a [&'a str]) -> BoxFuture<'a, RealKafka> {
        async move {
            let home = tempfile::tempdir().expect("a temporary directory");
            let mut command = script(home.path());
            command
                .args(["start", "--timeout-s", PATIENCE_S, "--dir"])
                .arg(home.path())
                .args(arguments);
            let output = tokio::task::spawn_blocking(move || command.output())
                .await
                .expect("the script does not panic")
                .expect("the script starts");
            assert!(
                output.status.success(),
                "Apache Kafka could not be started: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let brokers = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            RealKafka { home, brokers }
        }
        .boxed()
    }

    /// The process id of the first broker, while it runs.
    pub fn pid(&self) -> Option<String> {
        let pid = std::fs::read_to_string(self.home.path().join("pids/1")).ok()?;
        Some(pid.trim().to_owned())
    }

    /// Copies the brokers' logs into the directory `to`.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn copy_logs(&self, to: &Path) -> std::io::Result<()> {
        for entry in std::fs::read_dir(self.home.path().join("logs"))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// `host:port[,host:port]`, for clients without TLS.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Stops one broker, or all (`None`); `kill` does not ask it first.
    pub fn stop<'a>(&'a self, broker: Option<u32>, kill: bool) -> BoxFuture<'a, ()> {
        async move {
            self.verb("stop", broker, kill).await;
        }
        .boxed()
    }

    /// Starts what is stopped, on the same ports and data.
    pub fn start_again<'a>(&'a self) -> BoxFuture<'a, ()> {
        async move {
            self.verb("start", None, false).await;
        }
        .boxed()
    }

    /// Stops and starts one broker, or all (`None`).
    pub fn restart<'a>(&'a self, broker: Option<u32>, kill: bool) -> BoxFuture<'a, ()> {
        async move {
            self.verb("restart", broker, kill).await;
        }
        .boxed()
    }

    /// The lines of `secure.env`, of a cluster started with `--secure`.
    pub fn secure(&self) -> BTreeMap<String, String> {
        let path = self.home.path().join("secure.env");
        std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
            .collect()
    }

    /// Messages of a topic that a group has not read yet, as Kafka's own tool says.
    pub fn lag<'a>(&'a self, group: &'a str, topic: &'a str) -> BoxFuture<'a, i64> {
        async move {
            let printed = self
                .tool(&["ConsumerGroupCommand", "--describe", "--group", group])
                .await;
            // GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG …
            printed
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>())
                .filter(|cells| cells.get(1) == Some(&topic))
                .map(|cells| {
                    cells[5]
                        .parse::<i64>()
                        .unwrap_or_else(|_| panic!("no lag: {printed}"))
                })
                .sum()
        }
        .boxed()
    }

    /// Deletes all that is in a topic now, as retention would.
    pub fn delete_all<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, ()> {
        async move {
        let file = self.home.path().join("delete.json");
        let partitions: Vec<_> = (0..crate::bed::PARTITIONS)
            .map(|partition| serde_json::json!({"topic": topic, "partition": partition, "offset": -1}))
            .collect();
        let text = serde_json::json!({"partitions": partitions, "version": 1}).to_string();
        std::fs::write(&file, text).expect("the directory is ours");
        let file = file.display().to_string();
        self.tool(&["DeleteRecordsCommand", "--offset-json-file", &file])
            .await;
        }
        .boxed()
    }

    async fn tool(&self, arguments: &[&str]) -> String {
        let mut command = script(self.home.path());
        command
            .args(["tool", "--dir"])
            .arg(self.home.path())
            .args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .expect("the script does not panic")
            .expect("the script starts");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {printed}{errors}");
        printed
    }

    async fn verb(&self, verb: &str, broker: Option<u32>, kill: bool) {
        let mut command = script(self.home.path());
        command
            .args([verb, "--timeout-s", PATIENCE_S, "--dir"])
            .arg(self.home.path());
        if let Some(broker) = broker {
            command.args(["--broker", &broker.to_string()]);
        }
        if kill {
            command.arg("--kill");
        }
        let verb = verb.to_owned();
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .expect("the script does not panic")
            .expect("the script starts");
        assert!(
            output.status.success(),
            "scripts/kafka {verb}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for RealKafka {
    fn drop(&mut self) {
        let stopped = script(self.home.path())
            .args(["stop", "--kill", "--dir"])
            .arg(self.home.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !stopped.is_ok_and(|status| status.success()) {
            eprintln!("Kafka in {} may still run", self.home.path().display());
        }
    }
}

fn script(home: &Path) -> Command {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/kafka");
    let mut command = Command::new(path);
    command.current_dir(home).stdin(Stdio::null());
    command
}
