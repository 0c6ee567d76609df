//! An MLflow server from PyPI: `HEDONIC_TEST_MLFLOW=1` switches it on.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The release the tests know.
const RELEASE: &str = "mlflow==3.17.2";
/// It is Python that starts, with a database to make: a slow machine takes long.
const START: Duration = Duration::from_secs(120);

/// A server on loopback; killed when dropped.
pub struct MlflowServer {
    /// Its port on loopback.
    pub port: u16,
    child: Child,
}

impl MlflowServer {
    /// A server that keeps its data in `home`; `None`, with a message, where it is not switched on.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(home: &Path) -> Option<MlflowServer> {
        // Asked of the system and given back: the server takes no socket from us.
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        MlflowServer::start_at(home, port)
    }

    /// The same at a port that it had before.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_at(home: &Path, port: u16) -> Option<MlflowServer> {
        if std::env::var("HEDONIC_TEST_MLFLOW").as_deref() != Ok("1") {
            eprintln!("LEFT OUT: no MLflow server; HEDONIC_TEST_MLFLOW=1 installs and starts one");
            return None;
        }
        let program = program();
        let log = File::create(home.join(format!("mlflow-{port}.log"))).expect("a log");
        let mut child = Command::new(&program)
            .args(["server", "--host", "127.0.0.1", "--workers", "1", "--port"])
            .arg(port.to_string())
            .arg("--backend-store-uri")
            .arg(format!("sqlite:///{}", home.join("mlflow.db").display()))
            .arg("--artifacts-destination")
            .arg(home.join("artifacts"))
            .current_dir(home)
            .env_remove("MLFLOW_TRACKING_URI")
            // The server starts workers of its own, which are to go with it.
            .process_group(0)
            .stdout(Stdio::from(log.try_clone().expect("a log")))
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let started = Instant::now();
        while !answers(port) {
            let ended = child.try_wait().expect("a state");
            assert!(ended.is_none(), "the server left: see {}", home.display());
            assert!(started.elapsed() < START, "the server is too slow");
            std::thread::sleep(Duration::from_millis(200));
        }
        Some(MlflowServer { port, child })
    }

    /// Its address.
    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Python with MLflow's own client.
    pub fn python(&self) -> PathBuf {
        environment().join("bin/python")
    }

    /// Ends it with its workers.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for MlflowServer {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
        assert!(
            killed.is_ok(),
            "the server may go on: kill its group {group}"
        );
        // It is gone either way.
        let _ = self.child.wait();
    }
}

/// Whether it serves, not only listens.
fn answers(port: u16) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let asked = stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .and_then(|()| {
            let host = format!("127.0.0.1:{port}");
            write!(
                stream,
                "GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            )
        });
    let mut text = String::new();
    asked.is_ok() && stream.read_to_string(&mut text).is_ok() && text.contains(" 200 ")
}

/// Python's environment with MLflow: made once, in the cache that `HEDONIC_TEST_CACHE` names, else
/// below the system's place for temporary files.
fn environment() -> PathBuf {
    let cache = std::env::var_os("HEDONIC_TEST_CACHE").map_or_else(
        || std::env::temp_dir().join("hedonic-test-cache"),
        PathBuf::from,
    );
    std::fs::create_dir_all(&cache).expect("a cache");
    let place = cache.join("mlflow-3.17.2");
    // Tests side by side wait for the one that installs.
    let lock = File::create(cache.join("mlflow.lock")).expect("a lock");
    lock.lock().expect("a turn");
    if !place.join("bin/mlflow").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&place));
        run(Command::new(place.join("bin/pip")).args(["install", "--quiet", RELEASE]));
    }
    place
}

fn program() -> PathBuf {
    environment().join("bin/mlflow")
}

fn run(command: &mut Command) {
    let status = command.status().expect("it runs");
    assert!(status.success(), "{command:?} failed");
}
