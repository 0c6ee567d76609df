//! The newest training records, with what was predicted for them before: what a version is judged on.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use records::{Arrival, Decoder, Purpose, Schema};
use sqlx::Row;
use sqlx::postgres::PgRow;
use valuation::Link;
use valuation::online::PriorPrediction;

/// A record, as it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// Counts up from 1, over all restarts.
    pub(super) number: i64,
    /// The message.
    pub(super) payload: Vec<u8>,
    /// Where it was: its key, where the schema has none.
    pub(super) place: String,
    /// When it came, microseconds since 1970: replaces a time that is missing.
    pub(super) arrival_us: i64,
    /// The prediction before the update.
    pub(super) predicted: PriorPrediction,
}

impl Seen {
    pub(super) fn of_row(row: &PgRow) -> Result<Seen, sqlx::Error> {
        Ok(Seen {
            number: row.try_get(0)?,
            payload: row.try_get(1)?,
            place: row.try_get(2)?,
            arrival_us: row.try_get(3)?,
            predicted: PriorPrediction {
                price: row.try_get(4)?,
                value: row.try_get(5)?,
                low: row.try_get(6)?,
                high: row.try_get(7)?,
                base: row.try_get(8)?,
            },
        })
    }
}

/// The newest of them, at most so many.
#[derive(Debug, Clone)]
pub(super) struct Recent {
    most: usize,
    seen: VecDeque<Seen>,
}

impl Recent {
    pub(super) fn new(most: usize, seen: Vec<Seen>) -> Recent {
        let mut recent = Recent {
            most,
            seen: VecDeque::new(),
        };
        recent.extend(&seen);
        recent
    }

    /// Takes newer ones in; the oldest go.
    pub(super) fn extend(&mut self, seen: &[Seen]) {
        self.seen.extend(seen.iter().cloned());
        let beyond = self.seen.len().saturating_sub(self.most);
        self.seen.drain(..beyond);
    }

    /// The records, with the predictions for them.
    pub(super) fn batch(&self, schema: &Schema) -> (RecordBatch, Vec<PriorPrediction>) {
        let mut decoder = Decoder::new(schema, Purpose::Listing);
        let mut predictions = Vec::with_capacity(self.seen.len());
        for row in &self.seen {
            // They were decoded once before.
            if decoder
                .push_from(
                    &row.payload,
                    Arrival::accepted_before(row.arrival_us),
                    &row.place,
                )
                .is_ok()
            {
                predictions.push(row.predicted);
            }
        }
        (decoder.finish().batch, predictions)
    }

    /// Root mean square of ln(estimate/price) (of counts plus 1), of the follower and of the base; `None`
    /// for none.
    pub(super) fn errors(&self, link: Link) -> Option<(f64, f64)> {
        let count = self.seen.len() as f64;
        let error = |of: fn(&PriorPrediction) -> f64| {
            let squares = self.seen.iter().map(|row| {
                link.ratio(of(&row.predicted), row.predicted.price)
                    .ln()
                    .powi(2)
            });
            (squares.sum::<f64>() / count).sqrt()
        };
        (!self.seen.is_empty()).then(|| (error(|row| row.value), error(|row| row.base)))
    }

    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }
}
