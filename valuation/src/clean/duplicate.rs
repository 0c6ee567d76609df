//! The same listing twice: posted again under another key or at another time, or a file joined twice.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use arrow_array::RecordBatch;
use records::Schema;

use crate::cells::Cells;

/// What rows say of the thing and of its price. Neither key nor time: who posts a listing again
/// gives it new ones.
pub(crate) struct Records<'a> {
    /// The features.
    columns: Vec<Cells<'a>>,
    /// Prices by row of the batch.
    prices: &'a [f64],
}

impl<'a> Records<'a> {
    /// Reads the features of a batch; `prices` are by its rows.
    pub(crate) fn of(schema: &'a Schema, batch: &'a RecordBatch, prices: &'a [f64]) -> Records<'a> {
        let columns = schema
            .features()
            .map(|field| Cells::of(batch, &field.name))
            .collect();
        Records { columns, prices }
    }

    /// Those of `rows` that state what a newer one says; `age` orders them.
    ///
    /// Rows of the same features with different prices are kept, those of equal prices among them
    /// too: where the features do not distinguish things (one field of two levels), an equal price
    /// is chance. So it is where more than half of the rows would go: all are kept then.
    pub(crate) fn copies<K: Ord>(
        &self,
        rows: &[usize],
        age: impl Fn(usize) -> K,
    ) -> BTreeSet<usize> {
        let mut copies = self.all_copies(rows, age);
        if 2 * copies.len() > rows.len() {
            copies.clear();
        }
        copies
    }

    /// The same, however many they are: for rows that are a part of a table.
    pub(crate) fn all_copies<K: Ord>(
        &self,
        rows: &[usize],
        age: impl Fn(usize) -> K,
    ) -> BTreeSet<usize> {
        let mut copies = BTreeSet::new();
        for alike in self.alike(rows) {
            let first = self.price(alike[0]);
            if alike.iter().any(|row| self.price(*row) != first) {
                continue;
            }
            let newest = alike.iter().copied().max_by_key(|row| age(*row));
            copies.extend(alike.into_iter().filter(|row| Some(*row) != newest));
        }
        copies
    }

    /// Those of `holdout` that have a row in `train` of the same features and price.
    pub(crate) fn met(&self, train: &[usize], holdout: &[usize]) -> BTreeSet<usize> {
        let judged: HashSet<usize> = holdout.iter().copied().collect();
        let both = [train, holdout].concat();
        let met = self.alike(&both).into_iter().flat_map(|alike| {
            let (held, learned): (Vec<usize>, Vec<usize>) =
                alike.into_iter().partition(|row| judged.contains(row));
            let learned: HashSet<u64> = learned.into_iter().map(|row| self.price(row)).collect();
            held.into_iter()
                .filter(move |row| learned.contains(&self.price(*row)))
        });
        met.collect()
    }

    /// Rows of the same features, two or more together.
    fn alike(&self, rows: &[usize]) -> Vec<Vec<usize>> {
        let mut hashed: Vec<(u64, usize)> =
            rows.iter().map(|row| (self.digest(*row), *row)).collect();
        hashed.sort_unstable();
        hashed
            .chunk_by(|one, other| one.0 == other.0)
            .filter(|run| run.len() > 1)
            .map(|run| {
                // A hash may be that of other features: they count as alone.
                let rows = run.iter().map(|(_, row)| *row);
                rows.filter(|row| self.same(run[0].1, *row)).collect()
            })
            .filter(|alike: &Vec<usize>| alike.len() > 1)
            .collect()
    }

    fn digest(&self, row: usize) -> u64 {
        // Its keys are fixed: the same rows give the same numbers everywhere.
        let mut hasher = DefaultHasher::new();
        for cells in &self.columns {
            (cells.number(row).map(f64::to_bits), cells.text(row)).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn same(&self, one: usize, other: usize) -> bool {
        let mut columns = self.columns.iter();
        columns.all(|cells| {
            cells.number(one) == cells.number(other) && cells.text(one) == cells.text(other)
        })
    }

    fn price(&self, row: usize) -> u64 {
        self.prices[row].to_bits()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    fn batch(cities: &[&str], floors: &[Option<i64>]) -> RecordBatch {
        let cities: ArrayRef = Arc::new(StringArray::from(cities.to_vec()));
        let floors: ArrayRef = Arc::new(Int64Array::from(floors.to_vec()));
        RecordBatch::try_from_iter([("city", cities), ("floor", floors)]).unwrap()
    }

    #[test]
    fn the_newest_of_a_listing_posted_again_is_kept() {
        let schema = Schema::real_estate();
        let batch = batch(
            &["a", "a", "b", "a", "a", "a"],
            &[Some(1), Some(1), Some(1), None, None, Some(2)],
        );
        let prices = [5.0, 5.0, 5.0, 7.0, 7.0, 5.0];
        let records = Records::of(&schema, &batch, &prices);
        let rows: Vec<usize> = (0..6).collect();
        let times = [9, 3, 0, 1, 1, 0];
        let copies = records.copies(&rows, |row| (times[row], row));
        // Row 0 is newer than row 1; of equal times the later row counts; another floor is
        // another home.
        assert_eq!(copies.into_iter().collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn the_same_features_at_different_prices_are_no_copies() {
        let schema = Schema::real_estate();
        let batch = batch(&["a"; 4], &[Some(1); 4]);
        let prices = [5.0, 6.0, 5.0, 6.0];
        let records = Records::of(&schema, &batch, &prices);
        assert!(records.copies(&[0, 1, 2, 3], |row| row).is_empty());
        // Three of four would go: these are not listings, but kinds of them.
        let same = Records {
            prices: &[5.0; 4],
            ..records
        };
        assert!(same.copies(&[0, 1, 2, 3], |row| row).is_empty());
        let records = Records::of(&schema, &batch, &prices);
        // What is judged on may still have been met.
        let met = |train: &[usize], holdout: &[usize]| -> Vec<usize> {
            records.met(train, holdout).into_iter().collect()
        };
        assert_eq!(met(&[0], &[1, 2, 3]), [2]);
        assert_eq!(met(&[0, 1], &[2, 3]), [2, 3]);
        assert!(met(&[], &[2, 3]).is_empty());
    }
}
