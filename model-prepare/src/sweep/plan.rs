//! What decides which trials a sweep has.

use anyhow::ensure;
use registry::Run;
use report::Parameter;
use serde::{Deserialize, Serialize};
use valuation::{FoldBy, NamedMember};

use super::options::Sweep;
use super::sampler::SamplerKind;
use crate::config::Config;

/// What decides which trials there are: a sweep continues with the same alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    data: String,
    schema: String,
    sampler: SamplerKind,
    /// Trials of a round: what a round tries depends on the rounds before it alone. Logs name it after the flag that
    /// set it alone once.
    #[serde(rename = "parallel")]
    round: usize,
    seed: u64,
    warmup: usize,
    first_stride: usize,
    parameters: Vec<Parameter>,
    members: Vec<NamedMember>,
    effort: String,
    folds: usize,
    /// Logs of earlier releases do not say it: their trials are of drawn folds.
    #[serde(default = "drawn")]
    fold_by: FoldBy,
    holdout_fraction: f64,
}

fn drawn() -> FoldBy {
    FoldBy::Random
}

impl Plan {
    pub(super) fn of(config: &Config, options: &Sweep) -> anyhow::Result<Plan> {
        let (prepare, sweep) = (&config.prepare, &config.prepare.sweep);
        ensure!(
            !sweep.parameters.is_empty(),
            "expected parameters to vary in [[prepare.sweep.parameters]], found none"
        );
        let is_plain =
            |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        ensure!(
            !options.name.is_empty() && options.name.chars().all(is_plain),
            "expected a name of letters, digits, - and _, found {:?}",
            options.name
        );
        Ok(Plan {
            data: options
                .data
                .as_ref()
                .map_or_else(|| "the table".to_owned(), |file| file.display().to_string()),
            schema: config.schema.name.clone(),
            sampler: options.sampler,
            round: options.round,
            seed: prepare.seed,
            warmup: sweep.warmup,
            first_stride: sweep.first_stride,
            parameters: sweep.parameters.clone(),
            members: prepare.members.clone(),
            effort: format!("{:?}", prepare.effort),
            folds: prepare.folds,
            fold_by: prepare.fold_by,
            holdout_fraction: prepare.holdout_fraction,
        })
    }

    /// Whether a sweep that was begun by `other` tries the same. The name of the file that its rows came from does
    /// not matter where the rows are kept beside the plan.
    pub(super) fn tries_as(&self, other: &Plan) -> bool {
        let data = other.data.clone();
        let named_alike = Plan {
            data,
            ..self.clone()
        };
        named_alike == *other
    }

    /// How many trials a round has.
    pub(super) fn round(&self) -> usize {
        self.round
    }

    /// The run that the trials are parts of.
    pub(super) fn run(&self, name: &str) -> Run {
        let mut run = Run::start(format!("sweep {name}"));
        run.param("data.source", &self.data);
        run.param("sampler", format!("{:?}", self.sampler).to_lowercase());
        run.param("parallel", self.round);
        run.param("fit.seed", self.seed);
        for parameter in &self.parameters {
            let range = match parameter.choices.is_empty() {
                true => format!("{} to {}", parameter.low, parameter.high),
                false => format!("{:?}", parameter.choices),
            };
            run.param(format!("space.{}", parameter.name()), range);
        }
        run
    }
}
