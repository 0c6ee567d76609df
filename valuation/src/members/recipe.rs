//! Which trees suit the data: how levels are told, whether neighbours are seen, how large trees are. A few
//! quick trees on rows that they have not seen decide among recipes that have names, by successive halving
//! (Jamieson & Talwalkar 2016, Non-stochastic Best Arm Identification and Hyperparameter Optimization): all on
//! few rows, the better third on twice as many, and so on. What was chosen, and what came next, the report says.

use rayon::prelude::*;

use crate::boosted::{Boosted, BoostedOptions, Growth, Names, Table};
use crate::cells::median;
use crate::folds::Fold;
use crate::report::RecipeReport;
use crate::rng::mix;

/// How many times as quickly trees of a trial learn: they only rank recipes.
const HASTE: f64 = 6.0;
/// Rows that the trees of a trial learn from, round by round; half as many judge them. More would not change
/// the order.
const LEARN_ROWS: [usize; 3] = [1_250, 2_500, 5_000];
/// Share of the recipes that a round leaves: a third.
const KEPT: usize = 3;
/// Folds that a trial takes at most; as many as have rows enough to be judged on.
const MOST_FOLDS: usize = 3;
/// Another way to tell levels, and each other difference to the usual recipe, must be better by this share of the
/// error: less is chance. The same trees by other seeds are off by a hundredth more or less where levels decide.
const NAMES_HELP: f64 = 0.015;
const HELPS: f64 = 0.004;
/// Errors are clipped at so many times the median: one absurd price decides nothing.
const CLIP: f64 = 8.0;

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recipe {
    names: Names,
    neighbours: bool,
    leaves: usize,
    depth: usize,
}

impl Recipe {
    /// What the options say, and the defaults where they leave it open.
    fn of(options: &BoostedOptions) -> Recipe {
        Recipe {
            names: options.told_by(),
            neighbours: options.neighbours.unwrap_or(true),
            leaves: options.leaves,
            depth: options.depth,
        }
    }

    /// The options by this recipe.
    pub(crate) fn options(self, options: &BoostedOptions) -> BoostedOptions {
        BoostedOptions {
            names: Some(self.names),
            neighbours: Some(self.neighbours),
            leaves: self.leaves,
            depth: self.depth,
            ..options.clone()
        }
    }

    /// The recipe in words.
    fn name(self, table: &Table, usual: &BoostedOptions) -> String {
        let names = match self.names {
            _ if !table.has_names() => None,
            Names::Sets => Some("sets of names"),
            Names::LimitedSets => Some("sets of frequent names"),
            Names::Codes => Some("names as codes"),
            Names::Means => Some("names by their means"),
        };
        let neighbours = table.has_neighbours().then_some(match self.neighbours {
            true => "neighbours",
            false => "no neighbours",
        });
        let own = (self.leaves, self.depth);
        let size = match own == (usual.leaves, usual.depth) {
            true => "usual trees",
            false => "small trees",
        };
        let parts: Vec<&str> = names.into_iter().chain(neighbours).chain([size]).collect();
        parts.join(", ")
    }

    /// Every recipe that the options leave open, the usual one first.
    fn all(options: &BoostedOptions, table: &Table) -> Vec<Recipe> {
        let usual = Recipe::of(options);
        let other_names: &[Names] = match options.growth {
            _ if options.names.is_some() || !table.has_names() => &[],
            Growth::LeafWise => &[Names::LimitedSets, Names::Codes, Names::Means],
            Growth::Symmetric => &[Names::Codes],
        };
        let names = [usual.names].into_iter().chain(other_names.iter().copied());
        let is_open = options.neighbours.is_none() && table.has_neighbours();
        let neighbours = [Some(usual.neighbours), is_open.then_some(false)];
        let sizes = [
            Some((usual.leaves, usual.depth)),
            options.fits_size.then(|| usual.smaller(options.growth)),
        ];
        let mut recipes = Vec::new();
        for names in names {
            for neighbours in neighbours.into_iter().flatten() {
                for (leaves, depth) in sizes.into_iter().flatten() {
                    recipes.push(Recipe {
                        names,
                        neighbours,
                        leaves,
                        depth,
                    });
                }
            }
        }
        recipes
    }

    /// Leaves and depth of smaller trees.
    fn smaller(self, growth: Growth) -> (usize, usize) {
        match growth {
            Growth::LeafWise => ((self.leaves / 3).max(4), self.depth),
            Growth::Symmetric => (self.leaves, self.depth.saturating_sub(2).max(2)),
        }
    }

