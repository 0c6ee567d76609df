//! From a record's fields to the columns of the linear design; fitted on training rows only.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::RecordBatch;
use records::{Kind, Schema};
use serde::{Deserialize, Serialize};

use crate::cells::{Cells, median};
use crate::fit::FitOptions;
use crate::linear::SparseRow;

/// Integers with no more distinct values are also one-hot.
const INTEGER_LEVELS: usize = 12;
/// Categories with more levels are mean-encoded (the group field only above `max_levels`).
const ONE_HOT_LEVELS: usize = 60;
/// Weight of the prior mean in a level's mean, in rows (Micci-Barreca 2001).
const MEAN_WEIGHT: f64 = 20.0;
/// Folds of the out-of-fold means: no row sees its own target.
const FOLDS: usize = 5;
/// max/min above which a positive number also enters as its logarithm.
const LOG_RATIO: f64 = 3.0;

/// A standardised column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Scale {
    column: usize,
    mean: f64,
    deviation: f64,
}

/// What one field, or pair of fields, becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Encoding {
    /// Number, integer, boolean or time: imputed, held to the training range, standardised.
    Number {
        median: f64,
        low: f64,
        high: f64,
        scale: Scale,
        log: Option<Scale>,
        missing: Option<usize>,
        levels: BTreeMap<i64, usize>,
    },
    /// Column of each level (none for the most frequent) and its share of the training rows.
    OneHot {
        levels: BTreeMap<String, (Option<usize>, f64)>,
        other: Option<usize>,
    },
    /// Shrunken mean of the log target's deviation from its group's mean, by level.
    Mean {
        levels: BTreeMap<String, f64>,
        column: usize,
    },
    /// The field is 1; the field equals `total`: first and last floor.
    Edge {
        total: String,
        first: usize,
        last: usize,
    },
}

/// A field and its encoding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Block {
    field: String,
    encoding: Encoding,
}

/// The fitted features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Features {
    blocks: Vec<Block>,
    width: usize,
}

/// Out-of-fold values of the mean-encoded columns: by column, by position in the training rows.
type OutOfFold = BTreeMap<usize, Vec<f64>>;

impl Features {
    /// Fits on `rows` of `batch`; `logs` are the log targets of `rows`. Also gives the rows'
    /// design, where mean-encoded columns are out of fold.
    pub(crate) fn fit(
        schema: &Schema,
        batch: &RecordBatch,
        rows: &[usize],
        logs: &[f64],
        group: Option<&str>,
        options: &FitOptions,
    ) -> (Features, Vec<SparseRow>) {
        let mut features = Features {
            blocks: Vec::new(),
            width: 0,
        };
        let mut out_of_fold = OutOfFold::new();
        let times = schema.time.iter().filter_map(|name| schema.field(name));
        for field in schema.features().chain(times) {
            let cells = Cells::of(batch, &field.name);
            let encoding = match field.kind {
                Kind::Text => None,
                Kind::Category => {
                    let groups = group
                        .filter(|group| *group != field.name)
                        .map(|group| Cells::of(batch, group));
                    features.category(cells, groups, rows, logs, options, &mut out_of_fold)
                }
                kind => features.number(cells, kind, rows),
            };
            if let Some(encoding) = encoding {
                features.blocks.push(Block {
                    field: field.name.clone(),
                    encoding,
                });
            }
            let total = format!("{}s_total", field.name);
            if field.kind == Kind::Integer
                && schema
                    .field(&total)
                    .is_some_and(|total| total.kind == Kind::Integer)
            {
                let (first, last) = (features.column(), features.column());
                features.blocks.push(Block {
                    field: field.name.clone(),
                    encoding: Encoding::Edge { total, first, last },
                });
            }
        }
        let bound = features.bind(batch);
        let design = rows
            .iter()
            .enumerate()
            .map(|(position, row)| {
                let mut out = SparseRow::new();
                bound.write(*row, &mut out);
                for (column, value) in &mut out {
                    if let Some(values) = out_of_fold.get(column) {
                        *value = values[position];
                    }
                }
                out
            })
            .collect();
        drop(bound);
        (features, design)
    }

