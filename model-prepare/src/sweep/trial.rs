//! One trial: settings, and what they come to.

use std::time::Instant;

use arrow_array::{RecordBatch, UInt64Array};
use records::Task;
use registry::{Run, RunStatus};
use serde::{Deserialize, Serialize};
use valuation::{FitOptions, NamedMember};

use super::space::{self, Parameter};
use crate::found;
use crate::listings::Listings;
use crate::training;
use crate::{Config, Found};

/// Trials that must have been tried before one can be given up.
const LEAST_BEFORE: usize = 4;
/// Fewer rows than this are not worth a first look.
const LEAST_FIRST_ROWS: usize = 500;

/// What a trial came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub(super) enum Outcome {
    /// It was tried on all rows.
    Finished {
        /// Root mean squared log error of the stack, out of fold, or of a class the log loss: the
        /// hold-out is kept for judging the winner.
        objective: f64,
        /// The same on the first rows.
        first: f64,
        /// The same of the hold-out, for people: nothing is chosen by it.
        holdout: f64,
    },
    /// It was in the worse half on the first rows.
    GivenUp {
        /// The error there.
        first: f64,
    },
    /// It could not be fitted.
    Failed {
        /// Why.
        error: String,
    },
}

/// A trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Trial {
    /// Counts up from 0.
    pub(super) number: usize,
    /// Values of the parameters, in their order.
    pub(super) values: Vec<f64>,
    /// The members with them.
    pub(super) members: Vec<NamedMember>,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
    /// How long it took.
    pub(super) seconds: f64,
    /// When it ended, milliseconds since 1970.
    pub(super) ended_ms: i64,
}

impl Trial {
    /// What counts; `None` for one that did not come to its end.
    pub(super) fn objective(&self) -> Option<f64> {
        match self.outcome {
            Outcome::Finished { objective, .. } => Some(objective),
            _ => None,
        }
    }

    /// Its error on the first rows.
    fn first(&self) -> Option<f64> {
        match self.outcome {
            Outcome::Finished { first, .. } | Outcome::GivenUp { first } => Some(first),
            Outcome::Failed { .. } => None,
        }
    }

    /// Its settings, for people.
    pub(super) fn told(&self, parameters: &[Parameter]) -> String {
        let settings = parameters.iter().zip(&self.values);
        let told: Vec<String> = settings
            .map(|(parameter, value)| format!("{} = {value:.4}", parameter.name()))
            .collect();
        told.join(", ")
    }

    /// The run it is kept as, a part of the sweep's.
    pub(super) fn run(&self, whole: &str, config: &Config, work: &Work) -> anyhow::Result<Run> {
        let mut run = Run::start(format!("trial {}", self.number));
        run.parent = Some(whole.to_owned());
        run.param("data.rows", work.whole.num_rows());
        for member in &self.members {
            training::member_params(&mut run, member);
        }
        for (parameter, value) in config.prepare.sweep.parameters.iter().zip(&self.values) {
            run.param(format!("sweep.{}", parameter.name()), value);
        }
        match &self.outcome {
            Outcome::Finished {
                objective,
                first,
                holdout,
            } => {
                run.measure("objective.first", self.number, *first);
                run.measure("objective", self.number, *objective);
                let measure = match config.schema.task {
                    Task::Classification => "holdout.log_loss",
                    _ => "holdout.rmse_log",
                };
                run.measure(measure, self.number, *holdout);
            }
            Outcome::GivenUp { first } => run.measure("objective.first", self.number, *first),
            Outcome::Failed { error } => {
                run.tags.insert("error".to_owned(), error.clone());
            }
        }
        run.measure("seconds.train", self.number, self.seconds);
        run.end(match self.outcome {
            Outcome::Finished { .. } => RunStatus::Finished,
            Outcome::GivenUp { .. } => RunStatus::Killed,
            Outcome::Failed { .. } => RunStatus::Failed,
        });
        run.ended_ms = Some(self.ended_ms);
        run.started_ms = self.ended_ms - (self.seconds * 1e3) as i64;
        Ok(run)
    }
}

/// The least error of those that came to their end; the earlier where two are equal.
pub(super) fn best(done: &[Trial]) -> Option<&Trial> {
    let finished = done.iter().filter(|own| own.objective().is_some());
    finished.min_by(|one, other| {
        let of = |own: &Trial| own.objective().unwrap_or(f64::INFINITY);
        of(one).total_cmp(&of(other))
    })
}

/// Whether all that came to their end have one error, but for rounding: then none is better than another.
pub(super) fn are_alike(done: &[Trial]) -> bool {
    let errors = || done.iter().filter_map(Trial::objective);
    let (least, most) = errors().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), own| {
        (least.min(own), most.max(own))
    });
    errors().count() > 1 && most - least <= 1e-9 * most.abs()
}

/// The median error on the first rows: beyond it a trial is hopeless (the median stopping rule of
/// Golovin et al. 2017, Google Vizier). `None` while too few have been tried.
pub(super) fn median_of_first(done: &[Trial]) -> Option<f64> {
    let mut errors: Vec<f64> = done.iter().filter_map(Trial::first).collect();
    if errors.len() < LEAST_BEFORE {
        return None;
    }
    errors.sort_by(f64::total_cmp);
    Some(errors[errors.len() / 2])
}

