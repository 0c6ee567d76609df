//! How well classes are predicted.

use serde::{Deserialize, Serialize};

/// Points of a curve that are kept: a plot shows no more.
const CURVE_POINTS: usize = 200;
/// Probabilities this near 0 and 1 are taken for it: a loss stays finite.
const NEAREST: f64 = 1e-15;
/// Standard normal quantile of a 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// A value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// What was found.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Rows by what was predicted for them and what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Confusion {
    /// Of the class, and predicted to be.
    pub true_positive: usize,
    /// Not of the class, but predicted to be.
    pub false_positive: usize,
    /// Not of the class, as was predicted.
    pub true_negative: usize,
    /// Of the class, but predicted not to be.
    pub false_negative: usize,
}

/// How well probabilities distinguish classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Area under the ROC curve: how often a row of the class is predicted to be likelier than one that is
    /// not (ties count half), with the interval of Hanley & McNeil 1982 (The Meaning and Use of the
    /// Area under a Receiver Operating Characteristic Curve).
    pub auc: Interval,
    /// Mean of −log of the probability predicted for the class that is (scikit-learn's `log_loss`).
    pub log_loss: f64,
    /// Mean square of probability less class (Brier 1950).
    pub brier: f64,
    /// The probability from which on a row is predicted to be of the class.
    pub threshold: f64,
    /// Rows by prediction and what they are, at the threshold.
    pub confusion: Confusion,
    /// Share of rows that are what was predicted.
    pub accuracy: f64,
    /// Share of the class among those predicted to be of it; 0 where none are.
    pub precision: f64,
    /// Share of the class that is predicted to be of it.
    pub recall: f64,
    /// Harmonic mean of precision and recall (scikit-learn's `f1_score`).
    pub f1: f64,
    /// How many rows these rest on.
    pub rows: usize,
    /// Of them, rows of the class.
    pub of_class: usize,
}

/// A point of the ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Rows from this probability on are predicted to be of the class.
    pub threshold: f64,
    /// Share of the others that are predicted to be of it.
    pub false_positive_rate: f64,
    /// Share of the class that is predicted to be of it.
    pub true_positive_rate: f64,
}

/// The log loss of log odds: log(1 + e^f) − y·f, where e^f cannot overflow.
pub(crate) fn log_loss_of(log_odds: f64, class: bool) -> f64 {
    let f = if class { -log_odds } else { log_odds };
    f.max(0.0) + (-f.abs()).exp().ln_1p()
}

impl ClassMetrics {
    /// Of probabilities and classes, pair by pair; `None` where a class has no row.
    pub fn of(predicted: &[f64], classes: &[bool], threshold: f64) -> Option<ClassMetrics> {
        let rows = classes.len().min(predicted.len());
        let of_class = classes[..rows].iter().filter(|class| **class).count();
        let auc = auc(&predicted[..rows], &classes[..rows])?;
        let mut confusion = Confusion::default();
        for (predicted, class) in predicted.iter().zip(classes) {
            *match (*predicted >= threshold, *class) {
                (true, true) => &mut confusion.true_positive,
                (true, false) => &mut confusion.false_positive,
                (false, false) => &mut confusion.true_negative,
                (false, true) => &mut confusion.false_negative,
            } += 1;
        }
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        let hits = confusion.true_positive;
        let named = hits + confusion.false_positive;
        Some(ClassMetrics {
            auc,
            log_loss: log_loss(&predicted[..rows], &classes[..rows]),
            brier: brier(&predicted[..rows], &classes[..rows]),
            threshold,
            accuracy: share(hits + confusion.true_negative, rows),
            precision: share(hits, named),
            recall: share(hits, of_class),
            f1: share(2 * hits, named + of_class),
            confusion,
            rows,
            of_class,
        })
    }
}

/// Mean of −log of the probability predicted for the class that is.
pub(super) fn log_loss(predicted: &[f64], classes: &[bool]) -> f64 {
    let losses = predicted.iter().zip(classes).map(|(predicted, class)| {
        let p = predicted.clamp(NEAREST, 1.0 - NEAREST);
        -(if *class { p.ln() } else { (1.0 - p).ln() })
    });
    losses.sum::<f64>() / predicted.len() as f64
}

/// Mean square of probability less class.
pub(super) fn brier(predicted: &[f64], classes: &[bool]) -> f64 {
    let squares = predicted.iter().zip(classes).map(|(predicted, class)| {
        let off = predicted - f64::from(u8::from(*class));
        off * off
    });
    squares.sum::<f64>() / predicted.len() as f64
}

