//! `--effort` of the commands that fit.

use valuation::Effort;

/// How much work a fit may be.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum EffortFlag {
    /// The linear model alone
    Quick,
    /// The base learners of standard with smaller trees that learn in larger steps: less than half of the time
    Fast,
    /// The smallest error
    Standard,
}

impl From<EffortFlag> for Effort {
    fn from(flag: EffortFlag) -> Effort {
        match flag {
            EffortFlag::Quick => Effort::Quick,
            EffortFlag::Fast => Effort::Fast,
            EffortFlag::Standard => Effort::Standard,
        }
    }
}
