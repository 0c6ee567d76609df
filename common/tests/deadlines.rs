//! A database connection that goes silent, and a process that is frozen, keep nobody waiting without end.

use std::time::Duration;

use common::database::{DatabaseConfig, Patience, Session, Spare, connect, open, within};
use common::{Fault, Health, Shutdown};
use sqlx::{Connection, Executor, PgConnection, PgPool};
use testbed::Testbed;

/// As long as a starved machine may take.
const LIMIT: Duration = Duration::from_secs(180);

fn config(bed: &Testbed, set: &[(&str, &str)]) -> DatabaseConfig {
    let settings = bed.settings(set);
    settings.section("database").expect("the section is valid")
}

async fn pool(config: &DatabaseConfig) -> PgPool {
    let (health, shutdown) = (Health::default(), Shutdown::new());
    let connecting = connect(config, &health, &shutdown);
    connecting.await.expect("it may").expect("connects")
}

async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(LIMIT, work).await;
    done.unwrap_or_else(|_| panic!("{what} does not end"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_session_has_the_deadlines_of_the_settings() {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    let config = config(
        &bed,
        &[
            ("database.timeouts.statement_ms", "7000"),
            ("database.timeouts.lock_ms", "3000"),
            ("database.timeouts.keepalive_idle_s", "0"),
        ],
    );
    let shown = async |pool: &PgPool, name: &str| -> String {
        let sql = format!("SHOW {name}");
        sqlx::query_scalar(&sql)
            .fetch_one(pool)
            .await
            .expect("shows")
    };
    let patient = pool(&config.patient()).await;
    assert_eq!(shown(&patient, "statement_timeout").await, "0");
    let pool = pool(&config).await;
    for (name, value) in [
        ("statement_timeout", "7s"),
        ("lock_timeout", "3s"),
        ("idle_in_transaction_session_timeout", "15s"),
        ("tcp_keepalives_interval", "10"),
        ("tcp_user_timeout", "30000"),
        // A kept plan may be that of an empty table.
        ("plan_cache_mode", "force_custom_plan"),
    ] {
        assert_eq!(shown(&pool, name).await, value, "{name}");
    }
    let relaxed = common::database::relaxed(&pool);
    assert_eq!(shown(&relaxed, "synchronous_commit").await, "off");
    assert_eq!(shown(&relaxed, "statement_timeout").await, "7s");
    let lookups = common::database::lookups(&pool);
    let mut lookups = lookups.acquire().await.expect("connects");
    let sql = "CREATE TEMPORARY TABLE named (name text PRIMARY KEY); \
               PREPARE look (text[]) AS SELECT name FROM named WHERE name = ANY($1)";
    lookups.execute(sql).await.expect("prepares");
    let plan: Vec<String> = sqlx::query_scalar("EXPLAIN EXECUTE look('{a,b}')")
        .fetch_all(&mut *lookups)
        .await
        .expect("explains");
    let plan = plan.join("\n");
    assert!(plan.contains("named_pkey") && plan.contains("$1"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_go_silent_in_mid_statement_cost_their_work_alone() {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    let (gate, url) = bed.behind_a_gate().await;
    gate.set_open(true);
    let set = [("database.url", &*url), ("database.max_connections", "2")];
    let pool = pool(&config(&bed, &set)).await;
    for _ in 0..2 {
        let deadline = Duration::from_secs(5);
        let sleeping = async || {
            within(&pool, deadline, async |connection| {
                connection.execute("SELECT pg_sleep(3)").await
            })
            .await
        };
        // A third waits for a connection, and never gets one in time.
        let all = async { tokio::join!(sleeping(), sleeping(), sleeping()) };
        let silence = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            gate.silence();
        };
        let ((first, second, _), ()) =
            in_time("the work", async { tokio::join!(all, silence) }).await;
        for done in [first, second] {
            let error = done.expect_err("nothing answers");
            assert!(matches!(&error, sqlx::Error::Io(_)), "{error}");
            assert_eq!(Fault::of_database(&error), Fault::Passing);
            assert!(
                error.to_string().contains("did not answer within 5 s"),
                "{error}"
            );
        }
        let answer = async {
            loop {
                let one = within(&pool, LIMIT, async |connection| {
                    sqlx::query_scalar::<_, i32>("SELECT 1")
                        .fetch_one(connection)
                        .await
                });
                match one.await {
                    Ok(one) => return one,
                    Err(error) => assert_eq!(Fault::of_database(&error), Fault::Passing),
                }
            }
        };
        assert_eq!(in_time("the pool", answer).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_goes_silent_while_it_is_given_back_frees_its_place() {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    let (gate, url) = bed.behind_a_gate().await;
    gate.set_open(true);
    let set = [("database.url", &*url), ("database.max_connections", "1")];
    let pool = pool(&config(&bed, &set)).await;
    let delay = Duration::from_millis(200);
    // Before, in and after each of the two questions that the pool asks, each of which takes two delays.
    for silent_after in [0, 100, 300, 500, 700, 900] {
        let session = Session::begin(&pool, LIMIT).await.expect("a connection");
        gate.delay(delay);
        session.give_back();
        tokio::time::sleep(Duration::from_millis(silent_after)).await;
        gate.silence();
        gate.delay(Duration::ZERO);
        let answer = async {
            loop {
                let one = within(&pool, LIMIT, async |connection| {
                    sqlx::query_scalar::<_, i32>("SELECT 1")
                        .fetch_one(connection)
                        .await
                });
                // A wait for a connection ends with an error, after which one asks again.
                if let Ok(one) = one.await {
                    return one;
                }
            }
        };
        assert_eq!(in_time("a query on the pool", answer).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spare_connection_is_used_again_until_it_is_silent_or_its_work_fails() {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    let (gate, url) = bed.behind_a_gate().await;
    gate.set_open(true);
    let pool = pool(&config(&bed, &[("database.url", &*url)])).await;
    let (spare, patience) = (Spare::of_shared(pool), Patience::new(LIMIT));
    // The process of the server that a connection has.
    let process = async |sql: &str| {
        let asking = spare.patiently(&patience, async |connection| {
            sqlx::query_scalar::<_, i32>(sql)
                .fetch_one(connection)
                .await
        });
        in_time("a query", asking).await
    };
    const PROCESS: &str = "SELECT pg_backend_pid()";
    let first = process(PROCESS).await.expect("an answer");
    assert_eq!(process(PROCESS).await.expect("an answer"), first);

    gate.silence();
    let second = process(PROCESS)
        .await
        .expect("asked for a sign of life first");
    assert_ne!(second, first);

    process("SELECT 1 / 0")
        .await
        .expect_err("a division by zero");
    let third = process(PROCESS).await.expect("an answer");
    assert_ne!(third, second, "what failed is not used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_that_went_silent_and_work_that_was_dropped_give_their_places_back() {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    let (gate, url) = bed.behind_a_gate().await;
    gate.set_open(true);
    let set = [("database.url", &*url), ("database.max_connections", "2")];
    let pool = pool(&config(&bed, &set)).await;
    let answer = async || {
        in_time("a query on the pool", async {
            loop {
                // A wait for a connection ends with an error, after which one asks again.
                let one = sqlx::query_scalar::<_, i32>("SELECT 1")
                    .fetch_one(&pool)
                    .await;
                if let Ok(one) = one {
                    return one;
                }
            }
        })
        .await
    };
    // Both are idle when the network forgets them.
    let (one, other) = (pool.acquire().await, pool.acquire().await);
    drop((one.expect("a connection"), other.expect("a connection")));
    gate.silence();
    assert_eq!(answer().await, 1);

    // Dropped in mid-statement, as by a `select!`, with and without a session of ours.
    for is_bare in [true, false] {
        for _ in 0..3 {
            let mut session = Session::begin(&pool, LIMIT).await.expect("a connection");
            let sql = "SELECT pg_sleep(600)";
            let dropped = Duration::from_millis(300);
            let asleep = match is_bare {
                true => {
                    session.give_back();
                    tokio::time::timeout(dropped, pool.execute(sql)).await
                }
                false => tokio::time::timeout(dropped, session.execute(sql)).await,
            };
            assert!(asleep.is_err(), "it sleeps");
            gate.silence();
        }
        assert_eq!(answer().await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_frozen_in_a_transaction_keeps_no_successor_from_starting_or_writing() {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    let config = config(
        &bed,
        &[("database.timeouts.idle_in_transaction_ms", "4000")],
    );
    let sql = "CREATE TABLE IF NOT EXISTS homes (\n    id text PRIMARY KEY\n);\n";
    let start = async || {
        let (health, shutdown) = (Health::default(), Shutdown::new());
        let opened = open(&config, sql, &health, &shutdown);
        let opened = in_time("a start", opened).await;
        opened.expect("it may").expect("a pool")
    };
    let frozen = pool(&config).await;
    // It is frozen while it makes tables,
    let mut making = frozen.begin().await.expect("begins");
    let lock = format!(
        "SELECT pg_advisory_xact_lock({})",
        0x0068_6564_6f6e_6963_i64
    );
    making
        .execute(&*lock)
        .await
        .expect("the lock of the tables");
    let successor = start().await;
    // and while it writes.
    let mut writing = frozen.begin().await.expect("begins");
    let insert = "INSERT INTO homes VALUES ('1')";
    writing.execute(insert).await.expect("inserts");
    let lock = "LOCK TABLE offsets, rejects, answers IN ACCESS EXCLUSIVE MODE";
    writing.execute(lock).await.expect("locks");
    // A start looks at tables without locking them; a write waits for the frozen one's end.
    let another = start().await;
    let write = async {
        loop {
            let written = within(&successor, LIMIT, async |connection: &mut PgConnection| {
                let mut transaction = connection.begin().await?;
                transaction.execute(insert).await?;
                transaction.execute("DELETE FROM offsets").await?;
                transaction.commit().await
            });
            match written.await {
                Ok(()) => return,
                Err(error) => assert_eq!(Fault::of_database(&error), Fault::Passing, "{error}"),
            }
        }
    };
    in_time("a write", write).await;
    let stored = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM homes").fetch_one(&another);
    assert_eq!(stored.await.expect("a count"), 1);
    assert!(writing.commit().await.is_err(), "its session was ended");
    assert!(making.commit().await.is_err(), "its session was ended");
}
