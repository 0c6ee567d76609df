//! The values that a sweep gives to the members.

use anyhow::{Context, ensure};
use report::Parameter;
use serde_json::Value;
use valuation::{MemberOptions, NamedMember};

/// Checks the range or the choices of a parameter.
///
/// # Errors
/// When the range is empty and there are fewer than two choices.
pub(crate) fn check(parameter: &Parameter) -> anyhow::Result<()> {
    let is_range = parameter.low < parameter.high && (!parameter.log || parameter.low > 0.0);
    ensure!(
        is_range || parameter.choices.len() > 1,
        "prepare.sweep, {}: expected low below high (above 0 where log), or two choices or more, \
         found {} to {} and {} choices",
        parameter.name(),
        parameter.low,
        parameter.high,
        parameter.choices.len()
    );
    Ok(())
}

/// The members with these values in place of theirs.
pub(crate) fn members(
    base: &[NamedMember],
    parameters: &[Parameter],
    values: &[f64],
) -> anyhow::Result<Vec<NamedMember>> {
    let mut members = base.to_vec();
    for (parameter, value) in parameters.iter().zip(values) {
        let names: Vec<&str> = base.iter().map(|member| member.name.as_str()).collect();
        let member = members
            .iter_mut()
            .find(|member| member.name == parameter.member);
        let member = member.with_context(|| {
            format!(
                "prepare.sweep: expected one of the members {}, found {:?}",
                names.join(", "),
                parameter.member
            )
        })?;
        let mut options = serde_json::to_value(&member.options)?;
        let option = options.get_mut(&parameter.option).with_context(|| {
            format!(
                "prepare.sweep: the member {:?} has no option {:?}",
                parameter.member, parameter.option
            )
        })?;
        *option = match option.is_u64() || option.is_i64() {
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
    fn a_parameter_needs_a_range_or_two_choices() {
        let mut choice = parameter(0.0, 0.0, false, false);
        assert!(check(&choice).is_err());
        choice.choices = vec![3.0, 5.0, 9.0];
        check(&choice).expect("three choices");
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
