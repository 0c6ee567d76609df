//! The settings of a sweep.

use report::Parameter;
use serde::Deserialize;

/// Section `[prepare.sweep]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepConfig {
    /// Trials drawn blindly before the model-based sampler has something to go by.
    pub warmup: usize,
    /// A trial is first fitted on every Nth row; a trial whose error there is in the worse half is given
    /// up. 1: no trial is.
    pub first_stride: usize,
    /// What is varied; the rest stays as the members have it.
    pub parameters: Vec<Parameter>,
}
