//! What it costs to price what was not learned: quick trees that have not seen a fifth of a field's names, or
//! the ends of a number's range, price just those records, and are compared with trees that have seen their
//! like.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use records::Kind;

use super::job::FitJob;
use crate::boosted::{Boosted, BoostedOptions, Growth, Table};
use crate::carried::{elasticity, is_size};
use crate::cells::Cells;
use crate::conformal::half_width;
use crate::rng::{fold_of, mix};
use crate::tree_features::{LevelTargets, TreeFeatures};

/// Records that are enough: what is asked is a ratio of two errors.
const MOST_ROWS: usize = 2_000;
/// Records left out at least, and to learn from at least.
const LEAST_JUDGED: usize = 20;
const LEAST_LEARNED: usize = 60;
/// What is taken where too few records are there to say, or there is no time to ask.
const USUAL: f64 = 1.5;
/// Share of a number's records at each end that are left out.
const END: f64 = 0.05;
/// Parts of names, of which one is left out.
const PARTS: usize = 5;
/// Folds of the trees that have seen the like.
const FOLDS: usize = 3;
/// The trees.
const QUICK: BoostedOptions = BoostedOptions {
    growth: Growth::Symmetric,
    rounds: 40,
    rate: 0.2,
    leaves: 0,
    depth: 4,
    leaf_rows: 1.0,
    row_share: 1.0,
    column_share: 1.0,
    penalty: 1.0,
    trusted: 0.9,
    patience: 0,
    names: None,
    neighbours: None,
    fits_size: false,
};

/// What a field costs where it lies outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Beyond {
    /// How many times as far off estimates are.
    pub(super) factor: f64,
    /// How prices go on below the least and above the greatest of a size; none where the rows do not say.
    pub(super) elasticities: [Option<f64>; 2],
}

impl Beyond {
    const USUAL: Beyond = Beyond {
        factor: USUAL,
        elasticities: [None; 2],
    };
}

/// By field, how many times as far off estimates are where it lies outside of what was learned. A fit without
/// trees, which is to take a fraction of a second, takes the usual.
pub(super) fn costs(job: &FitJob) -> BTreeMap<String, Beyond> {
    let mut members = job.members.iter();
    if !members.any(|member| member.options.needs_tree_inputs()) {
        let fields = job.schema.features();
        return fields
            .map(|field| (field.name.clone(), Beyond::USUAL))
            .collect();
    }
    let (seed, level) = (job.options.seed, job.options.interval);
    let step = job.rows.len().div_ceil(MOST_ROWS).max(1);
    let first = (mix(seed) % step as u64) as usize;
    let rows: Vec<usize> = job.rows.iter().copied().skip(first).step_by(step).collect();
    let mut seen = vec![f64::NAN; rows.len()];
    for fold in 0..FOLDS {
        let of: Vec<bool> = (0..rows.len())
            .map(|at| fold_of(at, FOLDS, seed) == fold)
            .collect();
        for (at, off) in errors(job, &rows, &of) {
            seen[at] = off.abs();
        }
    }
    let fields: Vec<_> = job.schema.features().collect();
    let cost = |name: &str, kind: Kind| -> Beyond {
        let cells = Cells::of(job.batch, name);
        let left_out = match kind {
            Kind::Category => names(cells, &rows, seed),
            _ => ends(cells, &rows),
        };
        let judged = left_out.iter().filter(|out| **out).count();
        if judged < LEAST_JUDGED || rows.len() - judged < LEAST_LEARNED {
            return Beyond::USUAL;
        }
        let off = errors(job, &rows, &left_out);
        let elasticities = match kind {
            Kind::Category => [None; 2],
            _ => elasticities(cells, &rows, &left_out, &off),
        };
        let (unseen, like): (Vec<f64>, Vec<f64>) = off
            .into_iter()
            .filter(|(at, off)| off.is_finite() && seen[*at].is_finite())
            .map(|(at, off)| (off.abs(), seen[at]))
            .unzip();
        let ratio = half_width(&unseen, level) / half_width(&like, level);
        Beyond {
            factor: if ratio.is_finite() { ratio } else { USUAL },
            elasticities,
        }
    };
    let costs = fields.into_par_iter().filter_map(|field| {
        let is_asked = matches!(field.kind, Kind::Category | Kind::Number | Kind::Integer);
        is_asked.then(|| (field.name.clone(), cost(&field.name, field.kind)))
    });
    costs.collect()
}

