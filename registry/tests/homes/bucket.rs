//! The home in a bucket, on an S3-compatible server.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use registry::{Alias, Bucket, Reason, Registry, RegistryConfig};
use testbed::S3Server;

use super::contract::{contract, model};

/// Set in a process of its own, which finds the server by its environment as any program does.
const INSIDE: &str = "HEDONIC_TEST_S3_INSIDE";
const NAME: &str = "bucket::a_bucket_keeps_the_contract_also_with_several_writers";

#[test]
fn a_bucket_keeps_the_contract_also_with_several_writers() {
    let home = tempfile::tempdir().expect("temporary directory");
    if std::env::var_os(INSIDE).is_some() {
        return inside(home.path());
    }
    let Some(server) = S3Server::start(home.path()) else {
        return;
    };
    server.make_bucket("models");
    let status = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .env("AWS_ENDPOINT_URL", server.endpoint())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "tests")
        .env("AWS_SECRET_ACCESS_KEY", "tests")
        .status()
        .expect("it starts");
    assert!(status.success(), "{status}: what it said stands above");
}

fn inside(home: &Path) {
    let bucket = |prefix: &str, cache: &str| {
        Bucket::new(&format!("s3://models/{prefix}"), home.join(cache)).expect("an address")
    };
    contract(&bucket("contract/one", "cache"));
    // Two prefixes know nothing of each other.
    assert!(
        bucket("contract/two", "cache")
            .versions()
            .expect("reads")
            .is_empty()
    );

    // Writers that know nothing of each other either: every number once, every decision kept.
    const WRITERS: u64 = 4;
    const EACH: u64 = 3;
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let registry = bucket("writers", &format!("cache-{writer}"));
            scope.spawn(move || {
                for count in 0..EACH {
                    let text = format!("{writer} {count}");
                    let version = registry
                        .publish_from(None, &mut |path| model(path, &text))
                        .expect("publishes");
                    let reason = Reason {
                        who: text.clone(),
                        ..Reason::default()
                    };
                    registry.promote(version.number, &reason).expect("promotes");
                    registry
                        .tag(1, &format!("{writer}-{count}"), "x")
                        .expect("tags");
                }
            });
        }
    });
    let reader = bucket("writers", "reader");
    let all = (WRITERS * EACH) as usize;
    let versions = reader.versions().expect("reads");
    let numbers: Vec<u64> = versions.iter().map(|version| version.number).collect();
    assert_eq!(numbers, (1..=WRITERS * EACH).collect::<Vec<_>>());
    let contents: BTreeSet<String> = versions
        .iter()
        .map(|version| {
            let path = reader.fetch(version).expect("fetches");
            std::fs::read_to_string(path.join("model.json")).expect("reads")
        })
        .collect();
    assert_eq!(contents.len(), all, "{contents:?}");
    let history = reader.history().expect("reads");
    let deciders: BTreeSet<&str> = history.iter().map(|change| change.who.as_str()).collect();
    assert_eq!((history.len(), deciders.len()), (all, all));
    // Each took over from the one before it: none was decided on what was not so any more.
    for pair in history.windows(2) {
        assert_eq!(pair[1].from, Some(pair[0].version));
        assert_eq!(pair[1].number, pair[0].number + 1);
    }
    let aliases = reader.aliases().expect("reads");
    assert_eq!(aliases[&Alias::Champion], history[all - 1].version);
    assert_eq!(reader.info(1).expect("reads").tags.len(), all);

    // What was changed on its way is not taken.
    let path = reader.fetch(&versions[0]).expect("fetches");
    std::fs::write(path.join("model.json"), "other").expect("writes");
    let again = reader.fetch(&versions[0]).expect("is fetched again");
    let text = std::fs::read_to_string(again.join("model.json")).expect("reads");
    assert!(text.ends_with("model.json"), "{text}");

    // By the settings; a bucket that is not there is reported, and may come.
    let mut config = RegistryConfig::directory(home.join("settings"));
    config.bucket = "s3://models/writers".to_owned();
    let opened = registry::open(&config).expect("opens");
    assert_eq!(opened.place(), "s3://models/writers");
    assert_eq!(opened.versions().expect("reads").len(), all);
    config.bucket = "s3://nothing".to_owned();
    let error = registry::open(&config)
        .expect("opens")
        .promote(1, &Reason::default());
    let error = error.expect_err("there is no such bucket");
    assert!(error.to_string().contains("s3://nothing"), "{error}");
    config.bucket = "http://models".to_owned();
    let error = registry::open(&config).expect_err("no bucket");
    assert!(error.to_string().contains("s3://BUCKET"), "{error}");
}
