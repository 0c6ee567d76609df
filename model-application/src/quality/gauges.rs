//! Quality as Prometheus metrics: of whole models; segments are in `GET /quality` and the table. Of the models
//! that answered in the longest window the newest are shown: a model that is replaced every few minutes must
//! not leave series without end.

use std::collections::BTreeSet;

use common::Metric;
use common::series::Series;
use valuation::{ClassErrors, MulticlassErrors};

use super::figures::{Figures, PriceFigures};
use super::results::{Group, Quality};

use crate::metrics::{
    DRIFT_PSI, INTERVAL_FACTOR, QUALITY_ACCURACY, QUALITY_ANSWERS, QUALITY_AUC, QUALITY_BIAS,
    QUALITY_BRIER, QUALITY_CALIBRATION, QUALITY_COD, QUALITY_COVERAGE, QUALITY_COVERAGE_UNADAPTED,
    QUALITY_EXPECTED_MDAPE, QUALITY_LABEL_DELAY, QUALITY_LABELLED, QUALITY_LOG_LOSS, QUALITY_MDAPE,
    QUALITY_PRB, QUALITY_PRD, QUALITY_RMSE, QUALITY_WITHIN_10, QUALITY_WITHIN_20,
};

/// Most models whose series are shown.
const MOST_MODELS: usize = 8;

/// All series of a round.
pub(super) fn of(quality: &Quality) -> Vec<Series> {
    let models = newest(quality);
    let mut all = Vec::new();
    for group in &quality.groups {
        if group.segment.is_none() && models.contains(&*group.model) {
            of_group(group, Shown::of(quality), &mut all);
        }
    }
    for moved in &quality.drift {
        if models.contains(&*moved.model) {
            all.extend(moved.fields.iter().map(|field| Series {
                metric: DRIFT_PSI,
                labels: vec![
                    ("window", moved.window.clone()),
                    ("model", moved.model.clone()),
                    ("field", field.field.clone()),
                ],
                value: field.psi,
            }));
        }
    }
    all.extend(quality.adaptive_intervals.as_ref().map(|adapted| Series {
        metric: INTERVAL_FACTOR,
        labels: vec![("model", adapted.model.clone())],
        value: adapted.factor,
    }));
    all.extend(quality.expected_mdape.map(|value| Series {
        metric: QUALITY_EXPECTED_MDAPE,
        labels: Vec::new(),
        value,
    }));
    all
}

/// Versions are numbered with leading zeros: the last names are the newest. What drift is checked for
/// answers now, whatever its name.
fn newest(quality: &Quality) -> BTreeSet<&str> {
    let whole = quality
        .groups
        .iter()
        .filter(|group| group.segment.is_none());
    let names: BTreeSet<&str> = whole.map(|group| &*group.model).collect();
    let newest = names.into_iter().rev().take(MOST_MODELS);
    let current = quality.drift.iter().map(|moved| &*moved.model);
    newest.chain(current).collect()
}

/// Which series a group has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Prices,
    Classes,
    Levels,
}

impl Shown {
    /// By what is known of the model that answers.
    fn of(quality: &Quality) -> Shown {
        match (quality.holdout_accuracy, quality.holdout_log_loss) {
            (Some(_), _) => Shown::Levels,
            (None, Some(_)) => Shown::Classes,
            (None, None) => Shown::Prices,
        }
    }
}

fn of_group(group: &Group, shown: Shown, all: &mut Vec<Series>) {
    let mut add = |metric: Metric, value: Option<f64>| {
        all.push(Series {
            metric,
            labels: vec![
                ("window", group.window.clone()),
                ("model", group.model.clone()),
            ],
            value: value.unwrap_or(f64::NAN),
        });
    };
    add(QUALITY_ANSWERS, Some(group.answers as f64));
    add(QUALITY_LABELLED, Some(group.labelled as f64));
    add(QUALITY_LABEL_DELAY, group.label_delay_s);
    if shown == Shown::Levels {
        let errors = group.figures.as_ref().and_then(Figures::levels);
        let of = |value: fn(&MulticlassErrors) -> f64| errors.map(value);
        add(QUALITY_LOG_LOSS, of(|errors| errors.log_loss));
        add(QUALITY_BRIER, of(|errors| errors.brier));
        add(QUALITY_ACCURACY, of(|errors| errors.accuracy));
        add(QUALITY_CALIBRATION, of(|errors| errors.calibration_error));
        return;
    }
    if shown == Shown::Classes {
        let errors = group.figures.as_ref().and_then(Figures::classes);
        let of = |value: fn(&ClassErrors) -> f64| errors.map(value);
        add(QUALITY_LOG_LOSS, of(|errors| errors.log_loss));
        add(QUALITY_BRIER, of(|errors| errors.brier));
        add(
            QUALITY_AUC,
            errors.and_then(|errors| Some(errors.auc?.value)),
        );
        add(QUALITY_CALIBRATION, of(|errors| errors.calibration_error));
        return;
    }
    let figures = group.figures.as_ref().and_then(Figures::prices);
    let of = |value: fn(&PriceFigures) -> f64| figures.map(value);
    let ratios = figures.and_then(|figures| figures.ratios.as_ref());
    add(QUALITY_MDAPE, of(|figures| figures.mdape.value));
    add(QUALITY_RMSE, of(|figures| figures.rmse));
    add(QUALITY_BIAS, of(|figures| figures.bias));
    add(QUALITY_WITHIN_10, of(|figures| figures.within_10));
    add(QUALITY_WITHIN_20, of(|figures| figures.within_20));
    let coverage = of(|figures| figures.coverage.value);
    add(QUALITY_COVERAGE, coverage);
    if let Some(unadapted) = figures.and_then(|figures| figures.coverage_unadapted) {
        add(QUALITY_COVERAGE_UNADAPTED, Some(unadapted.value));
    }
    add(QUALITY_COD, ratios.map(|ratios| ratios.cod.value));
    add(QUALITY_PRD, ratios.map(|ratios| ratios.prd.value));
    add(QUALITY_PRB, ratios.map(|ratios| ratios.prb.value));
}
