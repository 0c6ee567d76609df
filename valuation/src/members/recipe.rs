//! Which trees suit the data: how levels are told, whether neighbours are seen, how large trees are, and
//! whether residuals are clipped. A few
//! quick trees on rows that they have not seen decide, one question after the other, among answers that have
//! names; what was chosen, and what came next, the report says.

use rayon::prelude::*;

use crate::boosted::{Boosted, BoostedOptions, Growth, Names, Table};
use crate::cells::median;
use crate::folds::Fold;
use crate::report::RecipeReport;
use crate::rng::mix;

/// How many times as quickly trees of a trial learn: they only rank recipes.
const HASTE: f64 = 6.0;
/// Rows that the trees of a trial learn from and are judged on, at most: more would not change the order.
const LEARN_ROWS: usize = 5_000;
const JUDGE_ROWS: usize = 2_500;
/// Folds that a trial takes at most; as many as have rows enough to be judged on.
const MOST_FOLDS: usize = 3;
/// Another way to tell levels, and another answer to the other questions, must be better by this share of the
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
    trusted: f64,
}

impl Recipe {
    /// What the options say, and the defaults where they leave it open.
    fn of(options: &BoostedOptions) -> Recipe {
        Recipe {
            names: options.told_by(),
            neighbours: options.neighbours.unwrap_or(true),
            leaves: options.leaves,
            depth: options.depth,
            trusted: options.trusted,
        }
    }

    /// The options by this recipe.
    pub(crate) fn options(self, options: &BoostedOptions) -> BoostedOptions {
        BoostedOptions {
            names: Some(self.names),
            neighbours: Some(self.neighbours),
            leaves: self.leaves,
            depth: self.depth,
            trusted: self.trusted,
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
        let trusted = (self.trusted != usual.trusted).then_some("all residuals");
        let parts = names.into_iter().chain(neighbours).chain([size]);
        let parts: Vec<&str> = parts.chain(trusted).collect();
        parts.join(", ")
    }

    /// Other ways to tell levels.
    fn of_names(self, options: &BoostedOptions, table: &Table) -> Vec<Recipe> {
        if options.names.is_some() || !table.has_names() {
            return Vec::new();
        }
        let others: &[Names] = match options.growth {
            Growth::LeafWise => &[Names::LimitedSets, Names::Codes, Names::Means],
            Growth::Symmetric => &[Names::Codes],
        };
        let with = |names: &Names| Recipe {
            names: *names,
            ..self
        };
        others.iter().map(with).collect()
    }

    /// Without what neighbours cost.
    fn of_neighbours(self, options: &BoostedOptions, table: &Table) -> Vec<Recipe> {
        match options.neighbours.is_none() && table.has_neighbours() {
            true => vec![Recipe {
                neighbours: false,
                ..self
            }],
            false => Vec::new(),
        }
    }

    /// Residuals as they are: clipped, they keep a few absurd prices from the trees, and the ends of a small
    /// market too.
    fn of_trust(self, options: &BoostedOptions) -> Vec<Recipe> {
        match options.fits_data && self.trusted < 1.0 {
            true => vec![Recipe {
                trusted: 1.0,
                ..self
            }],
            false => Vec::new(),
        }
    }

    /// Smaller trees.
    fn of_size(self, options: &BoostedOptions) -> Vec<Recipe> {
        if !options.fits_data {
            return Vec::new();
        }
        match options.growth {
            Growth::LeafWise => vec![Recipe {
                leaves: (self.leaves / 3).max(4),
                ..self
            }],
            Growth::Symmetric => vec![Recipe {
                depth: self.depth.saturating_sub(2).max(2),
                ..self
            }],
        }
    }
}

/// The recipes beside one that are tried, and by how much less off one has to be.
type Question<'a> = (&'a dyn Fn(Recipe) -> Vec<Recipe>, f64);

/// The recipe that is least off, and what the report says of it; none where there is nothing to choose.
pub(crate) fn choose(
    table: &Table,
    folds: &[Fold],
    options: &BoostedOptions,
    seed: u64,
) -> Option<(Recipe, RecipeReport)> {
    let usual = Recipe::of(options);
    let questions: [Question; 4] = [
        (&|recipe| recipe.of_names(options, table), NAMES_HELP),
        (&|recipe| recipe.of_neighbours(options, table), HELPS),
        (&|recipe| recipe.of_size(options), HELPS),
        (&|recipe| recipe.of_trust(options), HELPS),
    ];
    if questions
        .iter()
        .all(|(question, _)| question(usual).is_empty())
    {
        return None;
    }
    let folds = for_trials(folds, seed);
    let off = |recipe: Recipe| error(table, &folds, &recipe.options(options), seed);
    let mut tried = vec![(usual, off(usual))];
    let (mut best, mut least) = tried[0];
    for (question, helps) in questions {
        let others = question(best).into_par_iter();
        let others: Vec<(Recipe, f64)> = others.map(|recipe| (recipe, off(recipe))).collect();
        let found = others.iter().min_by(|one, other| one.1.total_cmp(&other.1));
        if let Some((recipe, error)) = found.filter(|(_, error)| *error < least * (1.0 - helps)) {
            (best, least) = (*recipe, *error);
        }
        tried.extend(others);
    }
    let rest = tried.iter().filter(|(recipe, _)| *recipe != best);
    let next = rest.min_by(|one, other| one.1.total_cmp(&other.1));
    let report = RecipeReport {
        chosen: best.name(table, options),
        error: least,
        runner_up: next.map(|(recipe, _)| recipe.name(table, options)),
        runner_up_error: next.map(|(_, error)| *error),
        tried: tried.len(),
    };
    Some((best, report))
}

/// Folds of fewer rows: of many rows a part, of few rows several folds.
fn for_trials(folds: &[Fold], seed: u64) -> Vec<Fold> {
    let judged = folds.first().map_or(0, |fold| fold.judge.len()).max(1);
    let count = JUDGE_ROWS.div_ceil(judged).clamp(1, MOST_FOLDS);
    let part = |rows: &[u32], most: usize| -> Vec<u32> {
        let drawn = |row: &u32| (mix(u64::from(*row) ^ mix(seed)) % rows.len() as u64) as usize;
        let rows = rows.iter().copied();
        rows.filter(|row| drawn(row) < most).collect()
    };
    // The newest fold of a rolling origin is the last, and learns from most.
    let of = |fold: &Fold| Fold {
        train: part(&fold.train, LEARN_ROWS),
        judge: part(&fold.judge, JUDGE_ROWS),
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
            fits_data: false,
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
            fits_data: true,
            ..said
        };
        let (recipe, report) = choose(&table, &folds, &sized, 1).unwrap();
        assert!(recipe.neighbours && report.tried == 2, "{report:?}");
        let least = report.error <= report.runner_up_error.unwrap() * (1.0 + HELPS);
        assert!(least, "{report:?}");
    }

    #[test]
    fn trials_take_a_part_of_many_rows_and_several_folds_of_few() {
        let many = for_trials(&folds::all(40_000, 5, 1), 1);
        assert_eq!(many.len(), 1);
        assert!((4_000..6_000).contains(&many[0].train.len()));
        assert!((2_000..3_000).contains(&many[0].judge.len()));
        let few = for_trials(&folds::all(500, 5, 1), 1);
        assert_eq!(few.len(), MOST_FOLDS);
        let rows = few[0].train.len() + few[0].judge.len();
        assert_eq!(rows, 500);
    }
}
