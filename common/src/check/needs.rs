//! What a program needs, and the runner that looks at all of it at once.

use std::pin::Pin;
use std::time::Duration;

use super::broker::Brokers;
use super::database::Database;
use super::finding::broken_off;
use super::{Directory, Finding, Report, Table};
use crate::database::DatabaseConfig;
use crate::kafka::KafkaConfig;

/// A check takes at most so many times the limit of one answer: none asks more often one after another.
const ANSWERS: u32 = 4;

/// Looks at what only one program knows of; may block.
type Look = Box<dyn FnOnce() -> Finding + Send>;
/// One or several checks that ask the same server.
type Looking = Pin<Box<dyn Future<Output = Vec<Finding>> + Send>>;

/// What a program needs. Built by each service of its settings; those of several are one by
/// [`Needs::and`].
#[derive(Default)]
pub struct Needs {
    brokers: Option<Brokers>,
    database: Option<Database>,
    directories: Vec<Directory>,
    /// By name: what several programs need is checked once.
    of_service: Vec<(&'static str, Look)>,
    /// What is known to be away before anybody asks; reported first.
    away: Vec<Finding>,
}

impl Needs {
    /// Brokers with `topics`.
    #[must_use]
    pub fn kafka(mut self, config: &KafkaConfig, topics: &[&str]) -> Needs {
        self.brokers = Some(Brokers {
            config: config.clone(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        });
        self
    }

    /// A database. `ddl` is the SQL with which the program makes its tables; empty where it only
    /// reads those of others. `tables` are those that a schema describes.
    #[must_use]
    pub fn database(mut self, config: &DatabaseConfig, ddl: &str, tables: Vec<Table>) -> Needs {
        self.database = Some(Database {
            config: config.clone(),
            made: super::ddl::made_by(ddl),
            tables,
        });
        self
    }

    /// A directory with room in it.
    #[must_use]
    pub fn directory(mut self, directory: Directory) -> Needs {
        self.directories.push(directory);
        self
    }

    /// What this program alone knows how to look at, under the name of its line; may block.
    #[must_use]
    pub fn service_check(
        mut self,
        check: &'static str,
        look: impl FnOnce() -> Finding + Send + 'static,
    ) -> Needs {
        self.of_service.push((check, Box::new(look)));
        self
    }

    /// The needs of both. Of two checks of one name that of `self` is kept.
    #[must_use]
    pub fn and(mut self, other: Needs) -> Needs {
        self.brokers = match (self.brokers, other.brokers) {
            (Some(mine), Some(other)) => Some(mine.and(other)),
            (mine, other) => mine.or(other),
        };
        self.database = match (self.database, other.database) {
            (Some(mine), Some(other)) => Some(mine.and(other)),
            (mine, other) => mine.or(other),
        };
        for directory in other.directories {
            let mut directories = self.directories.iter_mut();
            match directories.find(|known| known.path == directory.path) {
                Some(known) => known.is_written |= directory.is_written,
                None => self.directories.push(directory),
            }
        }
        for (check, look) in other.of_service {
            if self.of_service.iter().all(|(name, _)| *name != check) {
                self.of_service.push((check, look));
            }
        }
        self.away.extend(other.away);
        self
    }

    /// The same without brokers: `finding` replaces what would be asked of them.
    #[must_use]
    pub fn without_kafka(mut self, finding: Finding) -> Needs {
        self.brokers = None;
        self.away.push(finding);
        self
    }

    /// The same without a database: `finding` replaces what would be asked of it.
    #[must_use]
    pub fn without_database(mut self, finding: Finding) -> Needs {
        self.database = None;
        self.away.push(finding);
        self
    }

    /// Looks at all of it at once; `limit` bounds one answer of a server.
    pub async fn check(self, limit: Duration) -> Report {
        let mut all: Vec<(String, Looking)> = Vec::new();
        if let Some(brokers) = self.brokers {
            all.push(("broker".to_owned(), Box::pin(brokers.check(limit))));
        }
        if let Some(database) = self.database {
            all.push(("database".to_owned(), Box::pin(database.check(limit))));
        }
        for directory in self.directories {
            let (name, look) = (directory.check_name(), move || directory.check());
            all.push((name, Box::pin(off_the_runtime(look))));
        }
        for (name, look) in self.of_service {
            all.push((name.to_owned(), Box::pin(off_the_runtime(look))));
        }
        let bound = limit * ANSWERS;
        let running: Vec<_> = all
            .into_iter()
            .map(|(name, looking)| (name, tokio::spawn(tokio::time::timeout(bound, looking))))
            .collect();
        let mut findings = self.away;
        for (name, looking) in running {
            match looking.await {
                Ok(Ok(found)) => findings.extend(found),
                Ok(Err(_)) => findings.push(Finding::failed(
                    name,
                    format!("no answer within {} s", bound.as_secs_f64()),
                    "check whether its server or file system hangs",
                )),
                Err(error) => findings.push(broken_off(name, &error)),
            }
        }
        Report { findings }
    }
}

/// A look that may block, on a thread that may.
async fn off_the_runtime(look: impl FnOnce() -> Finding + Send + 'static) -> Vec<Finding> {
    let looked = tokio::task::spawn_blocking(look).await;
    vec![looked.unwrap_or_else(|error| broken_off("check", &error))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;

    #[tokio::test]
    async fn a_check_that_does_not_end_is_named_and_the_others_are_told() {
        let (never, waits) = std::sync::mpsc::channel::<()>();
        let needs = Needs::default()
            .service_check("slow", move || {
                // Ends with the test, which holds the other end.
                let _ = waits.recv();
                Finding::passed("slow", "too late")
            })
            .service_check("quick", || Finding::passed("quick", "there"));
        let report = needs.check(Duration::from_millis(20)).await;
        let slow = report.of("slow").expect("it has a line");
        assert_eq!(slow.outcome, Outcome::Failed);
        assert!(slow.found.contains("no answer within"), "{report}");
        let names: Vec<&str> = report
            .findings
            .iter()
            .map(|finding| &*finding.check)
            .collect();
        assert_eq!(names, ["slow", "quick"]);
        drop(never);
    }

    #[tokio::test]
    async fn what_two_need_is_looked_at_once() {
        let of_finding = |finding: &'static str| {
            Needs::default().service_check("model", move || Finding::passed("model", finding))
        };
        let directory = |is_written| Directory {
            holds: "models",
            path: std::env::temp_dir(),
            is_written,
            setting: "registry.path",
        };
        let both = of_finding("first")
            .directory(directory(false))
            .and(of_finding("second").directory(directory(true)));
        assert!(both.directories[0].is_written);
        let report = both.check(Duration::from_secs(60)).await;
        assert_eq!(report.findings.len(), 2, "{report}");
        assert_eq!(
            report.of("model").map(|finding| &*finding.found),
            Some("first")
        );
    }
}
