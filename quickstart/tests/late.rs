//! `--stop-after` that cannot be reached: an end in time, with the reason.

mod start;

use std::time::{Duration, Instant};

use common::Shutdown;
use quickstart::Options;
use start::{open_home, options};

/// What may come on top of the time limit: stopping what was started.
const GRACE: Duration = Duration::from_secs(60);

/// The reason that a run gives which cannot succeed.
async fn reason(options: Options) -> String {
    let (began, limit) = (Instant::now(), options.timeout);
    let error = quickstart::run(options, Shutdown::new())
        .await
        .expect_err("cannot succeed");
    let took = began.elapsed();
    assert!(took < limit + GRACE, "it took {took:?}");
    format!("{error:#}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_cannot_be_reached_is_named() {
    let home = open_home();
    let message = reason(Options {
        stop_after: Some(1),
        timeout: Duration::from_secs(20),
        kafka: Some("127.0.0.1:1".to_owned()),
        ..options(home.path())
    })
    .await;
    assert!(message.contains("not done after 20 s"), "{message}");
    assert!(message.contains("Kafka at 127.0.0.1:1"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let home = open_home();
    let message = reason(Options {
        stop_after: Some(1),
        timeout: Duration::from_secs(20),
        database_url: Some("postgres://me:secret@127.0.0.1:1/none".to_owned()),
        ..options(home.path())
    })
    .await;
    assert!(message.contains("PostgreSQL at 127.0.0.1:1"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_url_that_is_none_is_refused_at_once() {
    let home = open_home();
    let message = reason(Options {
        database_url: Some("nonsense".to_owned()),
        timeout: Duration::ZERO + Duration::from_secs(1),
        ..options(home.path())
    })
    .await;
    assert!(message.contains("expected postgres://"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_can_be_answered_in_the_time_says_how_many_were() {
    let home = open_home();
    let message = reason(Options {
        stop_after: Some(1_000_000),
        timeout: Duration::from_secs(3),
        ..options(home.path())
    })
    .await;
    assert!(message.contains("not done after 3 s"), "{message}");
    assert!(message.contains("waiting for"), "{message}");
}
