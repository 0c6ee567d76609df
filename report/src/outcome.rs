//! The outcome of a training, by the task of its schema.

use std::collections::BTreeMap;

use valuation::{ClassReport, ClusterReport, Report};

use crate::fit_report::FitReport;

/// The outcome of a training.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A model that was judged on records it had not seen.
    Judged(FitReport),
    /// Groups of records that are alike: nothing is held out, as nothing is known to be right.
    Clusters(Box<ClusterReport>),
}

impl Outcome {
    /// What a fit found out, where there is a target.
    pub fn judged(&self) -> Option<&FitReport> {
        match self {
            Outcome::Judged(found) => Some(found),
            Outcome::Clusters(_) => None,
        }
    }

    /// The clusters, where it is a clustering.
    pub fn clusters(&self) -> Option<&ClusterReport> {
        match self {
            Outcome::Judged(_) => None,
            Outcome::Clusters(report) => Some(report),
        }
    }

    /// The clusters themselves, where it is a clustering.
    pub fn into_clusters(self) -> Option<ClusterReport> {
        match self {
            Outcome::Clusters(report) => Some(*report),
            Outcome::Judged(_) => None,
        }
    }

    /// What was found of prices.
    pub fn price(&self) -> Option<&Report> {
        self.judged().and_then(FitReport::price)
    }

    /// What was found of a class.
    pub fn class(&self) -> Option<&ClassReport> {
        self.judged().and_then(FitReport::class)
    }

    /// Records given.
    pub fn rows(&self) -> usize {
        match self {
            Outcome::Judged(found) => found.rows(),
            Outcome::Clusters(report) => report.rows,
        }
    }

    /// Records that it was judged on.
    pub fn holdout_rows(&self) -> usize {
        self.judged().map_or(0, FitReport::holdout_rows)
    }

    /// Records not learned from, by rule.
    pub fn removed(&self) -> BTreeMap<String, usize> {
        self.judged()
            .map_or_else(BTreeMap::new, |found| found.removed().clone())
    }

    /// How good it is, in a sentence.
    pub fn message(&self) -> String {
        match self {
            Outcome::Judged(found) => found.message(),
            Outcome::Clusters(report) => format!(
                "{} clusters, silhouette {:.4}",
                report.clusters, report.silhouette
            ),
        }
    }
}
