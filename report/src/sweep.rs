//! What a sweep varies.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use valuation::{MemberOptions, NamedMember};

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
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.member, self.option)
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        let is_range = self.low < self.high && (!self.log || self.low > 0.0);
        ensure!(
            is_range || self.choices.len() > 1,
            "prepare.sweep, {}: expected low below high (above 0 where log), or two choices or more, \
             found {} to {} and {} choices",
            self.name(),
            self.low,
            self.high,
            self.choices.len()
        );
        Ok(())
    }

    /// Where the sampler draws: a line, or positions among the choices.
    pub(super) fn range(&self) -> (f64, f64) {
        match (self.choices.len(), self.log) {
            (0, false) => (self.low, self.high),
            (0, true) => (self.low.ln(), self.high.ln()),
            (count, _) => (0.0, count as f64),
        }
    }

    /// The value at a place of that line.
    pub(super) fn value(&self, place: f64) -> f64 {
        if !self.choices.is_empty() {
            let index = (place.max(0.0) as usize).min(self.choices.len() - 1);
            return self.choices[index];
        }
        let value = if self.log { place.exp() } else { place };
        let value = value.clamp(self.low, self.high);
        if self.whole { value.round() } else { value }
    }

    /// Where a value is drawn, from 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        if !self.choices.is_empty() {
            let index = self.choices.iter().position(|own| *own == value);
            let last = (self.choices.len() - 1).max(1) as f64;
            return index.unwrap_or(0) as f64 / last;
        }
        let (low, high) = self.range();
        let place = if self.log { value.ln() } else { value };
        ((place - low) / (high - low)).clamp(0.0, 1.0)
    }
}

/// The members with these values in place of theirs.
pub(super) fn members(
    base: &[NamedMember],
    parameters: &[Parameter],
    values: &[f64],
) -> anyhow::Result<Vec<NamedMember>> {
    let mut members = base.to_vec();
    for (parameter, value) in parameters.iter().zip(values) {
        let names: Vec<&str> = base.iter().map(|own| own.name.as_str()).collect();
        let member = members.iter_mut().find(|own| own.name == parameter.member);
        let member = member.with_context(|| {
            format!(
                "prepare.sweep: expected one of the members {}, found {:?}",
                names.join(", "),
                parameter.member
            )
        })?;
        let mut options = serde_json::to_value(&member.options)?;
        let own = options.get_mut(&parameter.option).with_context(|| {
            format!(
                "prepare.sweep: the member {:?} has no option {:?}",
                parameter.member, parameter.option
            )
        })?;
        *own = match own.is_u64() || own.is_i64() {
            true => Value::from(value.round() as u64),
            false => Value::from(*value),
        };
        member.options = serde_json::from_value::<MemberOptions>(options)?;
    }
    Ok(members)
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
        assert!(choice.check().is_err());
        choice.choices = vec![3.0, 5.0, 9.0];
        choice.check().expect("three choices");
        assert_eq!(
            [0.2, 1.9, 2.9].map(|place| choice.value(place)),
            [3.0, 5.0, 9.0]
        );
        assert_eq!(choice.share(5.0), 0.5);
    }

    #[test]
    fn members_take_values_and_what_they_have_not_is_named() {
        let base = valuation::Effort::Standard.members(10_000);
        let rate = parameter(0.01, 0.5, true, false);
        let mut leaves = parameter(8.0, 64.0, false, true);
        leaves.option = "leaves".to_owned();
        let varied = members(&base, &[rate.clone(), leaves], &[0.03, 17.0]).expect("fits");
        let MemberOptions::Boosted(options) = &varied[1].options else {
            panic!("trees expected");
        };
        assert_eq!((options.rate, options.leaves), (0.03, 17));
        let mut other = rate.clone();
        other.option = "colour".to_owned();
        let error = members(&base, &[other], &[1.0]).expect_err("no such option");
        assert!(error.to_string().contains("colour"), "{error}");
        let mut other = rate;
        other.member = "forest-fire".to_owned();
        let error = members(&base, &[other], &[1.0]).expect_err("no such member");
        assert!(error.to_string().contains("leaf-wise"), "{error}");
    }
}
