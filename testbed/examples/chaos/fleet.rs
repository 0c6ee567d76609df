//! The services: processes of the built programs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use rand::seq::IteratorRandom;
use rand_chacha::ChaCha8Rng;

/// Lines of a log that are shown when something is wrong.
const LINES: usize = 8;

/// What a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Loader,
    Applier,
}

impl Role {
    pub const ALL: [Role; 2] = [Role::Loader, Role::Applier];

    pub fn name(self) -> &'static str {
        match self {
            Role::Loader => "loader",
            Role::Applier => "applier",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Role::Loader => "data-loader",
            Role::Applier => "model-application",
        }
    }
}

/// A running process.
pub struct Service {
    pub role: Role,
    pub number: usize,
    pub process: Child,
    log: PathBuf,
    /// A fault is busy with it.
    pub busy: bool,
    /// What `/health/ready` answered last, with the reason where it is not ready.
    pub ready: Option<(u16, String)>,
}

impl Service {
    pub fn pid(&self) -> String {
        self.process.id().to_string()
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.role.name(), self.number)
    }

    /// Its HTTP address, once it has said it.
    pub fn http(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.log).ok()?;
        let (_, rest) = text.split_once("listening on http://")?;
        let end = |c: char| !c.is_ascii_digit() && c != '.' && c != ':';
        let address = rest.split(end).next()?;
        Some(address.to_owned())
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.chars().take(300).collect())
            .collect();
        let from = lines.len().saturating_sub(LINES);
        format!("  {}\n    {}", self.name(), lines[from..].join("\n    "))
    }
}

/// All that run.
pub struct Fleet {
    pub services: Vec<Service>,
    programs: PathBuf,
    flags: Vec<String>,
    logs: PathBuf,
    started: usize,
    /// What is loaded into a service to show it another time, where faketime is installed: libraries, as
    /// LD_PRELOAD takes them.
    pub faketime: Option<String>,
}

impl Fleet {
    pub fn new(programs: &Path, flags: Vec<String>, logs: &Path) -> anyhow::Result<Fleet> {
        Ok(Fleet {
            services: Vec::new(),
            programs: programs.to_owned(),
            flags,
            logs: logs.to_owned(),
            started: 0,
            faketime: faketime(logs)?,
        })
    }

    /// Starts one, by a clock that is `off` where that is given, such as `+2d`.
    pub fn start(&mut self, role: Role, off: Option<&str>) -> anyhow::Result<usize> {
        self.started += 1;
        let program = self.programs.join(role.program());
        let log = self
            .logs
            .join(format!("{}-{:04}.log", role.name(), self.started));
        let mut command = Command::new(&program);
        if let Some(off) = off {
            let library = self
                .faketime
                .as_ref()
                .context("libfaketime is not installed")?;
            command.env("LD_PRELOAD", library).env("FAKETIME", off);
            // Waits go by the clock that only goes forward: that one is not wrong.
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let process = command
            .args(&self.flags)
            .env("RUST_LOG", "info")
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).with_context(|| log.display().to_string())?)
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        self.services.push(Service {
            role,
            number: self.started,
            process,
            log,
            busy: false,
            ready: None,
        });
        Ok(self.started)
    }

    /// One of a role that no fault is busy with: it is from now on.
    pub fn take(&mut self, role: Role, rng: &mut ChaCha8Rng) -> Option<usize> {
        let idle = self.services.iter_mut();
        let chosen = idle
            .filter(|service| service.role == role && !service.busy)
            .choose(rng)?;
        chosen.busy = true;
        Some(chosen.number)
    }

    pub fn get(&mut self, number: usize) -> Option<&mut Service> {
        let mut all = self.services.iter_mut();
        all.find(|service| service.number == number)
    }

    /// Removes it from the list.
    pub fn remove(&mut self, number: usize) -> Option<Service> {
        let at = self.services.iter().position(|one| one.number == number)?;
        Some(self.services.swap_remove(at))
    }

    /// Removes those that have ended, though nobody asked them to: how, and what they said last.
    pub fn ended(&mut self) -> Vec<(Role, String)> {
        let mut ended = Vec::new();
        self.services
            .retain_mut(|service| match service.process.try_wait() {
                Ok(Some(status)) if !service.busy => {
                    let text = format!(
                        "{} ended by itself: {status}\n{}",
                        service.name(),
                        service.tail()
                    );
                    ended.push((service.role, text));
                    false
                }
                _ => true,
            });
        ended
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for service in &mut self.services {
            // One that has ended by itself needs no kill.
            let _ = service.process.kill();
            let _ = service.process.wait();
        }
    }
}

/// What shows a process another time, where `faketime` is installed: its library, and before it the waits it
/// leaves out (`waits.c`), compiled into `folder`.
fn faketime(folder: &Path) -> anyhow::Result<Option<String>> {
    let shown = Command::new("faketime")
        .args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"])
        .output();
    let library = match &shown {
        Ok(shown) if shown.status.success() => String::from_utf8_lossy(&shown.stdout),
        _ => return Ok(None),
    };
    let (source, waits) = (folder.join("waits.c"), folder.join("waits.so"));
    std::fs::write(&source, include_str!("waits.c"))?;
    let compiled = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .args([&waits, &source])
        .status()
        .context("cc does not start: install a C compiler")?;
    ensure!(
        compiled.success(),
        "cc does not compile {}",
        source.display()
    );
    Ok(Some(format!("{}:{}", waits.display(), library.trim())))
}
