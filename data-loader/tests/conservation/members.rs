//! Loaders as processes of their own, which can be killed.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use testbed::Testbed;

/// Longest a loader may take to leave when asked.
const LEAVE: Duration = Duration::from_secs(20);
/// Lines of a log that are shown when something is wrong.
const LINES: usize = 15;

/// The running loaders.
pub struct Members {
    flags: Vec<String>,
    logs: tempfile::TempDir,
    running: Vec<Member>,
    /// Loaders started so far.
    pub started: usize,
}

struct Member {
    process: Child,
    log: PathBuf,
}

impl Members {
    pub fn new(bed: &Testbed) -> Members {
        Members {
            flags: bed.flags(&[
                ("loader.http", "127.0.0.1:0"),
                ("kafka.properties.session.timeout.ms", "1000"),
                ("kafka.properties.heartbeat.interval.ms", "200"),
            ]),
            logs: tempfile::tempdir().expect("a temporary directory"),
            running: Vec::new(),
            started: 0,
        }
    }

    pub fn count(&self) -> usize {
        self.running.len()
    }

    pub fn start(&mut self) {
        self.started += 1;
        let log = self.logs.path().join(format!("{:05}.log", self.started));
        let process = Command::new(env!("CARGO_BIN_EXE_data-loader"))
            .args(&self.flags)
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("a loader starts");
        self.running.push(Member { process, log });
    }

    pub fn keep_at_least(&mut self, count: usize) {
        while self.running.len() < count {
            self.start();
        }
    }

    /// Kills one: it has no time for anything.
    pub fn kill(&mut self, rng: &mut ChaCha8Rng) {
        let mut member = self.take(rng);
        member.process.kill().expect("it runs");
        member.process.wait().expect("it ends");
    }

    /// Asks one to leave.
    pub async fn leave(&mut self, rng: &mut ChaCha8Rng) {
        let member = self.take(rng);
        leave(member).await;
    }

    /// Asks all to leave.
    pub async fn stop(&mut self) {
        for member in std::mem::take(&mut self.running) {
            leave(member).await;
        }
    }

    /// None ends by itself, whatever happens to its servers.
    pub fn check(&mut self) {
        for member in &mut self.running {
            if let Some(status) = member.process.try_wait().expect("it is ours") {
                panic!("a loader ended by itself: {status}\n{}", tail(member));
            }
        }
    }

    /// The ends of the logs of those that run.
    pub fn said(&self) -> String {
        self.running.iter().map(tail).collect()
    }

    fn take(&mut self, rng: &mut ChaCha8Rng) -> Member {
        self.check();
        let indices: Vec<usize> = (0..self.running.len()).collect();
        let index = *indices.choose(rng).expect("one runs");
        self.running.swap_remove(index)
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for member in &mut self.running {
            // One that has ended by itself needs no kill.
            let _ = member.process.kill();
            let _ = member.process.wait();
        }
    }
}

async fn leave(mut member: Member) {
    let until = Instant::now() + LEAVE;
    // Before its first words it has no ear for the signal, which then simply ends it.
    while is_silent(&member) && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    signal("TERM", &member.process.id().to_string());
    let status: ExitStatus = loop {
        if let Some(status) = member.process.try_wait().expect("it is ours") {
            break status;
        }
        assert!(
            Instant::now() < until,
            "a loader does not leave\n{}",
            tail(&member)
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(status.success(), "{status}\n{}", tail(&member));
}

fn is_silent(member: &Member) -> bool {
    member.log.metadata().is_ok_and(|log| log.len() == 0)
}

/// Sends a signal to a process.
pub fn signal(name: &str, pid: &str) {
    // One that has ended meanwhile is as good as hit.
    let _ = Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, pid])
        .stderr(Stdio::null())
        .status()
        .expect("a shell");
}

fn tail(member: &Member) -> String {
    let text = std::fs::read_to_string(&member.log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LINES);
    format!(
        "--- loader {}\n{}\n",
        member.process.id(),
        lines[from..].join("\n")
    )
}
