//! What is seen of a column, and which kind of field it is taken for.

use std::collections::BTreeSet;

use records::timestamp;

/// More levels than this are an identifier or free text.
const MOST_LEVELS: usize = 5_000;
/// Levels that are counted at all: memory is bounded.
const MOST_COUNTED: usize = 200_000;
/// Share of the cells that may be other than numbers in a column of numbers, such as "n/a".
const SLIPS: f64 = 0.02;
/// Longest piece of a cell that is repeated, in characters.
const SHOWN_CHARS: usize = 40;

/// A cell that is no number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slip {
    pub(super) line: u64,
    /// Its text, shortened.
    pub(super) text: String,
}

/// What was seen of a column.
pub(super) struct Column {
    /// As the file has it.
    pub(super) header: String,
    /// As a schema can have it.
    pub(super) name: String,
    /// Cells that are not empty.
    pub(super) filled: usize,
    booleans: usize,
    integers: usize,
    pub(super) numbers: usize,
    times: usize,
    leading_zeros: usize,
    pub(super) levels: BTreeSet<String>,
    /// The first cell that is neither empty nor a number.
    pub(super) slip: Option<Slip>,
}

impl Column {
    pub(super) fn new(header: &str, position: usize) -> Column {
        Column {
            header: header.to_owned(),
            name: identifier(header, position),
            filled: 0,
            booleans: 0,
            integers: 0,
            numbers: 0,
            times: 0,
            leading_zeros: 0,
            levels: BTreeSet::new(),
            slip: None,
        }
    }

    /// Sees a cell of a line.
    pub(super) fn add(&mut self, cell: &str, line: u64) {
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        self.filled += 1;
        let lower = cell.to_ascii_lowercase();
        if matches!(lower.as_str(), "true" | "false" | "yes" | "no" | "t" | "f") {
            self.booleans += 1;
        }
        match cell.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.numbers += 1;
                self.integers += usize::from(number.fract() == 0.0);
                let digits = cell.len() > 1 && cell.starts_with('0') && !cell.contains('.');
                self.leading_zeros += usize::from(digits);
            }
            _ => {
                self.times += usize::from(timestamp::parse(cell).is_some());
                self.slip.get_or_insert_with(|| Slip {
                    line,
                    text: cell.chars().take(SHOWN_CHARS).collect(),
                });
            }
        }
        if self.levels.len() <= MOST_COUNTED {
            self.levels.insert(cell.to_owned());
        }
    }

    /// Cells that are neither empty nor numbers.
    pub(super) fn slips(&self) -> usize {
        self.filled - self.numbers
    }

    /// The kind of the field; with `least_numbers`, the share of numbers that makes a number.
    fn kind_with(&self, least_numbers: f64) -> &'static str {
        let all = |count: usize| self.filled > 0 && count == self.filled;
        let mostly =
            |count: usize| self.filled > 0 && count as f64 >= least_numbers * self.filled as f64;
        let is_code = ["zip", "postcode", "postal", "code"]
            .iter()
            .any(|part| self.name.contains(part));
        let few = self.levels.len() <= MOST_LEVELS && self.levels.len() * 2 <= self.filled.max(1);
        if all(self.booleans) {
            "boolean"
        } else if all(self.numbers) && (self.leading_zeros > 0 || is_code) && few {
            "category"
        } else if mostly(self.numbers) && self.integers == self.numbers {
            "integer"
        } else if mostly(self.numbers) {
            "number"
        } else if all(self.times) {
            "timestamp"
        } else if few {
            "category"
        } else {
            "text"
        }
    }

    /// The kind of a field to learn from or to tell rows by.
    pub(super) fn kind(&self) -> &'static str {
        self.kind_with(1.0 - SLIPS)
    }

    /// The kind of a field to be predicted: what is mostly a number is meant to be one.
    pub(super) fn kind_of_target(&self) -> &'static str {
        self.kind_with(0.5)
    }
}

/// Lower-case letters, digits and underscores, starting with a letter: `fuelType` is `fuel_type`.
pub(super) fn identifier(header: &str, position: usize) -> String {
    let mut name = String::new();
    let mut before = '_';
    for letter in header.chars() {
        if letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            name.push('_');
        }
        match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => name.push(letter),
            _ if !name.ends_with('_') => name.push('_'),
            _ => {}
        }
        before = letter;
    }
    let name = name.trim_matches('_');
    let name: String = name.chars().take(60).collect();
    match name.chars().next() {
        None if position == 0 => "id".to_owned(),
        None => format!("column_{}", position + 1),
        Some(first) if first.is_ascii_digit() => format!("c_{name}"),
        Some(_) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_names() {
        for (header, name) in [
            ("fuelType", "fuel_type"),
            ("Price ($)", "price"),
            ("", "id"),
            ("2nd floor", "c_2nd_floor"),
            ("total_area", "total_area"),
        ] {
            assert_eq!(identifier(header, 0), name);
        }
        assert_eq!(identifier("—", 3), "column_4");
    }

    #[test]
    fn a_column_of_numbers_may_have_a_slip() {
        let mut column = Column::new("area", 0);
        (0..100).for_each(|row| column.add(&row.to_string(), row + 2));
        column.add("n/a", 102);
        column.add("", 103);
        assert_eq!((column.kind(), column.slips()), ("integer", 1));
        let slip = column.slip.clone().expect("a slip");
        assert_eq!((slip.line, slip.text.as_str()), (102, "n/a"));
        (0..9).for_each(|row| column.add(&format!("A{row}"), 200));
        assert_eq!(column.kind_of_target(), "integer");
        assert_ne!(column.kind(), "integer");
    }
}
