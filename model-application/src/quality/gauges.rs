//! Quality as Prometheus metrics: of whole models; segments are in `GET /quality` and the table.

use common::Metric;

use super::figures::Figures;
use super::round::{Group, Quality};

pub(super) fn show(quality: &Quality) {
    for group in quality
        .groups
        .iter()
        .filter(|group| group.segment.is_none())
    {
        let set = |metric: Metric, value: Option<f64>| {
            let (window, model) = (group.window.clone(), group.model.clone());
            // Prometheus's way to say that there is no number.
            metrics::gauge!(metric.name(), "window" => window, "model" => model)
                .set(value.unwrap_or(f64::NAN));
        };
        show_group(group, set);
    }
    for moved in &quality.drift {
        for field in &moved.fields {
            metrics::gauge!(
                Metric::DriftPsi.name(),
                "window" => moved.window.clone(),
                "model" => moved.model.clone(),
                "field" => field.field.clone()
            )
            .set(field.psi);
        }
    }
    if let Some(expected) = quality.expected_mdape {
        metrics::gauge!(Metric::QualityExpectedMdape.name()).set(expected);
    }
}

fn show_group(group: &Group, set: impl Fn(Metric, Option<f64>)) {
    let figures = group.figures.as_ref();
    let of = |value: fn(&Figures) -> f64| figures.map(value);
    let ratios = figures.and_then(|figures| figures.ratios.as_ref());
    set(Metric::QualityAnswers, Some(group.answers as f64));
    set(Metric::QualityLabelled, Some(group.labelled as f64));
    set(Metric::QualityLabelDelay, group.label_delay_s);
    set(Metric::QualityMdape, of(|figures| figures.mdape.value));
    set(Metric::QualityRmse, of(|figures| figures.rmse));
    set(Metric::QualityBias, of(|figures| figures.bias));
    set(Metric::QualityWithin10, of(|figures| figures.within_10));
    set(Metric::QualityWithin20, of(|figures| figures.within_20));
    set(
        Metric::QualityCoverage,
        of(|figures| figures.coverage.value),
    );
    set(Metric::QualityCod, ratios.map(|ratios| ratios.cod.value));
    set(Metric::QualityPrd, ratios.map(|ratios| ratios.prd.value));
    set(Metric::QualityPrb, ratios.map(|ratios| ratios.prb.value));
}
