//! How good a model is, in a sentence.

use valuation::FitReport;

use crate::numbers::amount;

/// How good the model of a fit is, in a sentence beside what it has to beat.
pub fn summary(fit: &FitReport) -> String {
    match fit {
        FitReport::Price(report) => format!(
            "median absolute error on the hold-out: {:.1} % ({}: {:.1} %)",
            report.model.mdape * 100.0,
            report.baseline_name,
            report.baseline.mdape * 100.0
        ),
        FitReport::Class(report) => format!(
            "hold-out AUC {:.4}, log loss {} (constant probability of {:.0} %: {})",
            report.model.auc.value,
            amount(report.model.log_loss),
            report.base_rate * 100.0,
            amount(report.baseline.log_loss)
        ),
        FitReport::Multiclass(report) => format!(
            "hold-out log loss {} (the shares of {} levels: {}), accuracy {:.1} % ({:.1} %)",
            amount(report.model.log_loss),
            report.levels.len(),
            amount(report.baseline.log_loss),
            report.model.accuracy * 100.0,
            report.baseline.accuracy * 100.0
        ),
        FitReport::Clusters(report) => format!(
            "{} clusters, silhouette {:.4}",
            report.clusters, report.silhouette
        ),
    }
}
