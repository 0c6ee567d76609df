//! Which settings are tried next.

use anyhow::Context;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use report::{Parameter, Trial, TrialOutcome};
use serde::{Deserialize, Serialize};
use tpe::TpeOptimizer;

use crate::config::Config;

/// How the next trial is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SamplerKind {
    /// Blindly.
    Random,
    /// Where trials were good and not where they were bad: a tree-structured Parzen estimator for
    /// each parameter (Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization).
    Tpe,
}

/// Draws points; earlier trials decide where.
pub(super) struct Sampler {
    kind: SamplerKind,
    parameters: Vec<Parameter>,
    warmup: usize,
    added: usize,
    optimizers: Vec<TpeOptimizer>,
    random: ChaCha8Rng,
    /// Places of the points that are on their way, by their values.
    asked: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Sampler {
    pub(super) fn new(config: &Config, kind: SamplerKind) -> anyhow::Result<Sampler> {
        let sweep = &config.prepare.sweep;
        let optimizer = |parameter: &Parameter| -> anyhow::Result<TpeOptimizer> {
            let (low, high) = parameter.range();
            let is_range = parameter.choices.is_empty();
            let estimator = match is_range {
                true => tpe::parzen_estimator(),
                false => tpe::histogram_estimator(),
            };
            let range = tpe::range(low, high).map_err(|error| anyhow::anyhow!("{error}"))?;
            Ok(TpeOptimizer::new(estimator, range))
        };
        Ok(Sampler {
            kind,
            parameters: sweep.parameters.clone(),
            warmup: sweep.warmup,
            added: 0,
            optimizers: sweep
                .parameters
                .iter()
                .map(optimizer)
                .collect::<anyhow::Result<_>>()?,
            random: ChaCha8Rng::seed_from_u64(config.prepare.seed),
            asked: Vec::new(),
        })
    }

    /// The values of the next trials, a row a trial.
    pub(super) fn next(&mut self, count: usize) -> anyhow::Result<Vec<Vec<f64>>> {
        let is_blind = self.kind == SamplerKind::Random || self.added < self.warmup;
        let mut points = Vec::with_capacity(count);
        self.asked.clear();
        for _ in 0..count {
            let mut places = Vec::with_capacity(self.parameters.len());
            for (parameter, optimizer) in self.parameters.iter().zip(&mut self.optimizers) {
                let (low, high) = parameter.range();
                places.push(match is_blind {
                    true => self.random.random_range(low..high),
                    false => optimizer
                        .ask(&mut self.random)
                        .ok()
                        .context("the sampler gave no value")?,
                });
            }
            let value = |(parameter, place): (&Parameter, &f64)| parameter.value(*place);
            let values: Vec<f64> = self.parameters.iter().zip(&places).map(value).collect();
            self.asked.push((values.clone(), places));
            points.push(values);
        }
        Ok(points)
    }

    /// What a trial of the last round came to; `before` are those before it.
    pub(super) fn add(&mut self, trial: &Trial, before: &[Trial]) -> anyhow::Result<()> {
        self.added += 1;
        let asked = self
            .asked
            .iter()
            .find(|(values, _)| *values == trial.values);
        let Some((_, places)) = asked else {
            return Ok(());
        };
        let finished = || before.iter().filter_map(Trial::objective);
        let worst = finished().fold(0.0, f64::max);
        let objective = match &trial.outcome {
            TrialOutcome::Finished { objective, .. } => *objective,
            // Worse than all that finished, among themselves by what they were abandoned at.
            TrialOutcome::GivenUp { first } => worst + first,
            TrialOutcome::Failed { .. } => return Ok(()),
        };
        for (optimizer, place) in self.optimizers.iter_mut().zip(places) {
            optimizer
                .tell(*place, objective)
                .map_err(|error| anyhow::anyhow!("{error}"))?;
        }
        Ok(())
    }
}
