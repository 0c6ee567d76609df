//! What past records have in the fields that a model reads: what they differ by from the record that is asked for.

use std::collections::{HashMap, HashSet};

use arrow_array::RecordBatch;
use records::{Field, Kind, Schema};
use serde::{Deserialize, Serialize};

use super::given::Given;
use crate::cells::Cells;
use crate::part_error::PartError;

/// Values kept at most, of all fields together: the least important fields of a wide table are left out.
const MOST_VALUES: usize = 4_000_000;
/// Bytes of all names together at most: a file of them stays below what is read.
const MOST_NAME_BYTES: usize = 16 << 20;
/// Decimals that a field's numbers are asked for.
const MOST_DECIMALS: u8 = 6;
/// Numbers of no such decimals differ by so much, relative to the greater one.
const SAME: f64 = 1e-6;

/// Values of past records, by field and the position of the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PastValues {
    /// The most important first.
    fields: Vec<PastField>,
}

/// The values of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PastField {
    field: String,
    values: Column,
}

/// Values by position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Column {
    /// Numbers, 0 and 1 for no and yes, microseconds since 1970.
    Numbers {
        /// Decimals that all of them have at most; none where they have more than are asked for.
        decimals: Option<u8>,
        of: Numbers,
    },
    /// Names, each written once.
    Names {
        names: Vec<String>,
        /// Which of the names; none in a gap.
        of: Vec<Option<u32>>,
    },
}

/// Numbers, and NaN in gaps, which are null in a file: half the memory of options.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Vec<Option<f64>>")]
struct Numbers(Vec<f64>);

impl From<Vec<Option<f64>>> for Numbers {
    fn from(numbers: Vec<Option<f64>>) -> Numbers {
        let numbers = numbers.into_iter();
        Numbers(numbers.map(|number| number.unwrap_or(f64::NAN)).collect())
    }
}

/// By their bits: a gap is a gap.
impl PartialEq for Numbers {
    fn eq(&self, other: &Numbers) -> bool {
        let bits = |numbers: &Numbers| {
            numbers
                .0
                .iter()
                .map(|one| one.to_bits())
                .collect::<Vec<_>>()
        };
        bits(self) == bits(other)
    }
}

/// The record that is asked for, beside the values of past ones.
pub(crate) struct Subject<'a>(Vec<(&'a PastField, Kind, Given<'a>)>);

/// A field in which a past record differs from the one asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Differing<'a> {
    pub(crate) field: &'a str,
    pub(crate) kind: Kind,
    /// The past record's value.
    pub(crate) past: Given<'a>,
    /// The value of the record asked for.
    pub(crate) subject: Given<'a>,
}

impl Differing<'_> {
    /// Whether the past record's value is the same one of the same field.
    pub(crate) fn is_as(&self, other: &Differing) -> bool {
        self.field == other.field && self.past == other.past
    }
}

impl PastValues {
    /// The values that `rows` of the batch have in the schema's fields, ordered by `importance`.
    pub(crate) fn of(
        schema: &Schema,
        batch: &RecordBatch,
        rows: &[usize],
        importance: impl Fn(&str) -> f64,
    ) -> PastValues {
        let features = schema.features();
        let mut ordered: Vec<(&Field, f64)> = features
            .map(|field| (field, importance(&field.name)))
            .collect();
        ordered.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        ordered.truncate(MOST_VALUES / rows.len().max(1));
        let mut room = MOST_NAME_BYTES;
        let kept = ordered.into_iter().filter_map(|(field, _)| {
            let cells = Cells::of(batch, &field.name);
            let values = match field.kind {
                Kind::Category => names(&cells, rows, &mut room)?,
                kind => numbers(&cells, kind, rows),
            };
            Some(PastField {
                field: field.name.clone(),
                values,
            })
        });
        PastValues {
            fields: kept.collect(),
        }
    }

    /// Keeps the fields that `is_read`.
    pub(crate) fn retain(&mut self, is_read: impl Fn(&str) -> bool) {
        self.fields.retain(|past| is_read(&past.field));
    }

    /// Puts the first row of `record` beside the past records. Fields that the schema does not have are left out.
    pub(crate) fn beside<'a>(&'a self, schema: &Schema, record: &'a RecordBatch) -> Subject<'a> {
        let own = self.fields.iter().filter_map(|past| {
            let kind = schema.field(&past.field)?.kind;
            let cells = Cells::of(record, &past.field);
            Some((past, kind, Given::of(&cells, kind, 0)))
        });
        Subject(own.collect())
    }

    /// Whether what was read is of so many records of the schema.
    ///
    /// # Errors
    /// States which field is not.
    pub(crate) fn check(&self, schema: &Schema, records: usize) -> Result<(), PartError> {
        let mut seen = HashSet::new();
        for PastField { field, values } in &self.fields {
            let kind = schema.features().find(|known| known.name == *field);
            let Some(kind) = kind.map(|known| known.kind) else {
                return Err(PartError::Misfit(format!(
                    "values of {field:?}, expected a field that the model may read"
                )));
            };
            if !seen.insert(field) {
                return Err(PartError::Misfit(format!("values of {field:?} twice")));
            }
            let (is_of_kind, found) = match values {
                Column::Numbers { of, .. } => (kind != Kind::Category, of.0.len()),
                Column::Names { of, .. } => (kind == Kind::Category, of.len()),
            };
            if !is_of_kind || found != records {
                return Err(PartError::Misfit(format!(
                    "{found} values of {field:?}, expected {records} of its kind, {kind:?}"
                )));
            }
            if let Column::Names { names, of } = values
                && of
                    .iter()
                    .flatten()
                    .any(|name| *name as usize >= names.len())
            {
                return Err(PartError::Misfit(format!(
                    "a name of {field:?} that is not among its {}",
                    names.len()
                )));
            }
            if let Column::Numbers {
                decimals: Some(decimals),
                ..
            } = values
                && *decimals > MOST_DECIMALS
            {
                return Err(PartError::Misfit(format!(
                    "{decimals} decimals of {field:?}, expected {MOST_DECIMALS} at most"
                )));
            }
        }
        Ok(())
    }
}

