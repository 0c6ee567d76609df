//! One record on its way into columns: its cells, checked against the schema.
//!
//! One set of rules for all ways in: a text means the same in a file, a message, a request and a Parquet
//! column, and a value of another type means what its text would.

use std::fmt::Display;
use std::ops::Range;

use crate::arrival::Arrival;
use crate::measure::{self, Custom, Reading};
use crate::reject::Reason;
use crate::schema::{Field, Kind, PLACE, Purpose, Schema};
use crate::timestamp::{self, Forms};
use crate::truth;

/// Rejects a record whose time is later than its arrival by more than this: it would win over
/// every true later version. A day covers clocks and time zones that are off.
const AHEAD_OF_ARRIVAL_US: i64 = 24 * 3600 * 1_000_000;

/// Longest piece of a bad value that is repeated in a reason, in characters.
const SHOWN_CHARS: usize = 40;
/// Numbers from this on are repeated as 1e308, not digit by digit.
const MOST_WRITTEN_OUT: f64 = 1e15;

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

/// A column of the row: the rules for its cells.
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
    /// How its texts are read; apart, as numbers of messages need none of it.
    written: Box<Written>,
}

/// How the texts of a field write its values.
#[derive(Debug, Clone)]
struct Written {
    /// Numbers.
    custom: Custom,
    /// Times.
    forms: Forms,
}

