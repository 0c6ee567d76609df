//! Likeness by the line, for models without trees: the space of their comparables, and a record's place in it.

use arrow_array::RecordBatch;
use records::Schema;

use crate::cells::Cells;
use crate::comparables::{ByField, Comparables, MOST_RECORDS, Past, PastValues};
use crate::estimator::Estimator;
use crate::kd_tree::KdTree;
use crate::linear::SparseRow;
use crate::members::Fitted as _;
use crate::part_error::PartError;

impl Estimator {
    /// A record in the space of comparables by line: what each field adds to its log price.
    ///
    /// # Errors
    /// When a member's prediction is no sum.
    pub(crate) fn line_row(
        &self,
        by_field: &ByField,
        design: &SparseRow,
        tree_features: &[f32],
    ) -> Result<Vec<f32>, PartError> {
        let mut sums = vec![0.0_f64; by_field.width()];
        for (head, member) in self.plan.members.iter().zip(&self.members) {
            let explained = member.contributions(design, tree_features)?;
            by_field.add(head.weight, &explained.columns, &mut sums);
        }
        Ok(sums.into_iter().map(|sum| sum as f32).collect())
    }

    /// Comparables by line among the rows that were learned from, the newest where there are too many; `None` where
    /// the line distinguishes none of them. `prices` are by row of the batch.
    pub(crate) fn comparables_by_line(
        &self,
        schema: &Schema,
        batch: &RecordBatch,
        rows: &[usize],
        prices: &[f64],
    ) -> Option<Comparables> {
        let by_field = ByField::of(self.plan.linear_design.as_ref()?);
        let times = schema.time.as_deref();
        let times = times.map_or(Cells::Absent, |time| Cells::of(batch, time));
        let mut kept = rows.to_vec();
        if kept.len() > MOST_RECORDS {
            kept.sort_by_key(|row| std::cmp::Reverse((times.time_us(*row), *row)));
            kept.truncate(MOST_RECORDS);
            kept.sort_unstable();
        }
        let bound = self.bind(batch);
        let mut values = Vec::with_capacity(kept.len() * by_field.width());
        for row in &kept {
            let (design, tree_features) = (bound.design_row(*row), bound.frame_row(*row));
            let own = self.line_row(&by_field, &design, &tree_features);
            values.extend(own.ok()?);
        }
        let weights = weights(&values, by_field.width());
        let keys = Cells::of(batch, &schema.key);
        let past = kept.iter().map(|row| Past {
            id: keys.text(*row).unwrap_or_default().to_owned(),
            price: prices[*row],
            time_us: times.time_us(*row),
            estimate: None,
        });
        let importance = |field: &str| {
            let named = by_field.names().iter().position(|name| name == field);
            named.map_or(0.0, |place| weights[place])
        };
        Some(Comparables {
            space: KdTree::new(&values, by_field.width(), &weights)?,
            past: past.collect(),
            by_line: true,
            values: Some(PastValues::of(schema, batch, &kept, importance)),
        })
    }
}

/// How much each field matters: the root of its share of the variance of the log price, as of the trees' gain.
fn weights(values: &[f32], width: usize) -> Vec<f64> {
    let rows = (values.len() / width.max(1)).max(1) as f64;
    let of = |field: usize| {
        let column = || {
            let column = values.iter().skip(field).step_by(width);
            column.map(|value| f64::from(*value))
        };
        let mean = column().sum::<f64>() / rows;
        column().map(|value| (value - mean).powi(2)).sum::<f64>() / rows
    };
    let variances: Vec<f64> = (0..width).map(of).collect();
    let all = variances.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let shares = variances.iter().map(|variance| (variance / all).sqrt());
    shares.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_matter_by_their_share_of_the_variance() {
        // The second is the same everywhere; the third varies twice as much as the first.
        let values = [0.0, 5.0, 0.0, 1.0, 5.0, 2.0, 2.0, 5.0, 4.0];
        let found = weights(&values, 3);
        assert_eq!(found[1], 0.0);
        assert!(
            (found[0] - (1.0_f64 / 5.0).sqrt()).abs() < 1e-12,
            "{found:?}"
        );
        assert!(
            (found[2] - (4.0_f64 / 5.0).sqrt()).abs() < 1e-12,
            "{found:?}"
        );
    }
}
