//! What a column of the linear design says, for anyone who looks at its weight.

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column<'a> {
    /// Its place in the design.
    pub(crate) number: usize,
    /// The record's field.
    pub(crate) field: &'a str,
    /// What it says of the field.
    pub(crate) says: Says,
    /// Its least value, as far as training went: what min-max scaling starts from.
    pub(crate) low: f64,
    /// Its greatest.
    pub(crate) high: f64,
}

/// What a column says of its field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Says {
    /// The number, from its least to its greatest value in training, in the field's own unit (days
    /// since 1970 for times).
    Value { from: f64, to: f64 },
    /// The logarithm of the same.
    Logarithm { from: f64, to: f64 },
    /// That it is not known.
    Missing,
    /// That it is this.
    Level(String),
    /// That it is none of the levels that have columns.
    Other,
    /// How far the level is from the mean of its group, which is another field.
    Within(String),
    /// That it is 1.
    First,
    /// That it is as much as another field says there are.
    Last(String),
}

impl Column<'static> {
    /// A column that is 0 or 1, or between; its field is filled in by anyone who knows it.
    pub(super) fn flag(number: usize, says: Says) -> Column<'static> {
        Column {
            number,
            field: "",
            says,
            low: 0.0,
            high: 1.0,
        }
    }
}
