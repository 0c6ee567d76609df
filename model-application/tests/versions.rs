//! Versions that reach the registry by other ways than a training: copied in file by file, signed later,
//! made by nobody who should.

#[path = "conservation/model.rs"]
mod model;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use minisign::KeyPair;
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

fn config(bed: &Testbed, set: &[(&str, &str)]) -> model_application::Config {
    model_application::Config::new(&bed.settings(set)).expect("valid settings")
}

fn applier(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = config(bed, set);
    Running::start(|listener, shutdown| model_application::run(config, listener, shutdown))
}

fn home(bed: &Testbed) -> PathBuf {
    config(bed, &[]).registry.path
}

async fn answering_with(running: &Running, version: &str) {
    let model = format!("real-estate@{version}");
    eventually(version, LIMIT, || async {
        running.get("/status").await.1["model"] == model.as_str()
    })
    .await;
}

async fn refused(running: &Running, version: &str, why: &str) {
    eventually(why, LIMIT, || async {
        let (_, status) = running.get("/status").await;
        let found = status["refused_model"].as_str().unwrap_or_default();
        found.starts_with(version) && found.contains(why)
    })
    .await;
}

fn sign(version: &Path, key: &KeyPair) {
    let sums = std::fs::read(version.join("SHA256SUMS")).expect("reads");
    let signed = minisign::sign(Some(&key.pk), &key.sk, Cursor::new(sums), None, None);
    let text = signed.expect("signs").into_string();
    std::fs::write(version.join("SHA256SUMS.minisig"), text).expect("writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_copied_in_file_by_file_is_taken_up_when_it_is_whole() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]);
    answering_with(&running, "v000001").await;

    // The checksums first, as `rsync` and `cp` do it by name; one file comes in two parts.
    let (from, to) = (home(&bed).join("v000001"), home(&bed).join("v000002"));
    std::fs::create_dir(&to).expect("a directory");
    refused(&running, "v000002", "SHA256SUMS").await;
    let mut files: Vec<_> = std::fs::read_dir(&from)
        .expect("reads")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    files.sort();
    let last = files.pop().expect("a file");
    for file in &files {
        std::fs::copy(from.join(file), to.join(file)).expect("copies");
    }
    let name = last.to_string_lossy().into_owned();
    refused(&running, "v000002", &name).await;
    let bytes = std::fs::read(from.join(&last)).expect("reads");
    std::fs::write(to.join(&last), &bytes[..bytes.len() / 2]).expect("writes");
    refused(&running, "v000002", "cut short").await;
    std::fs::write(to.join(&last), &bytes).expect("writes");
    answering_with(&running, "v000002").await;
    let (_, status) = running.get("/status").await;
    assert!(
        status["refused_model"].is_null(),
        "it is no refused one any more: {status}"
    );

    // A pipe in place of a file is refused, and nothing waits for it.
    let third = home(&bed).join("v000003");
    std::fs::create_dir(&third).expect("a directory");
    for file in &files {
        std::fs::copy(from.join(file), third.join(file)).expect("copies");
    }
    let made = Command::new("mkfifo").arg(third.join(&last)).status();
    assert!(made.expect("mkfifo is there").success());
    refused(&running, "v000003", "a pipe (FIFO)").await;
    assert_eq!(
        running.get("/status").await.1["model"],
        "real-estate@v000002"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_key_is_set_a_version_is_taken_up_once_it_is_signed_by_it() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let key_pair = KeyPair::generate_unencrypted_keypair().expect("a key pair");
    let other = KeyPair::generate_unencrypted_keypair().expect("a key pair");
    let public = key_pair.pk.to_base64();
    let running = applier(&bed, &[("registry.public_key", &public)]);
    refused(&running, "v000001", "there is no SHA256SUMS.minisig").await;
    assert!(!running.is_ready().await);
    let version = home(&bed).join("v000001");
    sign(&version, &other);
    refused(&running, "v000001", "is not valid for registry.public_key").await;
    sign(&version, &key_pair);
    answering_with(&running, "v000001").await;

    // A version of somebody who can write to the directory, and has right checksums of his own.
    model::publish(&bed, 150_000.0);
    let second = home(&bed).join("v000002");
    std::fs::copy(
        version.join("SHA256SUMS.minisig"),
        second.join("SHA256SUMS.minisig"),
    )
    .expect("copies");
    refused(&running, "v000002", "is not valid for registry.public_key").await;
    assert_eq!(
        running.get("/status").await.1["model"],
        "real-estate@v000001"
    );
    running.stop().await;
}