/// What trees of the other rows leave of those left out, by position; nothing where they cannot be
/// grown.
fn errors(job: &FitJob, rows: &[usize], left_out: &[bool]) -> Vec<(usize, f64)> {
    let (judged, learned): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|at| left_out[*at]);
    let row = |at: &usize| rows[*at];
    let learned: Vec<usize> = learned.iter().map(row).collect();
    let logs: Vec<f64> = learned.iter().map(|row| job.targets[*row]).collect();
    let (features, values) = TreeFeatures::fit(
        job.schema,
        job.batch,
        &learned,
        LevelTargets::of_logs(&logs),
        job.group,
    );
    if features.width() == 0 || learned.is_empty() {
        return Vec::new();
    }
    let table = Table::new(values, &features.levels(), logs);
    let trees = table.and_then(|table| Boosted::fit(&table, &QUICK, QUICK.rounds, 1));
    let Ok(trees) = trees else {
        return Vec::new();
    };
    let asked: Vec<usize> = judged.iter().map(row).collect();
    let predicted = Boosted::rows(&[&trees], &features.bind(job.batch).matrix(&asked)).remove(0);
    let off = asked.iter().zip(predicted);
    let off = off.map(|(row, predicted)| job.targets[*row] - predicted);
    judged.into_iter().zip(off).collect()
}

/// How prices go on at both ends of a size, by what trees leave there that have not seen them.
fn elasticities(
    cells: Cells,
    rows: &[usize],
    left_out: &[bool],
    off: &[(usize, f64)],
) -> [Option<f64>; 2] {
    let value = |at: &usize| cells.number(rows[*at]);
    let kept: Vec<usize> = (0..rows.len()).filter(|at| !left_out[*at]).collect();
    let (low, high) = kept
        .iter()
        .filter_map(value)
        .fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    let all = rows.iter().filter_map(|row| cells.number(*row));
    let (least, greatest) = all.fold((f64::MAX, f64::MIN), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high || !is_size(least, greatest) {
        return [None; 2];
    }
    let beyond = |end: f64, is_out: &dyn Fn(f64) -> bool| -> Vec<(f64, f64)> {
        let known = off.iter().filter_map(|(at, off)| Some((value(at)?, *off)));
        let known = known.filter(|(value, off)| is_out(*value) && off.is_finite());
        known
            .map(|(value, off)| ((value / end).ln(), off))
            .collect()
    };
    let below = elasticity(&beyond(low, &|value| value < low));
    let above = elasticity(&beyond(high, &|value| value > high));
    [below, above]
}

/// The records of a part of the names.
fn names(cells: Cells, rows: &[usize], seed: u64) -> Vec<bool> {
    let levels: BTreeSet<&str> = rows.iter().filter_map(|row| cells.text(*row)).collect();
    let count = levels.len();
    let out: BTreeSet<&str> = levels
        .into_iter()
        .enumerate()
        // Of few names one, of many a part.
        .filter(|(at, _)| match count < PARTS {
            true => *at == count / 2,
            false => fold_of(*at, PARTS, seed) == 0,
        })
        .map(|(_, level)| level)
        .collect();
    let is_out = |row: &usize| cells.text(*row).is_some_and(|level| out.contains(level));
    match count > 1 {
        true => rows.iter().map(is_out).collect(),
        false => vec![false; rows.len()],
    }
}

/// The records at both ends of a number.
fn ends(cells: Cells, rows: &[usize]) -> Vec<bool> {
    let mut values: Vec<f64> = rows.iter().filter_map(|row| cells.number(*row)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return vec![false; rows.len()];
    };
    let at = |share: f64| values[(last as f64 * share).round() as usize];
    let (low, high) = (at(END), at(1.0 - END));
    let is_out = |row: &usize| {
        cells
            .number(*row)
            .is_some_and(|own| own < low || own > high)
    };
    rows.iter().map(is_out).collect()
}
