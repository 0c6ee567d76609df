//! Members that read the linear design: lines, and sales compared by them. Each on all rows, and by
//! judged row what one like it says that has not seen the row.

use rayon::prelude::*;

use super::fit::{Out, Wanted};
use super::folds::Fold;
use super::grown::Grown;
use crate::comparison::{ComparablesOptions, Comparison, Room};
use crate::features::Features;
use crate::fit::FitError;
use crate::linear::{ElasticNetOptions, Linear, Shrinkage, SparseRow, Triangle, penalties};
use crate::member::Member;

/// The linear design of some rows of the batch.
pub(super) struct Design {
    pub(super) features: Features,
    rows: Vec<SparseRow>,
    targets: Vec<f64>,
}

impl Design {
    fn triangle(&self) -> Result<Triangle, FitError> {
        Triangle::of(&self.rows, &self.targets, self.features.width()).map_err(solver)
    }

    /// Least squares, or shrunken weights.
    pub(super) fn line(&self, shrinkage: Option<Shrinkage>) -> Result<Linear, FitError> {
        let triangle = self.triangle()?;
        let found = match shrinkage {
            None => triangle.least_squares(),
            Some(shrinkage) => triangle.elastic_net(shrinkage),
        };
        found.map_err(solver)
    }

    /// What a line leaves of the rows' targets.
    fn residuals(&self, line: &Linear) -> Vec<f64> {
        let rows = self.rows.iter().zip(&self.targets);
        rows.map(|(row, target)| target - line.predict(row))
            .collect()
    }
}

fn solver(detail: String) -> FitError {
    FitError::Solver { detail }
}

fn positions(rows: &[u32]) -> Vec<usize> {
    rows.iter().map(|row| *row as usize).collect()
}

