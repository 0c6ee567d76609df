//! Whether records of another schema can be priced by a model.

use std::fmt;

use records::{Field, Kind, Schema, Task};

/// Why records of a schema cannot be priced by a model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "the model was fitted on records of {fitted_on}, found {found}, and they differ: {}; fit a model with this schema, or use the one the model was fitted on", list(.differences)
)]
pub struct SchemaMismatch {
    /// Name and version of the model's schema.
    pub fitted_on: String,
    /// Name and version of the schema that was given.
    pub found: String,
    /// All of them, in the order of the model's fields; never empty.
    pub differences: Vec<Difference>,
}

/// One thing that is not as the model needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Requests have no such field.
    Missing {
        /// Its name.
        field: String,
        /// What it was in training.
        expected: Kind,
    },
    /// The field holds something else.
    Kind {
        /// Its name.
        field: String,
        /// What it was in training.
        expected: Kind,
        /// What it is now.
        found: Kind,
    },
    /// The field is measured otherwise: the same number means something else.
    Unit {
        /// Its name.
        field: String,
        /// What it was in training.
        expected: String,
        /// What it is now.
        found: String,
    },
    /// Something else is to be predicted.
    Target {
        /// What the model predicts.
        expected: String,
        /// What the schema says; "none" where it has no target.
        found: String,
    },
    /// One class is to be predicted and not all levels of the target, or the other way round.
    Classes {
        /// Whether the model predicts all levels.
        expected_all: bool,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Difference::Missing { field, expected } => {
                write!(
                    formatter,
                    "{field}: expected {}, found none",
                    name(*expected)
                )
            }
            Difference::Kind {
                field,
                expected,
                found,
            } => write!(
                formatter,
                "{field}: expected {}, found {}",
                name(*expected),
                name(*found)
            ),
            Difference::Unit {
                field,
                expected,
                found,
            } => write!(
                formatter,
                "{field}: expected it in {expected}, found {found}"
            ),
            Difference::Target { expected, found } => {
                write!(formatter, "expected the target {expected}, found {found}")
            }
            Difference::Classes { expected_all: true } => write!(
                formatter,
                "expected a target whose levels are the classes, found one class ([class])"
            ),
            Difference::Classes { .. } => write!(
                formatter,
                "expected one class ([class]), found a target whose levels are the classes"
            ),
        }
    }
}

/// As schema files write it.
fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Category => "category",
        Kind::Number => "number",
        Kind::Integer => "integer",
        Kind::Boolean => "boolean",
        Kind::Timestamp => "timestamp",
        Kind::Text => "text",
    }
}

fn list(differences: &[Difference]) -> String {
    let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// Whether requests of `schema` are answered by a model of the schema `own` that `reads` these fields.
///
/// # Errors
/// Names every difference.
pub(crate) fn fits(
    fitted_on: &Schema,
    reads: impl Fn(&str) -> bool,
    schema: &Schema,
) -> Result<(), SchemaMismatch> {
    let mut differences: Vec<Difference> = fitted_on
        .fields
        .iter()
        .filter(|field| reads(&field.name))
        .filter_map(|field| difference(field, schema))
        .collect();
    let unit = |schema: &Schema, target: &str| schema.field(target)?.unit.clone();
    match (&fitted_on.target, &schema.target) {
        (Some(expected), Some(found)) if expected == found => {
            if let (Some(expected_unit), Some(found_unit)) =
                (unit(fitted_on, expected), unit(schema, found))
                && expected_unit != found_unit
            {
                differences.push(Difference::Unit {
                    field: expected.clone(),
                    expected: expected_unit,
                    found: found_unit,
                });
            }
        }
        (None, None) => {}
        (expected, found) => {
            let or_none = |name: &Option<String>| name.clone().unwrap_or("none".to_owned());
            differences.push(Difference::Target {
                expected: or_none(expected),
                found: or_none(found),
            });
        }
    }
    if fitted_on.task == Task::Classification
        && schema.task == Task::Classification
        && fitted_on.is_multiclass() != schema.is_multiclass()
    {
        let expected_all = fitted_on.is_multiclass();
        differences.push(Difference::Classes { expected_all });
    }
    if differences.is_empty() {
        return Ok(());
    }
    let called = |schema: &Schema| format!("{} version {}", schema.name, schema.version);
    Err(SchemaMismatch {
        fitted_on: called(fitted_on),
        found: called(schema),
        differences,
    })
}

fn difference(field: &Field, schema: &Schema) -> Option<Difference> {
    let is_target = schema.target.as_deref() == Some(field.name.as_str());
    // A request does not carry the target.
    let Some(found) = schema.field(&field.name).filter(|_| !is_target) else {
        return Some(Difference::Missing {
            field: field.name.clone(),
            expected: field.kind,
        });
    };
    if found.kind != field.kind {
        return Some(Difference::Kind {
            field: field.name.clone(),
            expected: field.kind,
            found: found.kind,
        });
    }
    match (&field.unit, &found.unit) {
        (Some(expected), Some(found)) if expected != found => Some(Difference::Unit {
            field: field.name.clone(),
            expected: expected.clone(),
            found: found.clone(),
        }),
        _ => None,
    }
}
