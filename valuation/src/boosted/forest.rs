//! A forest: trees that know nothing of each other, and their mean (Breiman 2001, Random Forests).
//! Each sees a part of the rows without repetition (subagging: Bühlmann & Yu 2002, Analyzing Bagging)
//! and of the columns (Ho 1998, The Random Subspace Method for Constructing Decision Forests).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::boosting::Boosting;
use super::ensemble::Ensemble;
use super::options::{BoostedOptions, Growth};
use super::table::Table;
use super::{Boosted, TreeError};
use crate::folds::Fold;
use crate::progress::{Running, Work};

/// How a forest is grown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForestOptions {
    /// How many trees.
    pub trees: usize,
    /// Leaves of a tree at most: the leaf that gains most is split next.
    pub leaves: usize,
    /// Rows of a leaf at least.
    pub leaf_rows: f64,
    /// Share of the rows that each tree sees; below 1, or all trees are one.
    pub row_share: f64,
    /// Share of the columns that each tree sees.
    pub column_share: f64,
    /// Whether each column is cut at a place that is drawn, and the best of those is taken: more
    /// different trees (Geurts et al. 2006, Extremely Randomized Trees).
    #[serde(default)]
    pub drawn_cuts: bool,
}

impl ForestOptions {
    /// Whether trees can be grown so.
    ///
    /// # Errors
    /// The option, what is expected of it, and what it is.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str, f64)> {
        let named = |(option, expected, found)| match option {
            "rounds" => ("trees", expected, found),
            option => (option, expected, found),
        };
        self.boosted_options().check().map_err(named)
    }

    /// As trees are grown: each says its share of the mean.
    fn boosted_options(&self) -> BoostedOptions {
        BoostedOptions {
            growth: Growth::LeafWise,
            rounds: self.trees,
            rate: 1.0 / self.trees.max(1) as f64,
            leaves: self.leaves,
            depth: 0,
            leaf_rows: self.leaf_rows,
            row_share: self.row_share,
            column_share: self.column_share,
            penalty: 0.0,
            trusted: 1.0,
            patience: 0,
            names: None,
            neighbours: None,
            fits_data: false,
        }
    }

    fn run(
        &self,
        table: &Table,
        (train, judge): (&[u32], &[u32]),
        seed: u64,
        running: &Running,
    ) -> (Ensemble, Vec<f64>) {
        let boosting = Boosting {
            running,
            table,
            options: &self.boosted_options(),
            alone: true,
            drawn: self.drawn_cuts,
            rounds: self.trees,
            train: train.to_vec(),
            judge: judge.to_vec(),
            seed,
        };
        boosting.run()
    }
}

impl Boosted {
    /// A forest on all rows; `running` is told of every tree.
    pub(crate) fn forest_watched(
        table: &Table,
        options: &ForestOptions,
        seed: u64,
        running: &Running,
    ) -> Result<Boosted, TreeError> {
        let rows: Vec<u32> = (0..table.rows() as u32).collect();
        Boosted::new(options.run(table, (&rows, &[]), seed, running).0)
    }

    /// What forests predict for rows they have not seen: one a fold. NaN where no fold judges. `work` is told
    /// of every tree and fold.
    pub(crate) fn forest_out_of_fold(
        table: &Table,
        folds: &[Fold],
        options: &ForestOptions,
        seed: u64,
        work: Work,
    ) -> Vec<f64> {
        let grow = |(number, fold): (usize, &Fold)| {
            let (seed, running) = (seed.wrapping_add(number as u64), work.fold(number));
            options
                .run(table, (&fold.train, &fold.judge), seed, &running)
                .1
        };
        let predicted: Vec<Vec<f64>> = folds.par_iter().enumerate().map(grow).collect();
        let mut out = vec![f64::NAN; table.rows()];
        for (fold, predicted) in folds.iter().zip(predicted) {
            for (row, predicted) in fold.judge.iter().zip(predicted) {
                out[*row as usize] = predicted;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folds;
    use crate::rng::Rng;

    #[test]
    fn a_forest_is_the_mean_of_its_trees_and_beats_one_of_them() {
        let mut rng = Rng::new(4);
        let (mut values, mut targets) = (Vec::new(), Vec::new());
        for _ in 0..1200 {
            let (one, two) = (rng.below(100), rng.below(100));
            values.extend([one as f32, two as f32]);
            let noise = rng.below(100) as f64 / 50.0 - 1.0;
            targets.push(one as f64 / 20.0 + ((two / 10) % 3) as f64 + noise);
        }
        let table = Table::new(values.clone(), &[], targets.clone()).unwrap();
        let folds = folds::all(1200, 3, 1);
        let off = |trees: usize, drawn_cuts: bool| {
            let options = ForestOptions {
                trees,
                leaves: 200,
                leaf_rows: 2.0,
                row_share: 0.6,
                column_share: 1.0,
                drawn_cuts,
            };
            let predicted = Boosted::forest_out_of_fold(&table, &folds, &options, 1, Work::none());
            let pairs = predicted.iter().zip(&targets);
            let squares: f64 = pairs.map(|(value, t)| (value - t) * (value - t)).sum();
            let forest = Boosted::forest_watched(&table, &options, 1, &Running::none()).unwrap();
            assert_eq!(
                (forest.trees(), Boosted::rows(&[&forest], &values)[0].len()),
                (trees, 1200)
            );
            squares / 1200.0
        };
        let (one, forty) = (off(1, false), off(40, false));
        // The noise alone is 1/3. Trees that leave the next ones less to learn would be off by far more:
        // each says a fortieth.
        assert!(forty < 0.93 * one && forty < 0.6, "{one} and {forty}");
        // Cuts that are drawn make a tree worse, and trees more different.
        let (one_drawn, drawn) = (off(1, true), off(40, true));
        assert!(
            one_drawn > one && drawn < 0.7 * one_drawn,
            "{one_drawn} and {drawn}"
        );
    }
}
