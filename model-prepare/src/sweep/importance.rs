//! Which parameters the error goes by.

use report::{Parameter, Trial};

/// Parts that a parameter's values are cut into.
const PARTS: usize = 4;

/// For each parameter the share of the error's variance between trials that its value alone explains:
/// the correlation ratio over quarters of its range without what chance gives it, ε² (Kelley 1935, An
/// Unbiased Correlation Ratio Measure). The greatest first; 0 for too few trials.
pub(super) fn importance(parameters: &[Parameter], done: &[Trial]) -> Vec<(String, f64)> {
    let finished: Vec<(&Trial, f64)> = done
        .iter()
        .filter_map(|trial| Some((trial, trial.objective()?)))
        .collect();
    let of = |index: usize, parameter: &Parameter| {
        let mut parts = vec![(0_usize, 0.0); PARTS];
        for (trial, objective) in &finished {
            let share = parameter.share(trial.values[index]);
            let part = &mut parts[((share * PARTS as f64) as usize).min(PARTS - 1)];
            part.0 += 1;
            part.1 += objective;
        }
        let rows = finished.len() as f64;
        let mean = finished.iter().map(|(_, objective)| objective).sum::<f64>() / rows;
        let all: f64 = finished
            .iter()
            .map(|(_, objective)| (objective - mean).powi(2))
            .sum();
        let filled: Vec<(f64, f64)> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, sum)| (count as f64, sum / count as f64))
            .collect();
        let between: f64 = filled
            .iter()
            .map(|(count, cell_mean)| count * (cell_mean - mean).powi(2))
            .sum();
        let free = rows - filled.len() as f64;
        // What is left of equal errors is the rounding of their mean.
        let noise = rows * (mean * 1e-9).powi(2);
        if all <= noise || free < 1.0 {
            return 0.0;
        }
        // 1 − (within / (n − k)) / (all / (n − 1)), of n trials in k parts.
        (1.0 - (all - between) / free * (rows - 1.0) / all).max(0.0)
    };
    let mut found: Vec<(String, f64)> = parameters
        .iter()
        .enumerate()
        .map(|(index, parameter)| (parameter.name(), of(index, parameter)))
        .collect();
    found.sort_by(|one, other| other.1.total_cmp(&one.1));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::TrialOutcome;

    #[test]
    fn what_the_error_goes_by_is_told_from_what_it_does_not() {
        let parameter = |option: &str| Parameter {
            member: "leaf-wise".to_owned(),
            option: option.to_owned(),
            low: 0.0,
            high: 1.0,
            log: false,
            whole: false,
            choices: Vec::new(),
        };
        let trials: Vec<Trial> = (0..64)
            .map(|number| {
                let matters = f64::from(number % 8) / 8.0;
                Trial {
                    number: number as usize,
                    values: vec![f64::from(number / 8) / 8.0, matters],
                    members: Vec::new(),
                    outcome: TrialOutcome::Finished {
                        objective: 0.1 + matters,
                        first: 0.1,
                        holdout: 0.1,
                    },
                    seconds: 1.0,
                    ended_ms: 0,
                }
            })
            .collect();
        let found = importance(&[parameter("idle"), parameter("rate")], &trials);
        assert_eq!(found[0].0, "leaf-wise.rate");
        // Quarters of eighths: within a part two values are left.
        assert!((0.94..0.96).contains(&found[0].1), "{found:?}");
        assert_eq!(found[1], ("leaf-wise.idle".to_owned(), 0.0));
        assert_eq!(importance(&[parameter("rate")], &trials[..1])[0].1, 0.0);
        // All alike, except for the last bit.
        let mut alike = trials;
        for value in &mut alike {
            let objective = 0.1 + f64::EPSILON / 16.0 * value.values[1].round();
            value.outcome = TrialOutcome::Finished {
                objective,
                first: 0.1,
                holdout: 0.1,
            };
        }
        assert_eq!(
            importance(&[parameter("idle"), parameter("rate")], &alike)[0].1,
            0.0
        );
    }
}
