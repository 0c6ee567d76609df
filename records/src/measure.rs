//! Numbers as people write them into texts: `1,234 mi`, `12.4 L`, `£12,500`.
//!
//! A comma stands between thousands, a full stop before decimals; the unit stands behind the number,
//! with or without a space, or before it where it is a sign (`£5`) or apart from it (`CHF 5`). The
//! other custom, `12,4`, is no number here: taken for one it would be wrong by a factor.

use crate::schema::Field;

/// A number and the unit that it was written with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure<'a> {
    /// The number, in that unit.
    pub value: f64,
    /// The unit as written; empty where there is none.
    pub unit: &'a str,
}

/// What a text says for a field of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading<'a> {
    /// A number in the field's unit, or in none, which stands for the field's.
    Value(f64),
    /// A number in another unit, which is never converted: the schema names one.
    OtherUnit(&'a str),
    /// No number.
    NoNumber,
}

/// Takes a text apart; `None` where it is not one number with at most one unit.
pub fn split(text: &str) -> Option<Measure<'_>> {
    let text = text.trim();
    let is_digit = |letter: char| letter.is_ascii_digit();
    let first = text.find(is_digit)?;
    let mut start = first;
    for signs in [&['.'][..], &['-', '+'][..]] {
        if text[..start].ends_with(signs) {
            start -= 1;
        }
    }
    let is_part = |letter: char| is_digit(letter) || letter == ',' || letter == '.';
    let length = text[first..].find(|letter: char| !is_part(letter));
    let end = length.map_or(text.len(), |length| first + length);
    let (before, after) = (&text[..start], text[end..].trim());
    // "A4" is a name, ",5" a slip: a unit before its number is a sign, or stands apart.
    let is_close = |letter: char| letter.is_alphanumeric() || letter == ',' || letter == '.';
    if !before.is_empty() && (!after.is_empty() || before.ends_with(is_close)) {
        return None;
    }
    let unit = if before.is_empty() {
        after
    } else {
        before.trim()
    };
    let value = number(&text[start..end])?;
    Some(Measure { value, unit })
}

/// A sign, digits with commas between thousands or none, decimals.
fn number(text: &str) -> Option<f64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(decimals) {
        return None;
    }
    let unsigned = whole.trim_start_matches(['-', '+']);
    let mut groups = unsigned.split(',');
    let first = groups.next()?;
    let is_grouped = unsigned.contains(',');
    if !are_digits(first) || (is_grouped && !(1..=3).contains(&first.len())) {
        return None;
    }
    if !groups.all(|group| group.len() == 3 && are_digits(group)) {
        return None;
    }
    let value = match is_grouped {
        true => text.replace(',', "").parse::<f64>(),
        false => text.parse(),
    };
    value.ok().filter(|value| value.is_finite())
}

impl Field {
    /// Reads a number with the unit that the field declares.
    pub fn read<'a>(&self, text: &'a str) -> Reading<'a> {
        if let Ok(value) = text.trim().parse::<f64>() {
            return match value.is_finite() {
                true => Reading::Value(value),
                false => Reading::NoNumber,
            };
        }
        match split(text) {
            None => Reading::NoNumber,
            Some(Measure { value, unit }) if unit.is_empty() || self.is_in(unit) => {
                Reading::Value(value)
            }
            Some(Measure { unit, .. }) => Reading::OtherUnit(unit),
        }
    }

    /// Whether a unit as written is the field's: letter by letter, as `MW` is not `mW`.
    fn is_in(&self, unit: &str) -> bool {
        self.unit.as_deref() == Some(unit) || self.spellings.iter().any(|own| own == unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_unit_come_apart() {
        for (text, value, unit) in [
            ("12.4 L", 12.4, "L"),
            (" 1,234 mi ", 1234.0, "mi"),
            ("1,234,567.25 mi", 1_234_567.25, "mi"),
            ("58.3in", 58.3, "in"),
            ("£12,500", 12_500.0, "£"),
            ("CHF 5", 5.0, "CHF"),
            ("-3 °C", -3.0, "°C"),
            (".5 L", 0.5, "L"),
            ("7", 7.0, ""),
            ("6.1 L/100 km", 6.1, "L/100 km"),
        ] {
            assert_eq!(split(text), Some(Measure { value, unit }), "{text:?}");
        }
    }

    #[test]
    fn what_could_be_meant_otherwise_is_no_number() {
        for text in [
            "",
            "--",
            "mi",
            "12,4 L",
            "1,23,456",
            "1234,567",
            ",123",
            "1.2.3",
            "A4",
            "about 5 mi",
            "1,234.5,6",
            "12,",
            "1,,234",
        ] {
            assert_eq!(split(text), None, "{text:?}");
        }
    }
}
