//! The files of a replay: one, or the Parquet files of a folder, as pandas, Polars and Spark write them.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// Names of Parquet files.
const EXTENSIONS: [&str; 2] = ["parquet", "pq"];

/// The file itself, or the Parquet files of a folder by name. Files whose names begin with `_` or `.` are marks of
/// the program that wrote the folder.
///
/// # Errors
/// When the folder cannot be read, or has no Parquet files.
pub(super) fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let shown = path.display();
    let entries = std::fs::read_dir(path).with_context(|| format!("cannot read {shown}"))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry
            .with_context(|| format!("cannot read {shown}"))?
            .path();
        if is_parquet(&file) {
            files.push(file);
        }
    }
    ensure!(
        !files.is_empty(),
        "{shown}: expected Parquet files (*.parquet) in the folder, found none; files of its folders are not read"
    );
    files.sort_unstable();
    Ok(files)
}

fn is_parquet(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let extension = file.extension().unwrap_or_default().to_string_lossy();
    let is_named = EXTENSIONS
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known));
    is_named && !name.starts_with(['_', '.']) && file.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parquet_files_of_a_folder_are_read_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let error = files(folder.path()).expect_err("empty").to_string();
        assert!(error.contains("found none"), "{error}");
        for name in [
            "b.parquet",
            "a.PQ",
            "_metadata.parquet",
            ".c.parquet",
            "_SUCCESS",
            "d.csv",
        ] {
            std::fs::write(path(name), "").expect("writes");
        }
        std::fs::create_dir(path("e.parquet")).expect("a folder");
        let found = files(folder.path()).expect("two files");
        assert_eq!(found, [path("a.PQ"), path("b.parquet")]);
        assert_eq!(files(&path("d.csv")).expect("itself"), [path("d.csv")]);
    }
}
