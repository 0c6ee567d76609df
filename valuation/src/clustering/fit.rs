//! Fitting clusters: features, every number of clusters, the best of them.

use std::ops::RangeInclusive;
use std::time::Instant;

use arrow_array::RecordBatch;
use ndarray::Array2;
use records::{Schema, Task};

use super::columns::{self, Feature};
use super::error::ClusteringError;
use super::kmeans::{Partition, kmeans, rows_of};
use super::principal::Plane;
use super::report::{Cluster, ClusterReport, Picture, Point, Tried};
use super::{ClusteringOptions, Clusters, Golden, Head, silhouette};
use crate::artifact::FORMAT;
use crate::cells::Cells;
use crate::uninformative;

/// Sample rows kept with the clusters.
const GOLDEN_ROWS: usize = 20;
/// Records in the picture at most.
const POINTS: usize = 2000;

/// Records and what is asked of them.
#[derive(Debug, Clone, Copy)]
pub struct Clustering<'a> {
    /// What records are, of task clustering.
    pub schema: &'a Schema,
    /// The records.
    pub batch: &'a RecordBatch,
    /// How clusters are found.
    pub options: ClusteringOptions,
    /// Fewer records are refused. Never below 10.
    pub min_rows: usize,
    /// Seed of the starts: the same gives the same clusters.
    pub seed: u64,
    /// Processor cores the fit may take; 0 for all. The clusters are the same.
    pub threads: usize,
}