    /// The share of the error by which it must be better than the usual one.
    fn margin(self, usual: Recipe) -> f64 {
        let names = f64::from(u8::from(self.names != usual.names));
        let neighbours = f64::from(u8::from(self.neighbours != usual.neighbours));
        let size = (self.leaves, self.depth) != (usual.leaves, usual.depth);
        NAMES_HELP * names + HELPS * (neighbours + f64::from(u8::from(size)))
    }
}

/// The recipe that is least off, and what the report says of it; none where there is nothing to choose.
pub(crate) fn choose(
    table: &Table,
    folds: &[Fold],
    options: &BoostedOptions,
    seed: u64,
) -> Option<(Recipe, RecipeReport)> {
    let mut left = Recipe::all(options, table);
    let (usual, count) = (left[0], left.len());
    if count == 1 {
        return None;
    }
    let rounds = rounds(folds);
    let mut tried = Vec::new();
    for (round, learn_rows) in rounds.iter().enumerate() {
        let folds = for_trials(folds, *learn_rows, seed);
        let off = |recipe: &Recipe| error(table, &folds, &recipe.options(options), seed);
        tried = left
            .par_iter()
            .map(|recipe| (*recipe, off(recipe)))
            .collect();
        if round + 1 < rounds.len() {
            // Stable: of equals the more usual one is kept.
            let mut better = tried.clone();
            better.sort_by(|one, other| one.1.total_cmp(&other.1));
            better.truncate(tried.len().div_ceil(KEPT));
            left.retain(|own| *own == usual || better.iter().any(|(recipe, _)| recipe == own));
        }
    }
    let counted = |(recipe, error): &(Recipe, f64)| error / (1.0 - recipe.margin(usual));
    let best = tried
        .iter()
        .min_by(|one, other| counted(one).total_cmp(&counted(other)))?;
    let (best, least) = *best;
    let rest = tried.iter().filter(|(recipe, _)| *recipe != best);
    let next = rest.min_by(|one, other| one.1.total_cmp(&other.1));
    let report = RecipeReport {
        chosen: best.name(table, options),
        error: least,
        runner_up: next.map(|(recipe, _)| recipe.name(table, options)),
        runner_up_error: next.map(|(_, error)| *error),
        tried: count,
    };
    Some((best, report))
}

/// The rows to learn from, round by round: of few rows all at once.
fn rounds(folds: &[Fold]) -> &'static [usize] {
    let rows = folds.last().map_or(0, |fold| fold.train.len());
    let needed = LEARN_ROWS.partition_point(|learn_rows| *learn_rows < rows);
    &LEARN_ROWS[..(needed + 1).min(LEARN_ROWS.len())]
}

/// Folds of fewer rows: of many rows a part, of few rows several folds.
fn for_trials(folds: &[Fold], learn_rows: usize, seed: u64) -> Vec<Fold> {
    let judge_rows = learn_rows / 2;
    let judged = folds.first().map_or(0, |fold| fold.judge.len()).max(1);
    let count = judge_rows.div_ceil(judged).clamp(1, MOST_FOLDS);
    let part = |rows: &[u32], most: usize| -> Vec<u32> {
        let drawn = |row: &u32| (mix(u64::from(*row) ^ mix(seed)) % rows.len() as u64) as usize;
        let rows = rows.iter().copied();
        rows.filter(|row| drawn(row) < most).collect()
    };
    // The newest fold of a rolling origin is the last, and learns from most.
    let of = |fold: &Fold| Fold {
        train: part(&fold.train, learn_rows),
        judge: part(&fold.judge, judge_rows),
    };
    folds.iter().rev().take(count).map(of).collect()
}