impl Wanted<'_> {
    /// Least squares.
    pub(super) fn linear(&self, folds: &[Fold], judged: &[usize]) -> Result<Out, FitError> {
        let said = self.by_fold(folds, judged, |fold| {
            let design = self.design_of(&fold.train);
            let line = design.line(None)?;
            Ok(self.say(&design.features, &fold.judge, |row, _| line.predict(row)))
        })?;
        let design = self.design(self.rows);
        Ok(Out {
            member: Member::Linear(design.line(None)?),
            features: Some(design.features),
            said,
        })
    }

    /// Shrunken weights: by the penalty that is least off on rows that its line has not seen.
    pub(super) fn elastic_net(
        &self,
        options: &ElasticNetOptions,
        folds: &[Fold],
        judged: &[usize],
    ) -> Result<Out, FitError> {
        let design = self.design(self.rows);
        let whole = design.triangle()?;
        let penalties = penalties(&whole, options);
        let tried: Vec<Vec<Vec<f64>>> = folds
            .par_iter()
            .map(|fold| {
                let own = self.design_of(&fold.train);
                let triangle = own.triangle()?;
                let say = |shrinkage: &Shrinkage| {
                    let line = triangle.elastic_net(*shrinkage).map_err(solver)?;
                    Ok(self.say(&own.features, &fold.judge, |row, _| line.predict(row)))
                };
                penalties.iter().map(say).collect()
            })
            .collect::<Result<_, FitError>>()?;
        let off = |index: usize| -> f64 {
            let by_fold = folds.iter().zip(&tried).flat_map(|(fold, tried)| {
                let pairs = fold.judge.iter().zip(&tried[index]);
                pairs.map(|(row, said)| said - self.logs[self.rows[*row as usize]])
            });
            by_fold.map(|off| off * off).sum()
        };
        // The greatest penalty of equals: it is the simplest line.
        let best = (0..penalties.len()).min_by(|one, other| off(*one).total_cmp(&off(*other)));
        let best = best.ok_or_else(|| solver("no penalty was to be tried".to_owned()))?;
        let said = tried.into_iter().map(|mut all| all.swap_remove(best));
        let said = in_order(folds, said.collect(), self.rows.len(), judged);
        let line = whole.elastic_net(penalties[best]).map_err(solver)?;
        Ok(Out {
            member: Member::Linear(line),
            features: Some(design.features),
            said,
        })
    }

    /// Sales compared.
    pub(super) fn compared(
        &self,
        options: ComparablesOptions,
        grown: &Grown,
        folds: &[Fold],
        judged: &[usize],
    ) -> Result<Out, FitError> {
        let said = self.by_fold(folds, judged, |fold| {
            let (own, features) = self.comparison(options, grown, &positions(&fold.train))?;
            let frame = grown.rows(&positions(&fold.judge));
            let mut room = Room::default();
            Ok(self.say(&features, &fold.judge, |design, at| {
                let row = &frame[at * grown.width()..(at + 1) * grown.width()];
                own.value(design, row, &mut room)
            }))
        })?;
        let all: Vec<usize> = (0..self.rows.len()).collect();
        let (member, features) = self.comparison(options, grown, &all)?;
        Ok(Out {
            member: Member::Comparison(Box::new(member)),
            features: Some(features),
            said,
        })
    }

    /// Sales to compare with: those at some positions among the rows.
    pub(super) fn comparison(
        &self,
        options: ComparablesOptions,
        grown: &Grown,
        positions: &[usize],
    ) -> Result<(Comparison, Features), FitError> {
        let rows: Vec<usize> = positions
            .iter()
            .map(|position| self.rows[*position])
            .collect();
        let design = self.design(&rows);
        let line = design.line(None)?;
        let space = grown.sales(positions);
        let space = space.ok_or_else(|| solver("nothing tells sales apart".to_owned()))?;
        let off = design.residuals(&line);
        Ok((Comparison::new(line, space, &off, options), design.features))
    }

    /// The linear design of some rows of the batch.
    pub(super) fn design(&self, rows: &[usize]) -> Design {
        let targets: Vec<f64> = rows.iter().map(|row| self.logs[*row]).collect();
        let (schema, batch) = (self.schema, self.batch);
        let (features, design) =
            Features::fit(schema, batch, rows, &targets, self.group, self.options);
        Design {
            features,
            rows: design,
            targets,
        }
    }

    /// The same of some positions among the rows.
    fn design_of(&self, positions: &[u32]) -> Design {
        let rows = positions.iter().map(|position| *position as usize);
        let rows: Vec<usize> = rows.map(|position| self.rows[position]).collect();
        self.design(&rows)
    }

    /// What is said of some positions among the rows, by design and place among the positions.
    fn say(
        &self,
        features: &Features,
        positions: &[u32],
        mut value: impl FnMut(&SparseRow, usize) -> f64,
    ) -> Vec<f64> {
        let bound = features.bind(self.batch);
        let mut design = SparseRow::new();
        let rows = positions.iter().enumerate();
        rows.map(|(at, position)| {
            bound.write(self.rows[*position as usize], &mut design);
            value(&design, at)
        })
        .collect()
    }

    /// By judged row what `say` gives for the judged rows of its fold.
    fn by_fold(
        &self,
        folds: &[Fold],
        judged: &[usize],
        say: impl Fn(&Fold) -> Result<Vec<f64>, FitError> + Sync + Send,
    ) -> Result<Vec<f64>, FitError> {
        let said: Vec<Vec<f64>> = folds.par_iter().map(say).collect::<Result<_, FitError>>()?;
        Ok(in_order(folds, said, self.rows.len(), judged))
    }
}

/// What was said of each fold's judged rows, in the order of `judged`.
fn in_order(folds: &[Fold], said: Vec<Vec<f64>>, rows: usize, judged: &[usize]) -> Vec<f64> {
    let mut out = vec![f64::NAN; rows];
    for (fold, said) in folds.iter().zip(said) {
        for (row, said) in fold.judge.iter().zip(said) {
            out[*row as usize] = said;
        }
    }
    judged.iter().map(|row| out[*row]).collect()
}