impl<'a> Subject<'a> {
    /// In which fields the past record at a position differs, the most important first.
    pub(crate) fn differing(&self, position: usize) -> impl Iterator<Item = Differing<'a>> {
        self.0.iter().filter_map(move |(column, kind, subject)| {
            let past = column.values.at(position);
            column.values.differ(past, *subject).then_some(Differing {
                field: &column.field,
                kind: *kind,
                past,
                subject: *subject,
            })
        })
    }
}

impl Column {
    fn at(&self, position: usize) -> Given<'_> {
        match self {
            Column::Numbers { of, .. } if of.0[position].is_nan() => Given::Gap,
            Column::Numbers { of, .. } => Given::Number(of.0[position]),
            Column::Names { names, of } => match of[position] {
                Some(name) => Given::Name(&names[name as usize]),
                None => Given::Gap,
            },
        }
    }

    /// Whether a value is another one than the other: numbers, when both are rounded to the decimals of the field.
    fn differ(&self, one: Given, other: Given) -> bool {
        let (Column::Numbers { decimals, .. }, Given::Number(one), Given::Number(other)) =
            (self, one, other)
        else {
            return one != other;
        };
        match decimals {
            Some(decimals) => {
                let scale = 10_f64.powi(i32::from(*decimals));
                (one * scale).round() != (other * scale).round()
            }
            None => (one - other).abs() > SAME * one.abs().max(other.abs()),
        }
    }
}

/// The numbers of a column, as they were given.
fn numbers(cells: &Cells, kind: Kind, rows: &[usize]) -> Column {
    let own = rows.iter().map(|row| match Given::of(cells, kind, *row) {
        Given::Number(number) => number,
        Given::Gap | Given::Name(_) => f64::NAN,
    });
    let numbers: Vec<f64> = own.collect();
    let known = || numbers.iter().filter(|number| !number.is_nan());
    let has = |decimals: &u8| {
        let scale = 10_f64.powi(i32::from(*decimals));
        known().all(|number| {
            let scaled = number * scale;
            (scaled - scaled.round()).abs() <= 4.0 * f64::EPSILON * scaled.abs()
        })
    };
    Column::Numbers {
        decimals: (0..=MOST_DECIMALS).find(has),
        of: Numbers(numbers),
    }
}

/// The names of a column; none where they need more than the `room` that is left.
fn names(cells: &Cells, rows: &[usize], room: &mut usize) -> Option<Column> {
    let mut names: Vec<String> = Vec::new();
    let mut codes: HashMap<&str, u32> = HashMap::new();
    let mut left = *room;
    let mut of = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(name) = cells.text(*row) else {
            of.push(None);
            continue;
        };
        if let Some(code) = codes.get(name) {
            of.push(Some(*code));
            continue;
        }
        left = left.checked_sub(name.len())?;
        let code = u32::try_from(names.len()).ok()?;
        codes.insert(name, code);
        names.push(name.to_owned());
        of.push(Some(code));
    }
    *room = left;
    Some(Column::Names { names, of })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[f64]) -> Column {
        let array = arrow_array::Float64Array::from(numbers.to_vec());
        let rows: Vec<usize> = (0..numbers.len()).collect();
        super::numbers(&Cells::Number(&array), Kind::Number, &rows)
    }

    #[test]
    fn numbers_differ_by_more_than_the_rounding_of_their_field() {
        let differ = |column: &Column, one: f64, other: f64| {
            column.differ(Given::Number(one), Given::Number(other))
        };
        let whole = of(&[48.0, 54.0, 1e12]);
        assert!(!differ(&whole, 48.0, 48.04) && differ(&whole, 48.0, 48.6));
        let tenths = of(&[48.3, 54.0, -0.7]);
        assert!(!differ(&tenths, 48.3, 48.34) && differ(&tenths, 48.3, 48.4));
        let measured = of(&[1.0 / 3.0, 2.0e-9]);
        assert!(matches!(measured, Column::Numbers { decimals: None, .. }));
        assert!(!differ(&measured, 2.0e-9, 2.000_000_1e-9) && differ(&measured, 2.0e-9, 2.1e-9));
        assert!(differ(&measured, 0.0, 1e-12) && !differ(&measured, 0.0, 0.0));
        assert!(
            whole.differ(Given::Gap, Given::Number(0.0)) && !whole.differ(Given::Gap, Given::Gap)
        );
    }

    #[test]
    fn a_file_of_values_holds_gaps_and_what_was_given() {
        let column = of(&[48.3, f64::NAN, 0.1]);
        let text = serde_json::to_string(&column).unwrap();
        assert_eq!(text, r#"{"numbers":{"decimals":1,"of":[48.3,null,0.1]}}"#);
        assert_eq!(serde_json::from_str::<Column>(&text).unwrap(), column);
        let array = arrow_array::StringArray::from(vec![Some("b"), None, Some("a"), Some("b")]);
        let (cells, rows) = (Cells::Text(&array), [0, 1, 2, 3]);
        let found = names(&cells, &rows, &mut 2).unwrap();
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(text, r#"{"names":{"names":["b","a"],"of":[0,null,1,0]}}"#);
        assert!(names(&cells, &rows, &mut 1).is_none());
    }
}
