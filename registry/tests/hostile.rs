//! A home that somebody else writes to: what it gives is bounded, stays inside the cache, and is signed where
//! it must be.

use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use minisign::KeyPair;
use registry::{
    Directory, Intake, Limits, Mlflow, Registry, RegistryConfig, RegistryError, Version,
};
use sha2::{Digest, Sha256};

/// What an act gives; one that waits for somebody fails the test.
fn without_waiting<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, answer) = mpsc::channel();
    std::thread::spawn(move || done.send(act()));
    answer
        .recv_timeout(Duration::from_secs(180))
        .expect("it does not wait")
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo is there").success());
}

fn sum(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_a_killed_process_of_the_same_id_left_fails_nobody() {
    let home = tempfile::tempdir().expect("a directory");
    let root = home.path().join("models");
    // As earlier releases named what they were making.
    for count in 0..20 {
        let left = root.join(format!(".new-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&left).expect("a directory");
        std::fs::write(left.join("model.json"), "half").expect("writes");
    }
    let registry = Directory::new(&root);
    for number in 1..=3 {
        let version = registry
            .publish(|path| {
                let there = std::fs::read_dir(path)?.count();
                assert_eq!(there, 0, "it is empty");
                std::fs::write(path.join("model.json"), "whole")
            })
            .expect("publishes");
        assert_eq!(version.number, number);
    }
}

#[test]
fn pipes_in_place_of_the_registrys_own_files_are_refused() {
    for (file, act) in [
        ("aliases.json", "reads"),
        (".lock", "writes"),
        ("tags/v000001.json", "looks"),
        ("v000001/registry.json", "looks"),
    ] {
        let home = tempfile::tempdir().expect("a directory");
        let registry = Directory::new(home.path());
        registry
            .publish(|path| std::fs::write(path.join("model.json"), "x"))
            .expect("publishes");
        let path = home.path().join(file);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        pipe(&path);
        let error = without_waiting(move || match act {
            "reads" => Registry::aliases(&registry).map(drop),
            "looks" => registry.info(1).map(drop),
            _ => registry.tag(1, "key", "value"),
        });
        error.expect_err(file);
    }
}

/// A version whose files are signed by a key.
fn version(home: &Path, key: Option<&KeyPair>) -> Version {
    let registry = Directory::new(home);
    let version = registry.publish(|path| {
        std::fs::write(path.join("model.json"), "{}")?;
        let sums = format!("{}  model.json\n", sum(b"{}"));
        if let Some(key) = key {
            let signed = minisign::sign(Some(&key.pk), &key.sk, Cursor::new(&sums), None, None);
            let signed = signed.expect("signs").into_string();
            std::fs::write(path.join("SHA256SUMS.minisig"), signed)?;
        }
        std::fs::write(path.join("SHA256SUMS"), sums)
    });
    version.expect("publishes")
}

fn keys() -> KeyPair {
    KeyPair::generate_unencrypted_keypair().expect("a key pair")
}

fn intake(key: &str) -> Result<Intake, RegistryError> {
    let mut config = RegistryConfig::directory("models");
    config.public_key = key.to_owned();
    Intake::new(&config)
}

#[test]
fn where_a_key_is_set_only_what_it_signed_is_taken_in() {
    let home = tempfile::tempdir().expect("a directory");
    let (signing, other) = (keys(), keys());
    let public = signing.pk.to_base64();
    // As it is printed, and as the whole of the file that minisign writes.
    let whole = signing.pk.to_box().expect("a file").into_string();
    for key in [public.as_str(), &format!(" {public}\n"), whole.trim()] {
        let intake = intake(key).expect("a key");
        let good = version(home.path(), Some(&signing));
        let admitted = intake.admit(&good, &good.path).expect("it is signed");
        let sums = std::fs::read(good.path.join("SHA256SUMS")).expect("reads");
        assert_eq!(admitted.sums, Some(sums));
    }
    let intake_ = intake(&public).expect("a key");
    let refused = |version: &Version, expected: &str| {
        let error = intake_.admit(version, &version.path).expect_err(expected);
        assert!(matches!(error, RegistryError::Signature { .. }), "{error}");
        let error = error.to_string();
        assert!(
            error.contains(expected) && error.contains("minisign -S"),
            "{error}"
        );
    };
    refused(
        &version(home.path(), None),
        "there is no SHA256SUMS.minisig",
    );
    refused(
        &version(home.path(), Some(&other)),
        "is not valid for registry.public_key",
    );
    let changed = version(home.path(), Some(&signing));
    std::fs::write(changed.path.join("SHA256SUMS"), "00  model.json\n").expect("writes");
    refused(&changed, "is not valid for registry.public_key");
    let spoilt = version(home.path(), Some(&signing));
    std::fs::write(spoilt.path.join("SHA256SUMS.minisig"), "nothing").expect("writes");
    refused(&spoilt, "is not a minisign signature");

    // Without a key nothing need be signed, and the directory's own checksums count.
    let unsigned = version(home.path(), None);
    let admitted = intake("").expect("none").admit(&unsigned, &unsigned.path);
    assert_eq!(admitted.expect("it is taken").sums, None);
    let error = intake("RWQ").expect_err("no key").to_string();
    assert!(
        error.contains("registry.public_key") && error.contains("RWQ"),
        "{error}"
    );
}

#[test]
fn what_is_no_file_or_too_large_is_not_taken_in() {
    let home = tempfile::tempdir().expect("a directory");
    let take = |version: &Version, most: u64| {
        let mut config = RegistryConfig::directory("models");
        config.max_version_bytes = most;
        let intake = Intake::new(&config).expect("no key");
        let version = version.clone();
        without_waiting(move || intake.admit(&version, &version.path).map(drop))
    };
    let good = version(home.path(), None);
    take(&good, 1000).expect("it is small");
    let error = take(&good, 10).expect_err("it is larger").to_string();
    assert!(error.contains("more than 10 bytes"), "{error}");
    pipe(&good.path.join("extra"));
    let error = take(&good, 1000).expect_err("a pipe").to_string();
    assert!(error.contains("a pipe (FIFO)"), "{error}");
    std::fs::remove_file(good.path.join("extra")).expect("removes");
    let out = good.path.join("out");
    std::os::unix::fs::symlink("/etc/hostname", &out).expect("a link");
    let error = take(&good, 1000).expect_err("a link").to_string();
    assert!(error.contains("leads out of its directory"), "{error}");
}

/// Answers as a server would that means ill: `files` states what is at a path below the proxy.
fn server(source: &'static str, file: fn(&str, &mut TcpStream) -> std::io::Result<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, source, file));
        }
    });
    format!("http://{address}")
}

