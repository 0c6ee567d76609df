//! The whole flow against the embedded PostgreSQL and broker, twice on the same data.

mod start;

use common::Shutdown;
use quickstart::Options;
use start::{open_home, options};

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_and_a_second_start_keeps_the_model() {
    let home = open_home();
    let options = Options {
        stop_after: Some(40),
        ..options(home.path())
    };
    let first = quickstart::run(options.clone(), Shutdown::new())
        .await
        .expect("first run");
    assert!(first.answered >= 40, "{first:?}");
    assert_eq!(first.answers, first.answered as i64, "one row an answer");
    assert_eq!(first.accounted, first.produced, "nothing lost or doubled");
    assert!(first.rejects > 0, "the dirty share is rejected");
    assert_eq!(first.model, "real-estate@v000001");
    assert!(
        first.holdout_mdape.is_some_and(|error| error < 0.2),
        "{first:?}"
    );

    let second = quickstart::run(options, Shutdown::new())
        .await
        .expect("second run");
    assert_eq!(second.model, "real-estate@v000001", "the model is kept");
    assert_eq!(second.holdout_mdape, first.holdout_mdape);
    assert!(second.listings >= first.listings, "{second:?}");
    assert_eq!(
        second.answers,
        first.answers + second.answered as i64,
        "{second:?}"
    );
    assert_eq!(second.accounted, second.produced, "nothing lost or doubled");
}

#[test]
fn init_sql_is_the_default_schemas() {
    let schema = records::Schema::real_estate();
    let mut sql = String::from("-- The tables of the default schema; made by every service too.\n");
    for table in [records::table::ddl(&schema), ledger::migrations::whole()] {
        sql.push('\n');
        sql.push_str(&table);
    }
    assert_eq!(
        include_str!("../../init.sql"),
        sql,
        "init.sql must be what the services make"
    );
}
