//! The page of a clustering: the number of clusters, where they lie, their centres.

use std::fmt::Write as _;

use arrow_array::RecordBatch;
use records::{Kind, Schema};
use valuation::ClusterReport;

use super::axis::{Axis, Scale};
use super::markup::{escape, section, whole};
use super::plot::{COLOURS, Plot};
use super::{bars, data};
use crate::numbers::amount;
use crate::reject_kind::RejectKind;
use crate::text;

/// Numbers of clusters named on the axis at most.
const MOST_NAMES: usize = 12;
/// Features named under the picture, of each direction.
const NAMED: usize = 3;

/// The page of a clustering: the number of clusters, where they lie, their centres, what was left out.
/// `refused` are the rows that the schema refused, `ignored` the columns that it does not name.
pub fn clusters_page(
    schema: &Schema,
    batch: &RecordBatch,
    refused: &[RejectKind],
    ignored: &[String],
    report: &ClusterReport,
) -> String {
    let title = format!("{}: clusters of similar records", escape(&schema.name));
    let sections = [
        number(report),
        picture(report),
        middles(schema, report),
        data::missing(schema, batch),
        left_out(refused, ignored, report),
    ];
    whole(&title, &text::clusters(report), &sections.concat())
}

/// Silhouette and inertia by the number of clusters.
fn number(report: &ClusterReport) -> String {
    let clusters = || report.tried.iter().map(|attempt| attempt.clusters as f64);
    let plot = |caption: &str, of: &dyn Fn(&valuation::clustering::Tried) -> f64| {
        let values = || report.tried.iter().map(of);
        let mut plot = Plot::without_names(
            Axis::of(clusters(), Scale::Linear),
            Axis::from_zero(values()),
        );
        let every = report.tried.len().div_ceil(MOST_NAMES).max(1);
        for attempt in report.tried.iter().step_by(every) {
            plot.name_x(attempt.clusters as f64, &attempt.clusters.to_string());
        }
        let points: Vec<(f64, f64)> = clusters().zip(values()).collect();
        plot.path(&points, COLOURS[0]);
        let chosen = report
            .tried
            .iter()
            .find(|attempt| attempt.clusters == report.clusters);
        if let Some(chosen) = chosen {
            plot.dot((chosen.clusters as f64, of(chosen)), 5.0, COLOURS[1], 1.0);
        }
        plot.finish(caption)
    };
    let figures = [
        plot("Silhouette by the number of clusters", &|attempt| {
            attempt.silhouette
        }),
        plot("Inertia by the number of clusters", &|attempt| {
            attempt.inertia
        }),
    ];
    let how = match report.given {
        true => "The number of clusters was given.",
        false => "The number of clusters is the one with the best silhouette.",
    };
    let text = format!(
        "{how} The silhouette, −1 to 1, compares the distance of a record to its own cluster with that to \
         the next (squared Euclidean distances of standardised features, as in Spark's \
         ClusteringEvaluator). The inertia is the sum of squared distances to the centres: it \
         falls with every cluster more. Each number had {} starts.",
        report.starts
    );
    section("Number of clusters", &text, &figures, "")
}

