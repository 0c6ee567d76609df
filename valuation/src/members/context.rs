//! What members are fitted on.

use std::sync::OnceLock;

use arrow_array::RecordBatch;
use rayon::prelude::*;
use records::{Schema, Task};

use crate::boosted::Direction;
use crate::fit_error::FitError;
use crate::folds::{self, Fold};
use crate::linear::{Linear, Shrinkage, SparseRow, Triangle};
use crate::linear_design::{LevelLimits, LinearDesign, OutOfFoldColumns};
use crate::progress::Work;
use crate::solver_error::SolverError;
use crate::tree_inputs::TreeInputs;

/// The rows that members are fitted on, as they read them.
pub(crate) struct FitContext<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) batch: &'a RecordBatch,
    /// Rows of the batch to learn from.
    pub(crate) rows: &'a [usize],
    /// By position among the rows: log targets, or 0 and 1 of a class.
    pub(crate) targets: Vec<f64>,
    /// The field of the groups.
    pub(crate) group: Option<&'a str>,
    pub(crate) levels: LevelLimits,
    pub(crate) task: Task,
    /// The folds that say what members are worth.
    pub(crate) folds: Vec<Fold>,
    /// Positions that are judged on in any fold, rising.
    pub(crate) judged: Vec<usize>,
    /// The columns of the trees; none where no member reads them, or the rows are too few.
    pub(crate) tree_inputs: Option<TreeInputs>,
    /// Of all rows, from the first member on that reads it.
    design: OnceLock<Design<'a>>,
}

impl<'a> FitContext<'a> {
    /// The context of rows and their targets, without columns of trees.
    pub(crate) fn new(
        (schema, batch): (&'a Schema, &'a RecordBatch),
        (rows, targets): (&'a [usize], Vec<f64>),
        task: Task,
        group: Option<&'a str>,
        levels: LevelLimits,
        folds: Vec<Fold>,
    ) -> FitContext<'a> {
        FitContext {
            schema,
            batch,
            rows,
            targets,
            group,
            levels,
            task,
            judged: folds::judged(&folds),
            folds,
            tree_inputs: None,
            design: OnceLock::new(),
        }
    }

    /// The linear design of all rows.
    pub(crate) fn design(&self) -> &Design<'a> {
        // Nothing in there runs on other threads, which could wait for this one.
        self.design
            .get_or_init(|| self.design_at(0..self.rows.len()))
    }

    /// That of some positions among the rows.
    pub(crate) fn design_of(&self, positions: &[u32]) -> Design<'a> {
        self.design_at(positions.iter().map(|position| *position as usize))
    }

    fn design_at(&self, positions: impl Iterator<Item = usize> + Clone) -> Design<'a> {
        let rows: Vec<usize> = positions.clone().map(|at| self.rows[at]).collect();
        let targets: Vec<f64> = positions.map(|at| self.targets[at]).collect();
        let (schema, batch) = (self.schema, self.batch);
        let (linear_design, out_of_fold) =
            LinearDesign::fit(schema, batch, &rows, &targets, self.group, self.levels);
        Design {
            directions: linear_design.directions(schema),
            linear_design,
            batch,
            rows,
            targets,
            out_of_fold,
            written: OnceLock::new(),
        }
    }

    /// The targets that are judged on.
    pub(crate) fn judged_targets(&self) -> Vec<f64> {
        self.judged_of(&self.targets)
    }

    /// Of values by position those that are judged on.
    pub(crate) fn judged_of(&self, values: &[f64]) -> Vec<f64> {
        self.judged.iter().map(|at| values[*at]).collect()
    }

    /// What a line, or something beyond it, predicts for some positions, by the row's design and its place
    /// among the positions.
    pub(crate) fn predict(
        &self,
        linear_design: &LinearDesign,
        positions: &[u32],
        mut value: impl FnMut(&SparseRow, usize) -> f64,
    ) -> Vec<f64> {
        let mut values = Vec::with_capacity(positions.len());
        self.each(linear_design, positions, |row| {
            values.push(value(row, values.len()));
        });
        values
    }

    /// Hands on the design of some positions, one after the other.
    fn each(
        &self,
        linear_design: &LinearDesign,
        positions: &[u32],
        mut take: impl FnMut(&SparseRow),
    ) {
        let bound = linear_design.bind(self.batch);
        let mut design = SparseRow::new();
        for position in positions {
            bound.write(self.rows[*position as usize], &mut design);
            take(&design);
        }
    }

    /// By judged row what `predict` gives for the rows that its fold judges; `work` is told of each fold.
    ///
    /// # Errors
    /// What `predict` says.
    pub(crate) fn by_fold(
        &self,
        work: Work,
        predict: impl Fn(&Fold) -> Result<Vec<f64>, FitError> + Sync + Send,
    ) -> Result<Vec<f64>, FitError> {
        let watched = |(index, fold): (usize, &Fold)| {
            let running = work.fold(index);
            let predicted = predict(fold)?;
            running.judged(self.beside_targets(fold, &predicted));
            Ok(predicted)
        };
        let folds = self.folds.par_iter().enumerate();
        let predicted: Vec<Vec<f64>> = folds.map(watched).collect::<Result<_, FitError>>()?;
        Ok(self.in_order(predicted))
    }

    /// What a fold predicts for the rows it judges, beside their targets.
    pub(crate) fn beside_targets<'b>(
        &'b self,
        fold: &'b Fold,
        predicted: &'b [f64],
    ) -> impl Iterator<Item = (f64, f64)> + 'b {
        let targets = fold.judge.iter().map(|row| self.targets[*row as usize]);
        predicted.iter().copied().zip(targets)
    }

    /// What each fold predicts for the rows it judges, by judged row.
    pub(crate) fn in_order(&self, predicted: Vec<Vec<f64>>) -> Vec<f64> {
        let mut by_position = vec![f64::NAN; self.rows.len()];
        for (fold, predicted) in self.folds.iter().zip(predicted) {
            for (position, value) in fold.judge.iter().zip(predicted) {
                by_position[*position as usize] = value;
            }
        }
        self.judged_of(&by_position)
    }

    /// Which of some lines is least off on rows that it has not seen, the first of equals; and what it
    /// predicts for them, by judged row.
    ///
    /// # Errors
    /// When a solver fails, or there is no line to try.
    pub(crate) fn least_off<S: Copy + Sync>(
        &self,
        work: Work,
        tried: &[S],
        line: impl Fn(&Triangle, &S) -> Result<Linear, SolverError> + Sync,
    ) -> Result<(S, Vec<f64>), FitError> {
        let by_fold = |(index, fold): (usize, &Fold)| {
            let _running = work.fold(index);
            let design = self.design_of(&fold.train);
            let triangle = design.triangle()?;
            let lines = tried.iter().map(|settings| line(&triangle, settings));
            let lines: Vec<Linear> = lines.collect::<Result<_, SolverError>>()?;
            // A row is written once, whatever the number of lines.
            let mut predicted = vec![Vec::new(); lines.len()];
            self.each(&design.linear_design, &fold.judge, |row| {
                for (values, line) in predicted.iter_mut().zip(&lines) {
                    values.push(line.predict(row));
                }
            });
            Ok(predicted)
        };
        let folds = self.folds.par_iter().enumerate();
        let predicted: Vec<Vec<Vec<f64>>> = folds.map(by_fold).collect::<Result<_, FitError>>()?;
        let squared_error = |index: usize| -> f64 {
            let by_fold = self.folds.iter().zip(&predicted).flat_map(|(fold, tried)| {
                let pairs = fold.judge.iter().zip(&tried[index]);
                pairs.map(|(row, predicted)| predicted - self.targets[*row as usize])
            });
            by_fold.map(|error| error * error).sum()
        };
        let best = (0..tried.len())
            .min_by(|one, other| squared_error(*one).total_cmp(&squared_error(*other)))
            .ok_or(SolverError::NoPenalty)?;
        let predicted = predicted.into_iter().map(|mut all| all.swap_remove(best));
        Ok((tried[best], self.in_order(predicted.collect())))
    }

    /// The columns of the trees.
    ///
    /// # Errors
    /// When there are none.
    pub(crate) fn needed_tree_inputs(&self) -> Result<&TreeInputs, FitError> {
        let inputs = self.tree_inputs.as_ref();
        inputs.ok_or_else(|| SolverError::NoTreeColumns.into())
    }

    /// Frees the rows of the linear design, and keeps its columns: no member reads them any more.
    pub(crate) fn free_design(&mut self) {
        if let Some(design) = self.design.get_mut() {
            design.free();
        }
    }

    /// The columns of both kinds; the linear ones where they were worked out.
    pub(crate) fn into_columns(self) -> (Option<LinearDesign>, Option<TreeInputs>) {
        let design = self.design.into_inner();
        (design.map(|design| design.linear_design), self.tree_inputs)
    }
}