    /// Columns of the design.
    pub fn width(&self) -> usize {
        self.width
    }

    fn column(&mut self) -> usize {
        self.width += 1;
        self.width - 1
    }

    fn scale(&mut self, values: &[f64]) -> Scale {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
        let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        Scale {
            column: self.column(),
            mean,
            deviation,
        }
    }

    fn number(&mut self, cells: Cells, kind: Kind, rows: &[usize]) -> Option<Encoding> {
        let mut known: Vec<f64> = rows.iter().filter_map(|row| cells.number(*row)).collect();
        let missed = known.len() < rows.len();
        let median = median(&mut known)?;
        let (low, high) = (known[0], known[known.len() - 1]);
        let filled: Vec<f64> = rows
            .iter()
            .map(|row| cells.number(*row).unwrap_or(median))
            .collect();
        let scale = self.scale(&filled);
        let measured = matches!(kind, Kind::Number | Kind::Integer);
        let log = (measured && low > 0.0 && high / low > LOG_RATIO).then(|| {
            let logs: Vec<f64> = filled.iter().map(|value| value.ln()).collect();
            self.scale(&logs)
        });
        let missing = missed.then(|| self.column());
        let mut levels = BTreeMap::new();
        if kind == Kind::Integer {
            let distinct: BTreeSet<i64> = known.iter().map(|value| *value as i64).collect();
            if distinct.len() <= INTEGER_LEVELS {
                // The first level is the one the others are compared with.
                levels = distinct
                    .into_iter()
                    .skip(1)
                    .map(|l| (l, self.column()))
                    .collect();
            }
        }
        // A trend goes on past the newest training record, but no further than it is long.
        let high = if kind == Kind::Timestamp {
            high + (high - low)
        } else {
            high
        };
        Some(Encoding::Number {
            median,
            low,
            high,
            scale,
            log,
            missing,
            levels,
        })
    }

    fn category(
        &mut self,
        cells: Cells,
        groups: Option<Cells>,
        rows: &[usize],
        logs: &[f64],
        options: &FitOptions,
        out_of_fold: &mut OutOfFold,
    ) -> Option<Encoding> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for row in rows {
            if let Some(level) = cells.text(*row) {
                *counts.entry(level).or_default() += 1;
            }
        }
        if counts.is_empty() {
            return None;
        }
        if groups.is_some() && counts.len() > ONE_HOT_LEVELS {
            let column = self.column();
            let mut held_out = vec![0.0; rows.len()];
            for fold in 0..FOLDS {
                let levels = level_means(cells, groups, rows, logs, |i| i % FOLDS != fold);
                for position in (fold..rows.len()).step_by(FOLDS) {
                    let level = cells.text(rows[position]);
                    held_out[position] = level
                        .and_then(|level| levels.get(level))
                        .copied()
                        .unwrap_or(0.0);
                }
            }
            out_of_fold.insert(column, held_out);
            let levels = level_means(cells, groups, rows, logs, |_| true);
            return Some(Encoding::Mean { levels, column });
        }
        let mut ordered: Vec<(&str, usize)> = counts.into_iter().collect();
        // Stable: levels as frequent as each other stay in the order of their names.
        ordered.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut levels = BTreeMap::new();
        let mut kept = 0;
        for (rank, (level, count)) in ordered.into_iter().enumerate() {
            if rank > 0 && (rank >= options.max_levels || count < options.min_level_rows) {
                break;
            }
            let column = (rank > 0).then(|| self.column());
            levels.insert(level.to_owned(), (column, count as f64 / rows.len() as f64));
            kept += count;
        }
        let other = (kept < rows.len()).then(|| self.column());
        Some(Encoding::OneHot { levels, other })
    }

    /// Looks the blocks' columns up in a batch.
    pub(crate) fn bind<'a>(&'a self, batch: &'a RecordBatch) -> Bound<'a> {
        let bound = |block: &'a Block| {
            let total = match &block.encoding {
                Encoding::Edge { total, .. } => Cells::of(batch, total),
                _ => Cells::Absent,
            };
            (&block.encoding, Cells::of(batch, &block.field), total)
        };
        Bound {
            blocks: self.blocks.iter().map(bound).collect(),
        }
    }
}

