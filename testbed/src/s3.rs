//! An S3-compatible server from PyPI: `HEDONIC_TEST_S3=1` switches it on.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The releases the tests know: what serves a bucket, without what the other services of the package need.
const RELEASES: [&str; 3] = ["moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];
/// It is Python that starts: a slow machine takes long.
const START: Duration = Duration::from_secs(120);
/// One request at a time: a condition and the write that depends on it are one, as in a real store.
const SERVER: &str = "\
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple('127.0.0.1', int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
";

/// A server on loopback; killed when dropped.
pub struct S3Server {
    port: u16,
    child: Child,
}

impl S3Server {
    /// A server whose log is in `home`; `None`, with a message, where it is not switched on.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(home: &Path) -> Option<S3Server> {
        if std::env::var("HEDONIC_TEST_S3").as_deref() != Ok("1") {
            eprintln!(
                "LEFT OUT: no S3-compatible server; HEDONIC_TEST_S3=1 installs and starts one"
            );
            return None;
        }
        // Asked of the system and given back: the server takes no socket from us.
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let log = File::create(home.join(format!("s3-{port}.log"))).expect("a log");
        let mut child = Command::new(environment().join("bin/python"))
            .args(["-c", SERVER])
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone().expect("a log")))
            .stderr(Stdio::from(log))
            .spawn()
            .expect("the server starts");
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().expect("a state");
            assert!(ended.is_none(), "the server left: see {}", home.display());
            assert!(started.elapsed() < START, "the server is too slow");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(S3Server { port, child })
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes a bucket.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn make_bucket(&self, name: &str) {
        use std::io::{Read, Write};
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it answers");
        let host = format!("127.0.0.1:{}", self.port);
        write!(
            stream,
            "PUT /{name} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .expect("it is asked");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        assert!(text.contains(" 200 "), "{text}");
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Python's environment with the server: made once, in the cache that `HEDONIC_TEST_CACHE` names, else
/// below the system's place for temporary files.
fn environment() -> PathBuf {
    let cache = std::env::var_os("HEDONIC_TEST_CACHE").map_or_else(
        || std::env::temp_dir().join("hedonic-test-cache"),
        PathBuf::from,
    );
    std::fs::create_dir_all(&cache).expect("a cache");
    let place = cache.join("moto-5.2.5");
    // Tests side by side wait for the one that installs.
    let lock = File::create(cache.join("moto.lock")).expect("a lock");
    lock.lock().expect("a turn");
    if !place.join("bin/moto_server").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&place));
        let pip = place.join("bin/pip");
        run(Command::new(pip)
            .args(["install", "--quiet"])
            .args(RELEASES));
    }
    place
}

fn run(command: &mut Command) {
    let status = command.status().expect("it runs");
    assert!(status.success(), "{command:?} failed");
}
