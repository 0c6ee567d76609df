//! One trial: a fit with some settings, out of fold.

use std::sync::Arc;
use std::time::Instant;

use arrow_array::{RecordBatch, UInt64Array};
use records::Task;
use registry::{Run, RunStatus};
use report::{Trial, TrialOutcome};
use valuation::{FitOptions, FitReport, NamedMember, Observer};

use super::options::Sweep;
use super::shown::Shown;
use super::space;
use crate::config::Config;
use crate::listings::Listings;
use crate::training::fit::fit_unshown;
use crate::training::run_log::member_params;

/// Trials that must have been tried before one can be abandoned.
const LEAST_BEFORE: usize = 4;
/// Fewer rows than this are not worth a first look.
const LEAST_FIRST_ROWS: usize = 500;

/// The run that a trial is kept as, a part of the sweep's run.
pub(crate) fn run_of(
    trial: &Trial,
    parent: &str,
    config: &Config,
    work: &Work,
) -> anyhow::Result<Run> {
    let mut run = Run::start(format!("trial {}", trial.number));
    run.parent = Some(parent.to_owned());
    run.param("data.rows", work.whole.num_rows());
    for member in &trial.members {
        member_params(&mut run, member);
    }
    for (parameter, value) in config.prepare.sweep.parameters.iter().zip(&trial.values) {
        run.param(format!("sweep.{}", parameter.name()), value);
    }
    match &trial.outcome {
        TrialOutcome::Finished {
            objective,
            first,
            holdout,
        } => {
            run.measure("objective.first", trial.number, *first);
            run.measure("objective", trial.number, *objective);
            let measure = match config.schema.task {
                Task::Classification => "holdout.log_loss",
                _ => "holdout.rmse_log",
            };
            run.measure(measure, trial.number, *holdout);
        }
        TrialOutcome::GivenUp { first } => run.measure("objective.first", trial.number, *first),
        TrialOutcome::Failed { error } => {
            run.tags.insert("error".to_owned(), error.clone());
        }
    }
    run.measure("seconds.train", trial.number, trial.seconds);
    run.end(match trial.outcome {
        TrialOutcome::Finished { .. } => RunStatus::Finished,
        TrialOutcome::GivenUp { .. } => RunStatus::Killed,
        TrialOutcome::Failed { .. } => RunStatus::Failed,
    });
    run.ended_ms = Some(trial.ended_ms);
    run.started_ms = trial.ended_ms - (trial.seconds * 1e3) as i64;
    Ok(run)
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

/// Threads of each of the trials that this process fits side by side.
pub(super) fn threads_of(config: &Config, options: &Sweep) -> usize {
    let threads = match config.prepare.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    (threads / options.parallel.max(1)).max(1)
}

/// What all trials share.
pub(super) struct Work<'a> {
    config: &'a Config,
    whole: RecordBatch,
    /// The rows that are tried first; `None` where there are too few.
    first: Option<RecordBatch>,
    base: Vec<NamedMember>,
    options: FitOptions,
    /// Trials that are fitted at a time.
    side_by_side: usize,
    /// Is told how far the trials are.
    line: Arc<Shown>,
}

