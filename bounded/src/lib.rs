//! Files that others wrote, read within bounds: regular files only, inside their directory, and at most
//! so many bytes. A pipe, a socket or a device file is refused and never waited for; a file that grows
//! while it is read is cut off at its bound.

mod folder;

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

pub use self::folder::{Folder, Listed};

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The operating system did not give it.
    #[error("cannot read {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// Not a regular file.
    #[error("{path} is {found}, expected a regular file: remove it")]
    NotAFile {
        /// Which.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// A link that leads out of the directory.
    #[error("{path} is a link that leads out of its directory, to {target}: replace it by a copy")]
    Outside {
        /// Which.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A file name that is more than a name.
    #[error("expected a file name, found {name:?}: a file name has no separators and no `..`")]
    Name {
        /// What was given.
        name: String,
    },
    /// More bytes than the bound.
    #[error("{path} has more than {most} bytes, the limit for this file")]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The bound.
        most: u64,
    },
    /// More files than the bound.
    #[error("{path} has more than {most} files, the limit for this directory")]
    TooMany {
        /// Which directory.
        path: PathBuf,
        /// The bound.
        most: usize,
    },
}

impl InputError {
    /// The operating system's error, where it is one.
    pub fn io(&self) -> Option<&std::io::Error> {
        match self {
            InputError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> InputError + use<> {
    let path = path.to_owned();
    move |source| InputError::Io { path, source }
}

/// What a file is, where it is not a regular one.
fn unusual(kind: std::fs::FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a directory"),
        kind if kind.is_symlink() => Some("a symbolic link"),
        kind if kind.is_fifo() => Some("a pipe (FIFO)"),
        kind if kind.is_socket() => Some("a socket"),
        kind if kind.is_char_device() || kind.is_block_device() => Some("a device"),
        _ => Some("a file of unknown type"),
    }
}

/// Opens a regular file, and gives how long it is now.
///
/// # Errors
/// When it is anything else, or cannot be opened.
pub fn open(path: &Path) -> Result<(File, u64), InputError> {
    // Opening a device can have effects of its own: looked at before, and again through the descriptor,
    // as the file may be another by then.
    let before = std::fs::metadata(path).map_err(at(path))?;
    let refused = |kind| match unusual(kind) {
        Some(found) => Err(InputError::NotAFile {
            path: path.to_owned(),
            found,
        }),
        None => Ok(()),
    };
    refused(before.file_type())?;
    // Opening a pipe waits for a writer without `O_NONBLOCK`; to a regular file the flag means nothing.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path)
        .map_err(at(path))?;
    let now = file.metadata().map_err(at(path))?;
    refused(now.file_type())?;
    Ok((file, now.len()))
}

/// Reads a regular file of at most so many bytes.
///
/// # Errors
/// When it is anything else, longer, or cannot be read.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, InputError> {
    let too_large = || InputError::TooLarge {
        path: path.to_owned(),
        most,
    };
    let (file, length) = open(path)?;
    if length > most {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // One byte more shows that the file has grown meanwhile.
    let mut bound = file.take(most.saturating_add(1));
    bound.read_to_end(&mut bytes).map_err(at(path))?;
    match bytes.len() as u64 > most {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}
