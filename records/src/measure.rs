//! Numbers as people write them into texts: `1,234 mi`, `12.4 L`, `£12,500`, `5 400 000 ₽`, `₹43,02,000`,
//! `$1.2M`, `۴۳۰۲`, `60 years 02 months`.
//!
//! The schema states how a field writes them ([`Custom`]), never guessed from one text. Without a word
//! of it a comma separates thousands where the field has a unit, a space, an apostrophe or `٬` does
//! anyhow, and a full stop precedes decimals. What could be meant otherwise is not a number here: taken
//! for one it would be wrong by a factor.

mod pattern;
mod scan;

use crate::schema::{Field, Scale};

use self::pattern::Pattern;
use self::scan::{Parts, Sign};

pub use self::pattern::check as check_pattern;
pub use self::scan::{Shape, digit, shape};

/// A number and the unit that it was written with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure<'a> {
    /// The number, in that unit.
    pub value: f64,
    /// The unit as written; empty where there is none.
    pub unit: &'a str,
}

/// The number in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading<'a> {
    /// A number in the field's unit, or in none, which stands for the field's.
    Value(f64),
    /// A number in another unit, which is never converted: the schema names one.
    OtherUnit(&'a str),
    /// A number that may be meant in two ways, such as `450.000 €`: as decimals, and as thousands.
    Ambiguous(f64, f64),
    /// No number.
    NoNumber,
}

/// Takes a text apart, as a field with a unit and no word on its custom writes numbers; `None` where it is
/// not one number with at most one unit, or may be meant in two ways.
pub fn split(text: &str) -> Option<Measure<'_>> {
    let parts = Parts::of(text)?;
    if !parts.is_apart() || (!parts.before.is_empty() && !parts.after.is_empty()) {
        return None;
    }
    let unit = match parts.before.is_empty() {
        true => parts.after,
        false => parts.before,
    };
    match Custom::usual().value(&parts, 0) {
        Amount::One(value) => Some(Measure { value, unit }),
        _ => None,
    }
}

/// What digits with separators come to.
enum Amount {
    One(f64),
    Either(f64, f64),
    None,
}

/// How the texts of a field write numbers, ready to read them.
#[derive(Debug, Clone, Default)]
pub struct Custom {
    /// The decimal separator, if the schema names one.
    decimal: Option<char>,
    /// The separator of thousands, if the schema names one.
    group: Option<char>,
    /// A comma separates thousands although the schema does not name one.
    takes_commas: bool,
    /// The unit and its other spellings.
    units: Vec<String>,
    /// Words that multiply a number, the longest first.
    words: Vec<(String, f64)>,
    /// What every text is multiplied by.
    factor: Option<f64>,
    /// Texts with more than a number and its unit.
    patterns: Vec<Pattern>,
}

impl Custom {
    /// That of a field.
    pub fn of(field: &Field) -> Custom {
        let (mut words, mut factor) = (Vec::new(), None);
        match &field.scale {
            None => {}
            Some(Scale::All(by)) => factor = Some(*by),
            Some(Scale::Words(by)) => {
                words.extend(by.iter().map(|(word, by)| (word.clone(), *by)));
                words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
            }
        }
        let unit = field.unit.iter().chain(&field.spellings);
        let patterns = field.pattern.iter();
        // If dots separate thousands, a comma precedes decimals.
        let by_group = field.group.filter(|mark| *mark == '.').map(|_| ',');
        Custom {
            decimal: field.decimal.or(by_group),
            group: field.group,
            takes_commas: field.unit.is_some(),
            units: unit.cloned().collect(),
            words,
            factor,
            patterns: patterns
                .filter_map(|pattern| Pattern::parse(pattern).ok())
                .collect(),
        }
    }

    /// The custom of a field that has a unit and no further settings.
    fn usual() -> Custom {
        Custom {
            takes_commas: true,
            ..Custom::default()
        }
    }

