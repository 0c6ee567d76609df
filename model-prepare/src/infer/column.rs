//! What is seen of a column, and which kind of field it is taken for.

use std::collections::{BTreeMap, BTreeSet};

use records::schema::reserved::free_field;
use records::{measure, timestamp};

/// More levels than this are an identifier or free text.
const MOST_LEVELS: usize = 5_000;
/// Levels that are counted at all: memory is bounded.
const MOST_COUNTED: usize = 200_000;
/// Share of the cells that may be other than numbers in a column of numbers, such as "n/a".
const SLIPS: f64 = 0.02;
/// Longest piece of a cell that is repeated, in characters.
const SHOWN_CHARS: usize = 40;
/// Units that are counted in a column at most.
const MOST_UNITS: usize = 50;
/// What people write where they know nothing, and nobody means as a name.
const MARKS: [&str; 6] = ["-", "--", "---", "–", "—", "?"];

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
    /// Numbers written with a unit, by unit; that of `1,234` is empty.
    units: BTreeMap<String, usize>,
    /// What stands for no value, as it was met.
    pub(super) marks: BTreeSet<&'static str>,
    leading_zeros: usize,
    /// Measures that are not whole.
    fractions: usize,
    pub(super) levels: BTreeSet<String>,
    /// The first cell that is neither empty nor a number.
    pub(super) slip: Option<Slip>,
}

impl Column {
    pub(super) fn new(header: &str, position: usize) -> Column {
        Column {
            header: header.to_owned(),
            name: free_field(identifier(header, position)),
            filled: 0,
            booleans: 0,
            integers: 0,
            numbers: 0,
            times: 0,
            units: BTreeMap::new(),
            marks: BTreeSet::new(),
            leading_zeros: 0,
            fractions: 0,
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
        if let Some(&mark) = MARKS.iter().find(|mark| **mark == cell) {
            self.marks.insert(mark);
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
                if self.measure(cell) {
                    self.add_level(cell);
                    return;
                }
                self.slip.get_or_insert_with(|| Slip {
                    line,
                    text: cell.chars().take(SHOWN_CHARS).collect(),
                });
            }
        }
        self.add_level(cell);
    }

    fn add_level(&mut self, cell: &str) {
        if self.levels.len() <= MOST_COUNTED {
            self.levels.insert(cell.to_owned());
        }
    }

    /// Counts a number with its unit; false where the cell is none.
    fn measure(&mut self, cell: &str) -> bool {
        let Some(found) = measure::split(cell) else {
            return false;
        };
        // "3 Series" and "Series 3" are names: a unit before its number is a sign.
        let is_known = self.units.contains_key(found.unit);
        if cell.starts_with(char::is_alphabetic) || (!is_known && self.units.len() >= MOST_UNITS) {
            return false;
        }
        self.fractions += usize::from(found.value.fract() != 0.0);
        *self.units.entry(found.unit.to_owned()).or_default() += 1;
        true
    }

    /// The unit that most of the cells have; none where they have none.
    pub(super) fn unit(&self) -> Option<&str> {
        let named = self.units.iter().filter(|(unit, _)| !unit.is_empty());
        let (unit, _) = named.max_by_key(|(_, count)| **count)?;
        Some(unit)
    }

    /// Numbers that were written in another unit than [`Column::unit`]: by unit.
    pub(super) fn other_units(&self) -> impl Iterator<Item = (&str, usize)> {
        let main = self.unit();
        let units = self
            .units
            .iter()
            .map(|(unit, count)| (unit.as_str(), *count));
        units.filter(move |(unit, _)| !unit.is_empty() && Some(*unit) != main)
    }

    /// Numbers, those that are written with the column's unit or with commas too.
    fn readable(&self) -> usize {
        let others: usize = self.other_units().map(|(_, count)| count).sum();
        let measured: usize = self.units.values().sum();
        match self.unit() {
            Some(_) => self.numbers + measured - others,
            None => self.numbers,
        }
    }

    /// Cells that are neither empty nor numbers.
    pub(super) fn slips(&self) -> usize {
        self.filled - self.readable()
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
        } else if mostly(self.readable()) && self.integers == self.numbers && self.fractions == 0 {
            "integer"
        } else if mostly(self.readable()) {
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

    #[test]
    fn a_unit_that_most_cells_have_makes_a_number() {
        let mut column = Column::new("mileage", 0);
        (0..200).for_each(|row| column.add(&format!("1,{row:03} mi"), row + 2));
        column.add("12", 300);
        column.add("7 km", 301);
        column.add("--", 302);
        assert_eq!((column.kind(), column.unit()), ("integer", Some("mi")));
        assert_eq!((column.filled, column.slips()), (202, 1));
        assert_eq!(column.other_units().collect::<Vec<_>>(), [("km", 1)]);
        assert_eq!(column.marks.iter().collect::<Vec<_>>(), [&"--"]);
        column.add("7.5 mi", 303);
        assert_eq!(column.kind(), "number");

        // Half in miles, half in kilometres: no number can be meant.
        (0..200).for_each(|row| column.add(&format!("{row} km"), 400));
        assert_eq!(column.kind(), "text");
        let mut models = Column::new("model", 0);
        (0..90).for_each(|row| models.add(["A4", "Q3", "Series 3"][row % 3], 2));
        assert_eq!((models.kind(), models.unit()), ("category", None));
    }
}
