//! What is seen of a column: its cells, each once.

use std::collections::{BTreeSet, HashMap};

use records::measure;
use records::schema::reserved::free_field;
use records::timestamp;

use super::cell_marks;

/// A text that a column has, and how often.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) count: usize,
    /// The first line that has it.
    pub(super) line: u64,
}

/// What was seen of a column.
#[derive(Debug)]
pub(super) struct Column {
    /// As the file has it.
    pub(super) header: String,
    /// As a schema can have it.
    pub(super) name: String,
    /// Its texts, trimmed, in the order in which they were met; an empty one is none.
    pub(super) cells: Vec<Cell>,
    /// Which of them each row has.
    pub(super) rows: Vec<Option<u32>>,
    /// Texts that stand for no value in this file, beside those that do in any.
    absent: BTreeSet<String>,
    /// Of them those that another column has for a name: the schema lists them for this one alone.
    pub(super) own_marks: BTreeSet<String>,
    index: HashMap<String, u32>,
}

impl Column {
    pub(super) fn new(header: &str, position: usize) -> Column {
        Column {
            header: header.to_owned(),
            name: free_field(identifier(header, position)),
            cells: Vec::new(),
            rows: Vec::new(),
            absent: BTreeSet::new(),
            own_marks: BTreeSet::new(),
            index: HashMap::new(),
        }
    }

    /// Sees a cell of a line.
    pub(super) fn add(&mut self, cell: &str, line: u64) {
        let text = cell.trim();
        if text.is_empty() {
            self.rows.push(None);
            return;
        }
        let next = self.cells.len() as u32;
        let index = match self.index.get(text) {
            Some(index) => *index,
            None => {
                self.index.insert(text.to_owned(), next);
                self.cells.push(Cell {
                    text: text.to_owned(),
                    count: 0,
                    line,
                });
                next
            }
        };
        self.cells[index as usize].count += 1;
        self.rows.push(Some(index));
    }

    /// Texts such as `unknown` that stand for no value here, as the others have digits.
    pub(super) fn weak_marks(&self) -> impl Iterator<Item = &str> {
        let (mut digits, mut names) = (0, 0);
        for cell in self.values() {
            if cell
                .text
                .contains(|letter| measure::digit(letter).is_some())
            {
                digits += cell.count;
            } else if !cell_marks::is_weak_mark(&cell.text) {
                names += cell.count;
            }
        }
        let is_of_digits = digits > 0 && names * 10 <= digits;
        let weak = self
            .values()
            .filter(move |cell| is_of_digits && cell_marks::is_weak_mark(&cell.text));
        weak.map(|cell| cell.text.as_str())
    }

    /// Takes texts for no value: those that the schema names for the file, and those that it names for this
    /// column.
    pub(super) fn lacks(&mut self, of_file: &BTreeSet<String>, own: BTreeSet<String>) {
        self.own_marks = own.difference(of_file).cloned().collect();
        self.absent = own;
        self.absent.extend(of_file.iter().cloned());
    }

    /// Whether it has a text, as a value or for none.
    pub(super) fn has(&self, text: &str) -> bool {
        self.index.contains_key(text)
    }

    /// Whether a text stands for no value.
    pub(super) fn is_mark(&self, text: &str) -> bool {
        cell_marks::is_mark(text) || self.absent.contains(text)
    }

    /// Its texts except for those that stand for no value.
    pub(super) fn values(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| !self.is_mark(&cell.text))
    }

    /// What stands for no value, and how often.
    pub(super) fn marks(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| self.is_mark(&cell.text))
    }

    /// Rows that have a value.
    pub(super) fn filled(&self) -> usize {
        self.values().map(|cell| cell.count).sum()
    }

    /// How many different values there are.
    pub(super) fn levels(&self) -> usize {
        self.values().count()
    }

    /// Whether most of its values are numbers or times.
    pub(super) fn is_of_values(&self) -> bool {
        let values: usize = self
            .values()
            .filter(|value| is_value(&value.text))
            .map(|value| value.count)
            .sum();
        values > 0 && values * 10 >= self.filled() * 9
    }

    /// Its longest text, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.values().map(|cell| cell.text.len()).max().unwrap_or(0)
    }
}

/// Whether a text is a number or a time rather than a name.
pub(super) fn is_value(text: &str) -> bool {
    text.parse::<f64>().is_ok() || timestamp::parse(text).is_some()
}

/// Lower-case letters, digits and underscores, starting with a letter: `fuelType` is `fuel_type`, `Цена` is
/// `tsena`.
pub(super) fn identifier(header: &str, position: usize) -> String {
    let plain = deunicode::deunicode(&header.replace('²', "2").replace('³', "3"));
    let mut name = String::new();
    let mut before = '_';
    for letter in plain.chars() {
        if letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            name.push('_');
        }
        match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => name.push(letter),
            // Soft signs and apostrophes are parts of words.
            '\'' | '`' | '"' => {}
            _ if !name.ends_with('_') => name.push('_'),
            _ => {}
        }
        before = letter;
    }
    let name: String = name.trim_matches('_').chars().take(60).collect();
    let name = name.trim_matches('_').to_owned();
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
            ("Цена", "tsena"),
            ("Площадь, м²", "ploshchad_m2"),
            ("Wohnfläche", "wohnflache"),
            ("Surface réelle bâti", "surface_reelle_bati"),
        ] {
            assert_eq!(identifier(header, 0), name);
        }
        assert_eq!(identifier("—", 3), "column_4");
    }

    #[test]
    fn unknown_is_no_value_among_numbers_and_a_name_among_names() {
        for (cells, marks) in [
            (&["1", "2.5", "unknown", "н/д", "N/A"][..], 2),
            (&["13/08/2016", "TBD", "14/08/2016"], 1),
            (&["brick", "none", "unknown", "panel 2"], 0),
            (&["unknown", "none"], 0),
            (&["1.5", "2.5", "*", "..", "暂无数据"], 3),
            (&["+", "/"], 0),
        ] {
            let mut column = Column::new("a", 0);
            for (line, cell) in cells.iter().enumerate() {
                column.add(cell, line as u64);
            }
            let absent: BTreeSet<String> = column.weak_marks().map(str::to_owned).collect();
            assert_eq!(absent.len(), marks, "{cells:?}");
            column.lacks(&absent, BTreeSet::new());
            assert!(absent.iter().all(|text| column.is_mark(text)));
        }
    }

    #[test]
    fn cells_are_counted_and_marks_are_no_values() {
        let mut column = Column::new("a", 0);
        for (line, cell) in ["1", " 2 ", "", "NA", "2"].iter().enumerate() {
            column.add(cell, line as u64);
        }
        assert_eq!((column.filled(), column.levels()), (3, 2));
        assert_eq!(column.rows, [Some(0), Some(1), None, Some(2), Some(1)]);
        assert_eq!(
            column
                .marks()
                .map(|mark| mark.text.as_str())
                .collect::<Vec<_>>(),
            ["NA"]
        );
        assert!(column.is_of_values());
    }
}
