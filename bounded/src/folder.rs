//! A directory of files that belong together: none leads out of it, and all are bounded in sum.

use std::cell::Cell;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use crate::{InputError, at, read, unusual};

/// A file of a directory, by its metadata.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// When it was last written; `None` where the file system does not say.
    pub changed: Option<SystemTime>,
}

/// A directory whose files are read within a bound for all of them.
#[derive(Debug)]
pub struct Folder {
    /// With links resolved: what a file's own path is compared with.
    root: PathBuf,
    /// As it was given, for messages.
    path: PathBuf,
    /// The bound for all files.
    most: u64,
    /// What of it is left.
    left: Cell<u64>,
}

impl Folder {
    /// A directory of whose files at most so many bytes are read.
    ///
    /// # Errors
    /// When it is not there.
    pub fn open(path: &Path, most: u64) -> Result<Folder, InputError> {
        Ok(Folder {
            root: path.canonicalize().map_err(at(path))?,
            path: path.to_owned(),
            most,
            left: Cell::new(most),
        })
    }

    /// Reads a file of the directory, of at most so many bytes.
    ///
    /// # Errors
    /// When it is not a regular file, leads out of the directory, or is too large by itself or together
    /// with those read before.
    pub fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, InputError> {
        let path = self.inside(name)?;
        let left = self.left.get();
        let bytes = read(&path, most.min(left)).map_err(|error| match error {
            InputError::TooLarge { .. } if left < most => InputError::TooLarge {
                path: self.path.clone(),
                most: self.most,
            },
            error => error,
        })?;
        self.left.set(left - bytes.len() as u64);
        Ok(bytes)
    }

    /// Whether there is anything of this name.
    pub fn has(&self, name: &str) -> bool {
        self.root.join(name).symlink_metadata().is_ok()
    }

    /// Where a file really is.
    fn inside(&self, name: &str) -> Result<PathBuf, InputError> {
        let path = self.path.join(name);
        if !is_name(name) {
            return Err(InputError::Name {
                name: name.to_owned(),
            });
        }
        let target = self.root.join(name).canonicalize().map_err(at(&path))?;
        match target.starts_with(&self.root) {
            true => Ok(target),
            false => Err(InputError::Outside { path, target }),
        }
    }

    /// All that is in the directory, in the order of names, by metadata alone.
    ///
    /// # Errors
    /// When something in it is not a regular file or leads out of it, or there are more files than `files`,
    /// or more bytes than the directory's bound.
    pub fn list(&self, files: usize) -> Result<Vec<Listed>, InputError> {
        let mut found = Vec::new();
        let mut bytes = 0_u64;
        for entry in fs::read_dir(&self.root).map_err(at(&self.path))? {
            let name = entry.map_err(at(&self.path))?.file_name();
            let name = name.into_string().map_err(|name| InputError::Name {
                name: name.to_string_lossy().into_owned(),
            })?;
            let path = self.inside(&name)?;
            let about = fs::symlink_metadata(&path).map_err(at(&path))?;
            if let Some(found) = unusual(about.file_type()) {
                return Err(InputError::NotAFile {
                    path: self.path.join(name),
                    found,
                });
            }
            bytes = bytes.saturating_add(about.len());
            if bytes > self.most {
                return Err(InputError::TooLarge {
                    path: self.path.clone(),
                    most: self.most,
                });
            }
            if found.len() >= files {
                return Err(InputError::TooMany {
                    path: self.path.clone(),
                    most: files,
                });
            }
            found.push(Listed {
                name,
                bytes: about.len(),
                changed: about.modified().ok(),
            });
        }
        found.sort();
        Ok(found)
    }
}

/// Whether a text is the name of a file in a directory, on any system.
fn is_name(text: &str) -> bool {
    let mut parts = Path::new(text).components();
    let is_one = matches!(parts.next(), Some(Component::Normal(name)) if name == text);
    is_one && parts.next().is_none() && !text.contains(['\\', '\0'])
}
