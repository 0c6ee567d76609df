//! Cleaned records in the order in which a training reads them, and which of them are the same.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::{RecordBatch, UInt64Array};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use records::{Purpose, Schema};

use super::DatamartError;
use crate::cells::Cells;

/// Cleaned records and where they come from.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The records, as decoded for [`Purpose::Listing`].
    pub batch: RecordBatch,
    /// By row: its place in the file, from 1; none of a record that came from a table. It orders the
    /// rows as a training on the file reads them.
    pub lines: Vec<Option<i64>>,
}

/// Which records are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Those of one key, of which the newest counts: as in a table.
    Key,
    /// Those of one key at the same place among those of that key: a file may have one several times,
    /// and a training on it learns from all of them.
    Occurrence,
}

/// What became of records that were merged into others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Change {
    /// Of a key that was not there.
    pub added: usize,
    /// Instead of another record of the same key.
    pub replaced: usize,
    /// There already, the same.
    pub unchanged: usize,
    /// Older than what is there.
    pub older: usize,
}

impl Identity {
    /// By row, what is one with what.
    fn of<'a>(self, keys: &[&'a str]) -> Vec<(&'a str, usize)> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut place = |key: &'a str| match self {
            Identity::Key => 0,
            Identity::Occurrence => {
                let count = counts.entry(key).or_default();
                *count += 1;
                *count
            }
        };
        keys.iter().map(|key| (*key, place(key))).collect()
    }
}

impl Rows {
    /// None of a schema.
    pub fn none(schema: &Schema) -> Rows {
        Rows {
            batch: RecordBatch::new_empty(schema.arrow(Purpose::Listing)),
            lines: Vec::new(),
        }
    }

    /// One record an identity, the newest; of one time, the later one. In the order in which a training
    /// reads them: by line, then by time, then by key. Also states how many others there were.
    ///
    /// # Errors
    /// When columns do not fit together: a fault of the program.
    pub fn latest(
        &self,
        schema: &Schema,
        identity: Identity,
    ) -> Result<(Rows, usize), DatamartError> {
        let (times, keys) = (self.times(schema), self.keys(schema));
        let mut newest: HashMap<(&str, usize), usize> = HashMap::with_capacity(keys.len());
        for (row, key) in identity.of(&keys).into_iter().enumerate() {
            newest
                .entry(key)
                .and_modify(|existing| {
                    if times[row] >= times[*existing] {
                        *existing = row;
                    }
                })
                .or_insert(row);
        }
        let superseded = keys.len() - newest.len();
        let kept = newest.into_values().collect();
        Ok((self.ordered(kept, &times, &keys)?, superseded))
    }

    /// These records and `news`, where a newer one replaces one of its identity, and what became of
    /// each of `news`. Both have one record an identity ([`Rows::latest`]). The first of the rows given
    /// is all, the second what is new among them.
    ///
    /// # Errors
    /// As [`Rows::latest`].
    pub fn merge(
        &self,
        news: &Rows,
        schema: &Schema,
        identity: Identity,
    ) -> Result<(Rows, Rows, Change), DatamartError> {
        let names: Vec<&str> = schema
            .columns(Purpose::Listing)
            .map(|field| field.name.as_str())
            .collect();
        let both = self.and(news)?;
        let (times, keys) = (both.times(schema), both.keys(schema));
        let contents = hashes(&both.batch, &names);
        let there = self.batch.num_rows();
        let (old_keys, new_keys) = keys.split_at(there);
        let mut newest: HashMap<_, usize> = identity.of(old_keys).into_iter().zip(0..).collect();
        let mut change = Change::default();
        let mut new_rows = Vec::new();
        for (key, row) in identity.of(new_keys).into_iter().zip(there..) {
            let count = match newest.get(&key) {
                None => &mut change.added,
                Some(existing) if contents[*existing] == contents[row] => {
                    change.unchanged += 1;
                    continue;
                }
                Some(existing) if times[row] < times[*existing] => {
                    change.older += 1;
                    continue;
                }
                Some(_) => &mut change.replaced,
            };
            *count += 1;
            newest.insert(key, row);
            new_rows.push(row);
        }
        let all = newest.into_values().collect();
        let new = both.ordered(new_rows, &times, &keys)?;
        Ok((both.ordered(all, &times, &keys)?, new, change))
    }

    /// These records, then others.
    ///
    /// # Errors
    /// As [`Rows::latest`].
    pub fn and(&self, others: &Rows) -> Result<Rows, DatamartError> {
        let schema = self.batch.schema();
        Ok(Rows {
            batch: concat_batches(&schema, [&self.batch, &others.batch])?,
            lines: [self.lines.as_slice(), &others.lines].concat(),
        })
    }

    /// The keys, by row.
    pub fn keys(&self, schema: &Schema) -> Vec<&str> {
        let column = self.batch.column_by_name(&schema.key);
        let column = column.and_then(|column| column.as_string_opt::<i32>());
        let keys = column.into_iter().flatten();
        keys.map(Option::unwrap_or_default).collect()
    }

    /// Times by row; all the same where the schema has none.
    fn times(&self, schema: &Schema) -> Vec<i64> {
        let time = schema.time.as_deref();
        let cells = time.map_or(Cells::Absent, |name| Cells::of(&self.batch, name));
        let of = |row| cells.time_us(row).unwrap_or(i64::MIN);
        (0..self.batch.num_rows()).map(of).collect()
    }

