//! Files that are not whole yet.

use std::path::PathBuf;

/// The file while it is being written.
pub(super) fn partial(path: &std::path::Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}
