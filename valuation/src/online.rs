//! Learning on, record by record, from a fitted line: stochastic gradient steps that a penalty keeps
//! near the line they began from.
//!
//! Of a record with the design x (one-hot, the rest brought to 0…1 between the least and the greatest
//! value that the base had seen; that scaling is the base's and never changes) and the target y on the scale
//! of its link (ln price, ln(1 + count)),
//! the learner says w·x first, then learns (prequential: Dawid 1984, Statistical theory: the
//! prequential approach). A step takes the mean gradient of a mini-batch of
//!
//! ```text
//! ½(w·x − y)² + λ/2·‖w − w₀‖²          w₀: the base's coefficients, λ: `pull`
//! ```
//!
//! the first term by a gradient step, the second by its proximal map (Parikh & Boyd 2014, Proximal
//! Algorithms, 2.1), which is stable for any λ:
//!
//! ```text
//! v = w − η·g          w ← (v + ηλ·w₀) / (1 + ηλ)
//! η = rate_t / (mean ‖x‖² of the mini-batch)          rate_t = max(rate_least, rate / (1 + t/decay_steps))
//! ```
//!
//! Dividing by ‖x‖² makes the rate a share of the error that a step takes away, whatever the schema
//! (normalised least mean squares: Nagumo & Noda 1967); any below 2 is stable. The rate falls as in Bottou (2010, Large-Scale
//! Machine Learning with Stochastic Gradient Descent), to a least that is above 0: a market that moves
//! is followed without limit. A residual counts as `clip` times the base's usual one at most, so that a slip in a
//! price moves nothing far.
//!
//! Same records in the same order, same bits: however they are parted into batches, and whether or
//! not the state went through [`Online::encode`] in between.

mod coefficient;
mod error;
mod published;
mod scaling;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

pub use self::coefficient::Coefficient;
pub use self::error::OnlineError;
use self::scaling::Scaling;
use crate::cells::Cells;
use crate::linear::{Linear, SparseRow};
use crate::linear_design::LinearDesign;
use crate::members::Fitted as _;
use crate::model::Model;
use crate::predict_error::PredictError;

/// How a line learns on.
#[derive(Debug, Clone, PartialEq)]
pub struct OnlineOptions {
    /// Share of the error that the first step takes away, above 0 and at most 1.
    pub rate: f64,
    /// What the rate falls to, at most `rate`: above 0 it continues following.
    pub rate_least: f64,
    /// Steps after which the rate has halved.
    pub decay_steps: f64,
    /// λ, at least 0: how strongly the coefficients are held near the base's. Against the mean square of the
    /// scaled columns: at 0.01 next to nothing, at 10 they hardly leave.
    pub pull: f64,
    /// Residuals beyond so many of the base's usual (median) ones count as if they were that large.
    pub clip: f64,
    /// Records of a step, 1 to 10,000.
    pub batch_rows: usize,
}

impl Default for OnlineOptions {
    fn default() -> OnlineOptions {
        OnlineOptions {
            rate: 0.5,
            rate_least: 0.1,
            decay_steps: 500.0,
            pull: 0.01,
            clip: 6.0,
            batch_rows: 16,
        }
    }
}

impl OnlineOptions {
    /// Whether every option is in its range.
    ///
    /// # Errors
    /// States which is not.
    pub fn check(&self) -> Result<(), OnlineError> {
        let wrong = |option, expected, found| {
            Err(OnlineError::Option {
                option,
                expected,
                found,
            })
        };
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            return wrong("rate", "above 0 and at most 1", self.rate);
        }
        if !(0.0..=self.rate).contains(&self.rate_least) {
            return wrong("rate_least", "from 0 to the rate", self.rate_least);
        }
        if self.decay_steps.is_nan() || self.decay_steps <= 0.0 {
            return wrong("decay_steps", "above 0", self.decay_steps);
        }
        if !(self.pull >= 0.0 && self.pull.is_finite()) {
            return wrong("pull", "a number not below 0", self.pull);
        }
        if self.clip.is_nan() || self.clip <= 0.0 {
            return wrong("clip", "above 0", self.clip);
        }
        if !(1..=10_000).contains(&self.batch_rows) {
            return wrong("batch_rows", "from 1 to 10000", self.batch_rows as f64);
        }
        Ok(())
    }
}

