//! What a command prints.

use std::io::{ErrorKind, Write};

/// Writes to standard output. A reader that has seen enough is not an error: `PROGRAM versions | head`.
///
/// # Errors
/// When standard output cannot be written.
pub fn write(bytes: &[u8]) -> anyhow::Result<()> {
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints a line, or lines.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(text: &str) -> anyhow::Result<()> {
    write(format!("{text}\n").as_bytes())
}
