//! K-means: the centres that rows lie nearest to.
//!
//! `linfa-clustering` begins with k-means++ (Arthur & Vassilvitskii 2007, k-means++: the advantages of
//! careful seeding) and moves centres until they rest, but counts the centre before among the rows of a
//! mean, so that no cluster is ever empty. Lloyd's own steps follow here until no row changes its
//! cluster: then centres are the means of their rows, and the inertia is at its minimum near this start.
//! Of several starts the one of the least inertia is taken.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::KMeans;
use ndarray::{Array2, ArrayView1};
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;
use rayon::prelude::*;

use super::error::ClusteringError;
use crate::rng::mix;

/// Where linfa's steps end: the distance that all centres together have moved, in deviations.
const TOLERANCE: f64 = 1e-4;
/// Most steps, linfa's and then ours: rows that go to and fro between equal centres must not continue.
const MOST_STEPS: u64 = 300;

/// Clusters of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Partition {
    /// (clusters, columns), by falling size.
    pub(super) centres: Array2<f64>,
    /// Which cluster each row is in.
    pub(super) members: Vec<usize>,
    /// How many rows each cluster has.
    pub(super) sizes: Vec<usize>,
    /// The sum of the rows' squared distances to their centres.
    pub(super) inertia: f64,
}

/// The best of `starts` starts; `None` where there are fewer distinct rows than clusters. The same bits
/// on any number of threads.
///
/// # Errors
/// What linfa says.
pub(super) fn kmeans(
    rows: &Array2<f64>,
    clusters: usize,
    starts: usize,
    seed: u64,
) -> Result<Option<Partition>, ClusteringError> {
    if clusters > rows.nrows() {
        return Ok(None);
    }
    let found: Result<Vec<Option<Partition>>, ClusteringError> = (0..starts as u64)
        .into_par_iter()
        .map(|start| one(rows, clusters, mix(seed.wrapping_add(mix(start)))))
        .collect();
    // The first of equals: which thread was quicker does not count.
    let best =
        found?
            .into_iter()
            .flatten()
            .reduce(|best, other| match other.inertia < best.inertia {
                true => other,
                false => best,
            });
    Ok(best)
}

fn one(
    rows: &Array2<f64>,
    clusters: usize,
    seed: u64,
) -> Result<Option<Partition>, ClusteringError> {
    let begun = KMeans::params_with_rng(clusters, Xoshiro256Plus::seed_from_u64(seed))
        .n_runs(1)
        .tolerance(TOLERANCE)
        .max_n_iterations(MOST_STEPS)
        .fit(&DatasetBase::from(rows.view()))
        .map_err(|error| ClusteringError::Solver {
            clusters,
            detail: error.to_string(),
        })?;
    let mut centres = begun.centroids().clone();
    let mut members = nearest(rows, &centres);
    for _ in 0..MOST_STEPS {
        let Some(means) = means(rows, &members, clusters) else {
            return Ok(None);
        };
        let moved = nearest(rows, &means);
        centres = means;
        let rests = moved == members;
        members = moved;
        if rests {
            break;
        }
    }
    Ok(sorted(rows, &centres, &members))
}

/// The mean of every cluster's rows; `None` where one has none.
fn means(rows: &Array2<f64>, members: &[usize], clusters: usize) -> Option<Array2<f64>> {
    let mut means = Array2::zeros((clusters, rows.ncols()));
    let mut sizes = vec![0_usize; clusters];
    for (row, member) in rows.rows().into_iter().zip(members) {
        sizes[*member] += 1;
        let mut total = means.row_mut(*member);
        total += &row;
    }
    for (mut mean, size) in means.rows_mut().into_iter().zip(&sizes) {
        if *size == 0 {
            return None;
        }
        mean /= *size as f64;
    }
    Some(means)
}