/// The prediction for a record before the learner saw it, in the target's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PriorPrediction {
    /// The price it has.
    pub price: f64,
    /// The estimate.
    pub value: f64,
    /// Lower end of the range.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The prediction of the base, which does not change.
    pub base: f64,
}

/// Sums over all records, for the error in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Records valued and learned from.
    pub rows: u64,
    /// Of the squares of ln(estimate/price); of counts ln((1 + estimate)/(1 + count)).
    pub squares: f64,
    /// The same of the base's estimates.
    pub base_squares: f64,
}

impl Totals {
    /// Root mean square of ln(estimate/price) (of counts plus 1), of the learner and of the base; `None`
    /// before the first record.
    pub fn errors(&self) -> Option<(f64, f64)> {
        let mean = |sum: f64| (sum / self.rows as f64).sqrt();
        (self.rows > 0).then(|| (mean(self.squares), mean(self.base_squares)))
    }
}

/// Everything that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    /// w₀, which tells another base.
    anchor: Vec<f64>,
    /// The intercept, then by column, on the scaled columns.
    coefficients: Vec<f64>,
    /// Sum over the records of the mini-batch that has begun.
    gradient: Vec<f64>,
    /// Sum of their ‖x‖².
    power: f64,
    /// How many they are.
    in_batch: u64,
    /// Steps taken.
    steps: u64,
    /// Residuals that were cut.
    clipped: u64,
    /// Times the spread: half the range.
    quantile: f64,
    /// Newest time learned from, microseconds since 1970.
    until_us: Option<i64>,
    totals: Totals,
}

/// A line that learns on.
#[derive(Debug, Clone, PartialEq)]
pub struct Online {
    base: Model,
    options: OnlineOptions,
    scaling: Scaling,
    state: State,
}

impl Online {
    /// Begins at `base`, which must be a line alone.
    ///
    /// # Errors
    /// When it has other members, or an option is out of its range.
    pub fn new(base: Model, options: OnlineOptions) -> Result<Online, OnlineError> {
        options.check()?;
        let directed = base
            .head
            .schema
            .features()
            .find(|field| field.monotone.is_some());
        if let Some(field) = directed.map(|field| field.name.clone()) {
            return Err(OnlineError::Monotone { field });
        }
        let (linear_design, line) = line_of(&base)?;
        let scaling = Scaling::of(linear_design);
        let anchor = scaling.coefficients(line);
        let state = State {
            anchor: anchor.clone(),
            gradient: vec![0.0; anchor.len()],
            coefficients: anchor,
            power: 0.0,
            in_batch: 0,
            steps: 0,
            clipped: 0,
            quantile: base.estimator.plan.quantile,
            until_us: base.head.data_until_us,
            totals: Totals::default(),
        };
        Ok(Online {
            base,
            options,
            scaling,
            state,
        })
    }

    /// Continues where [`Online::encode`] was called, on the same base.
    ///
    /// # Errors
    /// As [`Online::new`], or when the bytes are not of this base.
    pub fn restore(
        base: Model,
        options: OnlineOptions,
        bytes: &[u8],
    ) -> Result<Online, OnlineError> {
        let mut online = Online::new(base, options)?;
        let broken = |detail: String| OnlineError::State { detail };
        let state: State =
            postcard::from_bytes(bytes).map_err(|error| broken(error.to_string()))?;
        let expected = online.state.anchor.len();
        let lengths = [state.coefficients.len(), state.gradient.len()];
        if state.anchor != online.state.anchor || lengths != [expected; 2] {
            return Err(broken("it is of another base".to_owned()));
        }
        online.state = state;
        Ok(online)
    }

    /// All that changes, as bytes.
    ///
    /// # Errors
    /// None that is known: only what the encoder says.
    pub fn encode(&self) -> Result<Vec<u8>, OnlineError> {
        postcard::to_allocvec(&self.state).map_err(|error| OnlineError::State {
            detail: error.to_string(),
        })
    }