    /// Whether a text that Rust takes for a number is that number.
    pub(crate) fn is_plain(&self, text: &str) -> bool {
        (self.group != Some('.') && self.decimal != Some(',')) || !text.contains('.')
    }

    /// Whether every text is multiplied.
    pub(crate) fn is_scaled(&self) -> bool {
        self.factor.is_some()
    }

    /// Reads a number with the unit that the field declares.
    pub fn read<'a>(&self, text: &'a str) -> Reading<'a> {
        let text = text.trim();
        if let Ok(value) = text.parse::<f64>()
            && self.is_plain(text)
        {
            return match value.is_finite() {
                true => Reading::Value(self.times(value)),
                false => Reading::NoNumber,
            };
        }
        match self.measured(text) {
            Reading::Value(value) => Reading::Value(value),
            other if self.patterns.is_empty() => other,
            other => match self.patterned(text) {
                Some(value) => Reading::Value(self.times(value)),
                None => other,
            },
        }
    }

    /// A number with at most a sign or a unit before it and a word and a unit behind it.
    fn measured<'a>(&self, text: &'a str) -> Reading<'a> {
        let Some(parts) = Parts::of(text) else {
            return Reading::NoNumber;
        };
        let Parts { before, after, .. } = parts;
        let (power, factor, unit) = self.word(after);
        let is_own = |unit: &str| self.units.iter().any(|known| known == unit);
        if !before.is_empty() && !is_own(before) && (!parts.is_apart() || !unit.is_empty()) {
            return Reading::NoNumber;
        }
        let written = match (before.is_empty(), unit.is_empty()) {
            (true, _) => unit,
            (false, true) => before,
            // Twice, as in "€ 5 €", or with more behind it.
            (false, false) => unit,
        };
        let is_read = |value: f64| self.times(value * factor);
        match self.value(&parts, power) {
            Amount::None => Reading::NoNumber,
            _ if !written.is_empty() && !is_own(written) => Reading::OtherUnit(written),
            Amount::One(value) => Reading::Value(is_read(value)),
            Amount::Either(one, other) => Reading::Ambiguous(is_read(one), is_read(other)),
        }
    }

    /// The word that multiplies, as a power of ten where it is one, else as a factor; and what follows it.
    fn word<'a>(&self, after: &'a str) -> (i32, f64, &'a str) {
        for (word, by) in &self.words {
            let Some(rest) = after.strip_prefix(word.as_str()) else {
                continue;
            };
            let rest_unit =
                rest.trim_start_matches(|letter: char| letter == '.' || letter.is_whitespace());
            // "M" of "Mi" is not a million.
            let is_whole = !rest.starts_with(char::is_alphanumeric);
            if is_whole || self.units.iter().any(|unit| unit == rest) {
                let power = by.log10().round();
                return match 10_f64.powf(power) == *by {
                    true => (power as i32, 1.0, rest_unit),
                    false => (0, *by, rest_unit),
                };
            }
        }
        (0, 1.0, after)
    }

    fn times(&self, value: f64) -> f64 {
        self.factor.map_or(value, |factor| value * factor)
    }

    fn patterned(&self, text: &str) -> Option<f64> {
        let lower = text.to_lowercase();
        self.patterns.iter().find_map(|pattern| {
            pattern.read(&lower, |text| {
                let parts = Parts::begin(text)?;
                match self.value(&parts, 0) {
                    Amount::One(value) => Some((value, parts.end)),
                    _ => None,
                }
            })
        })
    }

    /// Digits and separators as a number, times ten to a power: decimals are shifted in the text, so that
    /// 1.1 millions are 1100000 to the bit.
    fn value(&self, parts: &Parts<'_>, power: i32) -> Amount {
        let decimal = self.decimal.unwrap_or('.');
        let is_decimal = |mark: char| mark == '٫' || mark == decimal;
        let marks = &parts.marks;
        let last_is_decimal = marks.last().is_some_and(|mark| is_decimal(*mark))
            && marks.iter().filter(|mark| is_decimal(**mark)).count() == 1;
        let whole = match last_is_decimal {
            true => &parts.groups[..parts.groups.len() - 1],
            false => &parts.groups[..],
        };
        if !self.are_groups(whole, &marks[..whole.len() - 1]) {
            return Amount::None;
        }
        let written = |whole: &[String], decimals: &str| {
            let sign = if parts.sign == Sign::Minus { "-" } else { "" };
            let text = format!("{sign}0{}.{decimals}0e{power}", whole.concat());
            text.parse::<f64>().unwrap_or(f64::NAN)
        };
        let value = match last_is_decimal {
            true => written(whole, &parts.groups[whole.len()]),
            false => written(whole, ""),
        };
        if !value.is_finite() {
            return Amount::None;
        }
        // "450.000 €": decimals here, thousands in half of the world.
        let is_ambiguous = self.decimal.is_none()
            && self.group.is_none()
            && last_is_decimal
            && marks[..] == ['.']
            && parts.groups[1].len() == 3
            && (1..=3).contains(&parts.groups[0].len())
            && !parts.groups[0].starts_with('0');
        match is_ambiguous {
            true => Amount::Either(value, written(&parts.groups, "")),
            false => Amount::One(value),
        }
    }

    /// Whether digits are in groups as this custom has them: of three, or as in India where the schema
    /// names the separator.
    fn are_groups(&self, groups: &[String], marks: &[char]) -> bool {
        let Some(mark) = marks.first() else {
            // ".5" has no digit before its decimals.
            return true;
        };
        let takes = match mark {
            ' ' | '\'' | '٬' => self.decimal != Some(*mark),
            mark if self.group.is_some() => self.group == Some(*mark),
            ',' => self.takes_commas && self.decimal != Some(','),
            _ => false,
        };
        if !takes || marks.iter().any(|other| other != mark) {
            return false;
        }
        scan::are_thousands(groups) || (self.group.is_some() && scan::are_indian(groups))
    }
}

