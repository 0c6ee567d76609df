//! The factor on the width of a version's intervals, from the labels of its earlier answers. It is computed anew in every
//! round from the table that all appliers share: nothing else has to be kept, and a restart changes nothing.

use serde::Serialize;
use valuation::{AdaptiveWidth, Link};

use super::labelled::Labelled;

/// The factor and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Adapted {
    pub model: String,
    /// What the width of the model's intervals is multiplied by.
    pub factor: f64,
    /// The quantile of the scores that it is.
    pub level: f64,
    /// Labels that it is learned from.
    pub labels: usize,
}

impl Adapted {
    /// From the labels of a version, in the order in which they became known; `confidence` is its intervals'.
    pub fn of(model: &str, link: Link, confidence: f64, rows: &[Labelled]) -> Adapted {
        let mut own: Vec<&Labelled> = rows.iter().filter(|row| row.model == model).collect();
        own.sort_by(|one, other| {
            let by_label = other.label_age_s.total_cmp(&one.label_age_s);
            by_label.then(other.age_s.total_cmp(&one.age_s))
        });
        let mut width = AdaptiveWidth::new(confidence);
        let scores = own
            .iter()
            .filter_map(|row| AdaptiveWidth::score(link, &row.of_model(link), row.actual));
        let mut labels = 0;
        for score in scores {
            width.observe(score);
            labels += 1;
        }
        Adapted {
            model: model.to_owned(),
            factor: width.factor(),
            level: width.level(),
            labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use valuation::Prediction;

    use super::*;

    /// An answer with an interval of ± 10 % times the factor, whose label is `off` half widths away.
    fn row(n: u32, factor: f64, off: f64) -> Labelled {
        let half = 0.1_f64;
        let price = Prediction {
            value: 100.0,
            low: 100.0 * (-half * factor).exp(),
            high: 100.0 * (half * factor).exp(),
        };
        Labelled {
            model: "m@v1".to_owned(),
            segment: None,
            prediction: price.value,
            low: price.low,
            high: price.high,
            factor,
            actual: 100.0 * (half * off).exp(),
            of_level: None,
            age_s: f64::from(1000 - n),
            delay_s: 0.0,
            label_age_s: f64::from(1000 - n),
        }
    }

    fn adapted(rows: &[Labelled]) -> Adapted {
        Adapted::of("m@v1", Link::Log, 0.9, rows)
    }

    #[test]
    fn few_labels_change_nothing_and_many_do() {
        // In mixed order, as rising scores would raise the level at their end.
        let off = |n: u32| 2.0 * f64::from(n * 37 % 100) / 99.0;
        let mut rows: Vec<Labelled> = (0..99).map(|n| row(n, 1.0, off(n))).collect();
        let found = adapted(&rows);
        assert_eq!((found.factor, found.labels), (1.0, 99));
        rows.extend((99..400).map(|n| row(n, 1.0, off(n))));
        let found = adapted(&rows);
        assert!((found.factor - 1.8).abs() < 0.1, "{found:?}");
        // Those of another version are not its.
        assert_eq!(Adapted::of("m@v2", Link::Log, 0.9, &rows).labels, 0);
    }

    #[test]
    fn scores_do_not_depend_on_the_factor_that_answers_had() {
        let off = |n: u32| f64::from(n % 7) / 3.0;
        let plain: Vec<Labelled> = (0..400).map(|n| row(n, 1.0, off(n))).collect();
        let wide: Vec<Labelled> = (0..400)
            .map(|n| row(n, 1.0 + f64::from(n) / 100.0, off(n)))
            .collect();
        let (plain, wide) = (adapted(&plain), adapted(&wide));
        assert!(
            (plain.factor - wide.factor).abs() < 1e-9,
            "{plain:?} {wide:?}"
        );
    }

    #[test]
    fn labels_count_in_the_order_in_which_they_became_known() {
        let mut rows: Vec<Labelled> = (0..900)
            .map(|n| row(n, 1.0, if n < 450 { 0.5 } else { 3.0 }))
            .collect();
        let expected = adapted(&rows);
        assert!((expected.factor - 3.0).abs() < 1e-9, "{expected:?}");
        rows.reverse();
        assert_eq!(adapted(&rows), expected);
        // The labels of the last answers were known first.
        for row in &mut rows {
            row.label_age_s = 1000.0 - row.age_s;
        }
        assert!(adapted(&rows).factor < expected.factor);
    }
}