    /// Values each row of a batch, then learns from it, one after the other. `None` for rows whose
    /// target the base's link does not [take](crate::Link::takes): it has no logarithm.
    ///
    /// # Errors
    /// When the batch lacks a column: nothing is learned then.
    pub fn learn(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<Vec<Option<PriorPrediction>>, PredictError> {
        self.base.check_columns(batch)?;
        let schema = &self.base.head.schema;
        let column =
            |name: Option<&String>| name.map_or(Cells::Absent, |name| Cells::of(batch, name));
        let (targets, times) = (column(schema.target.as_ref()), column(schema.time.as_ref()));
        let plan = &self.base.estimator.plan;
        let Some(linear_design) = &plan.linear_design else {
            return Ok(vec![None; batch.num_rows()]);
        };
        let complete = self.base.estimator.complete(batch);
        let bound = linear_design.bind(&complete);
        let whole = self.base.estimator.bind(&complete);
        let link = plan.link;
        let most = self.options.clip * plan.spread;
        let (mut design, mut x) = (SparseRow::new(), Vec::new());
        let state = &mut self.state;
        let mut predicted = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let price = targets.number(row).filter(|price| link.takes(*price));
            let Some(price) = price else {
                predicted.push(None);
                continue;
            };
            bound.write(row, &mut design);
            self.scaling.write(&design, &mut x);
            let (value, base) = (dot(&state.coefficients, &x), dot(&state.anchor, &x));
            // The line stands still beyond the range of a number, a price does not.
            let carried: f64 = whole.carried(row).iter().map(|(_, log)| log).sum();
            let say = |line: f64| link.hold(plan.equity.apply(line + carried));
            let (log, base_log) = (say(value), say(base));
            let half = state.quantile * plan.spread;
            let target = link.log(price);
            predicted.push(Some(PriorPrediction {
                price,
                value: link.value(log),
                low: link.value(log - half),
                high: link.value(log + half),
                base: link.value(base_log),
            }));
            state.totals.rows += 1;
            state.totals.squares += (log - target) * (log - target);
            state.totals.base_squares += (base_log - target) * (base_log - target);
            state.until_us = state.until_us.max(times.time_us(row));

            // The line itself aims at the mean of the logarithms, as in its fit.
            let residual = value + carried - target;
            let counted = residual.clamp(-most, most);
            state.clipped += u64::from(counted != residual);
            for (sum, value) in state.gradient.iter_mut().zip(&x) {
                *sum += counted * value;
            }
            state.power += dot(&x, &x);
            state.in_batch += 1;
            if state.in_batch >= self.options.batch_rows as u64 {
                step(state, &self.options);
            }
        }
        Ok(predicted)
    }

    /// What it began from.
    pub fn base(&self) -> &Model {
        &self.base
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.state.steps
    }

    /// Residuals that were cut as too large.
    pub fn clipped(&self) -> u64 {
        self.state.clipped
    }

    /// Sums over all records.
    pub fn totals(&self) -> Totals {
        self.state.totals
    }

    /// ‖w − w₀‖ over the scaled columns, in log target: how far it has come from the base.
    pub fn distance(&self) -> f64 {
        let pairs = self.state.coefficients.iter().zip(&self.state.anchor);
        let squares = pairs.map(|(value, base)| (value - base) * (value - base));
        squares.sum::<f64>().sqrt()
    }
}

/// The features and the weights of a model that is a line alone.
fn line_of(model: &Model) -> Result<(&LinearDesign, &Linear), OnlineError> {
    let estimator = &model.estimator;
    let line = match estimator.members.as_slice() {
        [member] => member.as_line(),
        _ => None,
    };
    match (&estimator.plan.linear_design, line) {
        (Some(linear_design), Some(line)) => Ok((linear_design, line)),
        _ => Err(OnlineError::NotALine {
            members: estimator
                .plan
                .members
                .iter()
                .map(|head| head.name.clone())
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// Takes the step of a mini-batch that is full.
fn step(state: &mut State, options: &OnlineOptions) {
    let rows = state.in_batch as f64;
    let rate = options.rate / (1.0 + state.steps as f64 / options.decay_steps);
    // The intercept's column alone makes it 1.
    let power = (state.power / rows).max(1.0);
    let eta = rate.max(options.rate_least) / power;
    let held = eta * options.pull;
    let moving = state.coefficients.iter_mut().zip(&mut state.gradient);
    for ((value, gradient), base) in moving.zip(&state.anchor) {
        let moved = *value - eta * *gradient / rows;
        *value = (moved + held * base) / (1.0 + held);
        *gradient = 0.0;
    }
    state.power = 0.0;
    state.in_batch = 0;
    state.steps += 1;
}
