//! Boosted regression trees (Friedman 2001, Greedy Function Approximation: A Gradient Boosting
//! Machine) on bins of values (Ke et al. 2017, LightGBM): the same trees on any number of threads.

mod bins;
mod boosting;
mod by_row;
mod cached;
mod coding;
mod contributions;
mod ensemble;
mod error;
mod forest;
mod from_xgboost;
mod grow;
mod histogram;
mod loss;
mod monotone;
mod most;
mod options;
mod packed;
mod split;
mod table;
mod tree;
mod walk;
mod xgboost;

use std::sync::Arc;

use self::boosting::Boosting;
pub(crate) use self::cached::Cached;
use self::coding::Codings;
use self::contributions::Background;
use self::ensemble::{Ensemble, FORMAT};
pub use self::error::TreeError;
pub use self::forest::ForestOptions;
pub(crate) use self::loss::probability;
pub(crate) use self::monotone::Direction;
pub use self::options::{BoostedOptions, Growth, Names};
pub(crate) use self::table::Table;
pub(crate) use self::walk::Codes;
use self::walk::Trees;
use crate::folds::Fold;
use crate::progress::{Running, Work};
use rayon::prelude::*;

/// How many times the rounds more rows are worth at most.
pub(crate) const MOST_MORE: f64 = 1.25;
/// Steps that explaining a row may take: some seconds, and hundreds of times what fitted trees need. It
/// grows with the square of a tree's depth, so that a few bytes more could take hours.
const MOST_STEPS: usize = 4_000_000_000;

/// A fitted ensemble of trees.
#[derive(Debug, Clone)]
pub(crate) struct Boosted {
    /// The fitted trees, for explanations and the artifact.
    ensemble: Ensemble,
    /// As it is walked.
    trees: Trees,
    /// Structures for explanations, built for the first one.
    background: Cached<Background>,
}

/// How the trees are walked follows from the ensemble, and from whom it shares its codes with: that of a model
/// just fitted may be laid out otherwise than that of the same model read from its files.
impl PartialEq for Boosted {
    fn eq(&self, other: &Boosted) -> bool {
        self.ensemble == other.ensemble
    }
}

impl Boosted {
    /// One ensemble of so many trees on all rows.
    pub(crate) fn fit(
        table: &Table,
        options: &BoostedOptions,
        rounds: usize,
        seed: u64,
    ) -> Result<Boosted, TreeError> {
        Boosted::fit_watched(table, options, rounds, seed, &Running::none())
    }

    /// The same; `running` is told of every tree.
    pub(crate) fn fit_watched(
        table: &Table,
        options: &BoostedOptions,
        rounds: usize,
        seed: u64,
        running: &Running,
    ) -> Result<Boosted, TreeError> {
        let boosting = Boosting {
            running,
            table,
            options,
            alone: false,
            drawn: false,
            rounds,
            train: (0..table.targets.len() as u32).collect(),
            judge: Vec::new(),
            seed,
        };
        Boosted::new(boosting.run().0)
    }

    fn new(ensemble: Ensemble) -> Result<Boosted, TreeError> {
        let codings = Codings::of(ensemble.width, ensemble.trees.iter())?;
        let trees = Trees::lay(ensemble.base, Arc::new(codings), &ensemble.trees)?;
        Ok(Boosted {
            ensemble,
            trees,
            background: Cached::default(),
        })
    }

    /// Lets ensembles over the same rows share their codes, as many of them as one byte a value can serve,
    /// in their order: a row is coded once for those. Their predictions stay the same.
    pub(crate) fn share(ensembles: &mut [&mut Boosted]) {
        let mut shared: Vec<usize> = Vec::new();
        let mut codings = None;
        for index in 0..ensembles.len() {
            let of = shared
                .iter()
                .chain([&index])
                .map(|place| &ensembles[*place].ensemble);
            let width = ensembles[index].ensemble.width;
            let alike = of.clone().all(|ensemble| ensemble.width == width);
            let trees = of.flat_map(|ensemble| &ensemble.trees);
            if let Some(more) = alike.then(|| Codings::of(width, trees).ok()).flatten() {
                codings = Some(more);
                shared.push(index);
            }
        }
        let Some(codings) = codings.filter(|_| shared.len() > 1).map(Arc::new) else {
            return;
        };
        let laid: Option<Vec<Trees>> = shared
            .iter()
            .map(|place| {
                let Ensemble { base, trees, .. } = &ensembles[*place].ensemble;
                Trees::lay(*base, Arc::clone(&codings), trees).ok()
            })
            .collect();
        for (place, trees) in shared.iter().zip(laid.into_iter().flatten()) {
            ensembles[*place].trees = trees;
        }
    }