/// The largest cluster first; of equal ones the one whose centre comes first, number by number.
fn sorted(rows: &Array2<f64>, centres: &Array2<f64>, members: &[usize]) -> Option<Partition> {
    let clusters = centres.nrows();
    let mut counts = vec![0_usize; clusters];
    members.iter().for_each(|member| counts[*member] += 1);
    if counts.contains(&0) {
        return None;
    }
    let mut order: Vec<usize> = (0..clusters).collect();
    order.sort_by(|one, other| {
        let by_centre = || {
            let pairs = centres.row(*one).into_iter().zip(centres.row(*other));
            let unequal = pairs.map(|(one, other)| one.total_cmp(other));
            unequal.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        };
        counts[*other].cmp(&counts[*one]).then_with(by_centre)
    });
    let mut place = vec![0; clusters];
    for (now, before) in order.iter().enumerate() {
        place[*before] = now;
    }
    let sorted = centres.select(ndarray::Axis(0), &order);
    let members: Vec<usize> = members.iter().map(|member| place[*member]).collect();
    let off = |(row, member): (ArrayView1<f64>, &usize)| distance(row, sorted.row(*member));
    Some(Partition {
        inertia: rows.rows().into_iter().zip(&members).map(off).sum(),
        sizes: order.iter().map(|before| counts[*before]).collect(),
        members,
        centres: sorted,
    })
}

/// The nearest centre of every row.
pub(super) fn nearest(rows: &Array2<f64>, centres: &Array2<f64>) -> Vec<usize> {
    let all = (0..rows.nrows()).into_par_iter().with_min_len(1024);
    all.map(|row| nearest_to(rows.row(row), centres).0)
        .collect()
}

/// The nearest centre of a row, the first of equals, and the squared distance to it.
pub(super) fn nearest_to(row: ArrayView1<f64>, centres: &Array2<f64>) -> (usize, f64) {
    let far = centres.rows().into_iter().enumerate();
    let far = far.map(|(cluster, centre)| (cluster, distance(row, centre)));
    far.fold((0, f64::INFINITY), |best, other| match other.1 < best.1 {
        true => other,
        false => best,
    })
}

/// The squared distance.
fn distance(one: ArrayView1<f64>, other: ArrayView1<f64>) -> f64 {
    let pairs = one.into_iter().zip(other);
    pairs.map(|(one, other)| (one - other).powi(2)).sum()
}

/// Centres as rows.
pub(super) fn rows_of(centres: &Array2<f64>) -> Vec<Vec<f64>> {
    centres.rows().into_iter().map(|row| row.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Around three points, more rows around the first than around the second.
    fn heaps() -> (Array2<f64>, Vec<usize>) {
        let heaps: Vec<usize> = (0..60).map(|row| [0, 0, 0, 1, 1, 2][row % 6]).collect();
        let mut rng = Rng::new(3);
        let rows = Array2::from_shape_fn((60, 2), |(row, column)| {
            let centre = [[0.0, 0.0], [9.0, 1.0], [-4.0, 8.0]][heaps[row]][column];
            centre + rng.below(1000) as f64 / 1000.0
        });
        (rows, heaps)
    }

    #[test]
    fn heaps_are_found_the_largest_first() {
        let (rows, heaps) = heaps();
        let found = kmeans(&rows, 3, 4, 1).expect("it fits").expect("clusters");
        assert_eq!(found.members, heaps);
        assert_eq!(found.sizes, [30, 20, 10]);
        let mean = means(&rows, &heaps, 3).expect("rows in each");
        let off = (&found.centres - &mean).mapv(f64::abs).sum();
        assert!(off < 1e-12, "centres are means: {off}");
        assert_eq!(nearest(&rows, &found.centres), heaps);
    }

    #[test]
    fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
        let (rows, _) = heaps();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads").install(|| kmeans(&rows, 5, 6, 9))
        };
        let (one, many) = (on(1).expect("it fits"), on(4).expect("it fits"));
        assert!(one.is_some());
        assert_eq!(one, many);
    }

    #[test]
    fn fewer_distinct_rows_than_clusters_are_none() {
        let rows = Array2::from_shape_fn((30, 1), |(row, _)| (row % 3) as f64);
        let clusters = |clusters| kmeans(&rows, clusters, 3, 1).expect("it fits");
        assert_eq!(clusters(4), None);
        assert_eq!(clusters(40), None);
        assert_eq!(clusters(3).expect("three").inertia, 0.0);
    }
}
