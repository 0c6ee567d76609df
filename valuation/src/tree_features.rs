//! From a record's fields to the columns the trees split on: one row of `f32`, NaN where nothing
//! is known. Fitted on training rows only.

mod directions;
mod layout;
mod level_names;
mod level_targets;
mod made;
mod meaning;
mod names;
mod target_mean;

use arrow_array::RecordBatch;
use chrono::{DateTime, Datelike};
use records::{Kind, Schema};
use serde::{Deserialize, Serialize};

pub(crate) use self::level_names::LevelNames;
pub(crate) use self::level_targets::{LevelTargets, residuals};
use self::made::Made;
pub(crate) use self::meaning::Meaning;
use self::target_mean::TargetMeans;
use crate::binding::{Place, position};
use crate::cells::Cells;
use crate::name_codes::Code;
use crate::part_error::PartError;

/// Days in a year on average.
const YEAR_DAYS: f64 = 365.2425;

/// A field and what is made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Column {
    /// The record's field.
    field: String,
    /// What is made of it.
    made: Made,
}

impl Column {
    fn partner(&self) -> Option<&str> {
        match &self.made {
            Made::Ratio { over } => Some(over),
            Made::Rotated { longitude, .. } => Some(longitude),
            Made::Level(means) => means.within(),
            Made::Value | Made::Trend { .. } | Made::Season => None,
        }
    }

    fn width(&self) -> usize {
        match &self.made {
            Made::Level(means) => means.width(),
            _ => 1,
        }
    }
}

/// The place of a level's values in a row. A tree must not see its mean beside what tells levels
/// apart: within a level, the mean out of fold is the higher the lower the row's own fold is, and
/// trees would learn the row's own price from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    /// The mean log price.
    pub(crate) mean: usize,
    /// How many rows: next to a name.
    pub(crate) count: usize,
    /// The number: a name.
    pub(crate) code: usize,
    /// The mean of what a line in the numbers leaves, where one was laid: tells levels as the mean does.
    pub(crate) residual: Option<usize>,
    /// Whether next to all rows have a number of their own.
    pub(crate) numbered: bool,
    /// Whether it counts within another category's levels.
    pub(crate) within: bool,
}

/// The fitted columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TreeFeatures {
    /// In the order of the schema's fields.
    columns: Vec<Column>,
}

