//! The rule for models of a class: both on the same rows, by log loss.

use valuation::{ClassMetrics, Prediction};

use super::bootstrap::paired;
use super::contest::Entrant;
use super::rule::{latency, size};
use super::verdict::{Check, Verdict};
use crate::config::PromotionConfig;

/// Probabilities this near 0 and 1 are taken for it: a loss stays finite.
const NEAREST: f64 = 1e-15;

/// Two models of a class on the same rows.
pub(super) struct ClassGround<'a> {
    /// By row: whether it is of the class.
    pub(super) classes: &'a [bool],
    /// The threshold of the challenger.
    pub(super) threshold: f64,
    /// Of the intervals.
    pub(super) seed: u64,
}

impl ClassGround<'_> {
    /// The verdict; `None` where one of the classes is not among the rows.
    pub(super) fn verdict(
        &self,
        challenger: &Entrant,
        champion: &Entrant,
        settings: &PromotionConfig,
    ) -> Option<Verdict> {
        let of = |entrant: &Entrant| -> (Vec<f64>, Option<ClassMetrics>) {
            let predicted: Vec<f64> = entrant
                .predicted
                .iter()
                .map(|prediction| prediction.value)
                .collect();
            let losses = entrant
                .predicted
                .iter()
                .zip(self.classes)
                .map(loss)
                .collect();
            let metrics = ClassMetrics::of(&predicted, self.classes, self.threshold);
            (losses, metrics)
        };
        let ((challenger_losses, ours), (other, theirs)) = (of(challenger), of(champion));
        let (ours, theirs) = (ours?, theirs?);
        let differences: Vec<f64> = challenger_losses
            .iter()
            .zip(&other)
            .map(|(loss, other)| loss - other)
            .collect();
        let found = paired(&differences, self.seed);
        let base = theirs.log_loss.max(f64::MIN_POSITIVE);
        let signed = |share: f64| format!("{:+.2} %", share * 100.0);
        let checks = vec![
            // That the newer model is not worse, as for prices.
            Check {
                name: "error".to_owned(),
                passes: found.high / base <= settings.error_margin,
                message: format!(
                    "log loss {:.4}, the champion's {:.4}: {} ({} to {}), allowed up to {}",
                    ours.log_loss,
                    theirs.log_loss,
                    signed(found.value / base),
                    signed(found.low / base),
                    signed(found.high / base),
                    signed(settings.error_margin)
                ),
            },
            // Intervals of single curves: rows are the same, so that this forgives more than it says.
            Check {
                name: "AUC".to_owned(),
                passes: ours.auc.high >= theirs.auc.value,
                message: format!(
                    "{:.4} ({:.4} to {:.4}), the champion's {:.4}",
                    ours.auc.value, ours.auc.low, ours.auc.high, theirs.auc.value
                ),
            },
            size(challenger.bytes, champion.bytes, settings),
            latency(challenger.row_us, champion.row_us, settings),
        ];
        Some(Verdict::of_checks(
            challenger.version,
            champion.version,
            self.classes.len(),
            checks,
        ))
    }
}

/// −log of the probability of the true class.
fn loss((predicted, class): (&Prediction, &bool)) -> f64 {
    let share = predicted.value.clamp(NEAREST, 1.0 - NEAREST);
    -if *class {
        share.ln()
    } else {
        (1.0 - share).ln()
    }
}
