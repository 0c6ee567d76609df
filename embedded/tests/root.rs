//! As root, below a directory that only root may enter.

mod home;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use embedded::{Postgres, PostgresOptions};
use home::{number_of, skipped};

/// Removes the directory that is not below the temporary one.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let name = self.0.file_name().unwrap_or_default().to_string_lossy();
        assert!(name.starts_with("hedonic-"), "not ours: {:?}", self.0);
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

#[tokio::test]
async fn the_cluster_lies_where_its_user_can_reach_it_and_is_found_again() {
    if std::fs::metadata("/proc/self").map_or(1, |process| process.uid()) != 0 {
        skipped("only root needs another directory");
        return;
    }
    let closed = tempfile::tempdir().expect("temporary directory");
    std::fs::set_permissions(closed.path(), std::fs::Permissions::from_mode(0o700))
        .expect("its mode can be set");
    let stages = Arc::new(Mutex::new(Vec::new()));
    let options = {
        let reported = Arc::clone(&stages);
        let mut options = PostgresOptions::new(closed.path().join("data"));
        options.report = Arc::new(move |stage| reported.lock().unwrap().push(stage.to_owned()));
        options
    };
    let first = Postgres::start(options.clone()).await.expect("starts");
    let data = first.data().to_owned();
    let _removed = Removed(data.parent().expect("a parent").to_owned());
    assert!(data.starts_with("/var/lib"), "{}", data.display());
    let reported = stages.lock().unwrap().join("\n");
    for path in [&closed.path().join("data"), data.parent().unwrap()] as [&std::path::Path; 2] {
        assert!(
            reported.contains(&*path.to_string_lossy()),
            "{path:?}: {reported}"
        );
    }
    let database = first.create_database("again").await.expect("creates");
    assert_eq!(number_of(&database, "SELECT 1::bigint").await, 1);
    first.stop().await.expect("stops");

    stages.lock().unwrap().clear();
    let second = Postgres::start(options).await.expect("starts again");
    assert_eq!(second.data(), data);
    assert!(!stages.lock().unwrap().is_empty(), "each start reports it");
    let url = second.database_url("again");
    assert_eq!(number_of(&url, "SELECT 1::bigint").await, 1, "found again");
    second.stop().await.expect("stops");
}
