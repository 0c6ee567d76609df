//! How a column writes numbers: decided from all of its cells, read by the reader that reads the file later.

use std::collections::BTreeMap;

use records::measure::{self, Custom, Reading, Shape, shape};
use records::{Field, Kind, Scale};

use super::column::{Cell, Column};
use super::number_evidence::{Elsewhere, Evidence};
use super::number_marks::marks;
use super::number_parts::{around, denied, is_unspaced};
use super::{cell_words, hemispheres, name_words, patterns};

/// Share of the numbers that a unit must stand beside to be the column's.
const UNIT_SHARE: f64 = 0.5;
/// Words that multiply by at least this have decimals before them.
const MANY: f64 = 1e5;
/// Longest unit, in characters.
const UNIT_CHARS: usize = 24;

/// A cell that is not a number.
#[derive(Debug, Clone)]
pub(super) struct Slip {
    pub(super) line: u64,
    pub(super) text: String,
}

/// A column as numbers.
#[derive(Debug)]
pub(super) struct Numbers {
    /// How they are written: decimal, group, unit, spellings, scale, pattern.
    pub(super) field: Field,
    /// Rows whose cell is read.
    pub(super) readable: usize,
    /// Rows whose cell may be meant in two ways.
    pub(super) ambiguous: usize,
    /// Rows whose cell is not a number, and the first.
    pub(super) slips: usize,
    pub(super) slip: Option<Slip>,
    pub(super) is_whole: bool,
    /// Rows that are 0, and whether others are below it.
    pub(super) zeros: usize,
    pub(super) least: f64,
    pub(super) greatest: f64,
    /// Numbers in other units.
    pub(super) others: Vec<(String, usize)>,
    /// Cells such as `007`.
    pub(super) leading_zeros: usize,
    /// Why the custom is what it is; none where there is nothing to say.
    pub(super) why: Option<String>,
    /// Nothing decides what `450.000` is.
    is_undecided: bool,
    /// Of each distinct text its value.
    pub(super) values: Vec<Option<f64>>,
}

