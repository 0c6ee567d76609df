//! The checksums that lie among a version's files.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::RegistryError;

/// The file that lists them: what is fetched is in it.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// Checksums and names of files; names that would lead elsewhere are left out, and then missing.
pub(crate) fn listed(sums: &str) -> Vec<(String, String)> {
    sums.lines()
        .filter_map(|line| line.split_once("  "))
        .filter(|(_, file)| !file.contains(['/', '\\']) && !file.starts_with('.'))
        .map(|(sum, file)| (sum.to_owned(), file.to_owned()))
        .collect()
}

/// Whether a version's files are there; an error where one is not what the sums say.
pub(crate) fn check(directory: &Path, number: u64) -> Result<bool, RegistryError> {
    let Ok(sums) = fs::read_to_string(directory.join(SUMS)) else {
        return Ok(false);
    };
    for (sum, file) in listed(&sums) {
        let path = directory.join(&file);
        let bytes = fs::read(&path).map_err(|source| RegistryError::File {
            path: path.clone(),
            source,
        })?;
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