/// Buffers for one row, reused from row to row.
#[derive(Debug)]
pub(crate) struct Row {
    slots: Vec<Slot>,
    cells: Vec<Cell>,
    /// Texts that mean "no value".
    missing: Vec<String>,
    text: String,
    key_was_number: bool,
    unknown_fields: u64,
    /// The expected place of the next field: most records have the same order.
    guess: usize,
    /// In files, a field also has the name of its header.
    takes_headers: bool,
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
                written: Box::new(Written {
                    custom: Custom::of(field),
                    forms: Forms::of(&field.format),
                }),
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
            takes_headers: false,
        }
    }

    /// The same of a file of JSON, whose names may be those of `column`.
    pub fn with_headers(mut self) -> Row {
        self.takes_headers = true;
        self
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

    /// The column of a name. Counts unknown names.
    pub fn find(&mut self, name: &str) -> Option<usize> {
        let is_called =
            |field: &Field| field.name == name || (self.takes_headers && field.is_headed(name));
        let is_it = |index: usize| {
            self.slots
                .get(index)
                .is_some_and(|slot| is_called(&slot.field))
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

    /// True or false. Where a text is expected it is the word.
    pub fn set_boolean(&mut self, index: usize, value: bool) -> Result<(), Reason> {
        let slot = &self.slots[index];
        match slot.field.kind {
            Kind::Boolean => self.cells[index] = Cell::Boolean(value),
            Kind::Category | Kind::Text if !slot.is_key => {
                return self.set_text(index, if value { "true" } else { "false" });
            }
            _ => return Err(self.wrong_type(index, &value.to_string())),
        }
        Ok(())
    }

    /// A whole number; 0 and 1 are false and true, and a name may be a number.
    pub fn set_integer(&mut self, index: usize, value: i64) -> Result<(), Reason> {
        match self.slots[index].field.kind {
            Kind::Integer => self.cells[index] = Cell::Integer(value),
            Kind::Number => self.cells[index] = Cell::Number(value as f64),
            Kind::Timestamp => return self.set_time_number(index, value as f64),
            Kind::Boolean => match value {
                0 | 1 => self.cells[index] = Cell::Boolean(value == 1),
                _ => return Err(self.wrong_type(index, &value.to_string())),
            },
            Kind::Category | Kind::Text => return self.set_name(index, &value.to_string()),
        }
        Ok(())
    }

    /// A whole number that may be greater than an `i64`: a key keeps its digits.
    pub fn set_unsigned(&mut self, index: usize, value: u64) -> Result<(), Reason> {
        match (i64::try_from(value), self.slots[index].field.kind) {
            (Ok(value), _) => self.set_integer(index, value),
            (Err(_), Kind::Category | Kind::Text) => self.set_name(index, &value.to_string()),
            (Err(_), _) => self.set_number(index, value as f64),
        }
    }

    /// A number; NaN is not a value, as people's programs have no other word for it.
    pub fn set_number(&mut self, index: usize, value: f64) -> Result<(), Reason> {
        // 2^53: beyond it a float no longer distinguishes whole numbers.
        let is_whole = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
        if value.is_nan() {
            self.set_null(index);
            return Ok(());
        }
        match self.slots[index].field.kind {
            Kind::Number if value.is_finite() => self.cells[index] = Cell::Number(value),
            Kind::Integer if is_whole => self.cells[index] = Cell::Integer(value as i64),
            Kind::Timestamp => return self.set_time_number(index, value),
            Kind::Boolean | Kind::Category | Kind::Text if is_whole => {
                return self.set_integer(index, value as i64);
            }
            Kind::Category | Kind::Text if value.is_finite() && !self.slots[index].is_key => {
                return self.set_name(index, &value.to_string());
            }
            _ => return Err(self.wrong_type(index, &value.to_string())),
        }
        Ok(())
    }

    /// A decimal of a typed file, by its digits.
    pub fn set_decimal(&mut self, index: usize, digits: &str) -> Result<(), Reason> {
        match (digits.parse::<i64>(), digits.parse::<f64>()) {
            (Ok(whole), _) => self.set_integer(index, whole),
            (_, Ok(number)) => match self.slots[index].field.kind {
                // A key of 20 digits keeps them.
                Kind::Category | Kind::Text if !digits.contains('.') => {
                    self.set_name(index, digits)
                }
                _ => self.set_number(index, number),
            },
            _ => Err(self.wrong_type(index, digits)),
        }
    }

    /// A number where a name is expected: its digits.
    fn set_name(&mut self, index: usize, digits: &str) -> Result<(), Reason> {
        self.key_was_number |= self.slots[index].is_key;
        self.store_text(index, digits);
        Ok(())
    }

    /// A text, read as the field's kind. Spaces around it do not count; an empty one and those that the
    /// schema names are no value.
    pub fn set_text(&mut self, index: usize, value: &str) -> Result<(), Reason> {
        let text = value.trim();
        if text.is_empty() || self.is_missing(index, text) {
            self.set_null(index);
            return Ok(());
        }
        match self.slots[index].field.kind {
            Kind::Category | Kind::Text => {
                self.store_text(index, text);
                Ok(())
            }
            Kind::Boolean => self.set_boolean_text(index, text),
            Kind::Timestamp => match self.slots[index].written.forms.read(text) {
                Some(us) => {
                    self.cells[index] = Cell::Timestamp(us);
                    Ok(())
                }
                None => Err(self.wrong_type(index, &quoted(text))),
            },
            Kind::Number | Kind::Integer => self.set_number_text(index, text),
        }
    }

    fn set_boolean_text(&mut self, index: usize, text: &str) -> Result<(), Reason> {
        if let Some(value) = truth::of_word(text) {
            return self.set_boolean(index, value);
        }
        match text.parse::<f64>() {
            Ok(number) if number == 0.0 || number == 1.0 || number.is_nan() => {
                self.set_number(index, number)
            }
            _ => Err(self.wrong_type(index, &quoted(text))),
        }
    }

    fn set_number_text(&mut self, index: usize, text: &str) -> Result<(), Reason> {
        let slot = &self.slots[index];
        if text.eq_ignore_ascii_case("nan") {
            self.set_null(index);
            return Ok(());
        }
        // Beyond 2^53 a float would not do.
        if slot.field.kind == Kind::Integer
            && !slot.written.custom.is_scaled()
            && let Ok(integer) = text.parse::<i64>()
        {
            return self.set_integer(index, integer);
        }
        let field = &slot.field;
        let found = |why: &str| Reason::WrongType {
            field: field.name.clone(),
            expected: field.kind,
            found: format!("{}, {why}", quoted(text)),
        };
        let reason = match slot.written.custom.read(text) {
            Reading::Value(number) => return self.set_number(index, number),
            Reading::OtherUnit(_) if field.is_measured() => Reason::WrongUnit {
                field: field.name.clone(),
                expected: field.unit.clone().unwrap_or_default(),
                found: quoted(text),
            },
            Reading::Ambiguous(one, other) => found(&format!(
                "which may be {one} or {other}: set decimal = \".\" or group = \".\" in the schema"
            )),
            Reading::OtherUnit(_) | Reading::NoNumber => match measure::hint(text) {
                Some(hint) => found(hint),
                None => self.wrong_type(index, &quoted(text)),
            },
        };
        Err(reason)
    }

    /// Whether the schema lists a text as "no value", for all fields or for this one.
    fn is_missing(&self, index: usize, text: &str) -> bool {
        let own = &self.slots[index].field.missing;
        self.missing.iter().chain(own).any(|mark| mark == text)
    }

    /// A time of a typed file, in microseconds since 1970; a text field has it as RFC 3339.
    pub fn set_time(&mut self, index: usize, us: i64) -> Result<(), Reason> {
        match (self.slots[index].field.kind, timestamp::in_range(us)) {
            (Kind::Timestamp, Some(us)) => self.cells[index] = Cell::Timestamp(us),
            (Kind::Category | Kind::Text, Some(us)) => {
                self.store_text(index, &timestamp::format(us));
            }
            _ => return Err(self.wrong_type(index, &timestamp::format(us))),
        }
        Ok(())
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
            if field.zero_is_missing
                && matches!(self.cells[index], Cell::Integer(0) | Cell::Number(0.0))
            {
                self.cells[index] = Cell::Null;
            }
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

    /// The error for a value of the wrong kind; `found` is the value as sent.
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
        match self.slots[index].written.forms.number(value) {
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
        found: match value.abs() < MOST_WRITTEN_OUT {
            true => value.to_string(),
            false => format!("{value:e}"),
        },
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
