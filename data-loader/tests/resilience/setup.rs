//! A database that a person has to fix, and one that has gone silent.

use std::net::TcpListener;

use common::Shutdown;
use testbed::{Testbed, eventually};

use crate::{LIMIT, Sent, becomes, execute, listing, loader, send};

/// Loads `first`, changes the database, and waits for the loader to end by itself; gives why.
async fn end(bed: &Testbed, change: &str) -> String {
    let config = data_loader::Config::new(&bed.settings(&[])).expect("valid settings");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let running = tokio::spawn(data_loader::run(config, listener, Shutdown::new()));
    send(bed, &[Sent::of(&listing("first", 1e6))]).await;
    becomes(bed, "SELECT count(*) FROM listings", 1).await;
    execute(bed, change).await;
    send(bed, &[Sent::of(&listing("second", 1e6))]).await;
    let ended = tokio::time::timeout(LIMIT, running).await;
    let ended = ended.expect("it ends in time").expect("no panic");
    format!("{:#}", ended.expect_err("it cannot go on"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_setup_ends_the_service_with_what_to_mend_and_rejects_nothing() {
    for (change, expected) in [
        ("ALTER TABLE listings RENAME COLUMN city TO town", "city"),
        (
            "ALTER TABLE listings ALTER COLUMN city TYPE integer USING 1",
            "column \"city\" is of type integer",
        ),
        ("ALTER TABLE listings RENAME TO elsewhere", "does not exist"),
    ] {
        let bed = Testbed::start().await;
        let why = end(&bed, change).await;
        assert!(
            why.contains(expected) && why.contains("--check"),
            "{change}: {why}"
        );
        assert_eq!(
            bed.number("SELECT count(*) FROM rejects").await,
            0,
            "{change}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_takes_the_schemas_values_gets_them() {
    let bed = Testbed::start().await;
    let config = data_loader::Config::new(&bed.settings(&[])).expect("valid settings");
    execute(&bed, &data_loader::tables(&config.schema)).await;
    let running = loader(&bed, &[]);
    send(&bed, &[Sent::of(&listing("a", 1e6))]).await;
    becomes(&bed, "SELECT count(*) FROM listings", 1).await;
    // While it runs: the binary COPY of the schema's types fails from now on.
    execute(
        &bed,
        "ALTER TABLE listings ALTER COLUMN rooms TYPE integer, ALTER COLUMN price TYPE numeric",
    )
    .await;
    let mut beyond = listing("beyond", 1e6);
    beyond["floor"] = 3.into();
    send(&bed, &[Sent::of(&beyond), Sent::of(&listing("a", 2e6))]).await;
    becomes(&bed, "SELECT sum(price)::bigint FROM listings", 3_000_000).await;
    assert_eq!(bed.number("SELECT count(*) FROM rejects").await, 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_writing_is_impossible_it_is_not_ready_and_says_why() {
    let bed = Testbed::start().await;
    let running = loader(
        &bed,
        &[
            ("loader.write_timeout_ms", "500"),
            ("liveness.unready_after_retries", "2"),
        ],
    );
    send(&bed, &[Sent::of(&listing("a", 1e6))]).await;
    becomes(&bed, "SELECT count(*) FROM listings", 1).await;
    eventually("ready", LIMIT, || running.is_ready()).await;
    let mut held = bed.pool().begin().await.expect("begins");
    sqlx::query("LOCK TABLE listings IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .expect("locks");
    send(&bed, &[Sent::of(&listing("b", 1e6))]).await;
    eventually("not ready", LIMIT, || async {
        let (code, body) = running.get("/health/ready").await;
        code == 503 && body["parts"]["storing"] != "ready"
    })
    .await;
    let (_, status) = running.get("/status").await;
    assert!(status["last_error"].is_string(), "{status}");
    held.rollback().await.expect("lets go");
    becomes(&bed, "SELECT count(*) FROM listings", 2).await;
    eventually("ready again", LIMIT, || running.is_ready()).await;
    running.stop().await;
}