fn json(out: &mut TcpStream, text: &str) -> std::io::Result<()> {
    write!(
        out,
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    )
}

fn serve(
    mut stream: TcpStream,
    source: &str,
    file: fn(&str, &mut TcpStream) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut line = String::from("x");
        while !line.trim().is_empty() {
            line.clear();
            reader.read_line(&mut line)?;
        }
        let path = first.split(' ').nth(1).unwrap_or_default();
        if path.contains("model-versions/get") {
            let version = format!(
                r#"{{"model_version":{{"version":"1","run_id":"r","source":"{source}","creation_timestamp":1}}}}"#
            );
            json(&mut stream, &version)?;
        } else if path.contains("mlflow-artifacts/artifacts?") {
            json(&mut stream, r#"{"files":[]}"#)?;
        } else {
            file(path, &mut stream)?;
        }
    }
}

fn fetched(uri: &str, cache: &Path) -> Result<std::path::PathBuf, RegistryError> {
    let (uri, cache) = (uri.to_owned(), cache.to_owned());
    without_waiting(move || {
        let limits = Limits {
            version_bytes: 1 << 20,
            fetch: Duration::from_secs(3),
            ..Limits::default()
        };
        let home = Mlflow::new(&uri, "m", "e", cache, Duration::from_secs(10))?.with_limits(limits);
        let version = home.version(1)?.expect("there is one");
        home.fetch(&version)
    })
}

