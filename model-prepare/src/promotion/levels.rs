//! The rule for models of several classes: both on the same rows, by log loss.

use arrow_array::RecordBatch;
use valuation::{MulticlassModel, PredictError, Prediction, ScoredRow};

use super::bootstrap::paired;
use super::contest::Entrant;
use super::rule::{latency, size};
use super::verdict::{Check, Verdict};
use crate::config::PromotionConfig;

/// A probability this near 0 is taken for it: a loss stays finite.
const NEAREST: f64 = 1e-15;

/// What a model says of rows whose levels are known, as the hold-out keeps it: the probability of the predicted level,
/// and as the lower end that of the level that it is. A level that the model does not predict is impossible to it.
pub(super) fn beside_levels(
    model: &MulticlassModel,
    batch: &RecordBatch,
    levels: &[String],
) -> Result<Vec<Prediction>, PredictError> {
    let known = model.levels();
    let rows = model.probabilities(batch)?.into_iter().zip(levels);
    let beside = rows.map(|(probabilities, level)| {
        let actual = known.iter().position(|known| known == level);
        let scored = ScoredRow::of(&probabilities, actual);
        Prediction {
            value: scored.of_predicted,
            low: scored.of_actual,
            high: scored.of_predicted,
        }
    });
    Ok(beside.collect())
}

/// The verdict on the challenger; both have their predictions as [`beside_levels`] gives them.
pub(super) fn verdict(
    challenger: &Entrant,
    champion: &Entrant,
    seed: u64,
    settings: &PromotionConfig,
) -> Verdict {
    let (ours, theirs) = (of_rows(challenger, loss), of_rows(champion, loss));
    let (our_hits, their_hits) = (of_rows(challenger, hit), of_rows(champion, hit));
    let of_loss = paired(&differences(&ours, &theirs), seed);
    let of_hits = paired(&differences(&our_hits, &their_hits), seed);
    let base = mean(&theirs).max(f64::MIN_POSITIVE);
    let signed = |share: f64| format!("{:+.2} %", share * 100.0);
    let checks = vec![
        // That the newer model is not worse, as for prices.
        Check {
            name: "error".to_owned(),
            passes: of_loss.high / base <= settings.error_margin,
            message: format!(
                "log loss {:.4}, the champion's {:.4}: {} ({} to {}), allowed up to {}",
                mean(&ours),
                mean(&theirs),
                signed(of_loss.value / base),
                signed(of_loss.low / base),
                signed(of_loss.high / base),
                signed(settings.error_margin)
            ),
        },
        Check {
            name: "accuracy".to_owned(),
            passes: of_hits.high >= 0.0,
            message: format!(
                "{:.2} %, the champion's {:.2} %: difference {} ({} to {})",
                100.0 * mean(&our_hits),
                100.0 * mean(&their_hits),
                signed(of_hits.value),
                signed(of_hits.low),
                signed(of_hits.high)
            ),
        },
        size(challenger.bytes, champion.bytes, settings),
        latency(challenger.row_us, champion.row_us, settings),
    ];
    Verdict::of_checks(
        challenger.version,
        champion.version,
        challenger.predicted.len(),
        checks,
    )
}

/// −log of the probability of the true level.
fn loss(prediction: &Prediction) -> f64 {
    -prediction.low.clamp(NEAREST, 1.0).ln()
}

/// 1 where the predicted level is the true one.
fn hit(prediction: &Prediction) -> f64 {
    f64::from(u8::from(prediction.low >= prediction.value))
}

fn of_rows(entrant: &Entrant, of: fn(&Prediction) -> f64) -> Vec<f64> {
    entrant.predicted.iter().map(of).collect()
}

fn differences(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    let pairs = ours.iter().zip(theirs);
    pairs.map(|(own, other)| own - other).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