impl Numbers {
    pub(super) fn of(column: &Column, evidence: &Evidence, elsewhere: &Elsewhere) -> Numbers {
        let mut field = Field::plain("x", Kind::Number);
        let mut units: BTreeMap<&str, usize> = BTreeMap::new();
        let mut scales: BTreeMap<&'static str, (f64, usize)> = BTreeMap::new();
        let mut behind: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut bare, mut scaled) = (0, 0);
        let denied = denied(column);
        for Cell { text, count, .. } in column.values() {
            // "A4", "Series 3": a name.
            let Some((_, before, after)) = shape(text) else {
                continue;
            };
            let is_name = !before.is_empty()
                && !cell_words::is_money(before)
                && before.chars().any(char::is_alphanumeric);
            let Some(found) = around(before, after, &denied).filter(|_| !is_name) else {
                continue;
            };
            let unit = found.unit;
            if let Some((word, by)) = found.word {
                scales.entry(word).or_insert((by, 0)).1 += count;
                scaled += if by >= MANY { *count } else { 0 };
            }
            if !found.behind.is_empty() {
                *behind.entry(found.behind).or_default() += count;
            }
            match unit.is_empty() {
                true => bare += count,
                false if unit.chars().count() <= UNIT_CHARS => {
                    *units.entry(unit).or_default() += count
                }
                false => {}
            }
        }
        let counted = |unit: &str| {
            let lower = unit.to_lowercase();
            let lists = [
                &cell_words::COUNTED[..],
                &cell_words::YEARS,
                &cell_words::MONTHS,
            ];
            lists.iter().any(|list| list.contains(&lower.as_str()))
        };
        let all: usize = units.values().sum::<usize>() + bare;
        let main = units
            .iter()
            .filter(|(unit, _)| !counted(unit))
            .max_by_key(|(_, count)| **count);
        if let Some((unit, _)) = main.filter(|(_, count)| **count as f64 > UNIT_SHARE * all as f64)
        {
            field.unit = Some((*unit).to_owned());
            let alike = |other: &&&str| *other != unit && root(other) == root(unit);
            field.spellings = units
                .keys()
                .filter(alike)
                .map(|unit| (*unit).to_owned())
                .collect();
            // A month's rent is not a week's: only what most have. Beside words that multiply it may be one too.
            let most = behind.iter().max_by_key(|(_, count)| **count);
            let most = most
                .filter(|(_, count)| scales.is_empty() && **count as f64 > UNIT_SHARE * all as f64);
            field
                .spellings
                .extend(most.map(|(behind, _)| (*behind).to_owned()));
        }
        let has_money = units.keys().any(|unit| cell_words::is_money(unit));
        let has_money = has_money || name_words::is_of_money(&column.name, &column.header);
        // "5 M" and "5 mn" of a column without money may be metres and minutes.
        scales.retain(|word, _| has_money || word.len() > 2 || is_unspaced(word));
        if !scales.is_empty() {
            let by = scales
                .iter()
                .map(|(word, (by, _))| ((*word).to_owned(), *by));
            field.scale = Some(Scale::Words(by.collect()));
        }
        if let Some(signs) = hemispheres::of(column) {
            (field.unit, field.spellings) = (None, Vec::new());
            field.scale = Some(Scale::Words(signs));
        }
        // Nobody writes a thousand millions as "1.200 million".
        let are_many = !scales.is_empty() && scaled == evidence.numbers;
        let why = marks(column, evidence, elsewhere, are_many, &mut field);
        field.pattern = patterns::of(column, &Custom::of(&field));
        let mut numbers = Numbers {
            field,
            readable: 0,
            ambiguous: 0,
            slips: 0,
            slip: None,
            is_whole: true,
            zeros: 0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            others: Vec::new(),
            leading_zeros: 0,
            is_undecided: false,
            why,
            values: Vec::new(),
        };
        let decides = numbers.field.decimal.is_some() || numbers.field.group.is_some();
        numbers.is_undecided = !decides && evidence.dot + evidence.comma == 0;
        numbers.read(column);
        numbers
    }

    fn read(&mut self, column: &Column) {
        let custom = Custom::of(&self.field);
        let mut others: BTreeMap<String, usize> = BTreeMap::new();
        for cell in &column.cells {
            let Cell { text, count, line } = cell;
            if column.is_mark(text) {
                self.values.push(None);
                continue;
            }
            let mut value = None;
            let is_either =
                self.is_undecided && matches!(shape(text), Some((Shape::Either(_), ..)));
            let read = match (is_either, custom.read(text)) {
                (true, Reading::Value(number)) => Reading::Ambiguous(number, number),
                (_, read) => read,
            };
            match read {
                Reading::Value(number) => {
                    value = Some(number);
                    self.readable += count;
                    self.is_whole &= number.fract() == 0.0;
                    self.zeros += if number == 0.0 { *count } else { 0 };
                    self.least = self.least.min(number);
                    self.greatest = self.greatest.max(number);
                    let is_code = text.len() > 1
                        && text.starts_with('0')
                        && text.bytes().all(|byte| byte.is_ascii_digit());
                    self.leading_zeros += if is_code { *count } else { 0 };
                }
                other => {
                    match other {
                        Reading::OtherUnit(unit) => {
                            *others.entry(unit.to_owned()).or_default() += count
                        }
                        Reading::Ambiguous(..) => self.ambiguous += count,
                        _ => {}
                    }
                    self.slips += count;
                    if self.slip.as_ref().is_none_or(|slip| slip.line > *line) {
                        self.slip = Some(Slip {
                            line: *line,
                            text: text.chars().take(40).collect(),
                        });
                    }
                }
            }
            self.values.push(value);
        }
        self.others = others.into_iter().collect();
        self.others
            .sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }

    /// Share of the rows with a value that are read.
    pub(super) fn share(&self) -> f64 {
        let all = self.readable + self.slips;
        match all {
            0 => 0.0,
            all => self.readable as f64 / all as f64,
        }
    }

    /// What hinders most of the cells from being numbers, for people.
    pub(super) fn hint(&self) -> Option<&'static str> {
        measure::hint(&self.slip.as_ref()?.text)
    }
}