    fn ordered(
        &self,
        mut rows: Vec<usize>,
        times: &[i64],
        keys: &[&str],
    ) -> Result<Rows, DatamartError> {
        rows.sort_unstable_by_key(|row| (self.lines[*row], times[*row], keys[*row]));
        let taken: UInt64Array = rows.iter().map(|row| *row as u64).collect();
        Ok(Rows {
            batch: take_record_batch(&self.batch, &taken)?,
            lines: rows.iter().map(|row| self.lines[*row]).collect(),
        })
    }
}

/// By row, what columns say as one number: FNV-1a of 64 bits (Fowler, Noll, Vo 1991), the same on
/// every machine and in every version.
pub(super) fn hashes(batch: &RecordBatch, columns: &[&str]) -> Vec<i64> {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hashes = vec![BASIS; batch.num_rows()];
    for name in columns {
        let cells = Cells::of(batch, name);
        for (row, hash) in hashes.iter_mut().enumerate() {
            let mut add = |byte: u8| *hash = (*hash ^ u64::from(byte)).wrapping_mul(PRIME);
            if let Some(text) = cells.text(row) {
                add(1);
                text.bytes().for_each(&mut add);
            } else if let Some(us) = cells.time_us(row) {
                add(2);
                us.to_le_bytes().into_iter().for_each(&mut add);
            } else if let Some(number) = cells.number(row) {
                add(3);
                // 0 and −0 are the same number.
                let bits = (number + 0.0).to_bits();
                bits.to_le_bytes().into_iter().for_each(&mut add);
            } else {
                add(4);
            }
            // No text has it: what ends here does not go on in the next column.
            add(0xff);
        }
    }
    hashes.into_iter().map(u64::cast_signed).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    fn schema() -> Schema {
        let text = "name='x'\nversion=1\ntask='regression'\ntable='x'\nkey='id'\ntime='at'\n\
            target='y'\n[[field]]\nname='id'\nkind='text'\n[[field]]\nname='at'\nkind='timestamp'\n\
            [[field]]\nname='y'\nkind='number'\n";
        Schema::parse(text, "x").unwrap()
    }

    fn rows(records: &[(&str, i64, f64)], lines: bool) -> Rows {
        let keys = StringArray::from_iter_values(records.iter().map(|record| record.0));
        let times =
            TimestampMicrosecondArray::from_iter_values(records.iter().map(|record| record.1));
        let values = Float64Array::from_iter_values(records.iter().map(|record| record.2));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(keys),
            Arc::new(times.with_timezone("UTC")),
            Arc::new(values),
        ];
        Rows {
            batch: RecordBatch::try_new(schema().arrow(Purpose::Listing), columns).unwrap(),
            lines: (1..=records.len() as i64)
                .map(|line| lines.then_some(line))
                .collect(),
        }
    }

    #[test]
    fn the_newest_of_a_key_stays_in_the_order_of_a_training() {
        let records = [
            ("b", 5, 1.0),
            ("a", 5, 2.0),
            ("b", 4, 3.0),
            ("c", 1, 4.0),
            ("c", 1, 5.0),
        ];
        let (found, superseded) = rows(&records, false)
            .latest(&schema(), Identity::Key)
            .unwrap();
        assert_eq!(
            (found.keys(&schema()), superseded),
            (vec!["c", "a", "b"], 2)
        );
        assert_eq!(
            hashes(&found.batch, &["y"])[0],
            hashes(&rows(&records, false).batch, &["y"])[4]
        );
        let (found, _) = rows(&records, true)
            .latest(&schema(), Identity::Key)
            .unwrap();
        assert_eq!(found.keys(&schema()), ["b", "a", "c"], "as in the file");
        assert_eq!(found.lines, [Some(1), Some(2), Some(5)]);
    }

    #[test]
    fn a_file_may_have_a_key_twice() {
        let sold = [("a", 1, 1.0), ("b", 2, 2.0), ("a", 3, 3.0)];
        let (old, superseded) = rows(&sold, true)
            .latest(&schema(), Identity::Occurrence)
            .unwrap();
        assert_eq!((old.keys(&schema()), superseded), (vec!["a", "b", "a"], 0));
        let again = [sold[0], sold[1], ("a", 3, 3.5), ("a", 4, 4.0)];
        let (all, new, change) = old
            .merge(&rows(&again, true), &schema(), Identity::Occurrence)
            .unwrap();
        assert_eq!(all.keys(&schema()), ["a", "b", "a", "a"]);
        assert_eq!(new.lines, [Some(3), Some(4)]);
        assert_eq!((change.added, change.replaced, change.unchanged), (1, 1, 2));
    }

    #[test]
    fn what_is_merged_is_counted() {
        let old = rows(&[("a", 1, 1.0), ("b", 2, 2.0), ("c", 9, 3.0)], false);
        let news = rows(
            &[("a", 1, 1.0), ("b", 3, 2.5), ("c", 8, 1.0), ("d", 0, 0.0)],
            false,
        );
        let (all, new, change) = old.merge(&news, &schema(), Identity::Key).unwrap();
        assert_eq!(all.keys(&schema()), ["d", "a", "b", "c"]);
        assert_eq!(new.keys(&schema()), ["d", "b"]);
        let expected = Change {
            added: 1,
            replaced: 1,
            unchanged: 1,
            older: 1,
        };
        assert_eq!(change, expected);
    }
}
