//! How a model is fitted.

use records::{Schema, Task};

use super::effort::Effort;
use crate::clustering::ClusteringOptions;
use crate::fit_error::FitError;
use crate::folds::FoldBy;
use crate::linear_design::LevelLimits;
use crate::members::{MemberOptions, NamedMember};
use crate::progress::Observer;
use crate::split::SplitBy;

/// So many levels have all members of a class by default.
const FEW_LEVELS: usize = 5;
/// More levels have a forest each up to so many rows, times levels: it takes most of the time of a fit.
const FOREST_ROWS: usize = 50_000;

/// How a model is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Fewer usable listings are refused: estimates would be noise. Never below 10.
    pub min_rows: usize,
    /// Share held out to judge on, 0.01 to 0.5.
    pub holdout_fraction: f64,
    /// Most levels of a one-hot category; the rest are "other".
    pub max_levels: usize,
    /// Levels with fewer rows are "other".
    pub min_level_rows: usize,
    /// Share of prices the intervals are to hold, 0.01 to 0.999.
    pub interval: f64,
    /// The probability from which on a record is predicted to be of a class, 0 to 1.
    pub threshold: f64,
    /// How much work the defaults may be; states which members there are where none are given.
    pub effort: Effort,
    /// The members by name; empty takes those of `effort`.
    pub members: Vec<NamedMember>,
    /// Folds of the out-of-fold predictions, 2 to 20.
    pub folds: usize,
    /// How rows come into folds.
    pub fold_by: FoldBy,
    /// How many neighbours their mean prices are over, rising; empty for none.
    pub neighbours: Vec<usize>,
    /// Seed of folds and trees: the same gives the same model.
    pub seed: u64,
    /// Processor cores the fit may take, at most 1024; 0 for all. The model is the same.
    pub threads: usize,
    /// How the rows to judge on are chosen.
    pub split: SplitBy,
    /// Segments of the market, from the listings' numbers, as one more category; 0 for none, else 2 to 50.
    pub segments: usize,
    /// How clusters are found, for schemas of that task.
    pub clustering: ClusteringOptions,
    /// Whether the model kept has learned from the hold-out too.
    pub refit: bool,
    /// Who is told how far the fit is: the model is the same.
    pub observer: Observer,
}

impl Default for FitOptions {
    fn default() -> FitOptions {
        FitOptions {
            min_rows: 200,
            holdout_fraction: 0.2,
            max_levels: 200,
            min_level_rows: 5,
            interval: 0.9,
            threshold: 0.5,
            effort: Effort::Standard,
            members: Vec::new(),
            folds: 5,
            fold_by: FoldBy::default(),
            neighbours: vec![5, 15],
            seed: 42,
            threads: 0,
            split: SplitBy::Time,
            segments: 0,
            clustering: ClusteringOptions::default(),
            refit: true,
            observer: Observer::default(),
        }
    }
}

impl FitOptions {
    /// Which levels of a category have columns of their own.
    pub(crate) fn level_limits(&self) -> LevelLimits {
        LevelLimits {
            max_levels: self.max_levels,
            min_level_rows: self.min_level_rows,
        }
    }

    /// The members of a fit on so many training rows: those that are given, else those of `effort`.
    pub fn members_for(&self, task: Task, rows: usize) -> Vec<NamedMember> {
        match (self.members.is_empty(), task) {
            (false, _) => self.members.clone(),
            (true, Task::Regression) => self.effort.members(rows),
            (true, Task::Classification) => self.effort.class_members(rows),
            (true, Task::Clustering) => Vec::new(),
        }
    }

    /// The members of each of so many levels, on so many training rows. Many levels are many fits: by default they have
    /// trees that are fast, and a forest where the rows are few.
    pub fn members_of_levels(&self, levels: usize, rows: usize) -> Vec<NamedMember> {
        if !self.members.is_empty() || levels <= FEW_LEVELS {
            return self.members_for(Task::Classification, rows);
        }
        let effort = match self.effort {
            Effort::Quick => Effort::Quick,
            Effort::Fast | Effort::Standard => Effort::Fast,
        };
        let mut members = effort.class_members(rows);
        if levels * rows > FOREST_ROWS {
            members.retain(|member| !matches!(member.options, MemberOptions::Forest(_)));
        }
        members
    }

    /// Whether every member is of a kind that the task has.
    pub(crate) fn check_members(&self, task: Task) -> Result<(), FitError> {
        match self
            .members
            .iter()
            .find(|member| !member.options.suits(task))
        {
            None => Ok(()),
            Some(other) => Err(FitError::MemberTask {
                name: other.name.clone(),
                task: format!("{task:?}").to_lowercase(),
                expected: MemberOptions::kinds(task),
            }),
        }
    }

    /// Whether everything that is asked for can hold to what the schema says prices go with.
    pub(crate) fn check_monotone(&self, schema: &Schema) -> Result<(), FitError> {
        let Some(field) = schema.features().find(|field| field.monotone.is_some()) else {
            return Ok(());
        };
        let cannot = |what: String| {
            let field = field.name.clone();
            Err(FitError::Monotone { what, field })
        };
        if self.segments > 0 {
            return cannot(format!("segments = {}", self.segments));
        }
        // Other sales come near, and cost what they cost, as any field changes.
        let compares = |member: &&NamedMember| member.options.compares_sales();
        match self.members.iter().find(compares) {
            Some(member) => cannot(format!("member {:?}, which compares sales,", member.name)),
            None => Ok(()),
        }
    }

    /// Whether every option is in its range.
    pub(crate) fn check(&self) -> Result<(), FitError> {
        if !(0.01..=0.5).contains(&self.holdout_fraction) {
            return Err(FitError::Option {
                option: "holdout_fraction",
                expected: "between 0.01 and 0.5",
                found: self.holdout_fraction,
            });
        }
        if !(0.01..=0.999).contains(&self.interval) {
            return Err(FitError::Option {
                option: "interval",
                expected: "between 0.01 and 0.999",
                found: self.interval,
            });
        }
        if !(0.0..=1.0).contains(&self.threshold) {
            return Err(FitError::Option {
                option: "threshold",
                expected: "between 0 and 1",
                found: self.threshold,
            });
        }
        if !(2..=20).contains(&self.folds) {
            return Err(FitError::Option {
                option: "folds",
                expected: "between 2 and 20",
                found: self.folds as f64,
            });
        }
        for (index, member) in self.members.iter().enumerate() {
            let is_plain = |character: char| {
                character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
            };
            let twice = self.members[..index]
                .iter()
                .any(|earlier| earlier.name == member.name);
            if twice || member.name.is_empty() || !member.name.chars().all(is_plain) {
                return Err(FitError::MemberName {
                    name: member.name.clone(),
                });
            }
            let checked = member.options.check();
            checked.map_err(|out_of_range| FitError::Member {
                name: member.name.clone(),
                option: out_of_range.option,
                expected: out_of_range.expected,
                found: out_of_range.found,
            })?;
        }
        if self.segments == 1 || self.segments > 50 {
            return Err(FitError::Option {
                option: "segments",
                expected: "0 for none, or between 2 and 50",
                found: self.segments as f64,
            });
        }
        if self.threads > 1024 {
            return Err(FitError::Option {
                option: "threads",
                expected: "at most 1024, or 0 for all cores",
                found: self.threads as f64,
            });
        }
        Ok(())
    }
}
