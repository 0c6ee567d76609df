//! On which scale a target is learned, and the way back from there.
//!
//! A price is learned as ln y. A count may be 0, which has no logarithm: it is learned as ln(1 + y), and
//! what is predicted for it is e^z − 1, never below 0. Errors are measured on the same scale: relative ones of a count
//! are those of 1 + y.

use records::{Kind, Schema};
use serde::{Deserialize, Serialize};

/// The link between a target and the line that estimates it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// ln y, of targets above 0: what artifacts were fitted on that have nothing about a link.
    #[default]
    Log,
    /// ln(1 + y), of counts: whole numbers from 0 on.
    LogOnePlus,
}

impl Link {
    /// What a schema's target is learned as: a whole number whose least value is 0 is a count.
    pub fn of(schema: &Schema) -> Link {
        let target = schema.target.as_deref().and_then(|name| schema.field(name));
        match target {
            Some(field) if field.kind == Kind::Integer && field.min == Some(0.0) => {
                Link::LogOnePlus
            }
            _ => Link::Log,
        }
    }

    /// Whether it is that of artifacts that have nothing about one.
    pub(crate) fn is_log(&self) -> bool {
        *self == Link::Log
    }

    /// What is added to a target before its logarithm is taken: 0 or 1.
    pub fn offset(self) -> f64 {
        match self {
            Link::Log => 0.0,
            Link::LogOnePlus => 1.0,
        }
    }

    /// Whether a target can be used for training.
    pub fn takes(self, target: f64) -> bool {
        match self {
            Link::Log => target > 0.0,
            Link::LogOnePlus => target >= 0.0,
        }
    }

    /// Which targets [`Link::takes`], in words.
    pub fn expected(self) -> &'static str {
        match self {
            Link::Log => "above 0",
            Link::LogOnePlus => "not below 0",
        }
    }

    /// The scale that `target` is learned on, in words: `ln price`, `ln(1 + clicks)`.
    pub fn scale(self, target: &str) -> String {
        match self {
            Link::Log => format!("ln {target}"),
            Link::LogOnePlus => format!("ln(1 + {target})"),
        }
    }

    /// A target on the scale that it is learned on; not finite where it cannot be.
    pub(crate) fn log(self, target: f64) -> f64 {
        match self {
            Link::Log => target.ln(),
            Link::LogOnePlus if target >= 0.0 => target.ln_1p(),
            Link::LogOnePlus => f64::NAN,
        }
    }

    /// An estimate on that scale, held where targets are.
    pub(crate) fn hold(self, log: f64) -> f64 {
        match self {
            Link::Log => log,
            Link::LogOnePlus => log.max(0.0),
        }
    }

    /// The way back: an estimate, or an end of a range, in the target's unit.
    pub(crate) fn value(self, log: f64) -> f64 {
        match self {
            Link::Log => log.exp(),
            Link::LogOnePlus => log.exp_m1().max(0.0),
        }
    }

    /// The way back for a target that was known: a count is whole again.
    pub(crate) fn target(self, log: f64) -> f64 {
        match self {
            Link::Log => log.exp(),
            Link::LogOnePlus => log.exp_m1().round(),
        }
    }

    /// By what factor an estimate is too great, in the terms of the link: ŷ/y of prices, (1 + ŷ)/(1 + y)
    /// of counts.
    pub fn ratio(self, value: f64, target: f64) -> f64 {
        (self.offset() + value) / (self.offset() + target)
    }

    /// Half of a range on the scale of learning. The lower end of a count's may have been held at 0: the
    /// upper half states how wide it is.
    pub(crate) fn half(self, low: f64, value: f64, high: f64) -> f64 {
        match self {
            Link::Log => (high / low).ln() / 2.0,
            Link::LogOnePlus => self.ratio(high, value).ln(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_from_0_on_is_a_count() {
        let of = |target: &str| {
            let text = format!(
                "name = \"x\"\nversion = 1\ntask = \"regression\"\ntable = \"x\"\nkey = \"id\"\n\
                 target = \"y\"\n[[field]]\nname = \"id\"\nkind = \"text\"\n\
                 [[field]]\nname = \"y\"\n{target}"
            );
            Link::of(&Schema::parse(&text, "x").unwrap())
        };
        assert_eq!(of("kind = \"integer\"\nmin = 0"), Link::LogOnePlus);
        assert_eq!(of("kind = \"integer\"\nmin = 1"), Link::Log);
        assert_eq!(of("kind = \"integer\""), Link::Log);
        assert_eq!(of("kind = \"number\"\nmin = 0"), Link::Log);
        assert_eq!(Link::of(&Schema::real_estate()), Link::Log);
    }

    #[test]
    fn there_and_back_again() {
        for count in [0.0, 1.0, 3.0, 77.0, 1e6] {
            let log = Link::LogOnePlus.log(count);
            assert_eq!(Link::LogOnePlus.target(log), count);
            assert!((Link::LogOnePlus.value(log) - count).abs() <= 1e-9 * count);
        }
        assert_eq!(Link::LogOnePlus.value(-0.3), 0.0);
        assert_eq!(Link::LogOnePlus.hold(-0.3), 0.0);
        assert_eq!(Link::LogOnePlus.ratio(3.0, 0.0), 4.0);
        assert!(Link::LogOnePlus.takes(0.0) && !Link::LogOnePlus.takes(-1.0));
        assert!(!Link::LogOnePlus.log(-0.5).is_finite());
        assert!(!Link::LogOnePlus.takes(f64::NAN));
        // Prices are as they always were, to the last bit.
        for price in [0.1, 5_400_000.0, 1e13 / 7.0] {
            assert_eq!(Link::Log.log(price).to_bits(), price.ln().to_bits());
            assert_eq!(Link::Log.value(price.ln()), price.ln().exp());
            assert_eq!(Link::Log.ratio(price, 3.3), price / 3.3);
        }
        assert!(!Link::Log.takes(0.0));
    }
}
