//! Log prices and their uncertainty: of a batch, rows side by side, and of a record that comes by itself.

use std::cell::RefCell;

use arrow_array::RecordBatch;
use rayon::prelude::*;

use super::Estimator;
use super::bound::{BoundEstimator, Scratch};
use super::plan::Plan;
use crate::assessed::{Outside, UnseenName};
use crate::binding::Places;
use crate::boosted::Boosted;
use crate::cells::{Cell, Cells};
use crate::linear::SparseRow;
use crate::members::Fitted as _;
use crate::name_codes::Code;

/// Rows estimated side by side: enough to keep a core busy, few enough to stay in its cache.
const CHUNK_ROWS: usize = 1024;

thread_local! {
    /// Buffers for single rows, which would otherwise spend most of the time on allocations.
    static ALONE: RefCell<Scratch> = RefCell::default();
    /// Buffers for the rows of a chunk; taken while one is estimated.
    static CHUNK: RefCell<ChunkRoom> = RefCell::default();
}

/// What is known of a row's price, in logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    /// The estimate.
    pub(crate) log: f64,
    /// How far off it usually is.
    pub(crate) spread: f64,
}

/// Rows on their way through the estimator; kept between chunks to save allocations.
#[derive(Debug, Default)]
struct ChunkRoom {
    scratch: Scratch,
    /// As the trees read them, row-major.
    values: Vec<f32>,
    /// As the linear members read them: at least as many as there are rows.
    design: Vec<SparseRow>,
    /// The numbers of their names, row-major.
    names: Vec<Code>,
}

/// What is made of a row and its estimate.
type Take<T> = dyn Fn(&BoundRow, Estimate) -> T + Sync;

/// A row of a batch.
struct BoundRow<'a> {
    bound: &'a BoundEstimator<'a>,
    row: usize,
    /// The numbers of its names.
    names: &'a [Code],
}

impl BoundRow<'_> {
    /// What of it the estimator knows nothing of.
    fn outside(&self) -> Outside {
        let BoundEstimator {
            tables,
            names,
            known,
            ..
        } = self.bound;
        let known = known.as_ref();
        let unseen = tables
            .unseen
            .iter()
            .filter(|unseen| *unseen.get(self.names));
        let unseen = unseen.filter_map(|unseen| {
            let (field, name) = names.name(unseen.place(), self.row)?;
            Some(UnseenName {
                field: field.to_owned(),
                name: name.to_owned(),
            })
        });
        Outside {
            warnings: known.map_or_else(Vec::new, |known| known.warnings(self.row, self.names)),
            unseen: unseen.collect(),
        }
    }
}

impl Estimator {
    /// Estimates every row of a batch: rows side by side on all cores, the same bits as one by one.
    pub(crate) fn batch(&self, batch: &RecordBatch) -> Vec<Estimate> {
        self.each(batch, &|_, estimate| estimate)
    }

    /// The same, and what of each row is not known.
    pub(crate) fn assess(&self, batch: &RecordBatch) -> Vec<(Estimate, Outside)> {
        self.each(batch, &|row, estimate| (estimate, row.outside()))
    }

    fn each<T: Send>(&self, batch: &RecordBatch, take: &Take<T>) -> Vec<T> {
        let batch = self.complete(batch);
        let bound = self.bind(&batch);
        let rows: Vec<usize> = (0..batch.num_rows()).collect();
        match rows.as_slice() {
            [] => Vec::new(),
            [row] => vec![bound.alone(*row, take)],
            rows => rows
                .par_chunks(CHUNK_ROWS)
                .flat_map_iter(|rows| bound.rows(rows, take))
                .collect(),
        }
    }

    /// Estimates one record, given by its cells at these places; the same bits as from a batch. Not of an
    /// estimator with segments, which are computed by batch.
    pub(crate) fn record(&self, places: &Places, cells: &[Cell]) -> Estimate {
        self.one(places, cells, &|_, estimate| estimate)
    }

    /// The same, and what of the record is not known.
    pub(crate) fn assess_record(&self, places: &Places, cells: &[Cell]) -> (Estimate, Outside) {
        self.one(places, cells, &|row, estimate| (estimate, row.outside()))
    }

    fn one<T>(&self, places: &Places, cells: &[Cell], take: &Take<T>) -> T {
        let cell = |place: usize| Cells::One(cells.get(place).copied().unwrap_or(Cell::Null));
        self.bind_at(places, &cell).alone(0, take)
    }
}