impl TreeFeatures {
    /// Every name of a category that it says something of, with its field.
    pub(crate) fn each_name<'a>(&'a self, add: &mut dyn FnMut(&'a str, &'a str)) {
        for column in &self.columns {
            if let Made::Level(means) = &column.made {
                means.names().for_each(|name| add(&column.field, name));
            }
        }
    }

    /// Fits on `rows` of `batch`; `targets` is what levels are described by, of `rows`. Also gives the rows'
    /// values, row-major, where what is made from targets is out of fold.
    pub(crate) fn fit(
        schema: &Schema,
        batch: &RecordBatch,
        rows: &[usize],
        targets: LevelTargets,
        group: Option<&str>,
    ) -> (TreeFeatures, Vec<f32>) {
        let mut columns = Vec::new();
        let mut out_of_fold = Vec::new();
        for (field, made) in layout::of(schema, batch, rows, group) {
            let made = match made {
                layout::Plan::Made(made) => made,
                layout::Plan::Level { within } => {
                    let groups = within
                        .as_deref()
                        .map_or(Cells::Absent, |name| Cells::of(batch, name));
                    let cells = Cells::of(batch, &field);
                    let (means, values) = TargetMeans::fit(cells, groups, within, rows, targets);
                    let first: usize = columns.iter().map(Column::width).sum();
                    out_of_fold.extend(
                        values
                            .into_iter()
                            .map(|(at, of_rows)| (first + at, of_rows)),
                    );
                    Made::Level(Box::new(means))
                }
            };
            columns.push(Column { field, made });
        }
        let frame = TreeFeatures { columns };
        let width = frame.width();
        let mut values = frame.bind(batch).matrix(rows);
        for (column, made) in out_of_fold {
            for (position, value) in made.into_iter().enumerate() {
                values[position * width + column] = value;
            }
        }
        (frame, values)
    }

    /// How many values a row has.
    pub(crate) fn width(&self) -> usize {
        self.columns.iter().map(Column::width).sum()
    }

    /// Whether a field of a record is read.
    pub(crate) fn reads(&self, field: &str) -> bool {
        self.columns
            .iter()
            .any(|column| column.field == field || column.partner() == Some(field))
    }

    /// The field each value stands for, in the order of the values; a value made of two fields
    /// stands for the first.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let repeated = |column: &'_ Column| column.width();
        self.columns
            .iter()
            .flat_map(|column| std::iter::repeat_n(column.field.as_str(), repeated(column)))
            .collect()
    }

    /// Where the values of levels stand.
    pub(crate) fn levels(&self) -> Vec<Level> {
        let (mut at, mut levels) = (0, Vec::new());
        for column in &self.columns {
            if let Made::Level(means) = &column.made {
                levels.push(Level {
                    mean: at,
                    count: at + 1,
                    code: at + 2,
                    residual: means.has_residuals().then_some(at + 3),
                    numbered: means.is_numbered(),
                    within: means.within().is_some(),
                });
            }
            at += column.width();
        }
        levels
    }

    /// Which value is a field itself.
    pub(crate) fn position(&self, field: &str) -> Option<usize> {
        let mut at = 0;
        for column in &self.columns {
            if column.field == field && column.made == Made::Value {
                return Some(at);
            }
            at += column.width();
        }
        None
    }

    /// A name for each value, for people.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for Column { field, made } in &self.columns {
            match made {
                Made::Value | Made::Trend { .. } => names.push(field.clone()),
                Made::Season => names.push(format!("{field} (season)")),
                Made::Ratio { over } => names.push(format!("{field}/{over}")),
                Made::Rotated { sin, cos, .. } => {
                    names.push(format!(
                        "{field} turned by {:.0}°",
                        sin.atan2(*cos).to_degrees()
                    ));
                }
                Made::Level(means) => {
                    let within = means.within().map(|name| format!(" within {name}"));
                    let within = within.unwrap_or_default();
                    names.push(format!("{field}{within} (mean)"));
                    names.push(format!("{field}{within} (how many)"));
                    names.push(format!("{field}{within}"));
                    let residual = || format!("{field}{within} (mean residual)");
                    names.extend(means.has_residuals().then(residual));
                }
            }
        }
        names
    }

    /// Whether what was read from a file is what a fit can give.
    ///
    /// # Errors
    /// States which column and what is wrong with it.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), PartError> {
        for column in &self.columns {
            let at = |error: PartError| error.at(&format!("column of {:?}", column.field));
            let misfit = |detail: String| at(PartError::Misfit(detail));
            for name in [Some(column.field.as_str()), column.partner()]
                .into_iter()
                .flatten()
            {
                let field = crate::check::field(schema, name).map_err(at)?;
                let takes = match &column.made {
                    Made::Level(_) => field.kind == Kind::Category,
                    Made::Season | Made::Trend { .. } => field.kind == Kind::Timestamp,
                    Made::Value | Made::Ratio { .. } | Made::Rotated { .. } => {
                        !matches!(field.kind, Kind::Category | Kind::Text)
                    }
                };
                if !takes {
                    return Err(misfit(format!("{name:?} is of kind {:?}", field.kind)));
                }
            }
            match &column.made {
                Made::Level(means) => means.check().map_err(at)?,
                Made::Trend { high } if !high.is_finite() => {
                    return Err(misfit(format!("high is {high}")));
                }
                Made::Rotated { sin, cos, .. } if !(sin.is_finite() && cos.is_finite()) => {
                    return Err(misfit(format!("sin {sin} and cos {cos}")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Where the columns stand, by a field's name.
    pub(crate) fn places(&self, find: &dyn Fn(&str) -> Option<usize>) -> Vec<Place> {
        let place = |column: &Column| Place {
            field: find(&column.field),
            partner: column.partner().and_then(find),
        };
        self.columns.iter().map(place).collect()
    }

    /// Looks the columns up in a batch.
    pub(crate) fn bind<'a>(&'a self, batch: &'a RecordBatch) -> BoundTreeFeatures<'a> {
        let places = self.places(&|name| position(batch, name));
        self.bind_at(&places, &|place| Cells::from(batch.column(place)), &[])
    }

    /// The columns at places that are known; `cells` gives those of a place. `by_names` are the values of levels by
    /// the numbers of names, where rows come with those; without, names are looked up by their texts.
    pub(crate) fn bind_at<'a>(
        &'a self,
        places: &[Place],
        cells: &dyn Fn(usize) -> Cells<'a>,
        by_names: &'a [Option<LevelNames>],
    ) -> BoundTreeFeatures<'a> {
        let bound = |(at, (column, place)): (usize, (&'a Column, &Place))| BoundColumn {
            made: &column.made,
            cells: place.field.map_or(Cells::Absent, cells),
            partner: place.partner.map_or(Cells::Absent, cells),
            names: by_names.get(at).and_then(Option::as_ref),
        };
        let pairs = self.columns.iter().zip(places).enumerate();
        BoundTreeFeatures {
            columns: pairs.map(bound).collect(),
            width: self.width(),
        }
    }
}

struct BoundColumn<'a> {
    made: &'a Made,
    cells: Cells<'a>,
    partner: Cells<'a>,
    /// The values of levels by the numbers of names; none where they are looked up by their texts.
    names: Option<&'a LevelNames>,
}

/// The columns in one batch.
pub(crate) struct BoundTreeFeatures<'a> {
    columns: Vec<BoundColumn<'a>>,
    width: usize,
}

impl BoundTreeFeatures<'_> {
    /// Appends a row's values; names are looked up by their texts.
    pub(crate) fn write(&self, row: usize, out: &mut Vec<f32>) {
        self.write_named(row, &[], out);
    }

    /// The same of columns that were bound by the numbers of names; `names` are those of the row.
    pub(crate) fn write_named(&self, row: usize, names: &[Code], out: &mut Vec<f32>) {
        for BoundColumn {
            made,
            cells,
            partner,
            names: by_names,
        } in &self.columns
        {
            let value = match made {
                Made::Value => cells.number(row),
                Made::Trend { high } => cells.number(row).map(|days| days.min(*high)),
                Made::Season => cells.time_us(row).and_then(season),
                Made::Ratio { .. } => ratio(cells.number(row), partner.number(row)),
                Made::Rotated { sin, cos, .. } => cells
                    .number(row)
                    .zip(partner.number(row))
                    .map(|(latitude, longitude)| latitude * sin + longitude * cos),
                Made::Level(means) => {
                    let values = match by_names {
                        Some(by_names) => by_names.values(names),
                        None => means.values(partner.text(row), cells.text(row)),
                    };
                    out.extend(&values[..means.width()]);
                    continue;
                }
            };
            out.push(finite(value));
        }
    }

    /// The values of rows, row-major.
    pub(crate) fn matrix(&self, rows: &[usize]) -> Vec<f32> {
        let mut values = Vec::with_capacity(rows.len() * self.width);
        for row in rows {
            self.write(*row, &mut values);
        }
        values
    }
}

/// NaN for what is not known, and for what `f32` cannot hold.
fn finite(value: Option<f64>) -> f32 {
    let value = value.map_or(f32::NAN, |value| value as f32);
    if value.is_finite() { value } else { f32::NAN }
}

fn ratio(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) if one > 0.0 && other > 0.0 => Some(one / other),
        _ => None,
    }
}

fn season(time_us: i64) -> Option<f64> {
    let day = DateTime::from_timestamp_micros(time_us)?.ordinal0();
    Some(f64::from(day) / YEAR_DAYS)
}
