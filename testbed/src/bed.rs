//! A test's own database, topics and groups.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::time::Duration;

use common::Layered;
use embedded::{Broker, Postgres, PostgresOptions};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tempfile::TempDir;

/// Partitions of a test's topics.
pub(crate) const PARTITIONS: i32 = 3;

/// A database and a Kafka for one test; gone when dropped.
pub struct Testbed {
    /// Outlives the server: the cluster is in it.
    _home: TempDir,
    postgres: Postgres,
    /// `None` where the test runs on the brokers of `HEDONIC_TEST_KAFKA`.
    _broker: Option<Broker>,
    brokers: String,
    /// How long the group waits for a member that does not speak.
    session_timeout_ms: &'static str,
    /// Distinguishes this test's topics and groups from those of others on the same brokers.
    mark: String,
    pool: PgPool,
}

impl Testbed {
    /// A fresh database, and topics on the brokers of `HEDONIC_TEST_KAFKA` or an embedded one.
    pub fn start() -> BoxFuture<'static, Testbed> {
        async move {
            match std::env::var("HEDONIC_TEST_KAFKA") {
                Ok(brokers) if !brokers.is_empty() => Testbed::on(&brokers).await,
                _ => {
                    let broker = Broker::start().expect("the embedded broker starts");
                    let address = broker.address();
                    let mut bed = Testbed::on_nothing(&address).await;
                    // It waits for other members: three seconds for the first one, when one has left a
                    // second less than this. Anyone who waits longer than this is forgotten, unanswered.
                    bed.session_timeout_ms = "5000";
                    for topic in bed.kafka(&[]).topics.all() {
                        broker
                            .create_topic(topic, PARTITIONS)
                            .expect("the embedded broker takes a topic");
                    }
                    bed._broker = Some(broker);
                    bed
                }
            }
        }
        .boxed()
    }

    /// A fresh database, and topics on given brokers.
    pub fn on<'a>(brokers: &'a str) -> BoxFuture<'a, Testbed> {
        async move {
            let bed = Testbed::on_nothing(brokers).await;
            let kafka = bed.kafka(&[]);
            common::kafka::ensure_topics(&kafka, &kafka.topics.all())
                .await
                .expect("the topics can be made");
            bed
        }
        .boxed()
    }

    /// A fresh database; no topic is made.
    pub fn on_nothing<'a>(brokers: &'a str) -> BoxFuture<'a, Testbed> {
        async move {
            common::telemetry::log("warn", false);
            common::telemetry::record_metrics();
            common::telemetry::choose_tls_provider();
            let home = tempfile::tempdir().expect("a temporary directory");
            // The server's user must reach it where the test runs as root.
            open_to_all(home.path());
            let mut options = PostgresOptions::new(home.path());
            // The data of a test need not survive a power cut.
            options.settings.push(("fsync".into(), "off".into()));
            let postgres = Postgres::start(options)
                .await
                .expect("the embedded PostgreSQL starts");
            let pool = PgPoolOptions::new()
                .max_connections(4)
                .acquire_timeout(Duration::from_secs(60))
                .connect(&postgres.url())
                .await
                .expect("the embedded PostgreSQL answers");
            Testbed {
                _home: home,
                postgres,
                _broker: None,
                brokers: brokers.to_owned(),
                session_timeout_ms: "6000",
                mark: format!("t{:08x}", rand::random::<u32>()),
                pool,
            }
        }
        .boxed()
    }

    /// Where the brokers are.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// The database's URL.
    pub fn database_url(&self) -> String {
        self.postgres.url()
    }

    /// The database's URL as seen through a gate before it.
    pub fn behind_a_gate<'a>(&'a self) -> BoxFuture<'a, (crate::Gate, String)> {
        async move {
            let url = self.database_url();
            let (credentials, rest) = url.split_once('@').expect("the URL has a password");
            let (server, database) = rest.split_once('/').expect("the URL has a database");
            let gate = crate::Gate::before(server.parse().expect("an address")).await;
            let url = format!("{credentials}@{}/{database}", gate.address());
            (gate, url)
        }
        .boxed()
    }

    /// Connections to the database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The settings of all services on this bed, with `set` on top.
    pub fn settings(&self, set: &[(&str, &str)]) -> Layered {
        Layered::load(None, &self.pairs(set)).expect("the settings are valid")
    }

    /// The same as flags of a service's program.
    pub fn flags(&self, set: &[(&str, &str)]) -> Vec<String> {
        let pairs = self.pairs(set).into_iter();
        let flags = pairs.map(|(key, value)| format!("--set={key}={value}"));
        flags.collect()
    }

    /// Quick where the defaults are patient.
    pub fn pairs(&self, set: &[(&str, &str)]) -> Vec<(String, String)> {
        let mark = &self.mark;
        let mut all: Vec<(String, String)> =
            ["new_data", "requests", "answers", "actuals", "rejects"]
                .iter()
                .map(|topic| (format!("kafka.topics.{topic}"), format!("{mark}-{topic}")))
                .collect();
        for (key, value) in [
            ("kafka.brokers", self.brokers.as_str()),
            ("kafka.partitions", "3"),
            (
                "kafka.properties.session.timeout.ms",
                self.session_timeout_ms,
            ),
            ("kafka.properties.heartbeat.interval.ms", "1000"),
            ("database.url", &self.postgres.url()),
            ("loader.group", &self.group("loader")),
            ("loader.batch_ms", "50"),
            ("loader.fetch_wait_ms", "5"),
            ("applier.group", &self.group("applier")),
            ("applier.fetch_wait_ms", "5"),
            ("applier.model_poll_ms", "100"),
            (
                "registry.path",
                &self._home.path().join("models").display().to_string(),
            ),
        ] {
            all.push((key.to_owned(), value.to_owned()));
        }
        all.extend(
            set.iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        );
        all
    }

    /// The consumer group of a service, such as `loader`.
    pub fn group(&self, service: &str) -> String {
        format!("{}-{service}", self.mark)
    }

    /// Section `[kafka]` of [`Testbed::settings`].
    pub fn kafka(&self, set: &[(&str, &str)]) -> common::kafka::KafkaConfig {
        self.settings(set)
            .section("kafka")
            .expect("the section is valid")
    }

    /// The number a query gives.
    pub fn number<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, i64> {
        async move {
            sqlx::query_scalar(sql)
                .fetch_one(&self.pool)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"))
        }
        .boxed()
    }
}

fn open_to_all(directory: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755))
        .expect("the directory is ours");
}
