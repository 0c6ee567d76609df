//! One record on its way into columns: its cells, checked against the schema.

use std::fmt::Display;
use std::ops::Range;

use crate::arrival::Arrival;
use crate::measure::Reading;
use crate::reject::Reason;
use crate::schema::{Field, Kind, PLACE, Purpose, Schema};
use crate::timestamp;

/// A record whose time is later than its arrival by more than this is rejected: it would win over
/// every true later version. A day covers clocks and time zones that are off.
const AHEAD_OF_ARRIVAL_US: i64 = 24 * 3600 * 1_000_000;

/// Longest piece of a bad value that is repeated in a reason, in characters.
const SHOWN_CHARS: usize = 40;

/// One value of a row. Texts live in the row's buffer, so that a row costs no allocation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Number(f64),
    Integer(i64),
    Boolean(bool),
    Timestamp(i64),
    Text(Range<usize>),
}

/// A column of the row: what a cell must be.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub field: Field,
    pub is_key: bool,
    pub is_time: bool,
    /// The key of a schema without one.
    is_place: bool,
    nullable: bool,
    /// Longest text, in bytes.
    text_limit: usize,
}

/// Buffers for one row, reused from row to row.
#[derive(Debug)]
pub(crate) struct Row {
    slots: Vec<Slot>,
    cells: Vec<Cell>,
    /// Texts that say that there is no value.
    missing: Vec<String>,
    text: String,
    key_was_number: bool,
    unknown_fields: u64,
    /// Where the next field is expected: records mostly come in one order.
    guess: usize,
}

impl Row {
    pub fn new(schema: &Schema, purpose: Purpose) -> Row {
        let slots: Vec<Slot> = schema
            .columns(purpose)
            .map(|field| Slot {
                is_key: field.name == schema.key,
                is_place: field.name == schema.key && field.name == PLACE,
                is_time: schema.time.as_deref() == Some(field.name.as_str()),
                nullable: schema.is_nullable(field),
                text_limit: schema.text_limit(field),
                field: field.clone(),
            })
            .collect();
        Row {
            cells: vec![Cell::Null; slots.len()],
            slots,
            missing: schema.missing.clone(),
            text: String::new(),
            key_was_number: false,
            unknown_fields: 0,
            guess: 0,
        }
    }

    pub fn clear(&mut self) {
        self.cells.fill(Cell::Null);
        self.text.clear();
        self.key_was_number = false;
        self.unknown_fields = 0;
        self.guess = 0;
    }

    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub fn cell(&self, index: usize) -> &Cell {
        &self.cells[index]
    }

    pub fn text_of(&self, range: &Range<usize>) -> &str {
        &self.text[range.clone()]
    }

    pub fn key_was_number(&self) -> bool {
        self.key_was_number
    }

    pub fn unknown_fields(&self) -> u64 {
        self.unknown_fields
    }

    /// The column of a name; an unknown name is counted.
    pub fn find(&mut self, name: &str) -> Option<usize> {
        let is_it = |index: usize| {
            self.slots
                .get(index)
                .is_some_and(|slot| slot.field.name == name)
        };
        let found = if is_it(self.guess) {
            Some(self.guess)
        } else {
            (0..self.slots.len()).find(|&index| is_it(index))
        };
        match found {
            Some(index) => self.guess = index + 1,
            None => self.unknown_fields += 1,
        }
        found
    }

    pub fn set_null(&mut self, index: usize) {
        self.cells[index] = Cell::Null;
    }

    pub fn set_boolean(&mut self, index: usize, value: bool) -> Result<(), Reason> {
        match self.slots[index].field.kind {
            Kind::Boolean => self.cells[index] = Cell::Boolean(value),
            _ => return Err(self.wrong_type(index, &value.to_string())),
        }
        Ok(())
    }

