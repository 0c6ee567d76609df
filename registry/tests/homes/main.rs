//! What all homes must do: a directory always, a real MLflow server where `HEDONIC_TEST_MLFLOW=1`, a bucket of
//! an S3-compatible server with the feature `s3` where `HEDONIC_TEST_S3=1`.

#[cfg(feature = "s3")]
mod bucket;
mod contract;

use std::time::Duration;

use registry::{Alias, Directory, Mlflow, Outbox, Reason, Registry, Run, RunStatus};
use testbed::MlflowServer as Server;

use self::contract::{contract, model};

#[test]
fn a_directory_keeps_the_contract() {
    let home = tempfile::tempdir().expect("temporary directory");
    contract(&Directory::new(home.path().join("models")));
}

#[test]
fn an_mlflow_server_keeps_the_contract() {
    let home = tempfile::tempdir().expect("temporary directory");
    let Some(server) = Server::start(home.path()) else {
        return;
    };
    contract(&mlflow(&server, home.path()));
    server.stop();
}

#[test]
fn what_an_mlflow_server_could_not_take_is_sent_later_and_once() {
    let home = tempfile::tempdir().expect("temporary directory");
    let Some(server) = Server::start(home.path()) else {
        return;
    };
    let registry = mlflow(&server, home.path());
    let port = server.port;
    server.stop();

    let mut run = Run::start("while it was away");
    run.param("rows", 12);
    run.end(RunStatus::Finished);
    let error = registry.log_run(&run, &[]).expect_err("nobody answers");
    assert!(error.may_pass(), "{error}");
    let outbox = Outbox::new(home.path());
    outbox
        .keep(&run, &[], Some(&mut |path| model(path, "late")))
        .expect("is kept");
    let waiting = outbox.waiting().expect("reads");
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].run, run);
    outbox
        .send(&waiting[0], &registry)
        .expect_err("still nobody answers");
    assert_eq!(outbox.waiting().expect("reads").len(), 1);

    let server = Server::start_at(home.path(), port).expect("starts again");
    // As if the answers to an earlier try had been lost on their way.
    registry.log_run(&run, &[]).expect("takes it");
    let early = registry
        .publish_from(Some(&run.id), &mut |path| model(path, "late"))
        .expect("takes it");
    let sent = outbox.send(&waiting[0], &registry).expect("takes it");
    assert_eq!(sent, Some(early));
    assert_eq!(registry.versions().expect("reads").len(), 1);
    assert_eq!(registry.runs().expect("reads").len(), 1);
    assert!(outbox.waiting().expect("reads").is_empty());
    server.stop();
}

#[test]
fn a_directory_without_aliases_is_led_by_its_newest() {
    let home = tempfile::tempdir().expect("temporary directory");
    let registry = Directory::new(home.path());
    for number in 1..=3 {
        let path = home.path().join(format!("v{number:06}"));
        std::fs::create_dir(&path).expect("directory");
        std::fs::write(path.join("model"), "x").expect("file");
    }
    let champion = || {
        registry
            .champion()
            .expect("reads")
            .map(|version| version.number)
    };
    assert_eq!(champion(), Some(3));
    assert_eq!(registry.info(2).expect("reads").run, None);

    registry.pin("the test").expect("pins");
    registry
        .publish(|path| std::fs::write(path.join("model"), "x"))
        .expect("publishes");
    assert_eq!(champion(), Some(3), "the newest is not promoted");
    registry.pin("the test").expect("is pinned");
    assert_eq!(registry.history().expect("reads").len(), 1);

    // Somebody takes the champion away by hand: the one before it continues.
    registry.promote(4, &Reason::default()).expect("promotes");
    std::fs::remove_dir_all(home.path().join("v000004")).expect("removes");
    assert_eq!(champion(), Some(3));
    let aliases = Registry::aliases(&registry).expect("reads");
    assert_eq!(aliases[&Alias::Previous], 3);
}

#[test]
fn an_address_that_is_none_of_a_server_is_refused() {
    for uri in ["sqlite:///mlflow.db", "mlruns", "file:///tmp/mlruns"] {
        let mut config = registry::RegistryConfig::directory("models");
        config.mlflow_tracking_uri = uri.to_owned();
        let error = registry::open(&config).expect_err("no server");
        let error = error.to_string();
        assert!(
            error.contains("http://127.0.0.1:5000") && error.contains(uri),
            "{error}"
        );
    }
}

fn mlflow(server: &Server, home: &std::path::Path) -> Mlflow {
    Mlflow::new(
        &server.uri(),
        "homes",
        "homes",
        home.join("cache"),
        Duration::from_secs(20),
    )
    .expect("an address")
}
