//! Stretches of time that quality is reported.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The answers of the last so many minutes, hours or days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// As it was written, such as `24h`.
    name: String,
    /// Its length.
    seconds: u32,
}

impl Window {
    /// Its length in seconds.
    pub fn seconds(&self) -> u32 {
        self.seconds
    }

    /// As it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn parse(text: &str) -> Option<Window> {
        let unit_at = text.len().checked_sub(1)?;
        let (count, unit) = text.split_at_checked(unit_at)?;
        let unit_s = match unit {
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let seconds = count.parse::<u32>().ok()?.checked_mul(unit_s)?;
        let name = text.to_owned();
        (seconds > 0).then_some(Window { name, seconds })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Window, D::Error> {
        let text = String::deserialize(deserializer)?;
        Window::parse(&text).ok_or_else(|| {
            let expected = "expected a length of time such as 30m, 24h or 7d";
            D::Error::custom(format!("{expected}, found {text}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_what_is_none_is_not() {
        for (text, seconds) in [
            ("30m", Some(1800)),
            ("1h", Some(3600)),
            ("7d", Some(604_800)),
            ("0h", None),
            ("h", None),
            ("", None),
            ("5", None),
            ("-1h", None),
            ("1.5h", None),
            ("99999999d", None),
            ("5 ₽", None),
        ] {
            let found = Window::parse(text).map(|window| window.seconds());
            assert_eq!(found, seconds, "{text}");
        }
    }
}
