//! What the newcomer may choose.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;

use crate::apache;
/// A file of the user's own.
#[derive(Debug, Clone)]
pub struct OwnData {
    /// The listings.
    pub file: PathBuf,
    /// A schema file or the name of a built-in schema; none: it is inferred from the file.
    pub schema: Option<String>,
    /// The column to predict, where the schema is inferred.
    pub target: Option<String>,
}

/// What the newcomer may choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Leave once so many requests are answered and stored.
    pub stop_after: Option<u64>,
    /// Give up when `stop_after` is not reached by then.
    pub timeout: Duration,
    /// An outside database instead of the embedded one.
    pub database_url: Option<String>,
    /// An outside broker instead of the embedded one; `apache` for one that `scripts/kafka` starts.
    pub kafka: Option<String>,
    /// A file of the user's own in place of generated listings.
    pub data: Option<OwnData>,
    /// Further settings, as `--set` gives them.
    pub set: Vec<(String, String)>,
    /// Print the account as it goes on.
    pub live: bool,
    /// Keep standard output for the summary: what happens is told on standard error.
    pub json: bool,
}

impl Options {
    /// What can be told to be wrong before anything is started.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.stop_after != Some(0),
            "--stop-after 0: expected a number of requests of at least 1"
        );
        ensure!(
            !self.timeout.is_zero(),
            "--timeout-s 0: expected a number of seconds of at least 1"
        );
        ensure!(
            !self.data_dir.exists() || self.data_dir.is_dir(),
            "--data-dir {}: expected a directory, found a file; name another directory",
            self.data_dir.display()
        );
        if let Some(brokers) = self.brokers() {
            for broker in brokers.split(',') {
                let port = broker.trim().rsplit_once(':').map(|(_, port)| port);
                ensure!(
                    port.is_some_and(|port| port.parse::<u16>().is_ok()),
                    "--kafka {brokers}: expected host:port[,host:port], found {broker:?}"
                );
            }
        }
        for (key, _) in &self.set {
            let flag = match key.as_str() {
                "database.url" => "--database-url",
                "kafka.brokers" => "--kafka",
                _ => continue,
            };
            anyhow::bail!("--set {key}: use {flag} here, so that no embedded server is started");
        }
        Ok(())
    }

    /// Addresses of an outside broker.
    pub(crate) fn brokers(&self) -> Option<&str> {
        self.kafka
            .as_deref()
            .filter(|brokers| *brokers != apache::NAME)
    }

    /// What `--set` says of a key; the last one wins.
    pub(crate) fn setting(&self, key: &str) -> Option<&str> {
        let mut from_last = self.set.iter().rev();
        from_last
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            data_dir: PathBuf::from("nowhere"),
            stop_after: Some(1),
            timeout: Duration::from_secs(1),
            database_url: None,
            kafka: None,
            data: None,
            set: Vec::new(),
            live: false,
            json: false,
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_flag() {
        options().check().expect("nothing is wrong");
        let set = |key: &str| vec![(key.to_owned(), "x".to_owned())];
        let wrong: [(Options, &str); 6] = [
            (
                Options {
                    stop_after: Some(0),
                    ..options()
                },
                "--stop-after 0",
            ),
            (
                Options {
                    timeout: Duration::ZERO,
                    ..options()
                },
                "--timeout-s 0",
            ),
            (
                Options {
                    data_dir: std::env::current_exe().expect("this program has a path"),
                    ..options()
                },
                "found a file",
            ),
            (
                Options {
                    kafka: Some("127.0.0.1:9092,nonsense".to_owned()),
                    ..options()
                },
                "found \"nonsense\"",
            ),
            (
                Options {
                    set: set("kafka.brokers"),
                    ..options()
                },
                "use --kafka",
            ),
            (
                Options {
                    set: set("database.url"),
                    ..options()
                },
                "use --database-url",
            ),
        ];
        for (options, expected) in wrong {
            let message = options.check().expect_err(expected).to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
