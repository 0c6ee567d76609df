//! The members of one fit, whatever the task: out of fold, and again on more rows.

use arrow_array::RecordBatch;
use rayon::prelude::*;
use records::{Schema, Task};

use crate::cells::Cells;
use crate::estimator::Estimator;
use crate::estimator::plan::MemberHead;
use crate::fit::FitOptions;
use crate::fit_error::FitError;
use crate::folds;
use crate::members::{FitContext, Fitted, Member, NamedMember, Recipe, Settled};
use crate::progress::{FitStage, Tracker, Work};
use crate::report::RecipeReport;
use crate::tree_inputs::{TreeInputs, TreeSource};

/// Fewer rows are left to the linear members: trees would learn them by heart, and folds of them say next
/// to nothing.
const LEAST_TREE_ROWS: usize = 100;

/// What is fitted: members on rows.
pub(crate) struct FitJob<'a> {
    /// Follows the fit.
    pub(crate) tracker: &'a Tracker,
    pub(crate) schema: &'a Schema,
    pub(crate) batch: &'a RecordBatch,
    /// Rows of the batch to learn from.
    pub(crate) rows: &'a [usize],
    /// By row of the batch: log targets, or 0 and 1 of a class.
    pub(crate) targets: &'a [f64],
    pub(crate) task: Task,
    /// The field of the groups; none of a class.
    pub(crate) group: Option<&'a str>,
    pub(crate) options: &'a FitOptions,
    pub(crate) members: &'a [NamedMember],
    pub(crate) part: Part,
}

/// Which part of what the tracker follows a job is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// The first of its members among those that are planned.
    pub(crate) first: usize,
    /// Whether no other job is to be fitted out of fold: the stage is over with it.
    pub(crate) is_last: bool,
}

impl Part {
    /// All there is.
    pub(crate) const WHOLE: Part = Part {
        first: 0,
        is_last: true,
    };
}

/// A fitted member of a job.
#[derive(Debug, Clone)]
pub(crate) struct FittedMember {
    pub(crate) name: String,
    /// Its place among the members of the job.
    place: usize,
    pub(crate) member: Member,
    /// How its trees are grown, where that was chosen, and what the report says of it.
    pub(crate) recipe: Option<(Recipe, RecipeReport)>,
}

impl FittedMember {
    /// How many trees it has; 0 for what has none.
    pub(crate) fn trees(&self) -> usize {
        self.member.settled().trees
    }
}

/// Members that were fitted out of fold.
pub(super) struct OutOfFoldFits<'a> {
    /// What they were fitted on.
    pub(super) context: FitContext<'a>,
    /// Each on all rows.
    pub(super) all: Vec<FittedMember>,
    /// By member of `all` and judged row, what members like it predict that have not seen the row.
    pub(super) predicted: Vec<Vec<f64>>,
}