/// Records in the plane in which they differ most.
fn picture(report: &ClusterReport) -> String {
    let picture = &report.picture;
    let centres = || report.found.iter().map(|cluster| cluster.place);
    let axes = [0, 1].map(|axis| middle(picture.points.iter().map(|point| point.place[axis])));
    let inside = |place: [f64; 2]| {
        let held = |axis: usize| place[axis].clamp(axes[axis].low, axes[axis].high);
        (held(0), held(1))
    };
    let mut plot = Plot::new(axes[0], axes[1]);
    let colour = |cluster: usize| COLOURS[cluster % COLOURS.len()];
    for point in &picture.points {
        plot.dot(inside(point.place), 1.8, colour(point.cluster), 0.5);
    }
    for (cluster, place) in centres().enumerate() {
        plot.number(inside(place), cluster, colour(cluster));
    }
    let [first, second] = picture.explained.map(|share| share * 100.0);
    let names = |axis: usize| {
        let mut parts: Vec<(String, f64)> = report
            .features
            .iter()
            .zip(&picture.directions)
            .map(|(feature, parts)| (feature.name(), parts[axis]))
            .collect();
        parts.sort_by(|one, other| other.1.abs().total_cmp(&one.1.abs()));
        let greatest = parts.iter().take(NAMED);
        let names: Vec<String> = greatest
            .map(|(name, part)| format!("{name} {part:+.2}"))
            .collect();
        escape(&names.join(", "))
    };
    let text = format!(
        "The first two principal components of the standardised features: {first:.1} % and {second:.1} % \
         of the variance. To the right: {}. Upwards: {}. Numbers stand at the centres; clusters that \
         overlap here may lie apart in the other directions. What lies far outside stands at the edge.",
        names(0),
        names(1)
    );
    let sizes: Vec<(String, f64, String)> = report
        .found
        .iter()
        .enumerate()
        .map(|(cluster, centre)| {
            let says = format!(
                "{} records, silhouette {:.3}",
                centre.size, centre.silhouette
            );
            (format!("cluster {cluster}"), centre.size as f64, says)
        })
        .collect();
    let figures = [
        plot.finish("Records and centres"),
        bars::lying("Records by cluster", &sizes),
    ];
    section("Positions", &text, &figures, "")
}

/// An axis over all but the outermost hundredth at both ends, and a fifth more: a few records far off must
/// not press all others into a line.
fn middle(values: impl Iterator<Item = f64>) -> Axis {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let last = values.len().saturating_sub(1);
        let place = (last as f64 * share).round() as usize;
        values.get(place).copied().unwrap_or(0.0)
    };
    let (low, high) = (at(0.01), at(0.99));
    let more = 0.2 * (high - low);
    Axis::of([low - more, high + more].into_iter(), Scale::Linear)
}

/// The centres in the fields' own units, beside all records.
fn middles(schema: &Schema, report: &ClusterReport) -> String {
    let mut table = "<table><tr><th>mean of<th>unit<th>all".to_owned();
    for cluster in 0..report.found.len() {
        // Writing to a String cannot fail.
        let _ = write!(table, "<th>{cluster}");
    }
    let _ = write!(table, "<tr><td>records<td><td>{}", report.rows);
    for cluster in &report.found {
        let _ = write!(table, "<td>{}", cluster.size);
    }
    for (feature, columns) in report.features.iter().enumerate() {
        let field = schema.field(&columns.field);
        let unit = match (&columns.level, field.map(|field| field.kind)) {
            (Some(_), _) => "share",
            (None, Some(Kind::Timestamp)) => "days since 1970",
            _ => field.and_then(|field| field.unit.as_deref()).unwrap_or(""),
        };
        let (name, all) = (escape(&columns.name()), amount(columns.mean));
        let _ = write!(table, "<tr><td>{name}<td>{}<td>{all}", escape(unit));
        for cluster in &report.found {
            let _ = write!(table, "<td>{}", amount(cluster.centre[feature]));
        }
    }
    table.push_str("</table>");
    let text = "Means of the records of each cluster, missing values filled as the schema says.";
    section("Centres", text, &[], &table)
}

/// Rows that the schema refused, fields without information.
fn left_out(refused: &[RejectKind], ignored: &[String], report: &ClusterReport) -> String {
    let mut table = String::new();
    if !refused.is_empty() {
        table.push_str("<table class=texts><tr><th>rows rejected by the schema");
        for kind in refused {
            // Writing to a String cannot fail.
            let _ = write!(table, "<tr><td>{}", escape(&kind.to_string()));
        }
        table.push_str("</table>");
    }
    if !report.dropped.is_empty() {
        table.push_str("<table class=texts><tr><th>uninformative fields, dropped");
        for dropped in &report.dropped {
            let _ = write!(table, "<tr><td>{}", escape(&dropped.to_string()));
        }
        table.push_str("</table>");
    }
    let text = match ignored.is_empty() {
        true => String::new(),
        false => format!(
            "Columns that the schema does not name: {}.",
            escape(&ignored.join(", "))
        ),
    };
    section("Left out", &text, &[], &table)
}