impl Field {
    /// Reads a number with the unit and the custom that the field declares.
    pub fn read<'a>(&self, text: &'a str) -> Reading<'a> {
        Custom::of(self).read(text)
    }
}

/// The reason why a text is not read as a number, and which key of the schema says so; `None` where it is
/// nothing like a number.
pub fn hint(text: &str) -> Option<&'static str> {
    let parts = Parts::of(text)?;
    let whole = parts.groups.len();
    let is_only = |mark: char| parts.marks[..] == [mark];
    if is_only(',') && parts.groups[1].len() != 3 {
        return Some(
            "which looks like a number with a decimal comma: decimal = \",\" in the schema",
        );
    }
    if parts.marks.contains(&',') && parts.marks.last() == Some(&'.')
        || (parts.marks.iter().all(|mark| *mark == ',') && whole > 1)
    {
        return Some(
            "which looks like a number with commas between thousands: group = \",\" in the schema",
        );
    }
    if parts.marks.contains(&'.') && parts.marks.last() == Some(&',') {
        return Some(
            "which looks like a number with dots between thousands and a decimal comma: group = \".\" and \
             decimal = \",\" in the schema",
        );
    }
    if parts.marks.iter().all(|mark| *mark == '.') && whole > 2 {
        return Some(
            "which looks like a number with dots between thousands: group = \".\" in the schema",
        );
    }
    (!parts.before.is_empty() || !parts.after.is_empty()).then_some(
        "which has more than a number: describe it with unit, scale or pattern in the \
                    schema",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Kind;

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
            ("80 000 ₽/мес.", 80_000.0, "₽/мес."),
            ("5\u{a0}000\u{202f}000 ₽", 5e6, "₽"),
            ("1'234.5 CHF", 1234.5, "CHF"),
            ("۴۳۰۲ تومان", 4302.0, "تومان"),
            ("0.125 L", 0.125, "L"),
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
            "450.000 €",
            "03/12/2016",
            "1200 - 1500",
            "3 2",
            "12:30",
        ] {
            assert_eq!(split(text), None, "{text:?}");
        }
    }

    fn field(change: impl FnOnce(&mut Field)) -> Field {
        let mut field = Field::plain("x", Kind::Number);
        change(&mut field);
        field
    }

    #[test]
    fn the_schema_says_how_numbers_are_written() {
        let german = field(|field| {
            field.decimal = Some(',');
            field.group = Some('.');
            field.unit = Some("€".to_owned());
        });
        let indian = field(|field| {
            field.group = Some(',');
            field.unit = Some("₹".to_owned());
        });
        let words = field(|field| {
            field.unit = Some("$".to_owned());
            field.scale = Some(Scale::Words(
                [
                    ("K".to_owned(), 1e3),
                    ("M".to_owned(), 1e6),
                    ("dozen".to_owned(), 12.0),
                ]
                .into(),
            ));
        });
        let russian = field(|field| {
            field.decimal = Some(',');
            field.scale = Some(Scale::All(1e3));
        });
        let patterns = field(|field| {
            field.pattern = [
                "{1} BHK",
                "{1} years {1/12} months",
                "{1/2} - {1/2}",
                "{1/2} TO {1/2}",
            ]
            .map(str::to_owned)
            .into();
        });
        for (field, text, value) in [
            (&german, "450.000 €", 450_000.0),
            (&german, "450.000", 450_000.0),
            (&german, "1.250.000,50 €", 1_250_000.5),
            (&german, "44,0", 44.0),
            (&german, "4302000,00", 4_302_000.0),
            (&german, "12 €", 12.0),
            (&indian, "₹43,02,000", 4_302_000.0),
            (&indian, "₹4,302,000.5", 4_302_000.5),
            (&words, "$0.143M", 143_000.0),
            (&words, "$103K", 103_000.0),
            (&words, "1.1 M $", 1_100_000.0),
            (&words, "$2 dozen", 24.0),
            (&words, "$7", 7.0),
            (&russian, "6 050,5", 6_050_500.0),
            (&patterns, "2 bhk", 2.0),
            (&patterns, "60 years 06 months", 60.5),
            (&patterns, "1200 - 1500", 1350.0),
            (&patterns, "01 TO 03", 2.0),
            (&patterns, "7.25", 7.25),
        ] {
            assert_eq!(field.read(text), Reading::Value(value), "{text:?}");
        }
        let plain = field(|field| field.unit = Some("€".to_owned()));
        assert_eq!(
            plain.read("450.000 €"),
            Reading::Ambiguous(450.0, 450_000.0)
        );
        assert_eq!(plain.read("5 $"), Reading::OtherUnit("$"));
        for (field, text) in [
            (&german, "1234.5"),
            (&german, "1.23"),
            (&indian, "1,2345"),
            (&words, "$1.1Mi"),
            (&patterns, "2 BHK 3"),
            (&patterns, "years 3 months"),
            (&field(|_| {}), "15,000,000"),
        ] {
            let read = field.read(text);
            assert!(
                matches!(read, Reading::NoNumber | Reading::OtherUnit(_)),
                "{text:?}: {read:?}"
            );
        }
    }

    #[test]
    fn what_hinders_is_named() {
        for (text, part) in [
            ("1480000,00", "decimal comma"),
            ("15,000,000", "commas between thousands"),
            ("1.250.000", "dots between thousands"),
            ("1.250.000,5", "and a decimal comma"),
            ("$103K", "unit, scale or pattern"),
        ] {
            assert!(
                hint(text).is_some_and(|advice| advice.contains(part)),
                "{text}: {:?}",
                hint(text)
            );
        }
        assert_eq!(hint("full"), None);
    }
}
