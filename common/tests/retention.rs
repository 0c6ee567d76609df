//! Rows older than their retention go, in bounded batches; all others stay.

use common::Shutdown;
use common::retention::{RetentionConfig, keep, round};
use ledger::retention::{Table, delete_batch};
use sqlx::Executor;
use testbed::{Testbed, eventually};

const LIMIT: std::time::Duration = std::time::Duration::from_secs(180);

/// 25 rows of each table, one of each 10 days back from now.
const ROWS: &str = "
    INSERT INTO answers (request_id, prediction, model, payload, answered_at)
        SELECT n, n, 'm', 'p', now() - n * interval '10 days' FROM generate_series(0, 24) n;
    INSERT INTO actuals (request_id, actual, observed_at, received_at)
        SELECT n, n, '2126-01-01', now() - n * interval '10 days' FROM generate_series(0, 24) n;
    INSERT INTO tallies (model, hour, writer, tally)
        SELECT 'm', now() - n * interval '10 days', 'w', '{}' FROM generate_series(0, 24) n;
    INSERT INTO quality (computed_at, time_window, model, segment, answers, labelled)
        SELECT now() - n * interval '10 days', 'day', 'm', '', 1, 1 FROM generate_series(0, 24) n;
    INSERT INTO rejects (cluster, topic, partition, \"offset\", code, reason, payload, rejected_at)
        SELECT 'c', 't', 0, n, 'code', 'why', 'p', now() - n * interval '10 days' FROM generate_series(0, 24) n;
    INSERT INTO arrivals (source, minute, stored, rejected)
        SELECT 's', now() - n * interval '10 days', 1, 0 FROM generate_series(0, 24) n;";

async fn bed() -> Testbed {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    let mut connection = bed.pool().acquire().await.expect("a connection");
    ledger::migrations::migrate(&mut connection)
        .await
        .expect("tables");
    connection.execute(ROWS).await.expect("rows");
    drop(connection);
    bed
}

fn config(bed: &Testbed, set: &[(&str, &str)]) -> RetentionConfig {
    bed.settings(set)
        .section("retention")
        .expect("the section is valid")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_go_in_batches_and_the_new_stay() {
    let bed = bed().await;
    // A batch never takes more than it may.
    let mut connection = bed.pool().acquire().await.expect("a connection");
    let batch = delete_batch(&mut connection, Table::Answers, 90, 3, None).await;
    let batch = batch.expect("deletes").expect("nobody else deletes");
    assert_eq!(batch.rows, 3);
    assert_eq!(bed.number("SELECT count(*) FROM answers").await, 22);
    assert_eq!(
        bed.number("SELECT max(request_id::bigint) FROM answers").await,
        21,
        "the oldest go first"
    );

    let set = [
        ("retention.batch_rows", "4"),
        ("retention.pause_ms", "1"),
        ("retention.quality_days", "0"),
    ];
    round(bed.pool(), &config(&bed, &set))
        .await
        .expect("a round");
    for (table, kept) in [
        // Those of 0 to 80 days; one of 90 days is older than 90 days by the time that has gone by since.
        ("answers", 9),
        ("actuals", 9),
        ("tallies", 3),
        ("quality", 25),
        ("rejects", 3),
        ("arrivals", 9),
    ] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(bed.number(&sql).await, kept, "{table}");
    }
    // An id is still one answer's.
    let again =
        "INSERT INTO answers (request_id, prediction, model, payload) VALUES ('3', 1, 'm', 'p')";
    let again = bed.pool().execute(again).await.expect_err("it is there");
    let code = again.as_database_error().and_then(|error| error.code());
    assert_eq!(code.as_deref(), Some("23505"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_service_deletes_at_a_time_and_goes_on_when_the_other_ends() {
    let bed = bed().await;
    let mut other = bed.pool().begin().await.expect("begins");
    let lock = format!(
        "SELECT pg_advisory_xact_lock({})",
        0x0068_6564_7265_7461_i64
    );
    other.execute(&*lock).await.expect("the lock");
    let config = config(&bed, &[("retention.every_s", "1")]);
    round(bed.pool(), &config)
        .await
        .expect("it leaves it to the other");
    assert_eq!(bed.number("SELECT count(*) FROM answers").await, 25);
    let shutdown = Shutdown::new();
    let keeping = tokio::spawn(keep(bed.pool().clone(), config, shutdown.clone()));
    other.rollback().await.expect("it ends");
    eventually("the old rows are gone", LIMIT, || async {
        bed.number("SELECT count(*) FROM answers").await == 9
            && bed.number("SELECT count(*) FROM arrivals").await == 9
    })
    .await;
    shutdown.cancel();
    keeping.await.expect("it leaves");
}