/// What all trials share.
pub(super) struct Work<'a> {
    config: &'a Config,
    whole: RecordBatch,
    /// The rows that are tried first; `None` where there are too few.
    first: Option<RecordBatch>,
    base: Vec<NamedMember>,
    options: FitOptions,
}

impl Work<'_> {
    pub(super) fn new<'a>(
        config: &'a Config,
        listings: &Listings,
        threads: usize,
    ) -> anyhow::Result<Work<'a>> {
        let whole = listings.batch.clone();
        let (rows, stride) = (whole.num_rows(), config.prepare.sweep.first_stride.max(1));
        let least = config.prepare.min_rows.max(LEAST_FIRST_ROWS);
        let first = match stride > 1 && rows / stride >= least {
            true => {
                let taken: UInt64Array = (0..rows as u64).step_by(stride).collect();
                Some(arrow_select::take::take_record_batch(&whole, &taken)?)
            }
            false => None,
        };
        let mut options = crate::options(config);
        options.refit = false;
        options.threads = threads;
        let prepare = &config.prepare;
        let train = (rows as f64 * (1.0 - prepare.holdout_fraction)) as usize;
        let base = found::members(config, train);
        for parameter in &prepare.sweep.parameters {
            parameter.check()?;
        }
        // Names are looked at before the first trial, not in it.
        let lows: Vec<f64> = prepare
            .sweep
            .parameters
            .iter()
            .map(|own| own.value(own.range().0))
            .collect();
        space::members(&base, &prepare.sweep.parameters, &lows)?;
        Ok(Work {
            config,
            whole,
            first,
            base,
            options,
        })
    }

    /// A round of trials side by side, in their order; with each, whether it is new. `known` are
    /// those that were tried before.
    pub(super) fn round(
        &self,
        from: usize,
        points: &[Vec<f64>],
        known: Vec<Option<Trial>>,
        limit: Option<f64>,
    ) -> Vec<(Trial, bool)> {
        std::thread::scope(|scope| {
            let trials: Vec<_> = points
                .iter()
                .zip(known)
                .enumerate()
                .map(|(index, (values, known))| match known {
                    Some(known) => Err(known),
                    None => Ok(scope.spawn(move || self.trial(from + index, values, limit))),
                })
                .collect();
            trials
                .into_iter()
                .map(|trial| match trial {
                    Err(known) => (known, false),
                    Ok(trial) => match trial.join() {
                        Ok(trial) => (trial, true),
                        Err(panic) => std::panic::resume_unwind(panic),
                    },
                })
                .collect()
        })
    }

    fn trial(&self, number: usize, values: &[f64], limit: Option<f64>) -> Trial {
        let began = Instant::now();
        let parameters = &self.config.prepare.sweep.parameters;
        let (members, outcome) = match space::members(&self.base, parameters, values) {
            Ok(members) => {
                let outcome = self.outcome(&members, limit);
                (members, outcome)
            }
            Err(error) => (
                self.base.clone(),
                Outcome::Failed {
                    error: format!("{error:#}"),
                },
            ),
        };
        Trial {
            number,
            values: values.to_vec(),
            members,
            outcome,
            seconds: began.elapsed().as_secs_f64(),
            ended_ms: records::timestamp::now_us() / 1000,
        }
    }

    fn outcome(&self, members: &[NamedMember], limit: Option<f64>) -> Outcome {
        let failed = |error: anyhow::Error| Outcome::Failed {
            error: format!("{error:#}"),
        };
        let first = match &self.first {
            None => None,
            Some(batch) => match self.fit(batch, members) {
                Ok(found) => Some(out_of_fold(&found)),
                Err(error) => return failed(error),
            },
        };
        if let (Some(first), Some(limit)) = (first, limit)
            && first > limit
        {
            return Outcome::GivenUp { first };
        }
        match self.fit(&self.whole, members) {
            Ok(found) => {
                let objective = out_of_fold(&found);
                Outcome::Finished {
                    objective,
                    first: first.unwrap_or(objective),
                    holdout: match &found {
                        Found::Price(report) => report.model.rmsle,
                        Found::Class(report) => report.model.log_loss,
                    },
                }
            }
            Err(error) => failed(error),
        }
    }

    fn fit(&self, batch: &RecordBatch, members: &[NamedMember]) -> anyhow::Result<Found> {
        let options = FitOptions {
            members: members.to_vec(),
            ..self.options.clone()
        };
        Ok(found::fit(self.config, batch, &options)?.1)
    }
}

/// What a sweep makes small: over all folds the root mean squared log error of the stack, or the log
/// loss of a class.
fn out_of_fold(found: &Found) -> f64 {
    let report = match found {
        Found::Price(report) => report,
        Found::Class(report) => return report.fold_log_loss,
    };
    let rows: usize = report.folds.iter().map(|own| own.rows).sum();
    let squares = report.folds.iter();
    let sum: f64 = squares
        .map(|own| own.stack * own.stack * own.rows as f64)
        .sum();
    match rows {
        0 => report.model.rmsle,
        rows => (sum / rows as f64).sqrt(),
    }
}