/// Shrunken means by level over the positions `used`, of what is left of the log target when
/// its group's shrunken mean is taken off.
fn level_means(
    cells: Cells,
    groups: Option<Cells>,
    rows: &[usize],
    logs: &[f64],
    used: impl Fn(usize) -> bool,
) -> BTreeMap<String, f64> {
    let positions: Vec<usize> = (0..rows.len()).filter(|position| used(*position)).collect();
    let total: f64 = positions.iter().map(|position| logs[*position]).sum();
    let overall = total / positions.len().max(1) as f64;
    let shrunken = |cells: Cells, values: &dyn Fn(usize) -> f64| {
        let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for position in &positions {
            if let Some(level) = cells.text(rows[*position]) {
                let value = values(*position);
                match sums.get_mut(level) {
                    Some(sum) => *sum = (sum.0 + value, sum.1 + 1.0),
                    None => {
                        sums.insert(level.to_owned(), (value, 1.0));
                    }
                }
            }
        }
        sums.into_iter()
            .map(|(level, (sum, count))| (level, sum / (count + MEAN_WEIGHT)))
            .collect::<BTreeMap<String, f64>>()
    };
    let groups = groups.unwrap_or(Cells::Absent);
    let group_means = shrunken(groups, &|position| logs[position] - overall);
    shrunken(cells, &|position| {
        let of_group = groups
            .text(rows[position])
            .and_then(|group| group_means.get(group));
        logs[position] - overall - of_group.copied().unwrap_or(0.0)
    })
}

/// The features' columns in one batch.
pub(crate) struct Bound<'a> {
    blocks: Vec<(&'a Encoding, Cells<'a>, Cells<'a>)>,
}

impl Bound<'_> {
    /// Writes a row of the design; `out` is emptied first.
    pub(crate) fn write(&self, row: usize, out: &mut SparseRow) {
        out.clear();
        let standard =
            |scale: &Scale, value: f64| (scale.column, (value - scale.mean) / scale.deviation);
        for (encoding, cells, total) in &self.blocks {
            match encoding {
                Encoding::Number {
                    median,
                    low,
                    high,
                    scale,
                    log,
                    missing,
                    levels,
                } => {
                    let known = cells.number(row);
                    // Beyond the training range a log-linear price would run away.
                    let value = known.unwrap_or(*median).clamp(*low, *high);
                    out.push(standard(scale, value));
                    if let Some(log) = log {
                        out.push(standard(log, value.ln()));
                    }
                    if let (Some(column), None) = (missing, known) {
                        out.push((*column, 1.0));
                    }
                    if let Some(column) = levels.get(&(value.round() as i64)) {
                        out.push((*column, 1.0));
                    }
                }
                Encoding::OneHot { levels, other } => {
                    match cells.text(row).and_then(|level| levels.get(level)) {
                        Some((Some(column), _)) => out.push((*column, 1.0)),
                        Some((None, _)) => {}
                        None => match other {
                            Some(column) => out.push((*column, 1.0)),
                            // Nothing like it was seen: the average of the levels stands in.
                            None => out.extend(
                                levels
                                    .values()
                                    .filter_map(|(column, share)| Some(((*column)?, *share))),
                            ),
                        },
                    }
                }
                Encoding::Mean { levels, column } => {
                    let level = cells.text(row).and_then(|level| levels.get(level));
                    out.push((*column, level.copied().unwrap_or(0.0)));
                }
                Encoding::Edge { first, last, .. } => {
                    if let Some(value) = cells.number(row) {
                        if value == 1.0 {
                            out.push((*first, 1.0));
                        }
                        if total.number(row) == Some(value) {
                            out.push((*last, 1.0));
                        }
                    }
                }
            }
        }
    }
}
