//! The estimator on one batch: which column each part reads, and a row as trees and lines read it.

use arrow_array::RecordBatch;

use super::Estimator;
use super::plan::Plan;
use crate::binding::{Places, position};
use crate::boosted::Codes;
use crate::cells::Cells;
use crate::kd_tree::Near;
use crate::known::BoundKnown;
use crate::linear::SparseRow;
use crate::mondrian::Widths;
use crate::name_codes::{BoundNames, Code};
use crate::name_tables::NameTables;
use crate::tree_features::BoundTreeFeatures;

/// One row on its way through the estimator; kept between rows to save allocations.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The numbers of its names.
    pub(super) names: Vec<Code>,
    pub(super) design: SparseRow,
    pub(super) tree_features: Vec<f32>,
    pub(super) near: Vec<Near>,
    /// What the neighbours add to the frame.
    pub(super) beside: Vec<f32>,
    /// The row as trees read it.
    pub(super) codes: Codes,
}

impl Estimator {
    /// Of a batch that is [`Estimator::complete`].
    pub(crate) fn bind<'a>(&'a self, batch: &'a RecordBatch) -> BoundEstimator<'a> {
        let schema = batch.schema_ref();
        let find = || self.places(&|name| position(batch, name));
        let places = self.bindings.places(schema, find);
        self.bind_at(&places, &|place| Cells::from(batch.column(place)))
    }

    pub(super) fn bind_at<'a>(
        &'a self,
        places: &Places,
        cells: &dyn Fn(usize) -> Cells<'a>,
    ) -> BoundEstimator<'a> {
        let Plan {
            linear_design,
            tree_features,
            widths,
            known,
            ..
        } = &self.plan;
        let tables = self.name_tables();
        let of_widths = places.widths.map_or(Cells::Absent, cells);
        let of_names = places.names.iter();
        let of_names = of_names.map(|place| place.map_or(Cells::Absent, cells));
        BoundEstimator {
            estimator: self,
            tables,
            names: tables.codes.bind(of_names.collect()),
            linear_design: linear_design
                .as_ref()
                .map(|part| part.bind_at(&places.linear_design, cells, &tables.linear_design)),
            tree_features: tree_features
                .as_ref()
                .map(|part| part.bind_at(&places.tree_features, cells, &tables.tree_features)),
            widths: widths.as_ref().map(|widths| (widths, of_widths)),
            known: known
                .as_ref()
                .map(|part| part.bind_at(&places.known, cells, &tables.known)),
        }
    }
}

/// The estimator's columns in one batch.
pub(crate) struct BoundEstimator<'a> {
    pub(super) estimator: &'a Estimator,
    pub(super) tables: &'a NameTables,
    pub(super) names: BoundNames<'a>,
    pub(super) linear_design: Option<crate::linear_design::Bound<'a>>,
    pub(super) tree_features: Option<BoundTreeFeatures<'a>>,
    pub(super) widths: Option<(&'a Widths, Cells<'a>)>,
    pub(super) known: Option<BoundKnown<'a>>,
}

impl BoundEstimator<'_> {
    /// A row as the trees read it.
    pub(crate) fn frame_row(&self, row: usize) -> Vec<f32> {
        let mut scratch = Scratch::default();
        self.read_names(row, &mut scratch);
        let mut values = Vec::with_capacity(self.estimator.width());
        self.write_frame(row, &mut scratch, &mut values);
        values
    }

    /// Reads a row's cells into both kinds of columns, for benchmarks; returns a sum so that the work is not optimised away.
    pub(crate) fn columns(&self, row: usize, scratch: &mut Scratch) -> f64 {
        self.read_names(row, scratch);
        scratch.tree_features.clear();
        if let Some(columns) = &self.tree_features {
            columns.write_named(row, &scratch.names, &mut scratch.tree_features);
        }
        if let Some(linear_design) = &self.linear_design {
            linear_design.write_named(row, &scratch.names, &mut scratch.design);
        }
        scratch.tree_features.len() as f64
            + scratch.design.iter().map(|(_, value)| value).sum::<f64>()
    }

    /// What a row's fields add that lie beyond what was learned: by field, in log price.
    pub(crate) fn carried(&self, row: usize) -> Vec<(&str, f64)> {
        let known = self.known.as_ref();
        known.map_or_else(Vec::new, |known| known.carried(row).collect())
    }

    /// A row as the linear member reads it.
    pub(crate) fn design_row(&self, row: usize) -> SparseRow {
        let mut design = SparseRow::new();
        if let Some(linear_design) = &self.linear_design {
            let mut names = Vec::with_capacity(self.names.width());
            self.names.write(row, &mut names);
            linear_design.write_named(row, &names, &mut design);
        }
        design
    }

    /// Looks the names of a row up: before anything else of it is read.
    pub(super) fn read_names(&self, row: usize, scratch: &mut Scratch) {
        scratch.names.clear();
        self.names.write(row, &mut scratch.names);
    }

    /// Appends a row as the trees read it.
    pub(super) fn write_frame(&self, row: usize, scratch: &mut Scratch, out: &mut Vec<f32>) {
        let Some(columns) = &self.tree_features else {
            return;
        };
        let Scratch {
            names,
            near,
            beside,
            ..
        } = scratch;
        let from = out.len();
        columns.write_named(row, names, out);
        beside.clear();
        for neighbours in &self.estimator.neighbours {
            neighbours.write(&out[from..], None, near, beside);
        }
        out.extend_from_slice(beside);
    }

    /// Fills in what the neighbours add to rows as the trees read them: one space after the other, so that each
    /// stays in the processor's cache.
    pub(super) fn write_neighbours(&self, scratch: &mut Scratch, values: &mut [f32]) {
        let width = self.estimator.width().max(1);
        let from = width - self.estimator.neighbours_width();
        let Scratch { near, beside, .. } = scratch;
        let mut at = from;
        for neighbours in &self.estimator.neighbours {
            for row in values.chunks_exact_mut(width) {
                beside.clear();
                neighbours.write(&row[..from], None, near, beside);
                row[at..at + neighbours.width()].copy_from_slice(beside);
            }
            at += neighbours.width();
        }
    }
}
