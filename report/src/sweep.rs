//! A sweep: what it varies, and its trials.

use serde::{Deserialize, Serialize};
use valuation::NamedMember;

/// An option of a member, and the values it may take: a range, or some values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The member's name.
    pub member: String,
    /// The option's, as in `[[prepare.members]]`.
    pub option: String,
    /// The least value.
    #[serde(default)]
    pub low: f64,
    /// The greatest.
    #[serde(default)]
    pub high: f64,
    /// Whether ratios count rather than differences: 0.01 to 0.02 is as far as 0.1 to 0.2.
    #[serde(default)]
    pub log: bool,
    /// Whether values are whole numbers.
    #[serde(default)]
    pub whole: bool,
    /// The values themselves, instead of a range.
    #[serde(default)]
    pub choices: Vec<f64>,
}

impl Parameter {
    /// How runs call it.
    pub fn name(&self) -> String {
        format!("{}.{}", self.member, self.option)
    }

    /// Where the sampler draws: a line, or positions among the choices.
    pub fn range(&self) -> (f64, f64) {
        match (self.choices.len(), self.log) {
            (0, false) => (self.low, self.high),
            (0, true) => (self.low.ln(), self.high.ln()),
            (count, _) => (0.0, count as f64),
        }
    }

    /// The value at a place of that line.
    pub fn value(&self, place: f64) -> f64 {
        if !self.choices.is_empty() {
            let index = (place.max(0.0) as usize).min(self.choices.len() - 1);
            return self.choices[index];
        }
        let value = if self.log { place.exp() } else { place };
        let value = value.clamp(self.low, self.high);
        if self.whole { value.round() } else { value }
    }

    /// Where a value is drawn, from 0 to 1.
    pub fn share(&self, value: f64) -> f64 {
        if !self.choices.is_empty() {
            let index = self.choices.iter().position(|choice| *choice == value);
            let last = (self.choices.len() - 1).max(1) as f64;
            return index.unwrap_or(0) as f64 / last;
        }
        let (low, high) = self.range();
        let place = if self.log { value.ln() } else { value };
        ((place - low) / (high - low)).clamp(0.0, 1.0)
    }
}

/// What a trial came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum TrialOutcome {
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
pub struct Trial {
    /// Counts up from 0.
    pub number: usize,
    /// Values of the parameters, in their order.
    pub values: Vec<f64>,
    /// The members with them.
    pub members: Vec<NamedMember>,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: TrialOutcome,
    /// How long it took.
    pub seconds: f64,
    /// When it ended, milliseconds since 1970.
    pub ended_ms: i64,
}

impl Trial {
    /// What counts; `None` for one that did not finish.
    pub fn objective(&self) -> Option<f64> {
        match self.outcome {
            TrialOutcome::Finished { objective, .. } => Some(objective),
            _ => None,
        }
    }

    /// Its error on the first rows.
    pub fn first(&self) -> Option<f64> {
        match self.outcome {
            TrialOutcome::Finished { first, .. } | TrialOutcome::GivenUp { first } => Some(first),
            TrialOutcome::Failed { .. } => None,
        }
    }

    /// Its settings, for people.
    pub fn settings(&self, parameters: &[Parameter]) -> String {
        let settings = parameters.iter().zip(&self.values);
        let texts: Vec<String> = settings
            .map(|(parameter, value)| format!("{} = {value:.4}", parameter.name()))
            .collect();
        texts.join(", ")
    }
}

/// The least error of those that finished; the earlier where two are equal.
pub fn best(done: &[Trial]) -> Option<&Trial> {
    let finished = done.iter().filter(|trial| trial.objective().is_some());
    finished.min_by(|one, other| {
        let of = |trial: &Trial| trial.objective().unwrap_or(f64::INFINITY);
        of(one).total_cmp(&of(other))
    })
}

/// Whether all that finished have one error, except for rounding: then none is better than another.
pub fn are_alike(done: &[Trial]) -> bool {
    let errors = || done.iter().filter_map(Trial::objective);
    let (least, most) = errors().fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(least, most), error| (least.min(error), most.max(error)),
    );
    errors().count() > 1 && most - least <= 1e-9 * most.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(low: f64, high: f64, log: bool, whole: bool) -> Parameter {
        Parameter {
            member: "leaf-wise".to_owned(),
            option: "rate".to_owned(),
            low,
            high,
            log,
            whole,
            choices: Vec::new(),
        }
    }

    #[test]
    fn places_become_values_and_values_shares() {
        let rate = parameter(0.01, 1.0, true, false);
        let (low, high) = rate.range();
        assert!((rate.value((low + high) / 2.0) - 0.1).abs() < 1e-12);
        assert!((rate.share(0.1) - 0.5).abs() < 1e-12);
        let leaves = parameter(8.0, 64.0, false, true);
        assert_eq!(leaves.value(20.4), 20.0);
        assert_eq!(leaves.value(900.0), 64.0);
        let mut choice = parameter(0.0, 0.0, false, false);
        choice.choices = vec![3.0, 5.0, 9.0];
        assert_eq!(
            [0.2, 1.9, 2.9].map(|place| choice.value(place)),
            [3.0, 5.0, 9.0]
        );
        assert_eq!(choice.share(5.0), 0.5);
    }
}
