//! The server's process: a child, or an orphan of a process that was killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::binaries::Binaries;
use crate::cluster::Cluster;
use crate::error::EmbeddedError;
use crate::owner::Owner;

/// Pause between two looks at the process.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);
/// Longest wait when it is dropped without having been stopped.
const DROP_LIMIT: Duration = Duration::from_secs(3);

/// A server's process; it is stopped when it is dropped.
pub(crate) struct Server {
    process: Process,
}

enum Process {
    Child(Child),
    Orphan(u32),
    Gone,
}

impl Server {
    /// Starts the server on a port of loopback.
    ///
    /// # Errors
    /// When the program cannot be started; that it ends at once shows later.
    pub fn spawn(
        binaries: &Binaries,
        owner: Owner,
        cluster: &Cluster,
        port: u16,
        settings: &[(String, String)],
    ) -> Result<Server, EmbeddedError> {
        let log = std::fs::File::create(&cluster.log).map_err(EmbeddedError::io(&cluster.log))?;
        let copy = log.try_clone().map_err(EmbeddedError::io(&cluster.log))?;
        let mut command = Command::new(binaries.bin.join("postgres"));
        command
            .current_dir("/")
            // The reasons of a failed start are read: they must be in English.
            .env("LC_ALL", "C")
            .arg("-D")
            .arg(&cluster.data)
            .args(["-p", &port.to_string(), "-h", "127.0.0.1"])
            // TCP only: a socket's path may be longer than the system allows.
            .args(["-k", ""])
            .args(["-c", "shared_buffers=64MB", "-c", "max_connections=100"])
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(copy);
        for (name, _) in crate::ALLOCATOR {
            command.env_remove(name);
        }
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let child = owner
            .run(&mut command)
            .spawn()
            .map_err(EmbeddedError::io(&binaries.bin))?;
        Ok(Server {
            process: Process::Child(child),
        })
    }

    /// The server that runs on a data directory already, and its port.
    pub fn running(data: &Path) -> Option<(Server, u16)> {
        let (pid, port) = running_on(data)?;
        let process = Process::Orphan(pid);
        Some((Server { process }, port))
    }

    /// Whether the process has ended.
    pub fn is_gone(&mut self) -> bool {
        let gone = match &mut self.process {
            Process::Gone => true,
            Process::Orphan(pid) => !is_alive(*pid),
            Process::Child(child) => !matches!(child.try_wait(), Ok(None)),
        };
        if gone {
            self.process = Process::Gone;
        }
        gone
    }

    /// Stops it: at first in order, in the last quarter of the time at once (the next start then
    /// recovers what was committed), at the end by force. False when even that did not end it.
    pub async fn stop(mut self, limit: Duration) -> bool {
        for (signal, limit) in [
            ("INT", limit * 3 / 4),
            ("QUIT", limit / 4),
            ("KILL", DROP_LIMIT),
        ] {
            let until = Instant::now() + limit;
            self.signal(signal);
            while Instant::now() < until {
                if self.is_gone() {
                    return true;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        false
    }

    fn signal(&self, signal: &str) {
        match &self.process {
            Process::Gone => {}
            Process::Orphan(pid) => send(signal, *pid),
            Process::Child(child) => send(signal, child.id()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for signal in ["INT", "QUIT"] {
            if self.is_gone() {
                return;
            }
            self.signal(signal);
            let until = Instant::now() + DROP_LIMIT;
            while Instant::now() < until && !self.is_gone() {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// Pid and port of the server that runs on a data directory.
pub(crate) fn running_on(data: &Path) -> Option<(u32, u16)> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid: u32 = lines.next()?.trim().parse().ok()?;
    let port = lines.nth(2)?.trim().parse().ok()?;
    // A pid may have gone to another program since, even to another PostgreSQL.
    let is_ours = is_alive(pid) && command_line(pid).contains(&*data.to_string_lossy());
    is_ours.then_some((pid, port))
}

/// Whether no process is attached to the shared memory that a stale `postmaster.pid` names: the
/// check PostgreSQL itself makes before it removes one. False where that cannot be reported.
pub(crate) fn is_memory_free(pid_file: &str) -> bool {
    let id = pid_file
        .lines()
        .nth(6)
        .and_then(|line| line.split_whitespace().nth(1));
    let (Some(id), Ok(segments)) = (id, std::fs::read_to_string("/proc/sysvipc/shm")) else {
        return false;
    };
    // Columns: key, id, permissions, size, two pids, the number of attached processes.
    !segments.lines().skip(1).any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns.get(1) == Some(&id) && columns.get(6) != Some(&"0")
    })
}

fn is_alive(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        // A zombie has ended; its parent is yet to hear of it.
        Ok(stat) => !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('Z'),
        Err(_) if Path::new("/proc/self").exists() => false,
        Err(_) => shell("kill -0 \"$0\"", &[&pid.to_string()]).is_some(),
    }
}

fn command_line(pid: u32) -> String {
    match std::fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(line) => String::from_utf8_lossy(&line).replace('\0', " "),
        Err(_) => shell("ps -ww -o command= -p \"$0\"", &[&pid.to_string()]).unwrap_or_default(),
    }
}

fn send(signal: &str, pid: u32) {
    if shell("kill -s \"$0\" \"$1\"", &[signal, &pid.to_string()]).is_none() {
        tracing::debug!("SIG{signal} did not reach {pid}: it has ended");
    }
}

/// What a line of shell prints, where it succeeds. The shell has `kill` built in: a program of
/// that name is not on every machine.
fn shell(line: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new("sh")
        .args(["-c", line])
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
