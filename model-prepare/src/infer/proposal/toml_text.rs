//! Texts and comments of the schema file.

use std::fmt::Write as _;

/// A text as TOML has it: its escapes are those of JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A comment of one line.
pub(super) fn comment(text: &mut String, line: &str) {
    let line: String = line
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# {line}");
}
