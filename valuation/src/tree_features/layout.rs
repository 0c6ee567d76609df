//! Which columns a schema's fields become.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use records::{Field, Kind, Schema};

use super::made::Made;
use crate::cells::Cells;

/// Axes beside latitude and longitude themselves: every 22.5° but the two.
const TURNS_DEGREES: [f64; 6] = [22.5, 45.0, 67.5, 112.5, 135.0, 157.5];
/// Shorter records in time than this show nothing about seasons.
const SEASON_DAYS: f64 = 300.0;

/// A column to be.
pub(super) enum Plan {
    /// Needs nothing more.
    Made(Made),
    /// Needs the targets.
    Level {
        /// The field whose levels the level counts within.
        within: Option<String>,
    },
}

/// The columns of the fields that say anything: more than one value in `rows`.
pub(super) fn of(
    schema: &Schema,
    batch: &RecordBatch,
    rows: &[usize],
    group: Option<&str>,
) -> Vec<(String, Plan)> {
    let mut plans = Vec::new();
    let varied: Vec<&Field> = schema
        .features()
        .filter(|field| varies(Cells::of(batch, &field.name), rows))
        .collect();
    for field in &varied {
        let plan = |made| (field.name.clone(), Plan::Made(made));
        match field.kind {
            Kind::Text => {}
            Kind::Category => {
                plans.push((field.name.clone(), Plan::Level { within: None }));
                // *Lenina* of one city is not *Lenina* of another.
                if let Some(group) = group.filter(|group| *group != field.name)
                    && differs_within(batch, &field.name, group, rows)
                {
                    let within = Some(group.to_owned());
                    plans.push((field.name.clone(), Plan::Level { within }));
                }
            }
            Kind::Timestamp => plans.extend(times(batch, field, rows)),
            Kind::Number | Kind::Integer | Kind::Boolean => plans.push(plan(Made::Value)),
        }
    }
    if let Some(time) = schema.time.as_ref().and_then(|name| schema.field(name)) {
        plans.extend(times(batch, time, rows));
    }
    plans.extend(ratios(&varied, schema));
    plans.extend(rotations(&varied, schema, batch, rows));
    plans
}

fn varies(cells: Cells, rows: &[usize]) -> bool {
    let mut first = None;
    rows.iter().any(|row| {
        let now = match cells.text(*row) {
            Some(text) => Value::Text(text),
            None => cells.number(*row).map_or(Value::None, Value::Number),
        };
        *first.get_or_insert(now) != now
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Value<'a> {
    None,
    Number(f64),
    Text(&'a str),
}

/// Whether some level is in more than one group.
fn differs_within(batch: &RecordBatch, field: &str, group: &str, rows: &[usize]) -> bool {
    let (cells, groups) = (Cells::of(batch, field), Cells::of(batch, group));
    let (mut levels, mut pairs) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        if let Some(level) = cells.text(*row) {
            levels.insert(level);
            pairs.insert((groups.text(*row), level));
        }
    }
    pairs.len() > levels.len()
}

fn times(batch: &RecordBatch, field: &Field, rows: &[usize]) -> Vec<(String, Plan)> {
    let cells = Cells::of(batch, &field.name);
    let days = rows.iter().filter_map(|row| cells.number(*row));
    let (low, high) = days.fold((f64::MAX, f64::MIN), |(low, high), day| {
        (low.min(day), high.max(day))
    });
    let mut plans = Vec::new();
    if high > low {
        plans.push((field.name.clone(), Plan::Made(Made::Trend { high })));
    }
    if high - low >= SEASON_DAYS {
        plans.push((field.name.clone(), Plan::Made(Made::Season)));
    }
    plans
}

/// The area is divided by counts of rooms; other measures of its unit are divided by it; `x` is
/// divided by `xs_total`.
fn ratios(varied: &[&Field], schema: &Schema) -> Vec<(String, Plan)> {
    let mut plans = Vec::new();
    let mut ratio = |field: &Field, over: &Field| {
        let over = over.name.clone();
        plans.push((field.name.clone(), Plan::Made(Made::Ratio { over })));
    };
    let of_name = |name: &str| varied.iter().copied().find(|field| field.name == name);
    if let Some(area) = schema.area().and_then(of_name) {
        for field in varied.iter().copied() {
            let is_rooms = ["room", "bed", "bath"]
                .iter()
                .any(|part| field.name.contains(part));
            if field.name != area.name && field.unit.is_some() && field.unit == area.unit {
                ratio(field, area);
            } else if is_rooms && matches!(field.kind, Kind::Integer | Kind::Number) {
                ratio(area, field);
            }
        }
    }
    for field in varied.iter().copied() {
        if let Some(total) = of_name(&format!("{}s_total", field.name)) {
            ratio(field, total);
        }
    }
    plans
}

fn rotations(
    varied: &[&Field],
    schema: &Schema,
    batch: &RecordBatch,
    rows: &[usize],
) -> Vec<(String, Plan)> {
    let of_name = |name: &str| varied.iter().copied().find(|field| field.name == name);
    let both = schema.coordinates();
    let both =
        both.and_then(|(latitude, longitude)| Some((of_name(latitude)?, of_name(longitude)?)));
    let Some((latitude, longitude)) = both else {
        return Vec::new();
    };
    let cells = Cells::of(batch, &latitude.name);
    let known: Vec<f64> = rows.iter().filter_map(|row| cells.number(*row)).collect();
    let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
    let shorter = mean.to_radians().cos();
    TURNS_DEGREES
        .iter()
        .map(|turn| {
            let made = Made::Rotated {
                longitude: longitude.name.clone(),
                sin: turn.to_radians().sin(),
                cos: turn.to_radians().cos() * shorter,
            };
            (latitude.name.clone(), Plan::Made(made))
        })
        .collect()
}
