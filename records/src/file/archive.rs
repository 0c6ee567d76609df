//! A ZIP archive with one file of listings in it.

use std::io::Read;
use std::path::Path;

use zip::ZipArchive;

use super::error::FileError;

/// Bytes of the file inside at most: it is unpacked into memory.
const FILE_BYTES: u64 = 1 << 30;
/// Names that an error lists.
const MOST_NAMES: usize = 8;
/// Endings of files that are read out of an archive.
const ENDINGS: [&str; 8] = ["csv", "tsv", "txt", "tab", "psv", "json", "jsonl", "ndjson"];

/// A file, or what an archive has inside.
pub(super) enum Opened {
    File(std::fs::File),
    Inside {
        /// The name in the archive.
        name: String,
        bytes: Vec<u8>,
    },
}

impl Opened {
    /// A file that is no text: out of an archive none is read.
    ///
    /// # Errors
    /// When it is inside an archive.
    pub(super) fn of_format(self, path: &Path) -> Result<std::fs::File, FileError> {
        match self {
            Opened::File(file) => Ok(file),
            Opened::Inside { name, .. } => Err(FileError::Archive {
                path: path.to_owned(),
                detail: format!("found {name:?}: extract it"),
            }),
        }
    }
}

/// The file of listings in an archive: its name, and its bytes. Notes on it (`README.txt`) and what Macs add are
/// none.
///
/// # Errors
/// When the archive cannot be read, or has no such file, or several.
pub(super) fn only_file(path: &Path, file: std::fs::File) -> Result<(String, Vec<u8>), FileError> {
    let invalid = |error: zip::result::ZipError| FileError::Format {
        path: path.to_owned(),
        format: "a readable ZIP archive",
        detail: error.to_string(),
    };
    let unfit = |detail: String| FileError::Archive {
        path: path.to_owned(),
        detail,
    };
    let mut archive = ZipArchive::new(std::io::BufReader::new(file)).map_err(invalid)?;
    let mut all = Vec::new();
    for name in archive.file_names() {
        let name = name.map_err(invalid)?;
        if !name.ends_with('/') {
            all.push(name.into_owned());
        }
    }
    let mut tables: Vec<String> = all.iter().filter(|name| is_table(name)).cloned().collect();
    let has_table = tables.iter().any(|name| !is_text(name));
    // Beside a table a text says how it was made.
    tables.retain(|name| !has_table || !is_text(name));
    let name = match &tables[..] {
        [name] => name.clone(),
        [] => {
            return Err(unfit(format!(
                "found none ({}): extract the file that you mean",
                shown(&all)
            )));
        }
        several => {
            return Err(unfit(format!(
                "found {}: {}; extract the one that you mean",
                several.len(),
                shown(several)
            )));
        }
    };
    let entry = archive.by_name(&name).map_err(invalid)?;
    let mut bytes = Vec::new();
    let mut bounded = entry.take(FILE_BYTES + 1);
    bounded
        .read_to_end(&mut bytes)
        .map_err(|error| invalid(error.into()))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(unfit(format!(
            "found {name:?} of more than 1 GiB: extract it"
        )));
    }
    Ok((name, bytes))
}

fn shown(names: &[String]) -> String {
    let mut text = names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>();
    if names.len() > MOST_NAMES {
        text.push("…".to_owned());
    }
    text.join(", ")
}

fn is_table(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let is_note = ["readme", "license", "licence", "changelog", "."]
        .iter()
        .any(|word| file.starts_with(word));
    let ending = file.rsplit_once('.').map(|(_, ending)| ending);
    let is_readable = ending.is_some_and(|ending| ENDINGS.contains(&ending));
    is_readable && !is_note && !name.starts_with("__MACOSX/")
}

fn is_text(name: &str) -> bool {
    name.to_lowercase().ends_with(".txt")
}
