//! What integration tests are built on: a PostgreSQL and a Kafka, each test with a database, topics
//! and consumer groups of its own, so that all of them run at the same time.
//!
//! `HEDONIC_TEST_KAFKA` names the brokers to test on; without it the embedded broker is used. What
//! only Apache Kafka can show starts one of its own ([`RealKafka`]), pages are checked in a
//! browser ([`Browser`]), runs and versions by MLflow's own client ([`MlflowServer`]). Failing is by panic: the message is for anyone who reads the test's output.

mod bed;
mod browser;
pub mod chaos;
pub mod conservation;
mod gate;
mod members;
mod messages;
mod mlflow;
mod real_kafka;
mod refusal;
mod running;
mod s3;

pub use bed::Testbed;
pub use browser::Browser;
pub use gate::Gate;
pub use members::{Members, signal};
pub use messages::Received;
pub use mlflow::MlflowServer;
pub use real_kafka::RealKafka;
pub use refusal::refusal;
pub use running::Running;
pub use s3::S3Server;

use std::time::{Duration, Instant};

/// Asks again and again until `condition` holds; panics with `what` after `limit`.
///
/// # Panics
/// When the condition does not hold in time.
pub async fn eventually<F: Future<Output = bool>>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> F,
) {
    let until = Instant::now() + limit;
    while !condition().await {
        assert!(Instant::now() < until, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
