//! A value as a record has it.

use records::{Kind, timestamp};
use serde_json::Value;

use crate::cells::Cells;
use crate::known::whole;

/// A value as a record has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Given<'a> {
    /// Not known.
    Gap,
    /// A number; 0 and 1 for no and yes, microseconds since 1970.
    Number(f64),
    /// A category's level.
    Name(&'a str),
}

impl<'a> Given<'a> {
    /// The value of a row in a field of this kind.
    pub(crate) fn of(cells: &Cells<'a>, kind: Kind, row: usize) -> Given<'a> {
        let found = match kind {
            Kind::Category | Kind::Text => cells.text(row).map(Given::Name),
            Kind::Timestamp => cells.time_us(row).map(|us| Given::Number(us as f64)),
            Kind::Number | Kind::Integer | Kind::Boolean => cells.number(row).map(Given::Number),
        };
        found.unwrap_or(Given::Gap)
    }

    /// The value in JSON; a gap is null.
    pub(crate) fn shown(self, kind: Kind) -> Value {
        match self {
            Given::Gap => Value::Null,
            Given::Name(name) => Value::from(name),
            Given::Number(number) => match kind {
                Kind::Boolean => Value::from(number != 0.0),
                Kind::Timestamp => Value::from(timestamp::format(number as i64)),
                _ => whole(number),
            },
        }
    }

    /// Its number, where it is one.
    pub(crate) fn number(self) -> Option<f64> {
        match self {
            Given::Number(number) => Some(number),
            Given::Gap | Given::Name(_) => None,
        }
    }

    /// Its name, where it is one.
    pub(crate) fn name(self) -> Option<&'a str> {
        match self {
            Given::Name(name) => Some(name),
            Given::Gap | Given::Number(_) => None,
        }
    }
}
