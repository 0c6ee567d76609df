//! What each column is taken for, and why.

use anyhow::{bail, ensure};
use records::Kind;
use records::measure::{Shape, shape};

use super::cell_words;
use super::column::Column;
use super::dates::{self, Times};
use super::name_words;
use super::number_evidence::{Elsewhere, Evidence};
use super::numbers::Numbers;
use super::options::InferOptions;

/// More levels than this are an identifier or free text.
const MOST_LEVELS: usize = 5_000;
/// Share of the cells that may be other than numbers in a column of numbers, such as "on request".
const SLIPS: f64 = 0.02;
/// Share of the cells that are numbers in a column that is to be predicted: it is meant to be one.
const TARGET_SHARE: f64 = 0.5;

/// A column and what it is taken for.
#[derive(Debug)]
pub(super) struct Studied<'a> {
    pub(super) column: &'a Column,
    pub(super) kind: Kind,
    pub(super) numbers: Numbers,
    pub(super) times: Times,
}

/// A file and what its columns are taken for.
#[derive(Debug)]
pub(super) struct Study<'a> {
    pub(super) columns: Vec<Studied<'a>>,
    /// Rows with as many cells as the header.
    pub(super) rows: usize,
}

impl<'a> Study<'a> {
    pub(super) fn new(
        options: &InferOptions,
        columns: &'a [Column],
        rows: usize,
        separator: Option<u8>,
    ) -> Study<'a> {
        let mut elsewhere = Elsewhere {
            semicolons: separator == Some(b';'),
            asked: options.decimal,
            ..Elsewhere::default()
        };
        let evidence: Vec<Evidence> = columns.iter().map(Evidence::of).collect();
        for (column, evidence) in columns.iter().zip(&evidence) {
            elsewhere.add(column, evidence);
        }
        let alone: Vec<Times> = columns
            .iter()
            .map(|column| Times::of(column, options.days_first))
            .collect();
        // What one column proves of day and month holds for the file, where no other proves otherwise.
        let proven: Vec<bool> = alone.iter().filter_map(Times::days_first).collect();
        let days_first = match proven.first() {
            Some(first) if proven.iter().all(|order| order == first) => Some(*first),
            _ => options.days_first,
        };
        let studied =
            columns
                .iter()
                .zip(&evidence)
                .zip(alone)
                .map(|((column, evidence), times)| {
                    let times = match times {
                        Times::Either(..) => Times::of(column, days_first),
                        times => times,
                    };
                    let numbers = Numbers::of(column, evidence, &elsewhere);
                    let mut studied = Studied {
                        column,
                        kind: Kind::Text,
                        numbers,
                        times,
                    };
                    studied.kind = studied.kind();
                    studied
                });
        Study {
            columns: studied.collect(),
            rows,
        }
    }

    /// The last row, where it is a sum of the others: the line, and the word that says so.
    pub(super) fn total(&self) -> Option<(u64, &str)> {
        let last = self.rows.checked_sub(1)?;
        let cell = |column: &'a Column| {
            let index = column.rows.get(last).copied().flatten()?;
            column.cells.get(index as usize)
        };
        let mut cells = self.columns.iter().filter_map(|column| cell(column.column));
        let cell = cells.find(|cell| cell.count == 1 && cell_words::is_total(&cell.text))?;
        // Some column has a value in every row but this.
        let is_short = self.columns.iter().any(|column| {
            let rows = &column.column.rows;
            rows.last() == Some(&None) && rows.iter().filter(|row| row.is_none()).count() == 1
        });
        is_short.then_some((cell.line, cell.text.as_str()))
    }

    /// The column with the best of the names of prices; one of numbers, where there is one.
    fn best_called(&self) -> Option<usize> {
        let ranked = self
            .columns
            .iter()
            .enumerate()
            .filter_map(|(index, column)| {
                let rank = name_words::target_rank(column.name(), &column.column.header)?;
                let is_of_numbers = column.numbers.share() >= TARGET_SHARE || column.is_undecided();
                Some(((!is_of_numbers, rank), index))
            });
        let (_, index) = ranked.min()?;
        Some(index)
    }

    /// The column to be predicted: the one that is requested, else one that is called as prices are.
    ///
    /// # Errors
    /// When there is none, or it cannot be used for training, with what hinders.
    pub(super) fn target(&self, shown: &str, asked: Option<&str>) -> anyhow::Result<usize> {
        let find = |name: &str| {
            let header = self
                .columns
                .iter()
                .position(|column| column.column.header == name);
            header.or_else(|| {
                self.columns
                    .iter()
                    .position(|column| column.column.name == name)
            })
        };
        let found = match asked {
            Some(name) => find(name.trim()),
            None => name_words::TARGETS
                .iter()
                .find_map(|name| find(name))
                .or_else(|| self.best_called())
                .or_else(|| name_words::WEAK_TARGETS.iter().find_map(|name| find(name))),
        };
        let Some(found) = found else {
            let headers: Vec<&str> = self
                .columns
                .iter()
                .map(|column| column.column.header.as_str())
                .collect();
            let headers = headers.join(", ");
            match asked {
                Some(name) => bail!(
                    "{shown} has no column {name:?}; its columns are: {headers}; give one with --target"
                ),
                None => bail!(
                    "{shown}: expected a column that is called as prices are, found none; its columns are: \
                     {headers}; give the one to be predicted with --target"
                ),
            }
        };
        let Studied { column, .. } = &self.columns[found];
        let (header, rows) = (&column.header, self.rows);
        ensure!(
            column.filled() > 0,
            "{shown}: expected values in the target {header:?}, found none in {rows} rows"
        );
        ensure!(
            column.levels() > 1,
            "{shown}: expected the target {header:?} to vary, found one value in all of {} rows: there is \
             nothing to learn",
            column.filled()
        );
        Ok(found)
    }
}