/// `ROOMS` and `room.` are one word.
fn root(unit: &str) -> String {
    let lower = unit.to_lowercase();
    lower.trim_end_matches('.').trim_end_matches('s').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(cells: &[&str], elsewhere: Elsewhere) -> Numbers {
        let mut column = Column::new("worth", 0);
        for (line, cell) in cells.iter().enumerate() {
            column.add(cell, line as u64 + 2);
        }
        let evidence = Evidence::of(&column);
        Numbers::of(&column, &evidence, &elsewhere)
    }

    #[test]
    fn the_custom_is_decided_from_all_cells() {
        for (cells, decimal, group, unit, first) in [
            (
                &["143.400 €", "1.250.000 €"][..],
                Some(','),
                Some('.'),
                Some("€"),
                143_400.0,
            ),
            (&["4302000,00", "12,5"], Some(','), None, None, 4_302_000.0),
            (
                &["₹43,02,000", "₹30,91,000"],
                None,
                Some(','),
                Some("₹"),
                4_302_000.0,
            ),
            (&["15,000,000", "900,000"], None, Some(','), None, 15e6),
            (
                &["80 000 ₽/мес.", "31 000 ₽/мес."],
                None,
                None,
                Some("₽/мес."),
                80_000.0,
            ),
            (&["$0.143M", "$103K"], None, None, Some("$"), 143_000.0),
            (
                &["۴,۳۰۲,۰۰۰ تومان", "۳,۰۹۱,۰۰۰ تومان"],
                None,
                Some(','),
                Some("تومان"),
                4_302_000.0,
            ),
            (&["12.125", "12.5"], Some('.'), None, None, 12.125),
            (
                &["1056", "34.46 Sq. Meter", "1133 - 1384", "7"],
                None,
                None,
                None,
                1056.0,
            ),
            (&["2 BHK", "4 Bedroom", "3 BHK"], None, None, None, 2.0),
            (
                &["60 years 06 months", "61 years", "62 years 01 month"],
                None,
                None,
                None,
                60.5,
            ),
            (
                &["1.230 млн руб.", "2.345 млн руб."],
                Some('.'),
                None,
                Some("руб."),
                1_230_000.0,
            ),
            (&["123万円", "98万円"], None, None, Some("円"), 1_230_000.0),
            (&["123万", "98万"], None, None, None, 1_230_000.0),
            (&["1.2300e+06", "9.8e+05"], None, None, None, 1_230_000.0),
            (
                &["£1,230 pcm", "£980 pcm", "£1,005 pcm"],
                None,
                Some(','),
                Some("£"),
                1230.0,
            ),
            (
                &["Fr. 1’230’000", "Fr. 980’000"],
                None,
                None,
                Some("Fr."),
                1_230_000.0,
            ),
            (
                &["€ 450.000,-", "€ 1.250.000,-"],
                Some(','),
                Some('.'),
                Some("€"),
                450_000.0,
            ),
            (&["£1.25m", "£950k"], None, None, Some("£"), 1_250_000.0),
            (
                &["R$ 1,25 mi", "R$ 950 mil"],
                Some(','),
                None,
                Some("R$"),
                1_250_000.0,
            ),
            (
                &["1,25 mil. Kč", "950 tis. Kč"],
                Some(','),
                None,
                Some("Kč"),
                1_250_000.0,
            ),
            (
                &["Rp 1,25 M", "Rp 950 jt"],
                Some(','),
                None,
                Some("Rp"),
                1_250_000_000.0,
            ),
            (
                &["1,25 Mio. €", "1,3 Mio. €", "950 T€"],
                Some(','),
                None,
                Some("€"),
                1_250_000.0,
            ),
            (&["01 TO 03", "10 TO 12"], None, None, None, 2.0),
            (&["4 ROOM", "5 ROOM"], None, None, None, 4.0),
        ] {
            let found = numbers(cells, Elsewhere::default());
            let Field {
                decimal: d,
                group: g,
                unit: u,
                ..
            } = &found.field;
            assert_eq!((*d, *g, u.as_deref()), (decimal, group, unit), "{cells:?}");
            assert_eq!(found.values[0], Some(first), "{cells:?}");
        }
    }

    #[test]
    fn an_ambiguous_column_is_no_number_until_something_decides() {
        let cells = ["450.000 €", "375.500 €"];
        let found = numbers(&cells, Elsewhere::default());
        assert_eq!((found.readable, found.ambiguous), (0, 2));
        let commas = Elsewhere {
            comma: true,
            ..Elsewhere::default()
        };
        assert_eq!(numbers(&cells, commas).values[0], Some(450_000.0));
        for (asked, value) in [('.', 450.0), (',', 450_000.0)] {
            let decimal_comma = Elsewhere {
                asked: Some(asked),
                ..Elsewhere::default()
            };
            assert_eq!(
                numbers(&cells, decimal_comma).values[0],
                Some(value),
                "{asked}"
            );
        }
    }
}
