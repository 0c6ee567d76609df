//! Which columns of the models are in a datamart, and under which names.
//!
//! Of the line's design: numbers, whole numbers, booleans and times as it sees them, and categories
//! of few levels, a column a level. Of the trees' row: what levels cost and how frequent they are,
//! ratios and seasons. Left out is what says the same again: the number itself, coordinates turned,
//! levels' numbers, single values of small integers.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use records::{Kind, Schema};
use serde::{Deserialize, Serialize};

use super::PREFIX;
use super::name::Names;
use crate::linear::SparseRow;
use crate::linear_design::{LinearDesign, Says};
use crate::part_error::PartError;
use crate::tree_features::{Meaning, TreeFeatures};

/// A category with more levels has no column a level: the mean and the number of rows stand for it.
const FEW_LEVELS: usize = 12;

/// A column of features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Its name in the datamart.
    pub name: String,
    /// What it says, for people.
    pub about: String,
    /// Where its values come from.
    #[serde(flatten)]
    from: From,
}

/// Where values come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", content = "column", rename_all = "lowercase")]
enum From {
    /// A column of the line's design; 0 where a row does not write it.
    Line(usize),
    /// A value of the trees' row.
    Trees(usize),
}

/// Names the columns of fitted features; `says` is what the mean of a level is, if anything.
pub(super) fn name(
    schema: &Schema,
    features: &LinearDesign,
    frame: &TreeFeatures,
    says: Option<&str>,
) -> Vec<Made> {
    let mut names = Names::without(schema.fields.iter().map(|field| field.name.as_str()));
    let mut made = of_line(schema, features, &mut names);
    for (place, meaning) in frame.meanings().into_iter().enumerate() {
        let scope = |within: Option<&str>| match within {
            Some(within) => format!(" within its {within}"),
            None => String::new(),
        };
        let says = match (meaning, says) {
            (Meaning::LevelMean { .. }, None) => continue,
            (_, says) => says.unwrap_or_default(),
        };
        let (parts, about) = match meaning {
            Meaning::Plain
            | Meaning::Turned
            | Meaning::LevelCode
            | Meaning::LevelResidual { .. } => continue,
            Meaning::Season { field } => (
                vec![field, "season"],
                format!("{field} as a share of its year, 0 to 1"),
            ),
            Meaning::Ratio { field, over } => (
                vec![field, "per", over],
                format!("{field} divided by {over}, where both are above 0"),
            ),
            Meaning::LevelMean { field, within } => (
                level_parts(field, within, "mean"),
                format!(
                    "{says} of the level of {field}{}, drawn to what it stands under; of \
                     all rows, its own among them",
                    scope(within)
                ),
            ),
            Meaning::LevelRows { field, within } => (
                level_parts(field, within, "rows"),
                format!("rows of the level of {field}{}", scope(within)),
            ),
        };
        made.push(Made {
            name: names.give(&prefixed(&parts)),
            about,
            from: From::Trees(place),
        });
    }
    made
}

fn of_line(schema: &Schema, features: &LinearDesign, names: &mut Names) -> Vec<Made> {
    let described = features.describe();
    let mut levels: BTreeMap<&str, usize> = BTreeMap::new();
    for column in &described {
        *levels.entry(column.field).or_default() += 1;
    }
    let is_category = |name: &str| {
        schema
            .field(name)
            .is_some_and(|field| field.kind == Kind::Category)
    };
    let mut made = Vec::new();
    for column in &described {
        let field = column.field;
        let is_few = is_category(field) && levels[field] <= FEW_LEVELS;
        let (parts, about) = match &column.says {
            Says::Value { from, to } => (
                vec![field],
                format!(
                    "{field}, a gap filled by the median, held to {from} to {to}, less its mean, \
                     over its standard deviation"
                ),
            ),
            Says::Logarithm { from, to } => (
                vec![field, "log"],
                format!("ln {field}, held to {from} to {to}, standardised"),
            ),
            Says::Missing => (
                vec![field, "missing"],
                format!("1 where {field} is not known"),
            ),
            Says::Level(level) if is_few => (
                vec![field, "is", level],
                format!("1 where {field} is {level:?}"),
            ),
            Says::Other if is_few => (
                vec![field, "is", "other"],
                format!(
                    "1 where {field} is none of the levels with columns, the most frequent aside"
                ),
            ),
            Says::First => (vec![field, "first"], format!("1 where {field} is 1")),
            Says::Last(total) => (vec![field, "last"], format!("1 where {field} is {total}")),
            Says::Level(_) | Says::Other | Says::Within(_) => continue,
        };
        made.push(Made {
            name: names.give(&prefixed(&parts)),
            about,
            from: From::Line(column.number),
        });
    }
    made
}

fn prefixed<'a>(parts: &[&'a str]) -> Vec<&'a str> {
    let prefix = PREFIX.trim_end_matches('_');
    std::iter::once(prefix)
        .chain(parts.iter().copied())
        .collect()
}

fn level_parts<'a>(field: &'a str, within: Option<&'a str>, says: &'a str) -> Vec<&'a str> {
    match within {
        Some(within) => vec![field, "within", within, says],
        None => vec![field, says],
    }
}

/// Whether every column is there to be read.
pub(super) fn check(
    made: &[Made],
    features: &LinearDesign,
    frame: &TreeFeatures,
) -> Result<(), PartError> {
    let beyond = made.iter().find(|made| match made.from {
        From::Line(column) => column >= features.width(),
        From::Trees(column) => column >= frame.width(),
    });
    match beyond {
        Some(made) => Err(PartError::Misfit(format!(
            "column {} has no values",
            made.name
        ))),
        None => Ok(()),
    }
}

/// The values of every row, by column of `made`; NaN where nothing is known.
pub(super) fn values(
    made: &[Made],
    features: &LinearDesign,
    frame: &TreeFeatures,
    batch: &RecordBatch,
) -> Vec<Vec<f64>> {
    let (line, trees) = (features.bind(batch), frame.bind(batch));
    let mut columns = vec![Vec::with_capacity(batch.num_rows()); made.len()];
    let (mut sparse, mut row_of_trees) = (SparseRow::new(), Vec::with_capacity(frame.width()));
    let mut dense = vec![0.0; features.width()];
    for row in 0..batch.num_rows() {
        line.write(row, &mut sparse);
        for (column, value) in &sparse {
            dense[*column] = *value;
        }
        row_of_trees.clear();
        trees.write(row, &mut row_of_trees);
        for (made, values) in made.iter().zip(&mut columns) {
            values.push(match made.from {
                From::Line(column) => dense[column],
                From::Trees(column) => f64::from(row_of_trees[column]),
            });
        }
        for (column, _) in &sparse {
            dense[*column] = 0.0;
        }
    }
    columns
}