impl Studied<'_> {
    fn kind(&self) -> Kind {
        let column = self.column;
        let filled = column.filled();
        let is_word = |text: &str| {
            let lower = text.to_ascii_lowercase();
            matches!(
                lower.as_str(),
                "true" | "false" | "yes" | "no" | "t" | "f" | "y" | "n"
            )
        };
        let few = column.levels() <= MOST_LEVELS && column.levels() * 2 <= filled.max(1);
        let of_names = || if few { Kind::Category } else { Kind::Text };
        if filled > 0 && column.values().all(|cell| is_word(&cell.text)) {
            return Kind::Boolean;
        }
        match self.times {
            Times::Usual | Times::Form(..) => return Kind::Timestamp,
            Times::Either(..) | Times::Foreign(_) => return Kind::Text,
            Times::None => {}
        }
        let numbers = &self.numbers;
        if numbers.share() < 1.0 - SLIPS || filled == 0 {
            // What may be meant in two ways is not a name either.
            return match numbers.ambiguous * 2 > filled {
                true => Kind::Text,
                false => of_names(),
            };
        }
        // Of an identifier the number counts nothing, whether it comes again or not.
        let is_id = name_words::is_id(&column.name) && self.is_whole();
        if is_id || numbers.leading_zeros > 0 || name_words::is_code(&column.name) {
            return of_names();
        }
        match self.is_whole() {
            true => Kind::Integer,
            false => Kind::Number,
        }
    }

    fn is_whole(&self) -> bool {
        let numbers = &self.numbers;
        // Beyond it a float no longer distinguishes whole numbers.
        let most = numbers.greatest.abs().max(numbers.least.abs());
        numbers.is_whole && most <= 9_007_199_254_740_992.0
    }

    /// The kind of the field to be predicted: what is mostly a number is meant to be one.
    ///
    /// # Errors
    /// What hinders.
    pub(super) fn target_kind(&self, shown: &str) -> anyhow::Result<Kind> {
        let (header, numbers) = (&self.column.header, &self.numbers);
        if self.kind == Kind::Boolean {
            return Ok(Kind::Boolean);
        }
        if numbers.share() >= TARGET_SHARE && !matches!(self.times, Times::Form(..)) {
            return Ok(if self.is_whole() {
                Kind::Integer
            } else {
                Kind::Number
            });
        }
        if self.is_undecided() {
            return Ok(Kind::Number);
        }
        if self.has_classes() {
            return Ok(Kind::Category);
        }
        let first = self.column.values().min_by_key(|cell| cell.line);
        let (line, text) = first.map_or((0, ""), |cell| (cell.line, cell.text.as_str()));
        let slip = numbers.slip.as_ref();
        let (line, text) = slip.map_or((line, text), |slip| (slip.line, slip.text.as_str()));
        let why = match numbers.hint() {
            Some(hint) => format!(", {hint}"),
            None if dates::look_like_dates(self.column) => ", which looks like a date".to_owned(),
            None => String::new(),
        };
        bail!(
            "{shown}: expected numbers in the target {header:?}, found {text:?} at line {line}{why}; {} of {} cells \
             are numbers: give another column with --target, or correct the cells",
            numbers.readable,
            self.column.filled()
        )
    }

    /// Whether its levels may be the classes of a classification: words, few, each with records enough.
    fn has_classes(&self) -> bool {
        let levels = self.column.levels();
        self.kind == Kind::Category
            && self.numbers.readable == 0
            && (2..=valuation::MOST_LEVELS).contains(&levels)
            && self.column.filled() >= levels * valuation::LEVEL_ROWS
    }

    /// Whether most of its cells may be thousands or decimals, and nothing in the file states which.
    pub(super) fn is_undecided(&self) -> bool {
        self.numbers.ambiguous * 2 > self.column.filled()
    }

    /// What to say to have such cells read.
    pub(super) fn question(&self) -> String {
        let is_either = |text: &str| matches!(shape(text), Some((Shape::Either(_), ..)));
        let asked = self.column.values().filter(|cell| is_either(&cell.text));
        let first = asked.min_by_key(|cell| cell.line);
        let (line, text) = first.map_or((0, ""), |cell| (cell.line, cell.text.as_str()));
        format!(
            "{} cells of the target {:?}, such as {text:?} at line {line}, may be thousands or decimals, and nothing \
             in the file decides; use --decimal , if a full stop separates thousands, or --decimal . if it precedes \
             decimals",
            self.numbers.ambiguous, self.column.header
        )
    }

    /// Whether rows have its value with the spelling of a number.
    pub(super) fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Number | Kind::Integer)
    }

    /// A number that programs write for "not known", which no other of the column is near, and its rows.
    pub(super) fn sentinel(&self) -> Option<(f64, usize)> {
        const LOW: [f64; 6] = [-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0];
        const HIGH: [f64; 6] = [
            999.0,
            9999.0,
            99999.0,
            999_999.0,
            9_999_999.0,
            999_999_999.0,
        ];
        let (numbers, cells) = (&self.numbers, &self.column.cells);
        let others = |but: f64| {
            let values = numbers.values.iter().flatten();
            values.copied().filter(move |value| *value != but)
        };
        let rows = |of: f64| -> usize {
            let same = cells.iter().zip(&numbers.values);
            let same = same.filter(|(_, value)| **value == Some(of));
            same.map(|(cell, _)| cell.count).sum()
        };
        let (low, high) = (numbers.least, numbers.greatest);
        if LOW.contains(&low) && others(low).all(|value| value >= 0.0) {
            return Some((low, rows(low)));
        }
        let is_far = HIGH.contains(&high) && others(high).all(|value| value * 2.0 < high);
        let rows = rows(high);
        (is_far && rows > 1).then_some((high, rows))
    }

    /// Whether it holds the currencies of the prices: several of them.
    pub(super) fn is_currency(&self) -> bool {
        let is_code = |text: &str| text.chars().count() <= 4 && cell_words::is_money(text);
        self.varies() && self.column.values().all(|cell| is_code(&cell.text))
    }

    /// Whether it counts the rows: programs write such a column beside the others.
    pub(super) fn is_row_number(&self) -> bool {
        let is_called = name_words::words(self.name())
            .next()
            .is_some_and(|word| name_words::ROW_NUMBERS.contains(&word));
        let mut before = None;
        let is_next = |value: Option<f64>| {
            let is_next = match (before, value) {
                (None, Some(_)) => true,
                (Some(before), Some(value)) => value == before + 1.0,
                _ => false,
            };
            before = value;
            is_next
        };
        is_called && self.is_number() && self.row_values().all(is_next)
    }

    /// The value of each row.
    pub(super) fn row_values(&self) -> impl Iterator<Item = Option<f64>> {
        let rows = self.column.rows.iter();
        rows.map(|index| self.numbers.values[(*index)? as usize])
    }

    /// Whether it has more than one value: else it is left out.
    pub(super) fn varies(&self) -> bool {
        self.column.levels() > 1
    }

    pub(super) fn name(&self) -> &str {
        &self.column.name
    }
}
