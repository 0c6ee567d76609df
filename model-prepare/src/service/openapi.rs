//! The trainer's HTTP interface described for programs (`/openapi.json`).

use common::http::openapi::complete;
use serde_json::Value;

/// The paths and schemas of the trainer; [`complete`] adds what the documents of all services have.
const DOCUMENT: &str = include_str!("openapi/document.json");

/// OpenAPI 3.1 of all that the trainer takes.
pub(super) fn document() -> Value {
    let mut document: Value =
        serde_json::from_str(DOCUMENT).expect("JSON, as it is compiled in and a test reads it");
    complete(&mut document, &[]);
    document
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use valuation::{FitProgress, FitStage, Measure, MemberProgress};

    use super::super::status::{RunningStatus, TrainerStatus};
    use super::*;

    fn keys(object: &Value) -> BTreeSet<&str> {
        let object = object.as_object().expect("an object");
        object.keys().map(String::as_str).collect()
    }

    #[test]
    fn every_key_of_a_status_is_described() {
        let document = document();
        assert!(!document.to_string().contains(":null"), "{document:#}");
        let schemas = &document["components"]["schemas"];
        let described = |name: &str| keys(&schemas[name]["properties"]);

        let fit = FitProgress {
            stage: FitStage::Folds,
            member: None,
            fold: None,
            folds: 5,
            rows: 800,
            fields: 6,
            fraction: 0.5,
            elapsed_s: 1.0,
            left_s: None,
            estimated_s: None,
            measure: Measure::RmseLog,
            members: vec![MemberProgress {
                name: "linear".to_owned(),
                folds_done: 1,
                folds: 5,
                value: Some(0.2),
            }],
            best: None,
        };
        let fit = serde_json::json!(fit);
        assert_eq!(keys(&fit), described("Fit"));
        assert_eq!(keys(&fit["members"][0]), described("Member"));
        let running = serde_json::json!(RunningStatus {
            since: String::new(),
            stage: "features",
            why: None,
            last_seconds: None,
        });
        let mut running = keys(&running);
        running.insert("fit");
        assert_eq!(running, described("Running"));
        let status = serde_json::json!(TrainerStatus::default());
        let undescribed: Vec<&str> = keys(&status)
            .difference(&described("Status"))
            .copied()
            .collect();
        assert_eq!(undescribed, Vec::<&str>::new());
    }

    #[test]
    fn every_stage_and_measure_is_listed() {
        let document = document();
        let properties = &document["components"]["schemas"]["Fit"]["properties"];
        let stages = [
            FitStage::Binding,
            FitStage::Folds,
            FitStage::Clusters,
            FitStage::Weights,
            FitStage::Intervals,
            FitStage::Judging,
            FitStage::Refit,
            FitStage::Explaining,
            FitStage::Done,
        ];
        assert_eq!(serde_json::json!(stages), properties["stage"]["enum"]);
        let measures = [Measure::RmseLog, Measure::LogLoss, Measure::Silhouette];
        assert_eq!(serde_json::json!(measures), properties["measure"]["enum"]);
    }
}