    pub fn set_integer(&mut self, index: usize, value: i64) -> Result<(), Reason> {
        match self.slots[index].field.kind {
            Kind::Integer => self.cells[index] = Cell::Integer(value),
            Kind::Number => self.cells[index] = Cell::Number(value as f64),
            Kind::Timestamp => return self.set_time_number(index, value as f64),
            Kind::Text if self.slots[index].is_key => {
                self.key_was_number = true;
                self.store_text(index, &value.to_string());
            }
            _ => return Err(self.wrong_type(index, &value.to_string())),
        }
        Ok(())
    }

    pub fn set_number(&mut self, index: usize, value: f64) -> Result<(), Reason> {
        match self.slots[index].field.kind {
            Kind::Number if value.is_finite() => self.cells[index] = Cell::Number(value),
            // 2^53: beyond it a float no longer tells whole numbers apart.
            Kind::Integer if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 => {
                self.cells[index] = Cell::Integer(value as i64);
            }
            Kind::Timestamp => return self.set_time_number(index, value),
            _ => return Err(self.wrong_type(index, &value.to_string())),
        }
        Ok(())
    }

    pub fn set_text(&mut self, index: usize, value: &str) -> Result<(), Reason> {
        if self.is_missing(value) {
            self.set_null(index);
            return Ok(());
        }
        let field = &self.slots[index].field;
        match field.kind {
            Kind::Category | Kind::Text => self.store_text(index, value),
            Kind::Number | Kind::Integer if field.is_measured() => {
                return self.set_measured(index, value);
            }
            Kind::Timestamp => match timestamp::parse(value) {
                Some(us) => self.cells[index] = Cell::Timestamp(us),
                None => return Err(self.wrong_type(index, &quoted(value))),
            },
            _ => return Err(self.wrong_type(index, &quoted(value))),
        }
        Ok(())
    }

    /// A cell of a file without types: the text is read as the field's kind; empty is null.
    pub fn set_untyped(&mut self, index: usize, value: &str) -> Result<(), Reason> {
        let trimmed = value.trim();
        if trimmed.is_empty() || self.is_missing(trimmed) {
            self.set_null(index);
            return Ok(());
        }
        let field = &self.slots[index].field;
        let is_measured = field.is_measured();
        match field.kind {
            Kind::Category | Kind::Text => return self.set_text(index, trimmed),
            Kind::Boolean => match trimmed.to_ascii_lowercase().as_str() {
                "true" | "t" | "yes" | "1" => return self.set_boolean(index, true),
                "false" | "f" | "no" | "0" => return self.set_boolean(index, false),
                _ => {}
            },
            Kind::Timestamp => match trimmed.parse::<f64>() {
                Ok(number) => return self.set_time_number(index, number),
                Err(_) => return self.set_text(index, trimmed),
            },
            Kind::Integer => {
                if let Ok(integer) = trimmed.parse::<i64>() {
                    return self.set_integer(index, integer);
                }
                if let Ok(number) = trimmed.parse::<f64>() {
                    return self.set_number(index, number);
                }
            }
            Kind::Number => {
                if let Ok(number) = trimmed.parse::<f64>() {
                    return self.set_number(index, number);
                }
            }
        }
        if is_measured {
            return self.set_measured(index, trimmed);
        }
        Err(self.wrong_type(index, &quoted(trimmed)))
    }

    /// Whether the schema says that a text stands for no value.
    fn is_missing(&self, text: &str) -> bool {
        !self.missing.is_empty() && self.missing.iter().any(|mark| mark == text.trim())
    }

    /// A number as a text, which may have its unit; an empty one is null.
    fn set_measured(&mut self, index: usize, value: &str) -> Result<(), Reason> {
        if value.trim().is_empty() {
            self.set_null(index);
            return Ok(());
        }
        let field = &self.slots[index].field;
        match field.read(value) {
            Reading::Value(number) => self.set_number(index, number),
            Reading::NoNumber => Err(self.wrong_type(index, &quoted(value))),
            Reading::OtherUnit(_) => Err(Reason::WrongUnit {
                field: field.name.clone(),
                expected: field.unit.clone().unwrap_or_default(),
                found: quoted(value),
            }),
        }
    }