/// The linear design of some rows, which are written when they are read: they are read once or twice, and would
/// take more memory than the records.
pub(crate) struct Design<'a> {
    pub(crate) linear_design: LinearDesign,
    batch: &'a RecordBatch,
    /// Rows of the batch.
    rows: Vec<usize>,
    targets: Vec<f64>,
    out_of_fold: OutOfFoldColumns,
    /// For who reads them many times.
    written: OnceLock<Vec<SparseRow>>,
    /// The signs that weights must have, by column; empty for any.
    directions: Vec<Direction>,
}

impl Design<'_> {
    fn each(&self, take: &mut dyn FnMut(&SparseRow)) {
        let (design, values) = (&self.linear_design, &self.out_of_fold);
        design.each_trained(self.batch, &self.rows, values, take);
    }

    /// All rows, kept from the first call on.
    pub(crate) fn written(&self) -> &[SparseRow] {
        self.written.get_or_init(|| {
            let mut written = Vec::with_capacity(self.rows.len());
            self.each(&mut |row| written.push(row.clone()));
            written
        })
    }

    fn free(&mut self) {
        (self.rows, self.targets) = (Vec::new(), Vec::new());
        (self.out_of_fold, self.written) = (OutOfFoldColumns::default(), OnceLock::new());
    }

    /// Reduced to as many rows as there are columns.
    ///
    /// # Errors
    /// When it is singular.
    pub(crate) fn triangle(&self) -> Result<Triangle, SolverError> {
        let width = self.linear_design.width();
        let triangle = Triangle::of_each(&self.targets, width, |add| self.each(add))?;
        triangle.along(&self.directions)
    }

    /// Least squares, or shrunken weights.
    ///
    /// # Errors
    /// When the solver fails.
    pub(crate) fn line(&self, shrinkage: Option<Shrinkage>) -> Result<Linear, SolverError> {
        let triangle = self.triangle()?;
        match shrinkage {
            None => triangle.least_squares(),
            Some(shrinkage) => triangle.elastic_net(shrinkage),
        }
    }

    /// What a line leaves of the rows' targets.
    pub(crate) fn residuals(&self, line: &Linear) -> Vec<f64> {
        let mut targets = self.targets.iter();
        let mut residuals = Vec::with_capacity(self.targets.len());
        self.each(&mut |row| {
            residuals.extend(targets.next().map(|target| target - line.predict(row)));
        });
        residuals
    }
}