/// The area under the ROC curve by ranks, ties half; `None` where a class has no row.
pub(crate) fn auc(predicted: &[f64], classes: &[bool]) -> Option<Interval> {
    let value = area(predicted, classes)?;
    let ones = classes.iter().filter(|class| **class).count() as f64;
    let zeros = classes.len() as f64 - ones;
    let (q1, q2) = (value / (2.0 - value), 2.0 * value * value / (1.0 + value));
    let square = value * value;
    let variance =
        (value * (1.0 - value) + (ones - 1.0) * (q1 - square) + (zeros - 1.0) * (q2 - square))
            / (ones * zeros);
    let half = Z * variance.max(0.0).sqrt();
    Some(Interval {
        value,
        low: (value - half).max(0.0),
        high: (value + half).min(1.0),
    })
}

/// The area alone.
pub(crate) fn area(predicted: &[f64], classes: &[bool]) -> Option<f64> {
    let mut order: Vec<(f64, bool)> = predicted
        .iter()
        .copied()
        .zip(classes.iter().copied())
        .collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut below, mut sum, mut ones) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|one, other| one.0 == other.0) {
        let of_class = tied.iter().filter(|(_, class)| *class).count() as f64;
        let others = tied.len() as f64 - of_class;
        sum += of_class * (below + others / 2.0);
        below += others;
        ones += of_class;
    }
    (ones > 0.0 && below > 0.0).then(|| sum / (ones * below))
}

/// The ROC curve, from nobody to everybody; thinned out evenly.
pub(super) fn roc(predicted: &[f64], classes: &[bool]) -> Vec<RocPoint> {
    let mut order: Vec<(f64, bool)> = predicted
        .iter()
        .copied()
        .zip(classes.iter().copied())
        .collect();
    order.sort_by(|one, other| other.0.total_cmp(&one.0));
    let ones = classes.iter().filter(|class| **class).count().max(1) as f64;
    let zeros = (classes.len() as f64 - ones).max(1.0);
    let (mut hits, mut misses) = (0.0, 0.0);
    let mut points = vec![RocPoint {
        threshold: 1.0,
        false_positive_rate: 0.0,
        true_positive_rate: 0.0,
    }];
    for tied in order.chunk_by(|one, other| one.0 == other.0) {
        let of_class = tied.iter().filter(|(_, class)| *class).count() as f64;
        hits += of_class;
        misses += tied.len() as f64 - of_class;
        points.push(RocPoint {
            threshold: tied[0].0,
            false_positive_rate: misses / zeros,
            true_positive_rate: hits / ones,
        });
    }
    let last = points.len() - 1;
    let every = last.div_ceil(CURVE_POINTS).max(1);
    let kept = points.iter().enumerate();
    kept.filter(|(at, _)| at % every == 0 || *at == last)
        .map(|(_, point)| *point)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities with ties, and classes.
    fn made() -> (Vec<f64>, Vec<bool>) {
        let row = |i: usize| {
            let predicted = ((i * 37 % 41) as f64 + 1.0) / 43.0;
            (predicted, predicted + (i * 13 % 7) as f64 / 10.0 > 0.8)
        };
        (0..150).map(row).unzip()
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let (predicted, classes) = made();
        let found = ClassMetrics::of(&predicted, &classes, 0.4).expect("both classes");
        // scikit-learn 1.9.1: roc_auc_score, log_loss, brier_score_loss, accuracy_score,
        // precision_score, recall_score, f1_score, confusion_matrix.
        for (found, expected) in [
            found.auc.value,
            found.log_loss,
            found.brier,
            found.accuracy,
            found.precision,
            found.recall,
            found.f1,
        ]
        .into_iter()
        .zip(SKLEARN)
        {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        let Confusion {
            true_positive,
            false_positive,
            true_negative,
            false_negative,
        } = found.confusion;
        assert_eq!(
            [true_negative, false_positive, false_negative, true_positive],
            CONFUSION
        );
        assert!(found.auc.low < found.auc.value && found.auc.value < found.auc.high);
        assert_eq!(ClassMetrics::of(&[0.5], &[true], 0.5), None);
    }

    #[test]
    fn the_curve_goes_from_nobody_to_everybody_and_its_area_is_the_auc() {
        let (predicted, classes) = made();
        let curve = roc(&predicted, &classes);
        let end = curve.last().expect("points");
        assert_eq!(
            (end.false_positive_rate, end.true_positive_rate),
            (1.0, 1.0)
        );
        let under: f64 = curve
            .windows(2)
            .map(|pair| {
                let wide = pair[1].false_positive_rate - pair[0].false_positive_rate;
                wide * (pair[0].true_positive_rate + pair[1].true_positive_rate) / 2.0
            })
            .sum();
        let found = area(&predicted, &classes).expect("both classes");
        assert!((under - found).abs() < 1e-12, "{under} {found}");
    }

    const SKLEARN: [f64; 7] = [
        0.9048,
        0.416_696_569_419_925_06,
        0.132_716_783_847_124_54,
        0.793_333_333_333_333_3,
        0.744_444_444_444_444_5,
        0.893_333_333_333_333_3,
        0.812_121_212_121_212_1,
    ];
    const CONFUSION: [usize; 4] = [52, 23, 8, 67];
}
