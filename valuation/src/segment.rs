//! Errors by segment: a model that is good on the whole may be bad for a city or for cheap homes.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use records::{Kind, Schema};
use serde::{Deserialize, Serialize};

use crate::cells::Cells;
use crate::clustering::segments::SEGMENT;
use crate::link::Link;
use crate::metrics::{JudgedRow, Metrics};
use crate::ratio_study::RatioStudy;

/// Segments of one kind that are shown, the largest first.
const MOST: usize = 12;
/// Fewer listings show nothing.
const LEAST_ROWS: usize = 30;

/// The errors of a part of the hold-out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// What it is grouped by: a field, or "price tenth".
    pub by: String,
    /// Which it is.
    pub name: String,
    /// Its errors.
    pub metrics: Metrics,
    /// Its ratio study; none for counts.
    pub ratios: Option<RatioStudy>,
    /// Fraction of its prices inside their ranges.
    pub coverage: f64,
}

/// The segments of a hold-out: by `group`, by segments of the market where there are, by rooms, by tenths of the price.
pub(crate) fn of(
    schema: &Schema,
    link: Link,
    batch: &RecordBatch,
    group: Option<&str>,
    judged: &[JudgedRow],
) -> Vec<Segment> {
    let mut segments = Vec::new();
    if let Some(group) = group {
        let cells = Cells::of(batch, group);
        segments.extend(by(group, link, judged, |row| {
            cells.text(row.row).map(|level| (0, level.to_owned()))
        }));
    }
    // A column that the schema does not have: the segments of the market that the fit has added.
    let market = match schema.field(SEGMENT) {
        Some(_) => Cells::Absent,
        None => Cells::of(batch, SEGMENT),
    };
    segments.extend(by(SEGMENT, link, judged, |row| {
        let name = market.text(row.row)?;
        Some((name.parse().unwrap_or(0), name.to_owned()))
    }));
    let rooms = schema
        .features()
        .filter(|field| field.kind == Kind::Integer)
        .find(|field| field.name.contains("room"));
    if let Some(rooms) = rooms {
        let cells = Cells::of(batch, &rooms.name);
        segments.extend(by(&rooms.name, link, judged, |row| {
            let count = cells.number(row.row)?;
            Some((count as i64, format!("{count}")))
        }));
    }
    let mut prices: Vec<f64> = judged.iter().map(|row| row.actual).collect();
    prices.sort_by(f64::total_cmp);
    segments.extend(by("price tenth", link, judged, |row| {
        let rank = prices.partition_point(|price| *price < row.actual);
        let tenth = rank * 10 / prices.len() + 1;
        Some((tenth as i64, format!("{tenth}")))
    }));
    segments
}

fn by(
    what: &str,
    link: Link,
    judged: &[JudgedRow],
    key: impl Fn(&JudgedRow) -> Option<(i64, String)>,
) -> Vec<Segment> {
    let mut parts: BTreeMap<(i64, String), Vec<&JudgedRow>> = BTreeMap::new();
    for row in judged {
        if let Some(key) = key(row) {
            parts.entry(key).or_default().push(row);
        }
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.retain(|(_, rows)| rows.len() >= LEAST_ROWS);
    parts.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    parts.truncate(MOST);
    parts.sort_by(|one, other| one.0.cmp(&other.0));
    parts
        .into_iter()
        .filter_map(|((_, name), rows)| {
            let actual: Vec<f64> = rows.iter().map(|row| row.actual).collect();
            let value: Vec<f64> = rows.iter().map(|row| row.value).collect();
            let inside = rows
                .iter()
                .filter(|row| row.low <= row.actual && row.actual <= row.high);
            Some(Segment {
                by: what.to_owned(),
                name,
                coverage: inside.count() as f64 / rows.len() as f64,
                metrics: Metrics::on(link, &actual, &value)?,
                ratios: RatioStudy::on(link, &actual, &value),
            })
        })
        .collect()
}
