//! The steps of a price one by one, for the benches of this crate: not a part of its interface.

use arrow_array::RecordBatch;

use crate::boosted::{Boosted, Codes};
use crate::estimator::Estimator;
use crate::estimator::bound::Scratch;
use crate::members::Fitted as _;
use crate::model::Model;

/// A model taken apart into the steps of a price.
pub struct Stages<'a> {
    estimator: &'a Estimator,
    batch: &'a RecordBatch,
    /// Rows as the trees read them, row-major.
    values: Vec<f32>,
    width: usize,
    /// Values of a row before those of the neighbours.
    frame_width: usize,
}

impl<'a> Stages<'a> {
    /// Prepares the rows of a batch that the model has been checked against.
    pub fn new(model: &'a Model, batch: &'a RecordBatch) -> Stages<'a> {
        let estimator = &model.estimator;
        let bound = estimator.bind(batch);
        let rows = 0..batch.num_rows();
        let values = rows.flat_map(|row| bound.frame_row(row)).collect();
        let tree_features = estimator.plan.tree_features.as_ref();
        Stages {
            estimator,
            batch,
            values,
            width: estimator.width().max(1),
            frame_width: tree_features.map_or(0, |tree_features| tree_features.width()),
        }
    }

    fn ensembles(&self) -> impl Iterator<Item = &Boosted> {
        self.estimator.ensembles()
    }

    /// What the ensembles are called, with their numbers of trees; the spread last.
    pub fn names(&self) -> Vec<String> {
        let heads = self.estimator.plan.members.iter();
        let members = heads.zip(&self.estimator.members);
        let named = members.filter(|(_, member)| member.settled().trees > 0);
        let mut names: Vec<String> = named
            .map(|(head, member)| format!("{} of {} trees", head.name, member.settled().trees))
            .collect();
        names.extend(
            self.estimator
                .spread
                .iter()
                .map(|ensemble| format!("spread of {} trees", ensemble.trees())),
        );
        names
    }

    /// One ensemble over all rows at once.
    pub fn walk_batch(&self, ensemble: usize) -> f64 {
        let trees = self.ensembles().nth(ensemble);
        let sums = trees.map(|trees| Boosted::rows(&[trees], &self.values));
        sums.into_iter().flatten().flatten().sum()
    }

    /// All ensembles over all rows at once.
    pub fn walk_all(&self) -> f64 {
        let all: Vec<&Boosted> = self.ensembles().collect();
        Boosted::rows(&all, &self.values)
            .into_iter()
            .flatten()
            .sum()
    }

    /// One ensemble over all rows, one by one.
    pub fn walk_rows(&self, ensemble: usize) -> f64 {
        let mut codes = Codes::default();
        let mut value = |trees: &Boosted, row: &[f32]| {
            codes.clear();
            trees.row(row, &mut codes)
        };
        let rows = self.values.chunks_exact(self.width);
        let trees = self.ensembles().nth(ensemble);
        trees.map_or(0.0, |trees| rows.map(|row| value(trees, row)).sum())
    }

    /// The neighbours of all rows.
    pub fn neighbours(&self) -> f32 {
        let (mut near, mut out) = (Vec::new(), Vec::new());
        let mut sum = 0.0;
        for row in self.values.chunks_exact(self.width) {
            out.clear();
            for neighbours in &self.estimator.neighbours {
                neighbours.write(&row[..self.frame_width], None, &mut near, &mut out);
            }
            sum += out.iter().sum::<f32>();
        }
        sum
    }

    /// The columns of the trees from the cells, without neighbours, and those of the line.
    pub fn columns(&self) -> f64 {
        let bound = self.estimator.bind(self.batch);
        let mut scratch = Scratch::default();
        let rows = 0..self.batch.num_rows();
        rows.map(|row| bound.columns(row, &mut scratch)).sum()
    }
}
