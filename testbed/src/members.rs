//! Services as processes of their own, which can be killed.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::Testbed;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// Longest a service may take to leave when asked.
const LEAVE: Duration = Duration::from_secs(60);
/// Lines of a log that are shown when something is wrong.
const LINES: usize = 15;

/// The running services of one kind.
pub struct Members {
    program: PathBuf,
    flags: Vec<String>,
    logs: tempfile::TempDir,
    running: Vec<Member>,
    /// Services started so far.
    pub started: usize,
}

struct Member {
    process: Child,
    log: PathBuf,
}

impl Members {
    /// None yet: of a program, on a bed, with settings on top.
    ///
    /// # Panics
    /// When there is no room for their logs.
    pub fn new(program: &str, bed: &Testbed, set: &[(&str, &str)]) -> Members {
        let quick = [
            ("kafka.properties.session.timeout.ms", "1000"),
            ("kafka.properties.heartbeat.interval.ms", "200"),
        ];
        Members {
            program: program.into(),
            flags: bed.flags(&[&quick, set].concat()),
            logs: tempfile::tempdir().expect("a temporary directory"),
            running: Vec::new(),
            started: 0,
        }
    }

    /// How many run.
    pub fn count(&self) -> usize {
        self.running.len()
    }

    /// Starts one.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&mut self) {
        self.started += 1;
        let log = self.logs.path().join(format!("{:05}.log", self.started));
        let process = Command::new(&self.program)
            .args(&self.flags)
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("it starts");
        self.running.push(Member { process, log });
    }

    /// Starts as many as are missing.
    pub fn keep_at_least(&mut self, count: usize) {
        while self.running.len() < count {
            self.start();
        }
    }

    /// Kills one: it has no time for anything.
    ///
    /// # Panics
    /// When one has ended by itself.
    pub fn kill(&mut self, rng: &mut ChaCha8Rng) {
        let mut member = self.take(rng);
        member.process.kill().expect("it runs");
        member.process.wait().expect("it ends");
    }

    /// Asks one to leave.
    ///
    /// # Panics
    /// When it does not, or fails.
    pub async fn leave(&mut self, rng: &mut ChaCha8Rng) {
        let member = self.take(rng);
        leave(member).await;
    }

    /// Asks all to leave.
    ///
    /// # Panics
    /// When one does not, or fails.
    pub async fn stop(&mut self) {
        for member in std::mem::take(&mut self.running) {
            leave(member).await;
        }
    }

    /// None ends by itself, whatever happens to its servers.
    ///
    /// # Panics
    /// When one has.
    pub fn check(&mut self) {
        for member in &mut self.running {
            if let Some(status) = member.process.try_wait().expect("it is ours") {
                panic!("a service ended by itself: {status}\n{}", tail(member));
            }
        }
    }

    /// The ends of the logs of those that run.
    pub fn logs(&self) -> String {
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
            "a service does not leave\n{}",
            tail(&member)
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(status.success(), "{status}\n{}", tail(&member));
}

fn is_silent(member: &Member) -> bool {
    member.log.metadata().is_ok_and(|log| log.len() == 0)
}

/// Sends a signal, such as `KILL`, to a process.
///
/// # Panics
/// When there is no shell to send it.
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
        "--- {}\n{}\n",
        member.process.id(),
        lines[from..].join("\n")
    )
}