impl Clustering<'_> {
    /// Finds the clusters of the records. `on_tried` is called for every number of clusters;
    /// `code_version` and `trained_at_us` (microseconds since 1970) are only written down.
    ///
    /// # Errors
    /// See [`ClusteringError`].
    pub fn fit(
        &self,
        code_version: &str,
        trained_at_us: i64,
        on_tried: &(dyn Fn(&Tried) + Sync),
    ) -> Result<(Clusters, ClusterReport), ClusteringError> {
        let fit = || self.fit_on_this_pool(code_version, trained_at_us, on_tried);
        match self.threads {
            0 => fit(),
            threads => rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .map_err(|error| ClusteringError::Threads {
                    threads,
                    detail: error.to_string(),
                })?
                .install(fit),
        }
    }

    fn fit_on_this_pool(
        &self,
        code_version: &str,
        trained_at_us: i64,
        on_tried: &(dyn Fn(&Tried) + Sync),
    ) -> Result<(Clusters, ClusterReport), ClusteringError> {
        let started = Instant::now();
        self.check()?;
        let Clustering { schema, batch, .. } = *self;
        let rows: Vec<usize> = (0..batch.num_rows()).collect();
        let mut dropped = uninformative::find(schema, batch, &rows);
        let telling = uninformative::without(schema, dropped.iter());
        let (features, constant) = columns::fit(&telling, batch, &rows)?;
        dropped.extend(constant);
        if features.is_empty() {
            let names: Vec<String> = dropped.iter().map(ToString::to_string).collect();
            return Err(ClusteringError::NoFeatures {
                dropped: names.join("; "),
            });
        }
        let table = columns::table(&features, batch, 0..batch.num_rows());
        let (best, tried) = self.best(&table, on_tried)?;
        let report = self.report(&best, &table, features.clone(), dropped, tried);
        let times = schema.time.as_deref();
        let times = times.map_or(Cells::Absent, |name| Cells::of(batch, name));
        let mut clusters = Clusters {
            head: Head {
                format: FORMAT,
                code_version: code_version.to_owned(),
                trained_at_us,
                data_until_us: rows.iter().filter_map(|row| times.time_us(*row)).max(),
                schema: schema.clone(),
                centres: rows_of(&best.found.centres),
                // The picture is for the report of the training, and as large as all else.
                report: ClusterReport {
                    picture: Picture {
                        points: Vec::new(),
                        ..report.picture.clone()
                    },
                    ..report.clone()
                },
            },
            centres: best.found.centres,
            golden: Vec::new(),
        };
        clusters.golden = golden(&clusters, batch);
        if clusters.golden.is_empty() {
            return Err(ClusteringError::NotRecords {
                schema: schema.name.clone(),
            });
        }
        let report = ClusterReport {
            members: best.found.members,
            fit_seconds: started.elapsed().as_secs_f64(),
            ..report
        };
        Ok((clusters, report))
    }

    /// The numbers of clusters that are tried.
    ///
    /// # Errors
    /// When the options or the records do not suit a clustering.
    pub(crate) fn tried(&self) -> Result<RangeInclusive<usize>, ClusteringError> {
        self.check()?;
        Ok(self.options.tried())
    }

    fn check(&self) -> Result<(), ClusteringError> {
        self.options.check()?;
        let Clustering { schema, batch, .. } = self;
        if schema.task != Task::Clustering {
            return Err(ClusteringError::Task {
                schema: schema.name.clone(),
                task: format!("{:?}", schema.task).to_lowercase(),
            });
        }
        for field in schema.features() {
            let expected = field.kind.data_type();
            let found = batch.column_by_name(&field.name);
            let found = found.map(|column| column.data_type());
            if found != Some(&expected) {
                return Err(ClusteringError::Column {
                    column: field.name.clone(),
                    expected: expected.to_string(),
                    found: found.map_or("none".to_owned(), ToString::to_string),
                });
            }
        }
        let needed = self.min_rows.max(10);
        match batch.num_rows() {
            found if found < needed => Err(ClusteringError::TooFewRows { found, needed }),
            _ => Ok(()),
        }
    }

    /// Every number of clusters, and the one of the best silhouette: the fewest of equals.
    fn best(
        &self,
        table: &Array2<f64>,
        on_tried: &(dyn Fn(&Tried) + Sync),
    ) -> Result<(Best, Vec<Tried>), ClusteringError> {
        let mut best: Option<Best> = None;
        let mut all = Vec::new();
        for clusters in self.options.tried() {
            // More clusters than distinct records: so it is with every greater number.
            let Some(found) = kmeans(table, clusters, self.options.starts, self.seed)? else {
                break;
            };
            let Some(silhouettes) = silhouette::of_rows(table, &found.members, clusters) else {
                break;
            };
            let tried = Tried {
                clusters,
                silhouette: silhouette::mean(&silhouettes),
                inertia: found.inertia,
            };
            on_tried(&tried);
            all.push(tried);
            if best
                .as_ref()
                .is_none_or(|best| tried.silhouette > best.tried.silhouette)
            {
                best = Some(Best {
                    found,
                    silhouettes,
                    tried,
                });
            }
        }
        let best = best.ok_or(ClusteringError::TooFewDistinct {
            clusters: *self.options.tried().start(),
        })?;
        Ok((best, all))
    }

    fn report(
        &self,
        best: &Best,
        table: &Array2<f64>,
        features: Vec<Feature>,
        dropped: Vec<uninformative::Dropped>,
        tried: Vec<Tried>,
    ) -> ClusterReport {
        let found = &best.found;
        let plane = Plane::of(table);
        let pair = |row: ndarray::ArrayView1<f64>| [row[0], row[1]];
        let places = plane.place(&found.centres);
        let clusters = (0..found.sizes.len()).map(|cluster| {
            let centre = found.centres.row(cluster);
            let members = found.members.iter().zip(&best.silhouettes);
            let members = members.filter(|(member, _)| **member == cluster);
            let silhouettes: Vec<f64> = members.map(|(_, silhouette)| *silhouette).collect();
            Cluster {
                size: found.sizes[cluster],
                silhouette: silhouette::mean(&silhouettes),
                centre: features
                    .iter()
                    .zip(centre)
                    .map(|(feature, value)| feature.in_unit(*value))
                    .collect(),
                place: pair(places.row(cluster)),
            }
        });
        let shown: Vec<usize> = (0..table.nrows())
            .step_by(table.nrows().div_ceil(POINTS).max(1))
            .collect();
        let points = plane.place(&table.select(ndarray::Axis(0), &shown));
        let points = points.rows().into_iter().zip(&shown);
        ClusterReport {
            rows: table.nrows(),
            clusters: found.sizes.len(),
            given: self.options.clusters != 0,
            silhouette: best.tried.silhouette,
            inertia: best.tried.inertia,
            tried,
            found: clusters.collect(),
            picture: Picture {
                explained: plane.explained,
                directions: plane.directions.rows().into_iter().map(pair).collect(),
                points: points
                    .map(|(place, row)| Point {
                        place: pair(place),
                        cluster: found.members[*row],
                    })
                    .collect(),
            },
            features,
            dropped,
            seed: self.seed,
            starts: self.options.starts,
            fit_seconds: 0.0,
            members: Vec::new(),
        }
    }
}

/// The clusters that are kept.
struct Best {
    found: Partition,
    /// By record.
    silhouettes: Vec<f64>,
    tried: Tried,
}

/// Some of the records, and which cluster they are in.
fn golden(clusters: &Clusters, batch: &RecordBatch) -> Vec<Golden> {
    (0..batch.num_rows())
        .step_by(batch.num_rows().div_ceil(GOLDEN_ROWS).max(1))
        .filter_map(|row| {
            let record = records::encode::to_json(batch, row);
            let prediction = clusters.predict_json(&record)?;
            Some(Golden { record, prediction })
        })
        .collect()
}