/// How far off quick trees are, without what is absurd.
fn error(table: &Table, folds: &[Fold], options: &BoostedOptions, seed: u64) -> f64 {
    let (predicted, _) = Boosted::out_of_fold(table, folds, options, HASTE, seed);
    let off: Vec<f64> = predicted
        .iter()
        .zip(table.targets())
        .map(|(predicted, target)| (predicted - target).abs())
        .filter(|off| off.is_finite())
        .collect();
    let most = CLIP * median(&mut off.clone()).unwrap_or(0.0);
    let squares: f64 = off.iter().map(|off| off.min(most).powi(2)).sum();
    (squares / off.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folds;
    use crate::rng::Rng;

    fn options() -> BoostedOptions {
        BoostedOptions {
            growth: Growth::LeafWise,
            rounds: 200,
            rate: 0.06,
            leaves: 24,
            depth: 10,
            leaf_rows: 5.0,
            row_share: 0.8,
            column_share: 1.0,
            penalty: 1.0,
            trusted: 1.0,
            patience: 30,
            names: None,
            neighbours: None,
            fits_size: false,
        }
    }

    /// Two numbers that say the target, and what neighbours cost: of rows that are learned from the target
    /// itself, of others nothing.
    fn misled(rows: usize, folds: &[Fold]) -> Table {
        let mut rng = Rng::new(5);
        let mut judged = vec![false; rows];
        for row in folds.iter().flat_map(|fold| &fold.judge) {
            judged[*row as usize] = true;
        }
        let (mut values, mut targets) = (Vec::new(), Vec::new());
        for judged in judged {
            let (one, two, noise) = (rng.below(100), rng.below(100), rng.below(100));
            let target = one as f64 / 20.0 + two as f64 / 50.0 + noise as f64 / 200.0;
            let near = if judged {
                rng.below(100) as f64 / 15.0
            } else {
                target
            };
            values.extend([one as f32, two as f32, near as f32]);
            targets.push(target);
        }
        Table::new(values, &[], targets).unwrap().beside(2)
    }

    #[test]
    fn neighbours_that_mislead_are_left_out_and_the_report_says_so() {
        let folds = folds::all(1200, 4, 1)[..1].to_vec();
        let table = misled(1200, &folds);
        let (recipe, report) = choose(&table, &folds, &options(), 1).unwrap();
        assert!(!recipe.neighbours, "{report:?}");
        assert_eq!(report.chosen, "no neighbours, usual trees");
        assert_eq!(report.runner_up.as_deref(), Some("neighbours, usual trees"));
        assert!(
            report.error < 0.7 * report.runner_up_error.unwrap(),
            "{report:?}"
        );
        assert_eq!(report.tried, 2);
        let chosen = recipe.options(&options());
        assert_eq!(chosen.neighbours, Some(false));
        // The same again, whatever else runs.
        assert_eq!(
            choose(&table, &folds, &options(), 1).unwrap(),
            (recipe, report)
        );
    }

    #[test]
    fn what_the_settings_say_is_not_asked() {
        let folds = folds::all(600, 4, 1);
        let table = misled(600, &folds[..1]);
        let said = BoostedOptions {
            neighbours: Some(true),
            ..options()
        };
        assert_eq!(choose(&table, &folds, &said, 1), None);
        let sized = BoostedOptions {
            fits_size: true,
            ..said
        };
        let (recipe, report) = choose(&table, &folds, &sized, 1).unwrap();
        assert!(recipe.neighbours && report.tried == 2, "{report:?}");
        let least = report.error <= report.runner_up_error.unwrap() * (1.0 + HELPS);
        assert!(least, "{report:?}");
    }

    #[test]
    fn trials_take_a_part_of_many_rows_and_several_folds_of_few() {
        let many = folds::all(40_000, 5, 1);
        assert_eq!(rounds(&many), LEARN_ROWS);
        for learn_rows in LEARN_ROWS {
            let of_many = for_trials(&many, learn_rows, 1);
            assert_eq!(of_many.len(), 1);
            let near = |rows: usize, most: usize| (most * 4 / 5..most * 6 / 5).contains(&rows);
            assert!(near(of_many[0].train.len(), learn_rows));
            assert!(near(of_many[0].judge.len(), learn_rows / 2));
        }
        let few = folds::all(500, 5, 1);
        assert_eq!(rounds(&few), [1_250]);
        let few = for_trials(&few, 1_250, 1);
        assert_eq!(few.len(), MOST_FOLDS);
        let rows = few[0].train.len() + few[0].judge.len();
        assert_eq!(rows, 500);
    }

    #[test]
    fn what_differs_in_more_ways_must_help_more() {
        let usual = Recipe::of(&options());
        let other = Recipe {
            names: Names::Codes,
            neighbours: false,
            ..usual
        };
        assert_eq!(usual.margin(usual), 0.0);
        assert!((other.margin(usual) - NAMES_HELP - HELPS).abs() < 1e-12);
    }

    #[test]
    fn recipes_are_all_that_the_options_leave_open() {
        let folds = folds::all(600, 4, 1);
        let table = misled(600, &folds[..1]);
        let open = BoostedOptions {
            fits_size: true,
            ..options()
        };
        // With and without neighbours, usual and small; the table has no names.
        let recipes = Recipe::all(&open, &table);
        assert_eq!(recipes.len(), 4);
        assert_eq!(recipes[0], Recipe::of(&open));
        let mut distinct: Vec<String> = recipes
            .iter()
            .map(|recipe| recipe.name(&table, &open))
            .collect();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), 4);
        assert_eq!(Recipe::all(&options(), &table).len(), 2);
    }
}