impl Work<'_> {
    pub(super) fn new<'a>(
        config: &'a Config,
        listings: &Listings,
        threads: usize,
        side_by_side: usize,
        line: Arc<Shown>,
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
        let mut options = config.prepare.fit_options();
        options.refit = false;
        options.threads = threads;
        let prepare = &config.prepare;
        let train = (rows as f64 * (1.0 - prepare.holdout_fraction)) as usize;
        let base = options.members_for(config.schema.task, train);
        for parameter in &prepare.sweep.parameters {
            space::check(parameter)?;
        }
        // Names are checked before the first trial, not in it.
        let lows: Vec<f64> = prepare
            .sweep
            .parameters
            .iter()
            .map(|parameter| parameter.value(parameter.range().0))
            .collect();
        space::members(&base, &prepare.sweep.parameters, &lows)?;
        Ok(Work {
            config,
            whole,
            first,
            base,
            options,
            side_by_side: side_by_side.max(1),
            line,
        })
    }

    /// A round of trials, some side by side, in their order; with each, whether it is new. `known` are
    /// those that were tried before.
    pub(super) fn round(
        &self,
        from: usize,
        points: &[Vec<f64>],
        known: Vec<Option<Trial>>,
        limit: Option<f64>,
    ) -> Vec<(Trial, bool)> {
        let mut rest = points.iter().zip(known).enumerate().peekable();
        let mut round = Vec::with_capacity(points.len());
        while rest.peek().is_some() {
            let wave = rest.by_ref().take(self.side_by_side);
            std::thread::scope(|scope| {
                let trials: Vec<_> = wave
                    .map(|(index, (values, known))| match known {
                        Some(known) => Err(known),
                        None => Ok(scope.spawn(move || self.trial(from + index, values, limit))),
                    })
                    .collect();
                round.extend(trials.into_iter().map(|trial| match trial {
                    Err(known) => (known, false),
                    Ok(trial) => match trial.join() {
                        Ok(trial) => (trial, true),
                        Err(panic) => std::panic::resume_unwind(panic),
                    },
                }));
            });
        }
        round
    }

    /// A trial that cannot be fitted, and why.
    pub(super) fn failed(&self, number: usize, values: &[f64], error: String) -> Trial {
        Trial {
            number,
            values: values.to_vec(),
            members: self.base.clone(),
            outcome: TrialOutcome::Failed { error },
            seconds: 0.0,
            ended_ms: records::timestamp::now_us() / 1000,
        }
    }

    /// Fits one trial; `limit` is the error on the first rows beyond which it is given up.
    pub(super) fn trial(&self, number: usize, values: &[f64], limit: Option<f64>) -> Trial {
        let began = Instant::now();
        let parameters = &self.config.prepare.sweep.parameters;
        let (members, outcome) = match space::members(&self.base, parameters, values) {
            Ok(members) => {
                let outcome = self.outcome(number, &members, limit);
                (members, outcome)
            }
            Err(error) => (
                self.base.clone(),
                TrialOutcome::Failed {
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

    fn outcome(&self, number: usize, members: &[NamedMember], limit: Option<f64>) -> TrialOutcome {
        let failed = |error: anyhow::Error| TrialOutcome::Failed {
            error: format!("{error:#}"),
        };
        let first = match &self.first {
            None => None,
            Some(batch) => match self.fit(batch, members, Observer::default()) {
                Ok(found) => Some(out_of_fold(&found)),
                Err(error) => return failed(error),
            },
        };
        if let (Some(first), Some(limit)) = (first, limit)
            && first > limit
        {
            return TrialOutcome::GivenUp { first };
        }
        match self.fit(&self.whole, members, self.line.observer(number)) {
            Ok(found) => {
                let objective = out_of_fold(&found);
                TrialOutcome::Finished {
                    objective,
                    first: first.unwrap_or(objective),
                    holdout: holdout(&found),
                }
            }
            Err(error) => failed(error),
        }
    }

    fn fit(
        &self,
        batch: &RecordBatch,
        members: &[NamedMember],
        observer: Observer,
    ) -> anyhow::Result<FitReport> {
        let options = FitOptions {
            members: members.to_vec(),
            observer,
            ..self.options.clone()
        };
        Ok(fit_unshown(self.config, batch, &options)?.1)
    }
}

/// What a sweep makes small: over all folds the root mean squared log error of the stack, or the log
/// loss of a class, or of several.
fn out_of_fold(found: &FitReport) -> f64 {
    let report = match found {
        FitReport::Price(report) => report,
        FitReport::Class(report) => return report.fold_log_loss,
        FitReport::Multiclass(report) => return report.fold_log_loss,
        // A sweep of a clustering is refused before.
        FitReport::Clusters(_) => return f64::NAN,
    };
    let rows: usize = report.folds.iter().map(|fold| fold.rows).sum();
    let squares = report.folds.iter();
    let sum: f64 = squares
        .map(|fold| fold.stack * fold.stack * fold.rows as f64)
        .sum();
    match rows {
        0 => report.model.rmsle,
        rows => (sum / rows as f64).sqrt(),
    }
}

/// The same on the hold-out.
fn holdout(found: &FitReport) -> f64 {
    match found {
        FitReport::Price(report) => report.model.rmsle,
        FitReport::Class(report) => report.model.log_loss,
        FitReport::Multiclass(report) => report.model.log_loss,
        FitReport::Clusters(_) => f64::NAN,
    }
}
