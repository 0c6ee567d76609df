//! A clustering as text: the number of clusters, their sizes, their centres.

use std::fmt::Write as _;

use valuation::ClusterReport;

use crate::numbers::{amount, grouped};

/// Clusters side by side in one table.
const ABREAST: usize = 6;
/// The width of a cluster's column.
const WIDE: usize = 13;

/// The numbers of clusters that were tried, sizes, and centres in the fields' own units.
pub fn clusters(report: &ClusterReport) -> String {
    let mut text = format!(
        "{} records, {} features; found in {:.2} s\n",
        grouped(report.rows),
        report.features.len(),
        report.fit_seconds
    );
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{:>8}{:>14}{:>16}",
        "clusters", "silhouette", "inertia"
    );
    for tried in &report.tried {
        let mark = match (tried.clusters == report.clusters, report.given) {
            (false, _) => "",
            (true, true) => "  set by prepare.clustering.clusters",
            (true, false) => "  the best silhouette",
        };
        let _ = writeln!(
            text,
            "{:>8}{:>14.4}{:>16.2}{mark}",
            tried.clusters, tried.silhouette, tried.inertia
        );
    }
    let name_width = report
        .features
        .iter()
        .map(|feature| feature.name().chars().count());
    let name_width = name_width.max().unwrap_or(0).max("silhouette".len()) + 1;
    for (part, found) in report.found.chunks(ABREAST).enumerate() {
        let mut line = |name: &str, cells: Vec<String>| {
            let _ = write!(text, "{name:<name_width$}");
            for cell in cells {
                let _ = write!(text, "{cell:>WIDE$}");
            }
            text.push('\n');
        };
        let numbers = (0..found.len()).map(|number| format!("cluster {}", part * ABREAST + number));
        line("", numbers.collect());
        line(
            "records",
            found
                .iter()
                .map(|cluster| cluster.size.to_string())
                .collect(),
        );
        let silhouettes = found
            .iter()
            .map(|cluster| format!("{:.4}", cluster.silhouette));
        line("silhouette", silhouettes.collect());
        for (feature, feature_of_report) in report.features.iter().enumerate() {
            let cells = found.iter().map(|cluster| match feature_of_report.level {
                Some(_) => format!("{:.1} %", cluster.centre[feature] * 100.0),
                None => amount(cluster.centre[feature]),
            });
            line(&feature_of_report.name(), cells.collect());
        }
    }
    let filled = report
        .features
        .iter()
        .filter(|feature| feature.filled > 0 && feature.level.is_none());
    for feature in filled {
        let _ = writeln!(
            text,
            "{}: missing in {} records, filled with {}",
            feature.field,
            feature.filled,
            amount(feature.fill)
        );
    }
    if !report.dropped.is_empty() {
        let _ = writeln!(
            text,
            "uninformative fields, left out: {}",
            report.dropped.len()
        );
    }
    for dropped in &report.dropped {
        let _ = writeln!(text, "    {dropped}");
    }
    text
}
