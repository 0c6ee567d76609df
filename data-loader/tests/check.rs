//! `data-loader --check`: a set-up that is well passes; of one that is not, the line states what to fix.

use std::process::{Command, Output};
use std::time::Duration;

use common::check::{Outcome, Report};
use sqlx::Executor;
use testbed::Testbed;

/// Longest wait for an answer where there is one.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same where nobody answers: it is waited for in full.
const IMPATIENCE: Duration = Duration::from_secs(1);

async fn report(bed: &Testbed, set: &[(&str, &str)], limit: Duration) -> Report {
    let config = data_loader::Config::new(&bed.settings(set));
    common::check::report(config.map(|config| config.needs()), limit).await
}

/// A line must end so, and say both.
fn expect(report: &Report, check: &str, outcome: Outcome, found: &str, mend: &str) {
    let line = report
        .of(check)
        .unwrap_or_else(|| panic!("no line {check}:\n{report}"));
    assert_eq!(line.outcome, outcome, "{report}");
    assert!(line.found.contains(found), "{check}: {found}?\n{report}");
    let remedy = line.mend.as_deref().unwrap_or_default();
    assert!(remedy.contains(mend), "{check}: {mend}?\n{report}");
}

async fn make_tables(bed: &Testbed) {
    make_tables_on(bed.pool()).await;
}

