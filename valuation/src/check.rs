//! Whether the parts of a model that was read fit together: an artifact may have been edited and
//! its checksums made again.

use std::collections::BTreeSet;

use records::{Field, Kind, Schema, Task};

use crate::linear::Linear;
use crate::part_error::PartError;

/// The weights are as many as the columns, and can be computed with.
pub(crate) fn linear(linear: &Linear, width: usize) -> Result<(), PartError> {
    let found = linear.weights.len();
    if found != width || linear.means.len() != width {
        return Err(PartError::Misfit(format!(
            "{found} weights, expected {width}: one a column of the features"
        )));
    }
    if !linear.intercept.is_finite()
        || !linear
            .weights
            .iter()
            .chain(&linear.means)
            .all(|weight| weight.is_finite())
    {
        return Err(PartError::misfit(
            "expected an intercept and weights that are finite",
        ));
    }
    Ok(())
}

/// The field that something fitted reads: a feature, or the time.
pub(crate) fn field<'a>(schema: &'a Schema, name: &str) -> Result<&'a Field, PartError> {
    let times = schema.time.iter().filter_map(|time| schema.field(time));
    let mut fields = schema.features().chain(times);
    let found = fields.find(|field| field.name == name);
    found.ok_or_else(|| PartError::Misfit(format!("{name:?} is not a feature of the schema")))
}

/// The schema is of a task, and its roles name fields that are there.
pub(crate) fn schema(schema: &Schema, task: Task) -> Result<(), PartError> {
    let mut names = BTreeSet::new();
    if let Some(twice) = schema
        .fields
        .iter()
        .find(|field| !names.insert(&field.name))
    {
        return Err(PartError::Misfit(format!(
            "the schema's field {:?} occurs twice",
            twice.name
        )));
    }
    if schema.task != task {
        return Err(PartError::Misfit(format!(
            "task {:?}, expected {task:?}",
            schema.task
        )));
    }
    let role = |role: &str, name: Option<&String>, kinds: &[Kind]| {
        let field = name.and_then(|name| schema.field(name));
        match field {
            Some(field) if kinds.contains(&field.kind) => Ok(()),
            Some(field) => Err(PartError::Misfit(format!(
                "the schema's {role} {:?} is of kind {:?}, expected one of {kinds:?}",
                field.name, field.kind
            ))),
            None => Err(PartError::Misfit(format!(
                "the schema's {role} {name:?} names no field"
            ))),
        }
    };
    role("key", Some(&schema.key), &[Kind::Text, Kind::Category])?;
    let numbers = [Kind::Number, Kind::Integer];
    let classes = [Kind::Number, Kind::Integer, Kind::Boolean, Kind::Category];
    match task {
        Task::Regression => role("target", schema.target.as_ref(), &numbers)?,
        Task::Classification => role("target", schema.target.as_ref(), &classes)?,
        Task::Clustering => {}
    }
    match &schema.time {
        Some(_) => role("time", schema.time.as_ref(), &[Kind::Timestamp]),
        None => Ok(()),
    }
}
