//! The private cluster: made, found again, adopted, refused.

use embedded::{EmbeddedError, Postgres, PostgresOptions};
use sqlx::{Connection, PgConnection};

async fn ask(url: &str, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect(url).await.expect("connects");
    sqlx::query_scalar(sql)
        .fetch_one(&mut connection)
        .await
        .expect("answers")
}

#[tokio::test]
async fn data_survive_a_restart_and_an_orphan_is_adopted() {
    let home = tempfile::tempdir().expect("temporary directory");
    let first = Postgres::start(PostgresOptions::new(home.path()))
        .await
        .expect("first start");
    let mut connection = PgConnection::connect(&first.url()).await.expect("connects");
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 7::bigint AS n")
        .execute(&mut connection)
        .await
        .expect("creates");
    drop(connection);
    first.stop().await.expect("stops");

    let second = Postgres::start(PostgresOptions::new(home.path()))
        .await
        .expect("second start");
    assert_eq!(ask(&second.url(), "SELECT n FROM kept").await, 7);

    // As if the process that started it had been killed: its server goes on.
    let url = second.url();
    std::mem::forget(second);
    let adopted = Postgres::start(PostgresOptions::new(home.path()))
        .await
        .expect("adopts");
    assert_eq!(adopted.url(), url);
    assert_eq!(ask(&adopted.url(), "SELECT n FROM kept").await, 7);
    adopted.stop().await.expect("stops the adopted server");
    assert!(
        PgConnection::connect(&url).await.is_err(),
        "the server is gone"
    );
}

#[tokio::test]
async fn another_major_version_is_refused() {
    let home = tempfile::tempdir().expect("temporary directory");
    let cluster = home.path().join("postgres");
    std::fs::create_dir_all(&cluster).expect("directory");
    std::fs::write(cluster.join("PG_VERSION"), "9\n").expect("file");
    // The server's user must reach it, or the cluster would lie elsewhere.
    std::process::Command::new("chmod")
        .arg("755")
        .arg(home.path())
        .status()
        .expect("chmod");
    match Postgres::start(PostgresOptions::new(home.path())).await {
        Err(EmbeddedError::OtherVersion { found, .. }) => assert_eq!(found, "9"),
        Err(other) => panic!("expected a refusal for the version, found: {other}"),
        Ok(_) => panic!("expected a refusal"),
    }
}
