//! The rows that a version was fitted on.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use records::{Schema, Task};

use super::holdout::{self, Identity};

/// The rows that a version was fitted on, as far as they are known.
#[derive(Debug)]
pub(crate) enum SeenRows {
    /// These records.
    Records(HashSet<Identity>),
    /// Everything up to this time, microseconds since 1970.
    Until(i64),
    /// Nothing is known: it may have seen anything.
    Unknown,
}

impl SeenRows {
    /// Out of the training set that its run has kept.
    pub(crate) fn read(file: &Path, schema: &Schema) -> anyhow::Result<SeenRows> {
        let target = schema.target.as_deref().unwrap_or_default();
        let holdout::Read { batch, key, .. } = holdout::read(file, Some(&[&schema.key, target]))?;
        if schema.is_multiclass() {
            let levels = holdout::levels_of(&batch, target)?;
            let numbers: Vec<f64> = levels
                .iter()
                .map(|level| holdout::number_of(level))
                .collect();
            let records = holdout::identities(&batch, &key, &numbers)?;
            return Ok(SeenRows::Records(records.into_iter().collect()));
        }
        if schema.task == Task::Classification {
            // As the hold-out has them.
            let classes = valuation::classes(schema, &batch).into_iter();
            let classes = classes.map(|class| {
                class.map_or(f64::NAN, |is_in_class| f64::from(u8::from(is_in_class)))
            });
            let records = holdout::identities(&batch, &key, &classes.collect::<Vec<_>>())?;
            return Ok(SeenRows::Records(records.into_iter().collect()));
        }
        let column = batch
            .column_by_name(target)
            .with_context(|| format!("{} has no {target}", file.display()))?;
        let whole = |number: i64| number as f64;
        let prices: Vec<f64> = match column.as_primitive_opt::<Float64Type>() {
            Some(numbers) => numbers
                .iter()
                .map(|number| number.unwrap_or(f64::NAN))
                .collect(),
            None => column
                .as_primitive_opt::<Int64Type>()
                .with_context(|| format!("{target} of {} is not a number", file.display()))?
                .iter()
                .map(|number| number.map_or(f64::NAN, whole))
                .collect(),
        };
        let records = holdout::identities(&batch, &key, &prices)?;
        Ok(SeenRows::Records(records.into_iter().collect()))
    }

    /// Whether it may have learned from a record.
    pub(crate) fn has(&self, identity: &Identity, time_us: Option<i64>) -> bool {
        match self {
            SeenRows::Records(records) => records.contains(identity),
            SeenRows::Until(until_us) => time_us.is_none_or(|time_us| time_us <= *until_us),
            SeenRows::Unknown => true,
        }
    }
}
