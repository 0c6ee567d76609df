//! The kind of a field's values.

use arrow_schema::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One of a set of names: a city, a building type.
    Category,
    /// A real number.
    Number,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// A point in time, kept in microseconds UTC.
    Timestamp,
    /// Free text or an identifier; never a feature.
    Text,
}

impl Kind {
    /// The Arrow type of a column of this kind.
    pub fn data_type(self) -> DataType {
        match self {
            Kind::Category | Kind::Text => DataType::Utf8,
            Kind::Number => DataType::Float64,
            Kind::Integer => DataType::Int64,
            Kind::Boolean => DataType::Boolean,
            Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// The PostgreSQL type of a column of this kind.
    pub fn sql_type(self) -> &'static str {
        match self {
            Kind::Category | Kind::Text => "text",
            Kind::Number => "double precision",
            Kind::Integer => "bigint",
            Kind::Boolean => "boolean",
            Kind::Timestamp => "timestamptz",
        }
    }

    /// What a JSON value of this kind is called in an error message.
    pub fn expected(self) -> &'static str {
        match self {
            Kind::Category | Kind::Text => "a text",
            Kind::Number => "a number",
            Kind::Integer => "a whole number",
            Kind::Boolean => "true or false",
            Kind::Timestamp => "a time such as 2026-01-31T12:00:00Z or seconds since 1970",
        }
    }
}