impl<'a> FitJob<'a> {
    /// The context of the job's rows, without columns of trees.
    fn context(&self) -> FitContext<'a> {
        let options = self.options;
        let follows_time = options.fold_by.is_by_time(options.split, self.rows.len());
        let times = self.times().filter(|_| follows_time);
        let folds = folds::of(options.folds.max(2), options.seed, self.rows.len(), times);
        FitContext::new(
            (self.schema, self.batch),
            (self.rows, self.row_targets()),
            self.task,
            self.group,
            options.level_limits(),
            folds,
        )
    }

    /// The rows' times, microseconds since 1970; none where the schema has none. What has no time
    /// counts as old: it is learned from, and judged on by little.
    fn times(&self) -> Option<Vec<i64>> {
        let cells = Cells::of(self.batch, self.schema.time.as_deref()?);
        let time = |row: &usize| cells.time_us(*row).unwrap_or(i64::MIN);
        Some(self.rows.iter().map(time).collect())
    }

    /// By position among the rows.
    fn row_targets(&self) -> Vec<f64> {
        self.rows.iter().map(|row| self.targets[*row]).collect()
    }

    fn tree_source<'b>(&'b self, context: &'b FitContext) -> TreeSource<'b> {
        TreeSource {
            schema: self.schema,
            batch: self.batch,
            rows: self.rows,
            targets: &context.targets,
            group: self.group,
            counts: &self.options.neighbours,
            seed: self.options.seed,
        }
    }

    /// A stage begins that follows the members, once those of all jobs are fitted.
    pub(super) fn enter(&self, stage: FitStage) {
        if self.part.is_last {
            self.tracker.enter(stage);
        }
    }

    /// The work of the member at a place.
    fn work(&self, place: usize) -> Work<'a> {
        self.tracker.member(self.part.first + place)
    }

    /// The seed of a member's trees, by its place.
    fn seed(&self, place: usize) -> u64 {
        self.options.seed.wrapping_add(1000 * place as u64)
    }

    /// Fits every member that the rows are enough for.
    ///
    /// # Errors
    /// When a solver fails.
    pub(super) fn fit_members(&self) -> Result<OutOfFoldFits<'a>, FitError> {
        let mut context = self.context();
        if self.part.first == 0 {
            self.tracker.folds(context.folds.len());
        }
        self.tracker.enter(FitStage::Folds);
        let fit = |context: &FitContext, place: usize| {
            let options = &self.members[place].options;
            let work = self.work(place);
            let fitted = options.out_of_fold(context, self.seed(place), work)?;
            match &fitted {
                Some(fitted) => work.judged(&fitted.predicted, || context.judged_targets()),
                None => work.left_out(),
            }
            Ok::<_, FitError>(fitted)
        };
        // The design's rows are not needed beside the trees'.
        let mut lines = Vec::new();
        context.tree_inputs = match self.task {
            Task::Classification => {
                let source = self.tree_source(&context);
                Some(self.tracker.columns(|| source.of_classes())?)
            }
            Task::Regression | Task::Clustering => {
                let needs_trees = |place: usize| self.members[place].options.needs_tree_inputs();
                for place in (0..self.members.len()).filter(|place| !needs_trees(*place)) {
                    if let Some(line) = fit(&context, place)? {
                        lines.push((place, line));
                    }
                }
                let needs_design = |place: usize| self.members[place].options.needs_design();
                let mut left = (0..self.members.len()).filter(|place| needs_trees(*place));
                if !left.any(needs_design) {
                    context.free_design();
                }
                let is_worth_it =
                    self.rows.len() >= LEAST_TREE_ROWS && (0..self.members.len()).any(needs_trees);
                let source = self.tree_source(&context);
                match is_worth_it {
                    true => self.tracker.columns(|| source.of_prices())?,
                    false => None,
                }
            }
        };
        let is_fitted = |place: usize| lines.iter().any(|(line, _)| *line == place);
        let others: Vec<usize> = (0..self.members.len())
            .filter(|place| !is_fitted(*place))
            .collect();
        let others = others
            .into_par_iter()
            .filter_map(|place| {
                let fitted = fit(&context, place).transpose()?;
                Some(fitted.map(|fitted| (place, fitted)))
            })
            .collect::<Result<Vec<_>, FitError>>()?;
        let mut fits = lines;
        fits.extend(others);
        fits.sort_by_key(|(place, _)| *place);
        let (all, predicted) = fits
            .into_iter()
            .map(|(place, fit)| {
                let fitted = FittedMember {
                    name: self.members[place].name.clone(),
                    place,
                    member: fit.fitted,
                    recipe: fit.recipe,
                };
                (fitted, fit.predicted)
            })
            .unzip();
        Ok(OutOfFoldFits {
            context,
            all,
            predicted,
        })
    }

    /// Fits the members of `judged` that have weight on these rows: `more` times as many trees, and all else
    /// as it was settled. The members are in the order of `judged`, each with its place there.
    ///
    /// # Errors
    /// When a solver fails.
    pub(super) fn refit_members(
        &self,
        judged: &[FittedMember],
        weights: &[f64],
        grow: impl FnOnce(&TreeSource) -> Result<Option<TreeInputs>, FitError>,
        more: f64,
    ) -> Result<(FitContext<'a>, Vec<(usize, FittedMember)>), FitError> {
        let own = self.part.first..self.part.first + self.members.len();
        self.tracker.refits(|place| {
            let mut used = judged.iter().zip(weights);
            let mut is_used =
                |place| used.any(|(member, weight)| member.place == place && *weight > 0.0);
            !own.contains(&place) || is_used(place - own.start)
        });
        let mut context = self.context();
        let source = self.tree_source(&context);
        context.tree_inputs = self.tracker.columns(|| grow(&source))?;
        let used: Vec<usize> = (0..judged.len())
            .filter(|index| weights[*index] > 0.0)
            .collect();
        let fitted = used
            .into_par_iter()
            .map(|index| {
                let FittedMember {
                    name,
                    place,
                    member,
                    recipe,
                } = &judged[index];
                let settled = member.settled();
                let settled = Settled {
                    trees: more_trees(settled.trees, more),
                    recipe: recipe.as_ref().map(|(recipe, _)| *recipe),
                    ..settled
                };
                let options = &self.members[*place].options;
                let work = self.work(*place);
                let member = options.refit(&context, self.seed(*place), settled, work)?;
                let fitted = FittedMember {
                    name: name.clone(),
                    place: *place,
                    member,
                    recipe: recipe.clone(),
                };
                Ok((index, fitted))
            })
            .collect::<Result<_, FitError>>()?;
        Ok((context, fitted))
    }
}

/// So many times the trees.
pub(super) fn more_trees(trees: usize, more: f64) -> usize {
    (trees as f64 * more).round() as usize
}

/// Puts the members of a weight above 0 into an estimator.
pub(super) fn weigh(all: &[FittedMember], weights: &[f64], estimator: &mut Estimator) {
    let used = all.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
    let (heads, members) = used
        .map(|(fitted, weight)| {
            let head = MemberHead {
                name: fitted.name.clone(),
                extension: fitted.member.extension().to_owned(),
                weight: *weight,
            };
            (head, fitted.member.clone())
        })
        .unzip();
    estimator.plan.members = heads;
    estimator.members = members;
    estimator.share();
}

/// Weights of which one member has all.
pub(super) fn all_weight_on(index: usize, count: usize) -> Vec<f64> {
    let weight = |other| f64::from(u8::from(other == index));
    (0..count).map(weight).collect()
}
