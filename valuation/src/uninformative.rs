//! Fields that carry no information about a price: found in the rows to learn from, and left out.
//!
//! Files of many columns have some that are empty, some that are the same in every row, and some that
//! number the rows. The first two cost time alone; a model that learns from the last learns rows by
//! heart. Records may continue carrying all of them.

use std::collections::BTreeSet;
use std::fmt;

use arrow_array::RecordBatch;
use records::{Field, Kind, Schema};
use serde::{Deserialize, Serialize};

use crate::cells::Cells;

/// Share of the rows with a value of their own from which on a field is an identifier.
const OWN_VALUES: f64 = 0.95;
/// In fewer rows anything may differ from row to row by chance.
const LEAST_ROWS: usize = 100;
/// Whole numbers within so many times the rows are running numbers. Where rows are drawn from such a
/// range evenly and by chance, 3·(1 − e^(−1/3)) = 85 % of them have a value of their own, far from
/// [`OWN_VALUES`]: a measure is not mistaken for a number that was given out.
const RUNNING: f64 = 3.0;

/// Why a field is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Why {
    /// No row has a value.
    Empty,
    /// All rows have one and the same.
    Constant {
        /// The value, shortened.
        value: String,
    },
    /// Nearly every row has a name of its own; or a whole number, where the field is called an id.
    Identifier {
        /// How many there are.
        distinct: usize,
        /// Among N rows with a value.
        rows: usize,
    },
    /// Nearly every row has a whole number of its own, and they follow each other closely.
    RunningNumber {
        /// The least.
        from: i64,
        /// The greatest.
        to: i64,
    },
}

/// A field that is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dropped {
    /// Its name.
    pub field: String,
    /// Why.
    #[serde(flatten)]
    pub why: Why,
}

impl Dropped {
    /// Whether the field distinguishes rows, and nothing else: it is another in every new row, and
    /// makes no groups.
    pub(crate) fn is_identifier(&self) -> bool {
        matches!(self.why, Why::Identifier { .. } | Why::RunningNumber { .. })
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let field = &self.field;
        match &self.why {
            Why::Empty => write!(formatter, "{field}: no row has a value"),
            Why::Constant { value } => write!(formatter, "{field}: {value} in every row"),
            Why::Identifier { distinct, rows } => write!(
                formatter,
                "{field}: an identifier, {distinct} values in {rows} rows"
            ),
            Why::RunningNumber { from, to } => {
                write!(formatter, "{field}: a running number, {from} to {to}")
            }
        }
    }
}

/// Fields of the schema that carry no information in `rows` of a batch, in the schema's order. Never one that
/// the schema gives a role: key, time, target, area, place.
pub(crate) fn find(schema: &Schema, batch: &RecordBatch, rows: &[usize]) -> Vec<Dropped> {
    let has_role = |field: &Field| {
        schema.area.as_ref() == Some(&field.name) || schema.place.contains(&field.name)
    };
    let free = schema.features().filter(|field| !has_role(field));
    free.filter_map(|field| {
        let why = why(field, &Cells::of(batch, &field.name), rows)?;
        let field = field.name.clone();
        Some(Dropped { field, why })
    })
    .collect()
}

/// The schema without these fields.
pub(crate) fn without<'a>(schema: &Schema, dropped: impl Iterator<Item = &'a Dropped>) -> Schema {
    let names: BTreeSet<&str> = dropped.map(|dropped| dropped.field.as_str()).collect();
    let mut kept = schema.clone();
    kept.fields
        .retain(|field| !names.contains(field.name.as_str()));
    kept
}

fn why(field: &Field, cells: &Cells, rows: &[usize]) -> Option<Why> {
    match cells {
        Cells::Text(_) => {
            let names: Vec<&str> = rows.iter().filter_map(|row| cells.text(*row)).collect();
            let distinct: BTreeSet<&str> = names.iter().copied().collect();
            match (distinct.first(), distinct.len()) {
                (None, _) => Some(Why::Empty),
                (Some(value), 1) if names.len() == rows.len() => Some(Why::Constant {
                    value: shortened(value),
                }),
                (_, distinct) if are_own(distinct, names.len()) => Some(Why::Identifier {
                    distinct,
                    rows: names.len(),
                }),
                _ => None,
            }
        }
        _ => {
            let numbers: Vec<f64> = rows.iter().filter_map(|row| cells.number(*row)).collect();
            let low = numbers.iter().copied().reduce(f64::min);
            let high = numbers.iter().copied().reduce(f64::max);
            let (Some(low), Some(high)) = (low, high) else {
                return Some(Why::Empty);
            };
            if low == high {
                let value = match field.kind {
                    Kind::Boolean if low > 0.0 => "true".to_owned(),
                    Kind::Boolean => "false".to_owned(),
                    Kind::Timestamp => "the same time".to_owned(),
                    _ => low.to_string(),
                };
                let in_all = numbers.len() == rows.len();
                return in_all.then_some(Why::Constant { value });
            }
            let is_running = high - low <= RUNNING * numbers.len() as f64;
            let is_called_id = field.name == "id" || field.name.ends_with("_id");
            // Mostly no: before the numbers are counted.
            if field.kind != Kind::Integer || !(is_running || is_called_id) {
                return None;
            }
            let distinct: BTreeSet<i64> = numbers.iter().map(|number| *number as i64).collect();
            match (are_own(distinct.len(), numbers.len()), is_running) {
                (false, _) => None,
                (true, true) => Some(Why::RunningNumber {
                    from: low as i64,
                    to: high as i64,
                }),
                (true, false) => Some(Why::Identifier {
                    distinct: distinct.len(),
                    rows: numbers.len(),
                }),
            }
        }
    }
}

fn are_own(distinct: usize, rows: usize) -> bool {
    rows >= LEAST_ROWS && distinct as f64 >= OWN_VALUES * rows as f64
}

/// A value that may be a whole text.
fn shortened(text: &str) -> String {
    const MOST_CHARS: usize = 40;
    let quoted = match text.chars().count() > MOST_CHARS {
        true => format!("{}…", text.chars().take(MOST_CHARS).collect::<String>()),
        false => text.to_owned(),
    };
    format!("{quoted:?}")
}
