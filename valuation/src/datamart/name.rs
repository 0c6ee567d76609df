//! Names of columns that any database takes without quotes.

use std::collections::BTreeSet;

/// Longest name of PostgreSQL, in bytes: it cuts what is longer, and two names may become one.
const MOST_BYTES: usize = 63;
/// Room for a number behind a name that was cut.
const MARK_BYTES: usize = 9;

/// Gives names out, each once.
#[derive(Debug, Default)]
pub(super) struct Names {
    given: BTreeSet<String>,
}

impl Names {
    /// Names that are taken already.
    pub(super) fn without<'a>(taken: impl Iterator<Item = &'a str>) -> Names {
        let given = taken.map(str::to_owned).collect();
        Names { given }
    }

    /// The name of parts, joined by `_`: small letters, digits and `_`; numbered where it is taken.
    pub(super) fn give(&mut self, parts: &[&str]) -> String {
        let plain: Vec<String> = parts.iter().map(|part| word(part)).collect();
        let whole = plain.join("_");
        let first = match whole.len() > MOST_BYTES {
            true => cut(&whole, MOST_BYTES - MARK_BYTES).to_owned(),
            false => whole,
        };
        let mut name = first.clone();
        let mut number = 1;
        while !self.given.insert(name.clone()) {
            number += 1;
            let end = format!("_{number}");
            name = format!("{}{end}", cut(&first, MOST_BYTES - end.len()));
        }
        name
    }
}

/// At most so many bytes, whole letters.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Small letters of any script, digits, and one `_` for all else between them.
fn word(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            // A field's name stays as it is.
            '_' => word.push('_'),
            letter if letter.is_alphanumeric() => word.push(letter),
            _ if word.ends_with('_') => {}
            _ => word.push('_'),
        }
    }
    match word.is_empty() {
        true => "empty".to_owned(),
        false => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_short_and_given_once() {
        let mut names = Names::without(["x_taken"].into_iter());
        assert_eq!(names.give(&["x", "area"]), "x_area");
        assert_eq!(names.give(&["x", "taken"]), "x_taken_2");
        assert_eq!(
            names.give(&["x", "city", "is", "St. Ives"]),
            "x_city_is_st_ives"
        );
        assert_eq!(
            names.give(&["x", "city", "is", "st-ives"]),
            "x_city_is_st_ives_2"
        );
        assert_eq!(names.give(&["x", "city", "is", ""]), "x_city_is_empty");
        assert_eq!(names.give(&["x", "city", "is", "Köln"]), "x_city_is_köln");
        let long = "ж".repeat(60);
        for _ in 0..12 {
            let name = names.give(&["x", &long]);
            assert!(
                name.len() <= MOST_BYTES && name.starts_with("x_ж"),
                "{name}"
            );
        }
    }
}