    /// The trees' predictions for rows they have not seen: one ensemble a fold, stopped by the rows that it
    /// is judged on, and learning `haste` times as quickly as they are to. Gives the values by row, NaN
    /// where no fold judges, and how many rounds an ensemble on all rows is worth: the folds' mean,
    /// more by the haste and by as much as there are more rows.
    pub(crate) fn out_of_fold(
        table: &Table,
        folds: &[Fold],
        options: &BoostedOptions,
        haste: f64,
        seed: u64,
    ) -> (Vec<f64>, usize) {
        Boosted::out_of_fold_watched(table, folds, options, haste, seed, Work::none())
    }

    /// The same; `work` is told of every tree and fold.
    pub(crate) fn out_of_fold_watched(
        table: &Table,
        folds: &[Fold],
        options: &BoostedOptions,
        haste: f64,
        seed: u64,
        work: Work,
    ) -> (Vec<f64>, usize) {
        let options = options.quicker(haste);
        let grow = |(number, fold): (usize, &Fold)| {
            let running = work.fold(number);
            let boosting = Boosting {
                running: &running,
                table,
                options: &options,
                alone: false,
                drawn: false,
                rounds: options.rounds,
                train: fold.train.clone(),
                judge: fold.judge.clone(),
                seed: seed.wrapping_add(number as u64),
            };
            let (ensemble, predicted) = boosting.run();
            let targets = fold.judge.iter().map(|row| table.targets[*row as usize]);
            running.judged(predicted.iter().copied().zip(targets));
            (predicted, ensemble.trees.len())
        };
        let boosted: Vec<_> = folds.par_iter().enumerate().map(grow).collect();
        let rows = table.targets.len();
        let mut out = vec![f64::NAN; rows];
        let mut rounds = 0.0;
        for (fold, (predicted, trees)) in folds.iter().zip(&boosted) {
            for (row, predicted) in fold.judge.iter().zip(predicted) {
                out[*row as usize] = *predicted;
            }
            let more = rows as f64 / fold.train.len().max(1) as f64;
            rounds += *trees as f64 * haste * more.min(MOST_MORE) / folds.len() as f64;
        }
        (out, rounds.ceil() as usize)
    }

    /// Values a row must have.
    pub(crate) fn width(&self) -> usize {
        self.trees.width()
    }

    /// Whether a row has as many values as the model's rows.
    ///
    /// # Errors
    /// When it has not.
    pub(crate) fn check_columns(&self, expected: usize) -> Result<(), TreeError> {
        match self.width() {
            found if found == expected => Ok(()),
            found => Err(TreeError::Columns { found, expected }),
        }
    }

    /// How many trees there are.
    pub(crate) fn trees(&self) -> usize {
        self.ensemble.trees.len()
    }

    /// The value of one row; NaN for a row of another width. `codes` are those of the same row, where
    /// another ensemble has left any.
    pub(crate) fn row(&self, values: &[f32], codes: &mut Codes) -> f64 {
        self.trees.row(values, codes)
    }

    /// The values of rows, row-major, by ensemble; the same bits as one by one.
    pub(crate) fn rows(ensembles: &[&Boosted], values: &[f32]) -> Vec<Vec<f64>> {
        let trees: Vec<&Trees> = ensembles.iter().map(|ensemble| &ensemble.trees).collect();
        Trees::rows(&trees, values)
    }

    /// What each value of a row adds, and the base last: they add up to the row's value.
    pub(crate) fn contributions(&self, values: &[f32]) -> Result<Vec<f64>, TreeError> {
        if values.len() != self.width() {
            let (found, expected) = (values.len(), self.width());
            return Err(TreeError::Width { found, expected });
        }
        let mut parts = vec![0.0; self.width()];
        let trees = &self.ensemble.trees;
        let background = self.background.get(|| Background::new(trees, values.len()));
        let mean = background.add(trees, values, &mut parts);
        parts.push(self.ensemble.base + mean);
        Ok(parts)
    }

