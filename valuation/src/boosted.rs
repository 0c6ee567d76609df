//! Boosted trees, grown by `hessboost`: the same trees on any number of threads.

use std::num::NonZeroUsize;

use hessboost::config::{GrowPolicy, TrainingParams, TreeMethod};
use hessboost::data::{DMatrix, FeatureType, ViewCuts};
use hessboost::error::HessboostError;
use hessboost::metric::EvalMetric;
use hessboost::model::{BoostedModel, ImportanceType, Iterations, ModelFormat};
use hessboost::training::Trainer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::frame::Level;
use crate::trees::Trees;

/// How trees grow: different trees average well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Growth {
    /// The leaf that gains most is split next, as LightGBM does.
    LeafWise,
    /// One split for a whole level, as CatBoost does: regular, and quick to evaluate.
    Symmetric,
}

/// How a boosted member is grown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoostedOptions {
    /// Shape of the trees.
    pub growth: Growth,
    /// Most trees of a fold; fewer where the fold's own rows stop gaining.
    pub rounds: usize,
    /// Share of each tree that is added: smaller needs more rounds.
    pub rate: f64,
    /// Leaves of a leaf-wise tree at most.
    pub leaves: usize,
    /// Levels of a tree at most; 0 leaves a leaf-wise tree free.
    pub depth: usize,
    /// Rows of a leaf at least.
    pub leaf_rows: f64,
    /// Share of the rows that each tree sees.
    pub row_share: f64,
    /// Share of the columns that each tree sees.
    pub column_share: f64,
    /// L2 penalty of a leaf's value.
    pub penalty: f64,
    /// Rounds without gain after which a fold stops; 0 never stops.
    pub patience: usize,
}

impl BoostedOptions {
    fn params(&self, seed: u64) -> Result<TrainingParams, HessboostError> {
        let builder = TrainingParams::builder()
            .tree_method(TreeMethod::Hist)
            .eval_metric(EvalMetric::Rmse)
            .eta(self.rate)
            .min_child_weight(self.leaf_rows)
            .subsample(self.row_share)
            .colsample_bytree(self.column_share)
            .lambda(self.penalty)
            .seed(seed)
            // Folds and members are side by side already.
            .nthread(1);
        match self.growth {
            Growth::LeafWise => {
                let builder = builder
                    .grow_policy(GrowPolicy::LossGuide)
                    .max_leaves(self.leaves);
                match self.depth {
                    0 => builder.unlimited_depth(),
                    depth => builder.max_depth(depth),
                }
            }
            Growth::Symmetric => builder
                .grow_policy(GrowPolicy::Symmetric)
                .max_depth(self.depth),
        }
        .build()
    }
}

/// A matrix of training rows, binned once for all that is grown on it.
pub(crate) struct Table {
    /// Levels by their means alone: symmetric trees know no names.
    data: DMatrix,
    /// Levels by name, where next to all rows have one.
    named: Option<DMatrix>,
}

impl Table {
    /// `values` are row-major, NaN where nothing is known; `levels` are the values of a row that
    /// stand for levels; `targets` one a row.
    pub(crate) fn new(values: &[f32], levels: &[Level], targets: &[f64]) -> Result<Table, String> {
        let rows = targets.len();
        let width = values.len() / rows.max(1);
        let labels: Vec<f32> = targets.iter().map(|target| *target as f32).collect();
        let by_means: Vec<usize> = levels
            .iter()
            .flat_map(|own| [own.count, own.code])
            .collect();
        let numbered = || levels.iter().filter(|own| own.numbered);
        let by_names: Vec<usize> = levels
            .iter()
            .flat_map(|own| match own.numbered {
                true => vec![own.mean],
                false => vec![own.count, own.code],
            })
            .collect();
        let make = |hidden: &[usize]| {
            // What is hidden is unknown in all rows: no tree splits on it.
            let mut seen = values.to_vec();
            for row in seen.chunks_exact_mut(width.max(1)) {
                hidden.iter().for_each(|value| row[*value] = f32::NAN);
            }
            DMatrix::from_dense_vec(seen, rows, width)?.with_labels(&labels)
        };
        let both = || {
            let mut types = vec![FeatureType::Numerical; width];
            numbered().for_each(|own| types[own.code] = FeatureType::Categorical);
            let named = match numbered().next() {
                Some(_) => Some(make(&by_names)?.with_feature_types(&types)?),
                None => None,
            };
            Ok(Table {
                data: make(&by_means)?,
                named,
            })
        };
        both().map_err(|error: HessboostError| error.to_string())
    }

