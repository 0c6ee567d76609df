//! Tables of every version become those of the newest, and tables that are up to date are left alone.

mod server;

use std::time::Duration;

use ledger::migrations::{MigrateError, applied, migrate, migrate_to, newest, whole};
use server::Server;
use sqlx::{Connection, Executor, PgConnection, Row};

/// What earlier programs made before there were migrations.
const BEFORE_MIGRATIONS: &str = include_str!("older/before_migrations.sql");

/// Columns, constraints and indexes, in an order of their own.
const CATALOGUE: &str = "SELECT concat_ws(' ', relname, attname, format_type(atttypid, atttypmod), \
    attnotnull, pg_get_expr(adbin, adrelid)) FROM pg_class \
    JOIN pg_namespace ON pg_namespace.oid = relnamespace AND nspname = 'public' \
    JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped \
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE relkind = 'r' \
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
    UNION ALL SELECT version || ' ' || name FROM ledger_migrations ORDER BY 1";

async fn catalogue(connection: &mut PgConnection) -> Vec<String> {
    let rows = connection.fetch_all(CATALOGUE).await.expect("a catalogue");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn from_every_older_version_to_the_newest_gives_the_tables_of_a_fresh_database() {
    let server = Server::start().await;
    let mut fresh = server.database("fresh").await;
    migrate(&mut fresh).await.expect("a fresh database");
    let expected = catalogue(&mut fresh).await;
    for column in [
        "answers digest bytea",
        "answers request jsonb",
        "answers record bytea",
        "offsets topic_id text",
        "rejects payload_bytes bigint",
        "hedonic_sweeps training_set bytea",
        "hedonic_sweep_trials lease_until timestamp with time zone",
    ] {
        assert!(
            expected.iter().any(|line| line.starts_with(column)),
            "no {column} in {expected:#?}"
        );
    }

    for steps in 0..newest() as usize {
        let mut older = server.database(&format!("older_{steps}")).await;
        migrate_to(&mut older, steps)
            .await
            .expect("an older version");
        assert_eq!(applied(&mut older).await.expect("a version"), steps as i32);
        let done = migrate(&mut older).await.expect("the rest");
        assert_eq!(done.len(), newest() as usize - steps);
        assert_eq!(
            catalogue(&mut older).await,
            expected,
            "from version {steps}"
        );
    }

    let mut before = server.database("before_migrations").await;
    before.execute(BEFORE_MIGRATIONS).await.expect("old tables");
    let row =
        "INSERT INTO answers (request_id, prediction, model, payload) VALUES ('1', 2, 'm', 'p')";
    before.execute(row).await.expect("a row");
    migrate(&mut before).await.expect("its upgrade");
    assert_eq!(
        catalogue(&mut before).await,
        expected,
        "from before migrations"
    );
    let kept = before.fetch_one("SELECT count(*) FROM answers").await;
    assert_eq!(kept.expect("a count").get::<i64, _>(0), 1);

    // The SQL for people does the same, on an empty database and on an old one.
    for (name, older) in [("by_hand", ""), ("by_hand_on_old", BEFORE_MIGRATIONS)] {
        let mut by_hand = server.database(name).await;
        by_hand.execute(older).await.expect("old tables");
        by_hand.execute(&*whole()).await.expect("the SQL");
        assert_eq!(catalogue(&mut by_hand).await, expected, "{name}");
        assert_eq!(migrate(&mut by_hand).await.expect("nothing left").len(), 0);
    }
}

#[tokio::test]
async fn the_ddl_of_each_table_is_that_of_the_newest_version() {
    let server = Server::start().await;
    let mut migrated = server.database("migrated").await;
    migrate(&mut migrated).await.expect("migrates");
    let mut made = server.database("made").await;
    for ddl in [
        ledger::arrivals::DDL,
        ledger::answers::DDL,
        ledger::quality::DDL,
        ledger::offsets::DDL,
        ledger::rejects::DDL,
        ledger::sweeps::DDL,
    ] {
        made.execute(ddl).await.expect("the DDL");
    }
    // Steps find nothing to do, and change nothing.
    let before: Vec<String> = {
        let rows = made.fetch_all("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'");
        let rows = rows.await.expect("indexes");
        rows.iter().map(|row| row.get(0)).collect()
    };
    migrate(&mut made).await.expect("migrates");
    let after = catalogue(&mut made).await;
    assert_eq!(after, catalogue(&mut migrated).await);
    let indexes = after.iter().filter(|line| line.contains(" INDEX "));
    // The list of migrations has one of its own.
    assert_eq!(indexes.count(), before.len() + 1, "{after:#?}");
}

#[tokio::test]
async fn a_reader_of_a_table_is_no_hindrance_once_the_tables_are_up_to_date() {
    let server = Server::start().await;
    let mut first = server.database("read").await;
    let step = migrate_to(&mut first, 5).await.expect("all but the newest");
    assert_eq!(step.len(), 5);
    // As a `pg_dump` does.
    let mut reader = server.connect("read").await;
    let read = "BEGIN; LOCK TABLE answers IN ACCESS SHARE MODE";
    reader.execute(read).await.expect("reads");

    // An upgrade does not wait for it without end, and does not keep others waiting behind it.
    let refused = migrate(&mut first).await.expect_err("the table is locked");
    let MigrateError::Step { name, source } = refused else {
        panic!("it fails in a step: {refused}");
    };
    assert_eq!(name, "0006_answers_know_their_request");
    let code = source.as_database_error().and_then(|error| error.code());
    assert_eq!(code.as_deref(), Some("55P03"), "{source}");
    let mut applier = server.connect("read").await;
    let write =
        "INSERT INTO answers (request_id, prediction, model, payload) VALUES ('1', 2, 'm', 'p')";
    applier.execute(write).await.expect("it goes on");
    assert_eq!(applied(&mut first).await.expect("a version"), 5);
    reader.execute("COMMIT").await.expect("the reader ends");
    migrate(&mut first).await.expect("no lock is in its way");

    // A start takes no lock that a reader, or even another upgrade, could hold.
    let all = "BEGIN; LOCK TABLE answers, rejects, offsets, actuals, arrivals IN ACCESS EXCLUSIVE MODE; \
               LOCK TABLE ledger_migrations IN SHARE MODE; \
               SELECT pg_advisory_xact_lock(29384879618550115)";
    reader.execute(all).await.expect("locks");
    let mut second = server.connect("read").await;
    second
        .execute("SET lock_timeout = '1ms'")
        .await
        .expect("sets");
    assert_eq!(migrate(&mut second).await.expect("looks").len(), 0);
    reader.close().await.expect("it leaves");
}

#[tokio::test]
async fn several_that_start_at_once_apply_each_step_once() {
    let server = Server::start().await;
    drop(server.database("many").await);
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let mut connection = server.connect("many").await;
        starts.spawn(async move {
            // Each waits for the turn a bounded time, and tries again.
            for _ in 0..200 {
                match migrate(&mut connection).await {
                    Ok(steps) => return steps,
                    Err(error) => {
                        let code = error
                            .database()
                            .as_database_error()
                            .and_then(|database| database.code());
                        assert_eq!(code.as_deref(), Some("55P03"), "{error}");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
            panic!("no turn in 200 tries");
        });
    }
    while let Some(done) = starts.join_next().await {
        done.expect("it succeeds");
    }
    let mut connection = server.connect("many").await;
    assert_eq!(applied(&mut connection).await.expect("a version"), newest());
}