/// As the service does at its start.
async fn make_tables_on(pool: &sqlx::PgPool) {
    let mut connection = pool.acquire().await.expect("a connection");
    ledger::migrations::migrate(&mut connection)
        .await
        .expect("the tables of the services can be made");
    let tables = data_loader::tables(&records::Schema::real_estate());
    common::database::make_tables(pool, &tables)
        .await
        .expect("the tables can be made");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_well_passes_and_nothing_is_made() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let report_before = report(&bed, &[], PATIENCE).await;
    assert!(report_before.is_healthy(), "{report_before}");
    let not_yet = "does not exist yet";
    expect(
        &report_before,
        "table listings",
        Outcome::Passed,
        not_yet,
        "",
    );
    assert_eq!(
        bed.number("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            .await,
        0,
        "a check makes no table"
    );

    make_tables(&bed).await;
    let report = report(&bed, &[], PATIENCE).await;
    for finding in &report.findings {
        assert_eq!(finding.outcome, Outcome::Passed, "{report}");
    }
    let names: Vec<&str> = report
        .findings
        .iter()
        .map(|finding| &*finding.check)
        .collect();
    let (new_data, rejects) = (
        format!("topic {}", topics.new_data),
        format!("topic {}", topics.rejects),
    );
    assert_eq!(
        names,
        [
            "broker",
            &new_data,
            &rejects,
            "database",
            "tables",
            "tables of the services",
            "table listings",
            "clock"
        ]
    );
    expect(&report, &new_data, Outcome::Passed, "partitions: 3", "");
    expect(&report, "tables", Outcome::Passed, "15 of 15 exist", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_is_told_and_not_made() {
    let bed = Testbed::start().await;
    let name = format!("{}-missing", bed.group("check"));
    let set = [("kafka.topics.rejects", name.as_str())];
    for _ in 0..2 {
        let report = report(&bed, &set, PATIENCE).await;
        let check = format!("topic {name}");
        let mend = format!("--create --topic {name} --partitions 3");
        expect(&report, &check, Outcome::Warning, "does not exist", &mend);
        assert!(report.is_healthy(), "the service makes it:\n{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_away_are_named_without_a_secret() {
    let bed = Testbed::start().await;
    let set = [
        ("kafka.brokers", "127.0.0.1:1"),
        ("kafka.properties.sasl.password", "geheim"),
        ("database.url", "postgres://me:geheim@127.0.0.1:1/none"),
    ];
    let report = report(&bed, &set, IMPATIENCE).await;
    let away = "Kafka at 127.0.0.1:1 does not answer";
    expect(&report, "broker", Outcome::Failed, away, "kafka.brokers");
    let topic = format!("topic {}", bed.kafka(&[]).topics.new_data);
    expect(&report, &topic, Outcome::Skipped, "see broker", "");
    let away = "PostgreSQL at 127.0.0.1:1";
    expect(&report, "database", Outcome::Failed, away, "--database-url");
    expect(&report, "clock", Outcome::Skipped, "see database", "");
    let text = format!("{report}{}", report.to_json());
    assert!(!text.contains("geheim"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_as_the_schema_says_is_told_with_the_sql_that_mends_it() {
    let bed = Testbed::start().await;
    make_tables(&bed).await;
    bed.pool()
        .execute(
            "ALTER TABLE listings DROP COLUMN area; \
             ALTER TABLE listings ALTER COLUMN floor TYPE integer",
        )
        .await
        .expect("the table can be changed");
    let broken = report(&bed, &[], PATIENCE).await;
    assert!(!broken.is_healthy(), "{broken}");
    let add = "ALTER TABLE listings ADD COLUMN area double precision;";
    let missing = "the column area (double precision) is missing";
    expect(&broken, "table listings", Outcome::Failed, missing, add);
    let change = "ALTER TABLE listings ALTER COLUMN floor TYPE bigint USING floor::bigint;";
    let other = "floor is integer, expected bigint";
    expect(&broken, "table listings", Outcome::Failed, other, change);

    // What it says to do is what fixes it.
    for sql in [add, change] {
        bed.pool().execute(sql).await.expect("the SQL is right");
    }
    let report = report(&bed, &[], PATIENCE).await;
    assert!(report.is_healthy(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_never_writes_tables_that_fail_the_check() {
    let bed = Testbed::start().await;
    make_tables(&bed).await;
    for (change, found, mend) in [
        (
            "ALTER TABLE listings ALTER COLUMN floor TYPE text",
            "table listings: differs from the schema real-estate: floor is text, expected bigint",
            "ALTER TABLE listings ALTER COLUMN floor TYPE bigint USING floor::bigint;",
        ),
        (
            "ALTER TABLE rejects DROP COLUMN payload_bytes",
            "tables of the services: rejects: differs from the schema of the services: the column \
             payload_bytes (bigint) is missing",
            "ALTER TABLE rejects ADD COLUMN payload_bytes bigint;",
        ),
    ] {
        bed.pool().execute(change).await.expect("it can be changed");
        let config = data_loader::Config::new(&bed.settings(&[])).expect("valid settings");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let running = data_loader::run(config, listener, common::Shutdown::new());
        let ended = tokio::time::timeout(Duration::from_secs(180), running).await;
        let why = ended.expect("it ends").expect_err("it must not write");
        let why = format!("{why:#}");
        assert!(why.contains(found) && why.contains(mend), "{why}");
        let report = report(&bed, &[], PATIENCE).await;
        assert!(!report.is_healthy(), "{report}");
        bed.pool().execute(mend).await.expect("the SQL is right");
    }
    let report = report(&bed, &[], PATIENCE).await;
    assert!(report.is_healthy(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_rights_is_told_what_to_be_granted() {
    let bed = Testbed::start().await;
    make_tables(&bed).await;
    for sql in [
        "CREATE ROLE guest LOGIN PASSWORD 'geheim'",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ] {
        bed.pool().execute(sql).await.expect("we own the server");
    }
    let database_url = bed.database_url();
    let (_, server) = database_url.split_once('@').expect("the URL has a user");
    let url = format!("postgres://guest:geheim@{server}");
    let set = [("database.url", url.as_str())];
    let poor = report(&bed, &set, PATIENCE).await;
    let all = "listings, arrivals, answers, actuals, tallies, quality, offsets, rejects, answer_counts, quality_progress, labelled_answers, topic_ids, hedonic_sweeps, hedonic_sweep_trials, ledger_migrations";
    let closed = format!("may not read and write {all}");
    let grant = format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {all} TO guest;");
    expect(&poor, "tables", Outcome::Failed, &closed, &grant);
    let read = "may not read it";
    expect(
        &poor,
        "table listings",
        Outcome::Failed,
        read,
        "GRANT SELECT",
    );

    // What it says to do is what the service's start needs.
    bed.pool().execute(&*grant).await.expect("the SQL is right");
    let report_after = report(&bed, &set, PATIENCE).await;
    assert!(report_after.is_healthy(), "{report_after}");
    let config = data_loader::Config::new(&bed.settings(&set)).expect("valid settings");
    let tables = data_loader::tables(&config.schema);
    let open = async || {
        let (health, shutdown) = (common::Health::default(), common::Shutdown::new());
        common::database::open(&config.database, &tables, &health, &shutdown).await
    };
    open().await.expect("it may write").expect("a pool");

    // Tables that are to be altered need more.
    let older = "DELETE FROM ledger_migrations WHERE version >= 4";
    bed.pool().execute(older).await.expect("we own the table");
    let grant = "GRANT CREATE ON SCHEMA public TO guest;";
    let poor = report(&bed, &set, PATIENCE).await;
    expect(&poor, "tables", Outcome::Failed, "may not create", grant);
    let refused = open().await.expect_err("it may not make tables");
    assert!(
        format!("{refused:#}").contains("permission denied"),
        "{refused:#}"
    );
    bed.pool().execute(grant).await.expect("the SQL is right");
    let poor = report(&bed, &set, PATIENCE).await;
    let change_owner = "ALTER TABLE offsets OWNER TO guest;";
    expect(
        &poor,
        "tables",
        Outcome::Failed,
        "does not own answers",
        change_owner,
    );
    let change_owner = "ALTER VIEW answers_readable OWNER TO guest;";
    expect(
        &poor,
        "tables",
        Outcome::Failed,
        "does not own the view answers_readable",
        change_owner,
    );
    let owned = bed.pool().execute(change_owner).await;
    owned.expect("the SQL is right");
    for table in [
        "answers",
        "actuals",
        "labelled_answers",
        "offsets",
        "quality",
        "rejects",
    ] {
        let sql = format!("ALTER TABLE {table} OWNER TO guest");
        bed.pool().execute(&*sql).await.expect("the SQL is right");
    }
    let report_after = report(&bed, &set, PATIENCE).await;
    assert!(report_after.is_healthy(), "{report_after}");
    open().await.expect("it may alter").expect("a pool");

    let wrong = url.replace("geheim", "falsch");
    let refused = report(&bed, &[("database.url", &wrong)], PATIENCE).await;
    let password = "correct the user and password";
    expect(&refused, "database", Outcome::Failed, "guest", password);
    assert!(!refused.to_string().contains("falsch"), "{refused}");
}

/// The program itself, with flags.
fn program(flags: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_data-loader"))
        .env_remove("HEDONIC_CONFIG")
        .env_remove("DATABASE_URL")
        .args(flags)
        .output()
        .expect("it starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_prints_a_line_each_and_its_exit_code_says_how_it_is() {
    let bed = Testbed::start().await;
    let asked = |set: &[(&str, &str)], check: &str| {
        let mut flags = bed.flags(set);
        flags.push(check.to_owned());
        tokio::task::spawn_blocking(move || program(&flags))
    };
    let well = asked(&[], "--check").await.expect("no panic");
    let printed = String::from_utf8_lossy(&well.stdout).into_owned();
    assert_eq!(well.status.code(), Some(0), "{printed}");
    assert!(printed.contains("passed   broker"), "{printed}");

    let nowhere = [("database.url", "postgres://me:geheim@127.0.0.1:1/none")];
    let ill = asked(&nowhere, "--check=json").await.expect("no panic");
    assert_eq!(ill.status.code(), Some(1));
    let printed: serde_json::Value = serde_json::from_slice(&ill.stdout).expect("JSON");
    assert_eq!(printed["healthy"], false, "{printed}");
    let all = printed["checks"].as_array().expect("a list");
    let of = |name: &str| {
        let mut all = all.iter();
        all.find(|check| check["check"] == name)
            .map(|check| check["outcome"].clone())
    };
    assert_eq!(of("broker"), Some("passed".into()), "{printed}");
    assert_eq!(of("database"), Some("failed".into()), "{printed}");

    let wrong = asked(&[("loader.batch_rows", "ten")], "--check");
    let wrong = wrong.await.expect("no panic");
    let printed = String::from_utf8_lossy(&wrong.stdout).into_owned();
    assert_eq!(wrong.status.code(), Some(1), "{printed}");
    assert!(printed.contains("failed   settings"), "{printed}");
    assert!(printed.contains("loader.batch_rows"), "{printed}");
}