    fn matrix(&self, growth: Growth) -> &DMatrix {
        match growth {
            Growth::LeafWise => self.named.as_ref().unwrap_or(&self.data),
            Growth::Symmetric => &self.data,
        }
    }
}

/// A fitted ensemble of trees.
#[derive(Debug, Clone)]
pub(crate) struct Boosted {
    /// As it was grown: to be explained and kept.
    model: BoostedModel,
    /// As it is walked.
    trees: Trees,
}

impl PartialEq for Boosted {
    fn eq(&self, other: &Boosted) -> bool {
        match (self.encode(), other.encode()) {
            (Ok(own), Ok(others)) => own == others,
            _ => false,
        }
    }
}

impl Boosted {
    /// One ensemble on all rows, without stopping.
    pub(crate) fn fit(
        table: &Table,
        options: &BoostedOptions,
        seed: u64,
    ) -> Result<Boosted, String> {
        let grow = || {
            let params = options.params(seed)?;
            let grown =
                Trainer::new(&params, table.matrix(options.growth), options.rounds).train()?;
            Ok(grown.model)
        };
        Boosted::new(grow().map_err(|error: HessboostError| error.to_string())?)
    }

    fn new(model: BoostedModel) -> Result<Boosted, String> {
        let trees = Trees::lay(&model)?;
        Ok(Boosted { model, trees })
    }

    /// One ensemble a fold, each grown on the other folds and stopped by its own; gives their
    /// average and every row's value by the ensemble that has not seen it. `folds` is by row.
    ///
    /// The average of the folds' ensembles stands in for one grown on all rows: each has seen a
    /// little less, but their mean is steadier, and nothing is grown twice.
    pub(crate) fn fit_folds(
        table: &Table,
        folds: &[usize],
        options: &BoostedOptions,
        seed: u64,
    ) -> Result<(Boosted, Vec<f64>), String> {
        let count = folds.iter().max().map_or(0, |last| last + 1);
        let grow = |fold: usize| {
            let (own, others): (Vec<usize>, Vec<usize>) =
                (0..folds.len()).partition(|row| folds[*row] == fold);
            let data = table.matrix(options.growth);
            let train = data.select_rows_with_cuts(&others, ViewCuts::Source)?;
            let judge = data.select_rows_with_cuts(&own, ViewCuts::Source)?;
            let params = options.params(seed + fold as u64)?;
            let mut trainer = Trainer::new(&params, &train, options.rounds);
            if let Some(patience) = NonZeroUsize::new(options.patience) {
                trainer = trainer.eval(&judge, "own").early_stopping_rounds(patience);
            }
            let grown = trainer.train()?.model;
            let grown = match grown.best_iteration() {
                Some(best) => grown.slice(..=best, 1)?,
                None => grown,
            };
            let values = grown.predict_margin(&judge, Iterations::Best)?.into_vec();
            Ok((grown, own, values))
        };
        let grown: Vec<_> = (0..count)
            .into_par_iter()
            .map(grow)
            .collect::<Result<_, HessboostError>>()
            .map_err(|error| error.to_string())?;
        let mut out_of_fold = vec![0.0; folds.len()];
        for (_, own, values) in &grown {
            for (row, value) in own.iter().zip(values) {
                out_of_fold[*row] = f64::from(*value);
            }
        }
        let model = BoostedModel::average(grown.iter().map(|(model, _, _)| model))
            .map_err(|error| error.to_string())?;
        Ok((Boosted::new(model)?, out_of_fold))
    }

    /// Values a row must have.
    pub(crate) fn width(&self) -> usize {
        self.trees.width()
    }

    /// How many trees there are.
    pub(crate) fn trees(&self) -> usize {
        self.model.num_trees()
    }

    /// The value of one row; NaN for a row of another width.
    pub(crate) fn row(&self, values: &[f32]) -> f64 {
        self.trees.row(values)
    }

    /// The values of rows, row-major; the same bits as one by one.
    pub(crate) fn rows(&self, values: &[f32]) -> Vec<f64> {
        self.trees.rows(values)
    }

