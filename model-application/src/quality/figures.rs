//! The measures of a group of answers whose prices are known.

use serde::Serialize;
use valuation::ratio_study::median_interval;
use valuation::{
    ClassErrors, Link, Metrics, MulticlassErrors, Prediction, RatioStudy, ScoredRow,
    conformal::Share,
};

use super::judged::Judged;
use super::labelled::Labelled;

/// A value and its 95 % interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// Errors of answers, by their task.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Figures {
    Prices(Box<PriceFigures>),
    Classes(ClassErrors),
    Levels(MulticlassErrors),
}

impl Figures {
    /// Of what is known; `None` for nothing.
    pub fn of(judged: Judged, labelled: &[&Labelled]) -> Option<Figures> {
        match judged {
            Judged::Prices(link) => {
                PriceFigures::of(link, labelled).map(|figures| Figures::Prices(Box::new(figures)))
            }
            Judged::Classes => {
                let predicted: Vec<f64> = labelled.iter().map(|row| row.prediction).collect();
                let classes: Vec<bool> = labelled.iter().map(|row| row.actual > 0.5).collect();
                ClassErrors::of(&predicted, &classes).map(Figures::Classes)
            }
            Judged::Levels => {
                let scored = labelled.iter().filter_map(|row| {
                    let (of_actual, brier) = row.of_level?;
                    Some(ScoredRow {
                        of_actual,
                        of_predicted: row.prediction,
                        brier,
                        is_right: row.actual > 0.5,
                    })
                });
                let scored: Vec<ScoredRow> = scored.collect();
                MulticlassErrors::of(&scored).map(Figures::Levels)
            }
        }
    }

    pub fn prices(&self) -> Option<&PriceFigures> {
        match self {
            Figures::Prices(figures) => Some(figures),
            Figures::Classes(_) | Figures::Levels(_) => None,
        }
    }

    pub fn classes(&self) -> Option<&ClassErrors> {
        match self {
            Figures::Prices(_) | Figures::Levels(_) => None,
            Figures::Classes(errors) => Some(errors),
        }
    }

    pub fn levels(&self) -> Option<&MulticlassErrors> {
        match self {
            Figures::Prices(_) | Figures::Classes(_) => None,
            Figures::Levels(errors) => Some(errors),
        }
    }
}

/// Errors of prices, once enough of their prices are known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct PriceFigures {
    /// Median absolute percentage error, a fraction (of counts that of 1 + y, as all that is relative); its interval by order statistics (Conover 1999,
    /// Practical Nonparametric Statistics, 3.2).
    pub mdape: Interval,
    /// In the target's unit.
    pub rmse: f64,
    /// Mean of (prediction − price)/price, a fraction: above 0 too expensive.
    pub bias: f64,
    pub within_10: f64,
    pub within_20: f64,
    /// Share of prices within low and high, with its interval.
    pub coverage: Share,
    /// The same of the model's intervals before labels adapted them, where an answer has a factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage_unadapted: Option<Share>,
    /// The assessors' ratio study; none for counts.
    pub ratios: Option<RatioStudy>,
}

impl PriceFigures {
    /// Of what is known; `None` for nothing.
    pub fn of(link: Link, labelled: &[&Labelled]) -> Option<PriceFigures> {
        let actual: Vec<f64> = labelled.iter().map(|row| row.actual).collect();
        let predicted: Vec<f64> = labelled.iter().map(|row| row.prediction).collect();
        let metrics = Metrics::on(link, &actual, &predicted)?;
        let relative =
            |row: &&Labelled| (row.prediction - row.actual) / (link.offset() + row.actual);
        let mut errors: Vec<f64> = labelled.iter().map(|row| relative(row).abs()).collect();
        errors.sort_by(f64::total_cmp);
        let (low, high) = median_interval(&errors);
        let signed = labelled.iter().map(relative);
        let held = labelled
            .iter()
            .filter(|row| (row.low..=row.high).contains(&row.actual))
            .count();
        let is_held_by_model = |row: &&&Labelled| {
            let Prediction { low, high, .. } = row.of_model(link);
            (low..=high).contains(&row.actual)
        };
        let is_adapted = labelled.iter().any(|row| row.factor != 1.0);
        let coverage_unadapted = is_adapted.then(|| {
            let held = labelled.iter().filter(is_held_by_model).count();
            Share::of(held, labelled.len())
        });
        Some(PriceFigures {
            mdape: Interval {
                value: metrics.mdape,
                low,
                high,
            },
            rmse: metrics.rmse,
            bias: signed.sum::<f64>() / labelled.len() as f64,
            within_10: metrics.within_10,
            within_20: metrics.within_20,
            coverage: Share::of(held, labelled.len()),
            coverage_unadapted,
            ratios: RatioStudy::on(link, &actual, &predicted),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(prediction: f64, actual: f64) -> Labelled {
        Labelled {
            model: "m@v1".to_owned(),
            segment: None,
            prediction,
            low: 0.9 * prediction,
            high: 1.1 * prediction,
            factor: 1.0,
            actual,
            of_level: None,
            age_s: 1.0,
            delay_s: 1.0,
            label_age_s: 0.0,
        }
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        // Errors of price: +10 %, -10 %, 0, +50 %, -5 %.
        let rows = [
            labelled(110.0, 100.0),
            labelled(90.0, 100.0),
            labelled(100.0, 100.0),
            labelled(150.0, 100.0),
            labelled(95.0, 100.0),
        ];
        let rows: Vec<&Labelled> = rows.iter().collect();
        let figures = PriceFigures::of(Link::Log, &rows).expect("there are rows");
        assert!((figures.mdape.value - 0.10).abs() < 1e-12);
        assert!(figures.mdape.low <= 0.10 && figures.mdape.high >= 0.10);
        assert!((figures.bias - 0.09).abs() < 1e-12, "{}", figures.bias);
        let squares: f64 = 100.0 + 100.0 + 0.0 + 2500.0 + 25.0;
        assert!((figures.rmse - (squares / 5.0).sqrt()).abs() < 1e-9);
        assert!((figures.within_20 - 0.8).abs() < 1e-12);
        // 100 lies neither in 81 to 99 nor in 135 to 165.
        assert!((figures.coverage.value - 0.6).abs() < 1e-12);
        assert!(figures.coverage_unadapted.is_none());
        assert!(PriceFigures::of(Link::Log, &[]).is_none());
    }

    #[test]
    fn coverage_without_the_factor_is_that_of_the_models_intervals() {
        // ± 10 % is what was sent: three fifths hold 100. The model's intervals were a tenth as wide: one fifth.
        let mut rows = [110.0, 90.0, 95.0, 100.0, 105.0].map(|price| labelled(price, 100.0));
        for row in &mut rows {
            row.factor = 10.0;
        }
        let rows: Vec<&Labelled> = rows.iter().collect();
        let figures = PriceFigures::of(Link::Log, &rows).expect("there are rows");
        assert!((figures.coverage.value - 0.8).abs() < 1e-12);
        let without = figures.coverage_unadapted.expect("there is a factor");
        assert!((without.value - 0.2).abs() < 1e-12);
    }
}
