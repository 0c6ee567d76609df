//! A file cut into equal parts that appear one after the other.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::Instant;

/// How a file is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batches {
    /// Parts, of as many records each, give or take one.
    pub count: u64,
    /// Time between the beginnings of two parts.
    pub every: Duration,
}

/// Which part each record is of, and when it begins. Parts are those of the whole file, wherever a
/// replay begins: one that continues after a stop cuts it at the same places.
pub(super) struct Turns {
    batches: Batches,
    /// Records of the file.
    total: u64,
    /// The part that the first record sent is of: it begins at once.
    first: u64,
    start: Instant,
}

impl Turns {
    /// # Errors
    /// When there are more parts than records.
    pub(super) fn new(
        batches: Batches,
        total: u64,
        position: u64,
        start: Instant,
    ) -> anyhow::Result<Turns> {
        ensure!(
            (1..=total).contains(&batches.count),
            "--batches {}: expected at most one per record, found {total} records",
            batches.count
        );
        let mut turns = Turns {
            batches,
            total,
            first: 0,
            start,
        };
        turns.first = turns.of(position);
        Ok(turns)
    }

    /// The part of a record, counting from 0.
    pub(super) fn of(&self, position: u64) -> u64 {
        let (count, total) = (u128::from(self.batches.count), u128::from(self.total));
        // The last part whose begin, floor(total·part/count), is not behind the position.
        let part = ((u128::from(position) + 1) * count).div_ceil(total) - 1;
        // Below the count, which is a u64.
        (part as u64).min(self.batches.count - 1)
    }

    /// The first record behind a part.
    pub(super) fn end(&self, part: u64) -> u64 {
        let behind = u128::from(self.total) * (u128::from(part) + 1);
        // At most the total, which is a u64.
        (behind / u128::from(self.batches.count)) as u64
    }

    /// When a part begins.
    pub(super) fn begin(&self, part: u64) -> Instant {
        let turns = u32::try_from(part.saturating_sub(self.first)).unwrap_or(u32::MAX);
        let wait = self.batches.every.saturating_mul(turns);
        // Beyond what a clock can say is never.
        self.start.checked_add(wait).unwrap_or(self.start + NEVER)
    }
}

/// A century.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(count: u64, total: u64, position: u64) -> anyhow::Result<Turns> {
        let every = Duration::from_secs(30);
        Turns::new(Batches { count, every }, total, position, Instant::now())
    }

    #[test]
    fn parts_are_equal_and_hold_every_record_once() {
        for (count, total) in [(1, 1), (3, 10), (7, 7), (10, 1000), (9, 1001)] {
            let turns = turns(count, total, 0).unwrap();
            let mut begin = 0;
            for part in 0..count {
                let end = turns.end(part);
                let length = end - begin;
                assert!((total / count..=total.div_ceil(count)).contains(&length));
                assert!((begin..end).all(|position| turns.of(position) == part));
                begin = end;
            }
            assert_eq!(begin, total);
        }
        let error = turns(11, 10, 0).err().expect("too many").to_string();
        assert!(error.contains("found 10 records"), "{error}");
    }

    #[test]
    fn what_goes_on_begins_at_once_and_keeps_the_cuts() {
        let turns = turns(4, 100, 60).unwrap();
        assert_eq!((turns.of(60), turns.end(2)), (2, 75));
        assert_eq!(turns.begin(2), turns.start);
        assert_eq!(turns.begin(3) - turns.start, Duration::from_secs(30));
    }
}