    /// What each value of a row adds, and the base last: they add up to the row's value.
    /// TreeSHAP (Lundberg et al. 2020, From local explanations to global understanding).
    pub(crate) fn contributions(&self, values: &[f32]) -> Result<Vec<f64>, String> {
        let explain = || {
            let row = DMatrix::from_dense(values, 1, values.len())?;
            let parts = self.model.predict_contribs(&row, Iterations::Best)?;
            Ok(parts.into_vec().into_iter().map(f64::from).collect())
        };
        explain().map_err(|error: HessboostError| error.to_string())
    }

    /// Loss taken away by splits on each value of a row, as shares of all.
    pub(crate) fn importance(&self) -> Vec<f64> {
        let gains = self.model.feature_importance(ImportanceType::TotalGain);
        let total: f64 = gains.values().sum();
        (0..self.width())
            .map(|value| gains.get(&value).copied().unwrap_or(0.0) / total.max(f64::MIN_POSITIVE))
            .collect()
    }

    /// The bytes of a member's file.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, String> {
        self.model
            .encode(ModelFormat::Binary)
            .map_err(|error| error.to_string())
    }

    /// Reads what [`Boosted::encode`] wrote; the trees are checked.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Boosted, String> {
        match BoostedModel::decode(bytes, ModelFormat::Binary) {
            Ok(model) => Boosted::new(model),
            Err(error) => Err(error.to_string()),
        }
    }

    /// As XGBoost's JSON.
    pub(crate) fn to_xgboost(&self) -> Result<Vec<u8>, String> {
        self.model
            .encode(ModelFormat::XgboostJson)
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draws;

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
            patience: 5,
        }
    }

    const NAME: Level = Level {
        mean: 3,
        count: 4,
        code: 2,
        numbered: true,
    };

    /// A number with gaps, a number, a name of 30, and a mean and a count that say nothing.
    fn data(rows: usize) -> (Vec<f32>, Vec<f64>) {
        let mut draws = Draws::new(9);
        let (mut values, mut targets) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let (one, two, name) = (draws.below(100), draws.below(100), draws.below(30));
            let gap = draws.below(10) == 0;
            values.extend([
                if gap { f32::NAN } else { one as f32 },
                two as f32,
                name as f32,
                1.0,
                1.0,
            ]);
            let noise = draws.below(100) as f64 / 100.0;
            targets.push(one as f64 / 20.0 + ((name * 7) % 5) as f64 + noise);
        }
        (values, targets)
    }

    #[test]
    fn walked_trees_say_what_the_grown_ones_say_one_by_one_and_in_batches() {
        let (values, targets) = data(1500);
        let table = Table::new(&values, &[NAME], &targets).unwrap();
        let folds: Vec<usize> = (0..1500).map(|row| row % 3).collect();
        for growth in [Growth::LeafWise, Growth::Symmetric] {
            let (boosted, out) = Boosted::fit_folds(&table, &folds, &options(growth), 1).unwrap();
            let off: f64 = out
                .iter()
                .zip(&targets)
                .map(|(own, t)| (own - t).abs())
                .sum();
            // Symmetric trees are not told the names.
            let most = if growth == Growth::LeafWise { 1.0 } else { 2.0 };
            assert!(off / 1500.0 < most, "{growth:?}: {}", off / 1500.0);
            let batch = boosted.rows(&values);
            let grown = boosted
                .model
                .predict_margin_rows(&values, Iterations::Best)
                .unwrap();
            for (row, (own, grown)) in values.chunks(5).zip(batch.iter().zip(grown.as_slice())) {
                assert_eq!(boosted.row(row).to_bits(), own.to_bits());
                assert!((own - f64::from(*grown)).abs() < 1e-4, "{own} {grown}");
            }
            let parts = boosted.contributions(&values[..5]).unwrap();
            assert!((parts.iter().sum::<f64>() - batch[0]).abs() < 1e-4);
            assert_eq!(parts.len(), 6);
            assert!((boosted.importance().iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let again = Boosted::decode(&boosted.encode().unwrap()).unwrap();
            assert_eq!(again.rows(&values), batch);
        }
    }

    #[test]
    fn the_same_trees_on_one_thread_and_on_four() {
        let (values, targets) = data(800);
        let folds: Vec<usize> = (0..800).map(|row| row % 4).collect();
        let fit = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let table = Table::new(&values, &[NAME], &targets).unwrap();
                let (own, out) =
                    Boosted::fit_folds(&table, &folds, &options(Growth::LeafWise), 1).unwrap();
                (own.encode().unwrap(), out)
            })
        };
        assert!(fit(1) == fit(4));
    }
}