    /// A time of a typed file, in microseconds since 1970.
    pub fn set_time(&mut self, index: usize, us: i64) -> Result<(), Reason> {
        match self.slots[index].field.kind {
            Kind::Timestamp if us >= 0 => {
                self.cells[index] = Cell::Timestamp(us);
                Ok(())
            }
            _ => Err(self.wrong_type(index, &timestamp::format(us))),
        }
    }

    /// Fills the time in from the arrival where the record has none, and the key from the place it
    /// came from where the schema has none, then checks every cell.
    pub fn finish(
        &mut self,
        arrival: impl Into<Arrival>,
        place: &dyn Display,
    ) -> Result<(), Reason> {
        let arrival = arrival.into();
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if slot.is_place && self.cells[index] == Cell::Null {
                self.store_text(index, &place.to_string());
            }
            let slot = &self.slots[index];
            if slot.is_time && self.cells[index] == Cell::Null {
                self.cells[index] = Cell::Timestamp(arrival.us);
            }
            let slot = &self.slots[index];
            let field = &slot.field;
            match &self.cells[index] {
                Cell::Null if !slot.nullable => {
                    return Err(Reason::MissingField {
                        field: field.name.clone(),
                    });
                }
                Cell::Number(value) => in_bounds(field, *value)?,
                Cell::Integer(value) => in_bounds(field, *value as f64)?,
                Cell::Timestamp(us)
                    if slot.is_time
                        && *us > arrival.latest_us().saturating_add(AHEAD_OF_ARRIVAL_US) =>
                {
                    return Err(Reason::OutOfBounds {
                        field: field.name.clone(),
                        found: timestamp::format(*us),
                        bound: "a time not later than a day after its arrival".to_owned(),
                    });
                }
                Cell::Text(range) => {
                    let text = &self.text[range.clone()];
                    if text.len() > slot.text_limit {
                        return Err(Reason::TooLong {
                            field: field.name.clone(),
                            found: text.len(),
                            limit: slot.text_limit,
                        });
                    }
                    let fault = if text.contains('\0') {
                        Some("contains a NUL character, which cannot be stored".to_owned())
                    } else if !slot.nullable && text.trim().is_empty() {
                        Some("is empty; expected a text".to_owned())
                    } else {
                        None
                    };
                    if let Some(detail) = fault {
                        return Err(Reason::InvalidText {
                            field: field.name.clone(),
                            detail,
                        });
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Says that a value is of the wrong kind; `found` is the value as sent.
    pub fn wrong_type(&self, index: usize, found: &str) -> Reason {
        let field = &self.slots[index].field;
        Reason::WrongType {
            field: field.name.clone(),
            expected: field.kind,
            found: shortened(found),
        }
    }

    fn store_text(&mut self, index: usize, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.cells[index] = Cell::Text(start..self.text.len());
    }

    fn set_time_number(&mut self, index: usize, value: f64) -> Result<(), Reason> {
        match timestamp::from_number(value) {
            Some(us) => {
                self.cells[index] = Cell::Timestamp(us);
                Ok(())
            }
            None => Err(self.wrong_type(index, &value.to_string())),
        }
    }
}

fn in_bounds(field: &Field, value: f64) -> Result<(), Reason> {
    let below = field.min.is_some_and(|min| value < min);
    let above = field.max.is_some_and(|max| value > max);
    if !below && !above {
        return Ok(());
    }
    let unit = field.unit.as_deref().unwrap_or_default();
    let bound = match (field.min, field.max) {
        (Some(min), Some(max)) => format!("between {min} and {max} {unit}"),
        (Some(min), None) => format!("at least {min} {unit}"),
        (_, max) => format!("at most {} {unit}", max.unwrap_or(f64::INFINITY)),
    };
    Err(Reason::OutOfBounds {
        field: field.name.clone(),
        found: value.to_string(),
        bound: bound.trim_end().to_owned(),
    })
}

pub(crate) fn quoted(text: &str) -> String {
    format!("the text {:?}", shortened(text))
}

pub(crate) fn shortened(text: &str) -> String {
    if text.chars().count() <= SHOWN_CHARS {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(SHOWN_CHARS).collect();
    short.push('…');
    short
}