    /// Squared error taken away by splits on each value of a row, as shares of all.
    pub(crate) fn importance(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.width()];
        let nodes = self.ensemble.trees.iter().flat_map(|tree| &tree.nodes);
        for split in nodes.filter_map(|node| node.split) {
            gains[usize::from(split.column)] += f64::from(split.gain);
        }
        let total: f64 = gains.iter().sum();
        gains
            .iter_mut()
            .for_each(|gain| *gain /= total.max(f64::MIN_POSITIVE));
        gains
    }

    /// The bytes of a member's file.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, TreeError> {
        Ok(postcard::to_stdvec(&self.ensemble)?)
    }

    /// Reads what [`Boosted::encode`] wrote; the trees are checked.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Boosted, TreeError> {
        let broken = |detail: String| Err(TreeError::Content(detail));
        let ensemble: Ensemble = postcard::from_bytes(bytes)?;
        if ensemble.format != FORMAT {
            let format = ensemble.format;
            return broken(format!("trees of format {format}, expected {FORMAT}"));
        }
        Boosted::checked(ensemble)
    }

    /// Trees that another program fitted on rows of these columns, out of XGBoost's JSON; they are checked.
    ///
    /// # Errors
    /// When they are over other columns, or have what our trees have not.
    pub(crate) fn from_xgboost(bytes: &[u8], names: &[String]) -> Result<Boosted, TreeError> {
        Boosted::checked(from_xgboost::read(bytes, names)?)
    }

    /// Trees out of a file.
    fn checked(ensemble: Ensemble) -> Result<Boosted, TreeError> {
        let broken = |detail: String| Err(TreeError::Content(detail));
        if !ensemble.base.is_finite() || ensemble.width > usize::from(u16::MAX) {
            let Ensemble { base, width, .. } = ensemble;
            return broken(format!("base {base} and {width} values a row"));
        }
        let mut steps = 0_usize;
        for (number, tree) in ensemble.trees.iter().enumerate() {
            let at = |error| TreeError::Content(format!("tree {number}: {error}"));
            tree.check(ensemble.width).map_err(at)?;
            let depth = tree.depth();
            steps = steps.saturating_add(tree.nodes.len() * depth * depth);
        }
        if steps > MOST_STEPS {
            return broken(format!(
                "explaining a row takes {steps} steps, expected at most {MOST_STEPS}"
            ));
        }
        Boosted::new(ensemble)
    }

    /// As XGBoost's JSON.
    pub(crate) fn to_xgboost(&self) -> Result<Vec<u8>, TreeError> {
        Ok(serde_json::to_vec(&xgboost::model(&self.ensemble))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folds;
    use crate::rng::Rng;
    use crate::tree_features::Level;

    fn options(growth: Growth) -> BoostedOptions {
        BoostedOptions {
            growth,
            rounds: 40,
            rate: 0.2,
            leaves: 20,
            depth: 5,
            leaf_rows: 3.0,
            row_share: 0.8,
            column_share: 0.8,
            penalty: 1.0,
            trusted: 1.0,
            patience: 5,
            names: None,
            neighbours: None,
            fits_size: false,
        }
    }

    const NAME: Level = Level {
        mean: 3,
        count: 4,
        code: 2,
        residual: None,
        numbered: true,
        within: false,
    };

    /// A number with gaps, a number, a name of 30, and a mean and a count without information.
    fn data(rows: usize) -> (Vec<f32>, Vec<f64>) {
        let mut rng = Rng::new(9);
        let (mut values, mut targets) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let (one, two, name) = (rng.below(100), rng.below(100), rng.below(30));
            let gap = rng.below(10) == 0;
            values.extend([
                if gap { f32::NAN } else { one as f32 },
                two as f32,
                name as f32,
                1.0,
                1.0,
            ]);
            let noise = rng.below(100) as f64 / 100.0;
            targets.push(one as f64 / 20.0 + ((name * 7) % 5) as f64 + noise);
        }
        (values, targets)
    }

    #[test]
    fn walked_trees_say_what_the_grown_ones_say_one_by_one_and_in_batches() {
        let (values, targets) = data(1500);
        let table = Table::new(values.clone(), &[NAME], targets.clone()).unwrap();
        let folds = folds::all(1500, 3, 1);
        let ways = [
            (Growth::LeafWise, None),
            (Growth::LeafWise, Some(Names::LimitedSets)),
            (Growth::LeafWise, Some(Names::Codes)),
            (Growth::LeafWise, Some(Names::Means)),
            (Growth::Symmetric, None),
            (Growth::Symmetric, Some(Names::Codes)),
        ];
        for (growth, names) in ways {
            let options = BoostedOptions {
                names,
                ..options(growth)
            };
            let (out, rounds) = Boosted::out_of_fold(&table, &folds, &options, 1.5, 1);
            let boosted = Boosted::fit(&table, &options, rounds, 1).unwrap();
            assert_eq!(boosted.trees(), rounds);
            let off: f64 = out
                .iter()
                .zip(&targets)
                .map(|(value, t)| (value - t).abs())
                .sum();
            // Names in no order are told best by sets; means say nothing here.
            let most = if options.told_by() == Names::Sets {
                1.0
            } else {
                2.0
            };
            assert!(
                off / 1500.0 < most,
                "{growth:?} {names:?}: {}",
                off / 1500.0
            );
            let batch = Boosted::rows(&[&boosted], &values).remove(0);
            for (row, value) in values.chunks(5).zip(&batch) {
                assert_eq!(
                    boosted.row(row, &mut Codes::default()).to_bits(),
                    value.to_bits()
                );
                let trees = boosted.ensemble.trees.iter();
                let summed = trees.fold(boosted.ensemble.base, |sum, tree| {
                    sum + f64::from(tree.value(row))
                });
                assert_eq!(summed.to_bits(), value.to_bits());
            }
            let parts = boosted.contributions(&values[..5]).unwrap();
            assert!((parts.iter().sum::<f64>() - batch[0]).abs() < 1e-4);
            assert_eq!(parts.len(), 6);
            assert!((boosted.importance().iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let again = Boosted::decode(&boosted.encode().unwrap()).unwrap();
            assert_eq!(Boosted::rows(&[&again], &values), [batch]);
        }
    }

    #[test]
    fn classes_are_told_as_scikit_learn_tells_them() {
        let at = |i: usize| [(i * 73 % 199) as f64 / 10.0, (i * 31 % 197) as f64 / 7.0];
        let values: Vec<f32> = (0..200).flat_map(at).map(|value| value as f32).collect();
        let classes = (0..200).map(|i| {
            let [one, two] = at(i);
            let sum = one.sin() + 0.1 * two + (i * 17 % 23) as f64 / 10.0;
            f64::from(u8::from(sum > 2.6))
        });
        let table = Table::new(values.clone(), &[], classes.collect()).unwrap();
        let options = BoostedOptions {
            rate: 0.3,
            leaves: 6,
            depth: 0,
            leaf_rows: 1.0,
            row_share: 1.0,
            column_share: 1.0,
            penalty: 0.0,
            ..options(Growth::LeafWise)
        };
        let boosted = Boosted::fit(&table.of_classes(), &options, 15, 1).unwrap();
        let predicted = Boosted::rows(&[&boosted], &values).remove(0);
        // scikit-learn 1.9.1 GradientBoostingClassifier(n_estimators=15, learning_rate=0.3,
        // max_leaf_nodes=6, max_depth=None).decision_function.
        for (row, expected) in [
            (0, -2.991_659_553),
            (1, -1.660_707_529),
            (17, -3.021_101_658),
            (50, 2.031_286_393),
            (99, -2.009_399_318),
            (150, 2.446_460_829),
            (199, -2.316_469_378),
        ] {
            assert!(
                (predicted[row] - expected).abs() < 1e-5,
                "{row}: {} {expected}",
                predicted[row]
            );
        }
        let sum: f64 = predicted.iter().map(|value| value.abs()).sum();
        assert!((sum - 391.329_734_903).abs() < 1e-3, "{sum}");
    }

    #[test]
    fn the_same_trees_on_one_thread_and_on_four() {
        let (values, targets) = data(800);
        let folds = folds::all(800, 4, 1);
        let fit = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let table = Table::new(values.clone(), &[NAME], targets.clone()).unwrap();
                let options = options(Growth::LeafWise);
                let (out, rounds) = Boosted::out_of_fold(&table, &folds, &options, 1.5, 1);
                let boosted = Boosted::fit(&table, &options, rounds, 1).unwrap();
                (boosted.encode().unwrap(), out)
            })
        };
        assert!(fit(1) == fit(4));
    }
}