const PLAIN: &str = "mlflow-artifacts:/1/r/artifacts/model";

fn sums(out: &mut TcpStream, text: &str) -> std::io::Result<()> {
    json(out, text)
}

#[test]
fn a_server_that_sends_without_end_or_too_slowly_is_left() {
    let home = tempfile::tempdir().expect("a directory");
    let long = server(PLAIN, |path, out| {
        if path.ends_with("SHA256SUMS") {
            return sums(out, "00  model.json\n");
        }
        write!(out, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        loop {
            write!(out, "10000\r\n{}\r\n", "x".repeat(0x10000))?;
        }
    });
    let error = fetched(&long, home.path()).expect_err("without end");
    assert!(
        matches!(error, RegistryError::TooLarge { number: 1, .. }),
        "{error}"
    );

    let announced = server(PLAIN, |path, out| match path.ends_with("SHA256SUMS") {
        true => sums(out, "00  model.json\n"),
        false => write!(
            out,
            "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n"
        ),
    });
    let error = fetched(&announced, home.path()).expect_err("a terabyte");
    assert!(
        matches!(error, RegistryError::TooLarge { number: 1, .. }),
        "{error}"
    );

    let slow = server(PLAIN, |path, out| {
        if path.ends_with("SHA256SUMS") {
            return sums(out, "00  model.json\n");
        }
        write!(out, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")?;
        loop {
            out.write_all(b"x")?;
            out.flush()?;
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    let error = fetched(&slow, home.path()).expect_err("too slow");
    assert!(
        matches!(error, RegistryError::TooSlow { number: 1, .. }),
        "{error}"
    );
    assert!(error.may_pass());
    // Nothing of it is left.
    let left: Vec<_> = std::fs::read_dir(home.path()).expect("reads").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_server_cannot_write_outside_the_cache_or_send_elsewhere() {
    let home = tempfile::tempdir().expect("a directory");
    let cache = home.path().join("cache");
    for name in ["../../out", "/tmp/out", "..\\out", "a/b"] {
        // One server a name: the handler is a plain function.
        let handler: fn(&str, &mut TcpStream) -> std::io::Result<()> = match name {
            "../../out" => |_, out| sums(out, "00  ../../out\n"),
            "/tmp/out" => |_, out| sums(out, "00  /tmp/out\n"),
            "..\\out" => |_, out| sums(out, "00  ..\\out\n"),
            _ => |_, out| sums(out, "00  a/b\n"),
        };
        let error = fetched(&server(PLAIN, handler), &cache).expect_err(name);
        assert!(matches!(error, RegistryError::Sums { .. }), "{error}");
        assert!(!home.path().join("out").exists());
    }
    for source in [
        "mlflow-artifacts:/../../2.0/mlflow/runs/get",
        "mlflow-artifacts:/a/%2e%2e/b",
        "mlflow-artifacts:/a\\\\b",
        "mlflow-artifacts:/a?b=c",
        "file:///etc",
        "http://127.0.0.1:1/x",
    ] {
        let error = fetched(&server(source, |_, out| sums(out, "")), &cache).expect_err(source);
        assert!(
            matches!(error, RegistryError::Refused { .. }),
            "{source}: {error}"
        );
    }
    // Another server, which would be asked in this machine's name.
    let elsewhere = server(PLAIN, |_, out| {
        write!(
            out,
            "HTTP/1.1 302 Found\r\nlocation: http://localhost:1/secret\r\ncontent-length: 0\r\n\r\n"
        )
    });
    let error = fetched(&elsewhere, &cache)
        .expect_err("another server")
        .to_string();
    assert!(error.contains("another server"), "{error}");
}
