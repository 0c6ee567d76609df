//! The private cluster: made, found again, refused.

mod home;

use embedded::{EmbeddedError, Postgres, PostgresOptions};
use home::{number_of, open_home};
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn data_survive_a_restart() {
    let home = open_home();
    let first = Postgres::start(PostgresOptions::new(home.path()))
        .await
        .expect("first start");
    let mut connection = PgConnection::connect(&first.url()).await.expect("connects");
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 7::bigint AS n")
        .execute(&mut connection)
        .await
        .expect("creates");
    drop(connection);
    let url = first.url();
    first.stop().await.expect("stops");
    assert!(
        PgConnection::connect(&url).await.is_err(),
        "the server is gone"
    );

    let second = Postgres::start(PostgresOptions::new(home.path()))
        .await
        .expect("second start");
    assert!(!second.is_adopted());
    assert_eq!(number_of(&second.url(), "SELECT n FROM kept").await, 7);
}

#[tokio::test]
async fn another_major_version_is_refused() {
    let home = open_home();
    let cluster = home.path().join("postgres");
    std::fs::create_dir_all(&cluster).expect("directory");
    std::fs::write(cluster.join("PG_VERSION"), "9\n").expect("file");
    match Postgres::start(PostgresOptions::new(home.path())).await {
        Err(EmbeddedError::OtherVersion { found, .. }) => assert_eq!(found, "9"),
        Err(other) => panic!("expected a refusal for the version, found: {other}"),
        Ok(_) => panic!("expected a refusal"),
    }
}

#[tokio::test]
async fn a_wrong_pg_bin_is_named() {
    let home = open_home();
    let mut options = PostgresOptions::new(home.path());
    options.search.pg_bin = Some("/no/such/place".into());
    match Postgres::start(options).await {
        Err(error) => assert!(error.to_string().contains("/no/such/place"), "{error}"),
        Ok(_) => panic!("expected a refusal"),
    }
}

#[tokio::test]
async fn an_abandoned_start_leaves_nothing_running_and_the_next_one_succeeds() {
    let home = open_home();
    for limit_ms in [5, 150, 600, 900] {
        // The future is dropped at different stages: before, in and after `initdb`.
        let start = Postgres::start(PostgresOptions::new(home.path()));
        let limit = std::time::Duration::from_millis(limit_ms);
        if let Ok(started) = tokio::time::timeout(limit, start).await {
            started.expect("starts").stop().await.expect("stops");
        }
    }
    let postgres = Postgres::start(PostgresOptions::new(home.path()))
        .await
        .expect("starts after all");
    assert!(!postgres.is_adopted(), "an abandoned server went on");
    assert_eq!(number_of(&postgres.url(), "SELECT 1::bigint").await, 1);
}
