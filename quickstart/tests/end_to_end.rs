//! The whole flow against the embedded PostgreSQL and broker, twice on the same data.

use std::time::Duration;

use common::Shutdown;
use quickstart::Options;

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_and_a_second_start_keeps_the_model() {
    let home = tempfile::tempdir().expect("temporary directory");
    // The server's user must reach it where the test runs as root.
    std::process::Command::new("chmod")
        .arg("755")
        .arg(home.path())
        .status()
        .expect("chmod");
    let options = Options {
        data_dir: home.path().to_owned(),
        stop_after: Some(40),
        timeout: Duration::from_secs(180),
        database_url: None,
        kafka: None,
        set: Vec::new(),
        live: false,
    };
    common::telemetry::choose_tls_provider();
    let first = quickstart::run(options.clone(), Shutdown::new())
        .await
        .expect("first run");
    assert!(first.answered >= 40, "{first:?}");
    assert_eq!(first.answers, first.answered as i64, "one row an answer");
    assert!(first.rejects > 0, "the dirty share is rejected");
    assert_eq!(first.model, "real-estate@v000001");

    let second = quickstart::run(options, Shutdown::new())
        .await
        .expect("second run");
    assert_eq!(second.model, "real-estate@v000001", "the model is kept");
    assert!(second.listings >= first.listings, "{second:?}");
    assert!(second.answers >= first.answers + 40, "{second:?}");
}

#[test]
fn init_sql_is_the_default_schemas() {
    let schema = records::Schema::real_estate();
    let mut sql = String::from("-- The tables of the default schema; made by every service too.\n");
    for table in [
        records::table::ddl(&schema),
        model_application::tables(&schema),
    ] {
        sql.push('\n');
        sql.push_str(&table);
    }
    assert_eq!(
        include_str!("../../init.sql"),
        sql,
        "init.sql must be what the services make"
    );
}
