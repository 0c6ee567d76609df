//! What a fit reads of a batch beside the features, checked against the schema first.

use arrow_array::RecordBatch;
use records::{Schema, Task};

use crate::baseline::group_field;
use crate::cells::Cells;
use crate::fit_error::FitError;
use crate::link::Link;
use crate::uninformative::Dropped;

/// Checks that the schema is of a task with a target, and that the batch has what the schema says; gives
/// the target's name.
pub(crate) fn check_columns<'a>(
    schema: &'a Schema,
    batch: &RecordBatch,
    task: Task,
) -> Result<&'a str, FitError> {
    let named = |task: Task| format!("{task:?}").to_lowercase();
    let target = schema.target.as_deref();
    let Some(target) = target.filter(|_| schema.task == task) else {
        return Err(FitError::UnsupportedTask {
            schema: schema.name.clone(),
            expected: named(task),
            task: named(schema.task),
        });
    };
    let roles = schema.time.iter().chain(&schema.target);
    for field in schema
        .features()
        .chain(roles.filter_map(|name| schema.field(name)))
    {
        let expected = field.kind.data_type();
        let found = batch
            .column_by_name(&field.name)
            .map(|column| column.data_type().clone());
        if found.as_ref() != Some(&expected) {
            let names: Vec<String> = batch
                .schema_ref()
                .fields()
                .iter()
                .map(|field| field.name().clone())
                .collect();
            return Err(FitError::MissingColumn {
                column: field.name.clone(),
                expected: expected.to_string(),
                found: found.map_or("none".to_owned(), |found| found.to_string()),
                columns: names.join(", "),
            });
        }
    }
    if schema.features().next().is_none() {
        return Err(no_features(schema));
    }
    Ok(target)
}

/// That no field of the schema distinguishes listings.
pub(crate) fn no_features(schema: &Schema) -> FitError {
    let names: Vec<&str> = schema.features().map(|field| field.name.as_str()).collect();
    FitError::NoFeatures {
        features: match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        },
    }
}

/// The target of every row; NaN where there is none.
pub(super) fn prices(batch: &RecordBatch, target: &str) -> Vec<f64> {
    let targets = Cells::of(batch, target);
    let price = |row| targets.number(row).unwrap_or(f64::NAN);
    (0..batch.num_rows()).map(price).collect()
}

/// What a fit reads beside the features, by row of the batch.
pub(super) struct Data<'a> {
    /// Targets; NaN where there is none.
    pub(super) prices: Vec<f64>,
    /// What is learned of the target: its logarithm, or that of a count plus 1.
    pub(super) link: Link,
    /// The targets on that scale: not finite where they cannot be used for training.
    pub(super) logs: Vec<f64>,
    /// The field of the groups: outliers and the baseline go by group.
    pub(super) group: Option<&'a str>,
    /// Its column.
    pub(super) groups: Cells<'a>,
    /// The column of times.
    pub(super) times: Cells<'a>,
    /// Areas, where the schema has any: a price per area shows slips that a price does not.
    pub(super) areas: Cells<'a>,
}

impl<'a> Data<'a> {
    /// Reads the columns of a batch that [`check_columns`] has accepted.
    pub(super) fn of(
        schema: &'a Schema,
        batch: &'a RecordBatch,
        prices: Vec<f64>,
        dropped: &[Dropped],
    ) -> Data<'a> {
        let column = |name: Option<&str>| name.map_or(Cells::Absent, |name| Cells::of(batch, name));
        let group = group_field(schema, dropped);
        let link = Link::of(schema);
        Data {
            logs: prices.iter().map(|price| link.log(*price)).collect(),
            link,
            prices,
            group,
            groups: column(group),
            times: column(schema.time.as_deref()),
            areas: column(schema.area()),
        }
    }
}
