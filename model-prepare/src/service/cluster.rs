//! `GET /cluster?k=`: groups of the stored records, by k-means, without a version.

use std::sync::Arc;

use anyhow::Context;
use records::{Schema, Task};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sqlx::PgPool;
use valuation::ClusterReport;

use crate::config::Config;
use crate::training::clustering::fit_clusters;
use crate::training::stored::listings_of_table;

/// Fewest and most clusters that can be asked for.
pub(super) const LEAST: usize = 2;
pub(super) const MOST: usize = 100;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// How many clusters; 0, or none, for the number with the best silhouette.
    #[serde(default)]
    pub k: usize,
}

impl Query {
    /// Whether so many can be found.
    pub fn is_valid(&self) -> bool {
        self.k == 0 || (LEAST..=MOST).contains(&self.k)
    }
}

/// Groups the records of the training window by all fields that a model may use; the target is not one.
///
/// # Errors
/// When there are too few records, or the database fails.
pub(super) async fn find(
    config: &Config,
    pool: &PgPool,
    k: usize,
) -> anyhow::Result<ClusterReport> {
    let mut config = config.clone();
    config.schema = Arc::new(without_target(&config.schema));
    config.prepare.features.clear();
    config.prepare.clustering.clusters = k;
    let listings = listings_of_table(&config, pool).await?;
    let finding = tokio::task::spawn_blocking(move || fit_clusters(&config, &listings));
    let (_, report) = finding.await.context("the clustering stopped")??;
    Ok(report)
}

/// The same records as a clustering has them.
fn without_target(schema: &Schema) -> Schema {
    let mut schema = schema.clone();
    if let Some(target) = schema.target.take() {
        schema.fields.retain(|field| field.name != target);
    }
    schema.task = Task::Clustering;
    schema
}

/// What is answered.
pub(super) fn to_json(report: &ClusterReport) -> Value {
    let names: Vec<String> = report
        .features
        .iter()
        .map(valuation::clustering::Feature::name)
        .collect();
    let clusters = report.found.iter().enumerate().map(|(number, cluster)| {
        let centre: Map<String, Value> = names
            .iter()
            .zip(&cluster.centre)
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        json!({
            "cluster": number,
            "size": cluster.size,
            "silhouette": cluster.silhouette,
            "centre": centre,
        })
    });
    json!({
        "k": report.clusters,
        "rows": report.rows,
        "silhouette": report.silhouette,
        "inertia": report.inertia,
        "tried": report.tried,
        "clusters": clusters.collect::<Vec<Value>>(),
        "seconds": report.fit_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_not_what_records_are_grouped_by() {
        let schema = without_target(&Schema::real_estate());
        assert_eq!((schema.task, &schema.target), (Task::Clustering, &None));
        assert!(schema.field("price").is_none() && schema.field("area").is_some());
        for (k, is_valid) in [(0, true), (1, false), (2, true), (100, true), (101, false)] {
            assert_eq!(Query { k }.is_valid(), is_valid, "{k}");
        }
    }
}
