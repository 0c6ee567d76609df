//! Servers alone, for services that are started one by one: they are there, they can be found, and they
//! go when told to.

mod start;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use common::Shutdown;
use quickstart::only_servers;
use sqlx::{Connection, PgConnection};
use start::{open_home, options};
use testbed::eventually;

const LIMIT: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn they_serve_where_the_file_says_until_they_are_told_to_leave() {
    let home = open_home();
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(only_servers::serve(options(home.path()), shutdown.clone()));
    let file = home.path().join("servers.env");
    eventually("the file is there", LIMIT, || async {
        assert!(!serving.is_finished(), "it has left by itself");
        file.exists()
    })
    .await;
    let mode = std::fs::metadata(&file).expect("its mode").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600, "a password is in it");
    let text = std::fs::read_to_string(&file).expect("reads");
    let variables: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name, value.trim_matches('\'')))
        .collect();
    let mut database = PgConnection::connect(variables["DATABASE_URL"])
        .await
        .expect("the database is there");
    database.ping().await.expect("it answers");
    let brokers = variables["HEDONIC__KAFKA__BROKERS"];
    std::net::TcpStream::connect(brokers).expect("the broker is there");
    database.close().await.expect("closes");

    shutdown.cancel();
    let left = tokio::time::timeout(LIMIT, serving).await;
    left.expect("in time").expect("no panic").expect("in order");
    assert!(!file.exists(), "nobody is to look for what has gone");
    std::net::TcpStream::connect(brokers).expect_err("the broker has gone");
}
