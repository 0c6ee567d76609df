//! What a version's directory must be before its files are read: regular files within bounds, and
//! signed where a key is set.

use std::path::Path;

use bounded::{Folder, Listed};
use minisign_verify::{PublicKey, Signature};

use crate::limits::{Limits, SUMS_BYTES, VERSION_FILES, input};
use crate::sums::{SIGNATURE, SUMS};
use crate::{RegistryConfig, RegistryError, Version};

/// Longest signature read; a real one has 300 bytes.
const SIGNATURE_BYTES: u64 = 16 << 10;

/// Takes versions in: anyone who loads one asks here first.
#[derive(Debug, Clone)]
pub struct Intake {
    limits: Limits,
    key: Option<PublicKey>,
}

/// A version that may be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Bytes of all its files together at most.
    pub max_bytes: u64,
    /// Its checksums, whose signature was checked; `None` where no key is set. Files are to be compared
    /// with these, not with those in the directory, which may have been exchanged since.
    pub sums: Option<Vec<u8>>,
}

/// What a version's directory looks like: another look at it is of use where this has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appearance(Result<Vec<Listed>, String>);

impl Intake {
    /// By the settings.
    ///
    /// # Errors
    /// When the public key is none.
    pub fn new(config: &RegistryConfig) -> Result<Intake, RegistryError> {
        let set = config.public_key.trim();
        // The key itself, or the whole of a `.pub` file: the last line is the key.
        let key = match set.lines().next_back() {
            None => None,
            Some(key) => Some(PublicKey::from_base64(key.trim()).map_err(|_| {
                RegistryError::Setting {
                    setting: "registry.public_key",
                    expected: "a public key of minisign, as `minisign -G` prints it (56 letters), or nothing",
                    found: set.to_owned(),
                }
            })?),
        };
        Ok(Intake {
            limits: config.limits(),
            key,
        })
    }

    /// Whether a version's files, which are in `path`, may be loaded.
    ///
    /// # Errors
    /// When something in it is not a regular file or leads out of it, it is too large, or it is not signed
    /// by the key.
    pub fn admit(&self, version: &Version, path: &Path) -> Result<Admitted, RegistryError> {
        let folder = Folder::open(path, self.limits.version_bytes).map_err(input)?;
        folder.list(VERSION_FILES).map_err(input)?;
        Ok(Admitted {
            max_bytes: self.limits.version_bytes,
            sums: match &self.key {
                Some(key) => Some(signed(key, &folder, version.number)?),
                None => None,
            },
        })
    }

    /// What a version's directory looks like now.
    pub fn appearance(&self, path: &Path) -> Appearance {
        let folder = Folder::open(path, self.limits.version_bytes);
        let listed = folder.and_then(|folder| folder.list(VERSION_FILES));
        Appearance(listed.map_err(|error| match &error {
            bounded::InputError::Io { source, .. } => format!("{error}: {source}"),
            error => error.to_string(),
        }))
    }
}

/// A version's checksums, which the key has signed.
fn signed(key: &PublicKey, folder: &Folder, number: u64) -> Result<Vec<u8>, RegistryError> {
    let refused = |detail: String| RegistryError::Signature { number, detail };
    let read = |name: &str, most: u64| {
        folder
            .read(name, most)
            .map_err(|error| match error.io().map(std::io::Error::kind) {
                Some(std::io::ErrorKind::NotFound) => refused(format!("there is no {name}")),
                _ => input(error),
            })
    };
    let sums = read(SUMS, SUMS_BYTES)?;
    let text = read(SIGNATURE, SIGNATURE_BYTES)?;
    let text = String::from_utf8_lossy(&text);
    let signature = Signature::decode(&text)
        .map_err(|error| refused(format!("{SIGNATURE} is not a minisign signature: {error}")))?;
    // Not the legacy kind, whose hash is of the file as a whole.
    key.verify(&sums, &signature, false).map_err(|error| {
        refused(format!(
            "{SIGNATURE} is not valid for registry.public_key: {error}"
        ))
    })?;
    Ok(sums)
}
