//! The page of an evaluation or a training.

use arrow_array::RecordBatch;
use records::Schema;
use valuation::FitReport;

use super::markup::{escape, whole};
use super::{classified, data, judged, members, multiclass};
use crate::evaluated::Evaluated;
use crate::text::evaluation;

/// The page of an evaluation or a training: errors, members, importances, the data.
pub fn evaluation_page(evaluated: &Evaluated, schema: &Schema, batch: &RecordBatch) -> String {
    let name = escape(&evaluated.schema);
    let (title, sections) = match &evaluated.report {
        FitReport::Price(report) => {
            let title = format!("{name}: evaluation of the prices");
            let sections = vec![
                judged::estimates(report),
                judged::ranges(report, evaluated.interval),
                members::members(report),
                members::folds(report),
                members::importances(evaluated),
                judged::segments(&report.segments),
            ];
            (title, sections)
        }
        FitReport::Class(report) => {
            let title = format!("{name}: evaluation of the class {}", escape(&report.class));
            let sections = vec![
                classified::curves(report),
                classified::probabilities(report),
                classified::members(report),
                classified::importance(report),
                classified::by_class(report, schema, batch),
            ];
            (title, sections)
        }
        FitReport::Multiclass(report) => {
            let title = format!(
                "{name}: evaluation of the levels of {}",
                escape(&report.target)
            );
            let sections = vec![
                multiclass::confusion(report),
                multiclass::levels(report),
                multiclass::members(report),
                multiclass::importance(report),
            ];
            (title, sections)
        }
        // They have a page of their own (`clusters_page`).
        FitReport::Clusters(_) => (format!("{name}: clusters"), Vec::new()),
    };
    let of_data = [
        data::target(evaluated, schema, batch),
        data::missing(schema, batch),
        data::features(evaluated, schema, batch),
        data::left_out(evaluated),
    ];
    whole(
        &title,
        &evaluation(evaluated),
        &(sections.concat() + &of_data.concat()),
    )
}