impl BoundEstimator<'_> {
    /// A row that comes by itself.
    fn alone<T>(&self, row: usize, take: &Take<T>) -> T {
        let mut of_thread = ALONE.take();
        let estimate = self.row(row, &mut of_thread);
        let taken = take(&self.bound_row(row, &of_thread.names), estimate);
        // Nothing of a model is held on to.
        of_thread.codes.clear();
        ALONE.set(of_thread);
        taken
    }

    fn bound_row<'a>(&'a self, row: usize, names: &'a [Code]) -> BoundRow<'a> {
        BoundRow {
            bound: self,
            row,
            names,
        }
    }

    fn row(&self, row: usize, scratch: &mut Scratch) -> Estimate {
        self.read_names(row, scratch);
        let mut values = std::mem::take(&mut scratch.tree_features);
        values.clear();
        self.write_frame(row, scratch, &mut values);
        scratch.tree_features = values;
        if let Some(linear_design) = &self.linear_design {
            linear_design.write_named(row, &scratch.names, &mut scratch.design);
        }
        let Scratch {
            names,
            design,
            tree_features,
            codes,
            ..
        } = scratch;
        codes.clear();
        let Estimator {
            plan,
            members,
            spread,
            ..
        } = self.estimator;
        let log = plan
            .members
            .iter()
            .zip(members)
            .map(|(head, member)| head.weight * member.row(design, tree_features, codes))
            .sum();
        let spread = spread
            .as_ref()
            .map(|spread| spread.row(tree_features, codes));
        self.estimate(row, names, log, spread)
    }

    fn rows<T>(&self, rows: &[usize], take: &Take<T>) -> Vec<T> {
        let mut room = CHUNK.take();
        let ChunkRoom {
            scratch,
            values,
            design,
            names,
        } = &mut room;
        values.clear();
        names.clear();
        if design.len() < rows.len() {
            design.resize_with(rows.len(), SparseRow::new);
        }
        for (row, design) in rows.iter().zip(&mut *design) {
            self.read_names(*row, scratch);
            if let Some(columns) = &self.tree_features {
                columns.write_named(*row, &scratch.names, values);
                // Room for what the neighbours add.
                let beside = self.estimator.neighbours_width();
                values.resize(values.len() + beside, f32::NAN);
            }
            if let Some(linear_design) = &self.linear_design {
                linear_design.write_named(*row, &scratch.names, design);
            }
            names.extend_from_slice(&scratch.names);
        }
        self.write_neighbours(scratch, values);
        let design = match &self.linear_design {
            Some(_) => &design[..rows.len()],
            None => &[],
        };
        let Estimator {
            plan,
            members,
            spread,
            ..
        } = self.estimator;
        let ensembles: Vec<&Boosted> = self.estimator.ensembles().collect();
        let mut of_trees = Boosted::rows(&ensembles, values).into_iter();
        let mut logs = vec![0.0; rows.len()];
        for (head, member) in plan.members.iter().zip(members) {
            let next = || of_trees.next().unwrap_or_default();
            for (log, value) in logs.iter_mut().zip(member.rows(design, values, next)) {
                *log += head.weight * value;
            }
        }
        // The last of the ensembles.
        let spreads = spread.as_ref().and_then(|_| of_trees.next());
        let width = self.names.width();
        let taken = rows.iter().zip(logs).enumerate().map(|(at, (row, log))| {
            let names = &names[at * width..(at + 1) * width];
            let spread = spreads.as_ref().map(|all| all[at]);
            let estimate = self.estimate(*row, names, log, spread);
            take(&self.bound_row(*row, names), estimate)
        });
        let taken = taken.collect();
        CHUNK.set(room);
        taken
    }

    fn estimate(&self, row: usize, names: &[Code], log: f64, spread: Option<f64>) -> Estimate {
        let Plan {
            link,
            equity,
            spread: usual,
            widths_by_estimate,
            ..
        } = &self.estimator.plan;
        let widths = self.widths.as_ref();
        let factor = widths.map_or(1.0, |(widths, cells)| match &self.tables.widths {
            Some(by_name) => *by_name.get(names),
            None => widths.of(*cells, row),
        });
        let known = self.known.as_ref();
        let factor = factor * known.map_or(1.0, |known| known.factor(row, names));
        let carried = known.map(|known| known.carried(row).map(|(_, log)| log).sum());
        let log = link.hold(equity.apply(log + carried.unwrap_or(0.0)));
        let factor = match widths_by_estimate {
            None => factor,
            Some(widths) => factor * widths.of(log),
        };
        Estimate {
            log,
            spread: factor * bounded(spread.unwrap_or(*usual), *usual),
        }
    }
}

/// A row's spread, held near the usual one: what a few trees say of a rare kind is not believed
/// without bound.
pub(crate) fn bounded(spread: f64, usual: f64) -> f64 {
    spread.clamp(0.25 * usual, 6.0 * usual)
}
