//! The checksums that lie among a version's files.

use std::path::Path;

use bounded::Folder;
use sha2::{Digest, Sha256};

use crate::RegistryError;
use crate::limits::{Limits, SUMS_BYTES, VERSION_FILES, input};

/// The file that lists them: what is fetched is in it.
pub(crate) const SUMS: &str = "SHA256SUMS";
/// The signature of a version's checksums, as `minisign -S -m SHA256SUMS` makes it.
pub(crate) const SIGNATURE: &str = "SHA256SUMS.minisig";

/// Checksums and names of a version's files.
///
/// # Errors
/// When a line is none of them, a name would lead elsewhere, or there are too many.
pub(crate) fn listed(sums: &[u8], number: u64) -> Result<Vec<(String, String)>, RegistryError> {
    let wrong = |detail: String| RegistryError::Sums { number, detail };
    let sums = std::str::from_utf8(sums).map_err(|error| wrong(error.to_string()))?;
    let mut found = Vec::new();
    for (line, text) in sums.lines().enumerate() {
        let line = line + 1;
        let Some((sum, file)) = text.split_once("  ") else {
            return Err(wrong(format!("line {line} is not a checksum and a name")));
        };
        if !is_file_name(file) {
            return Err(wrong(format!(
                "line {line} has {file:?}, which is not a file name"
            )));
        }
        if found.len() == VERSION_FILES {
            return Err(wrong(format!("more than {VERSION_FILES} files")));
        }
        found.push((sum.to_owned(), file.to_owned()));
    }
    Ok(found)
}

/// Whether a text names a file among a version's, on any system and in a URL.
pub(crate) fn is_file_name(text: &str) -> bool {
    let allowed = |letter: char| letter.is_alphanumeric() || "-_.+ ".contains(letter);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(allowed)
}

/// Whether a version's files are there; an error where one is not what the sums say.
pub(crate) fn check(directory: &Path, number: u64, limits: Limits) -> Result<bool, RegistryError> {
    let Ok(folder) = Folder::open(directory, limits.version_bytes) else {
        return Ok(false);
    };
    let Ok(sums) = folder.read(SUMS, SUMS_BYTES) else {
        return Ok(false);
    };
    if limits.signed && !directory.join(SIGNATURE).exists() {
        return Ok(false);
    }
    for (sum, file) in listed(&sums, number)? {
        let bytes = folder.read(&file, limits.version_bytes).map_err(input)?;
        let found: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if found != sum {
            return Err(RegistryError::Checksum { number, file });
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [
            "..",
            "../x",
            "/etc/passwd",
            "a/b",
            "a\\b",
            "c:\\x",
            ".hidden",
            "",
            "a\u{0}",
            "%2e%2e",
            "x?y",
            "x#y",
            "http://else.where/x",
        ] {
            let error = listed(format!("00  {name}\n").as_bytes(), 3).expect_err(name);
            assert!(
                matches!(error, RegistryError::Sums { number: 3, .. }),
                "{error}"
            );
        }
        let many = "00  x\n".repeat(VERSION_FILES + 1);
        assert!(listed(many.as_bytes(), 1).is_err());
        assert!(listed(b"no sum", 1).is_err());
        let good = listed("00  member-ännchen.trees\n".as_bytes(), 1).expect("a name");
        assert_eq!(good, [("00".to_owned(), "member-ännchen.trees".to_owned())]);
    }
}
