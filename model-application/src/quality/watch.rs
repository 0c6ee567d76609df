//! Requests and answers counted as they go by, against the model's picture of its training.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use ledger::quality;
use records::timestamp;
use sqlx::PgConnection;
use valuation::{Prediction, Tally};

use crate::serving::Loaded;

/// Microseconds of an hour.
const HOUR_US: i64 = 3_600_000_000;
/// Predictions kept to state what error is to be expected of them.
const KEPT: usize = 4096;

/// Counts of one model and hour.
type Place = (String, i64);

/// What went by in this process.
pub(crate) struct Watch {
    /// Distinguishes this process's counts from those of others in the table.
    writer: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Counts of hours that are not over, or not written since they changed.
    tallies: BTreeMap<Place, Tally>,
    /// The newest predictions, round and round.
    predictions: Vec<Prediction>,
    next: usize,
    /// Whose predictions they are.
    number: u64,
}

impl Watch {
    pub fn new() -> Watch {
        Watch {
            writer: format!("{:016x}", rand::random::<u64>()),
            state: Mutex::default(),
        }
    }

    /// Counts requests and answers.
    pub fn answered(&self, loaded: &Arc<Loaded>, batch: &RecordBatch, predictions: &[Prediction]) {
        let Some(profile) = loaded.model.profile() else {
            return;
        };
        let hour = timestamp::now_us() / HOUR_US;
        let mut state = self.state();
        let place = (loaded.name.clone(), hour);
        let tally = state
            .tallies
            .entry(place)
            .or_insert_with(|| profile.tally());
        // A tally is begun by the model's own profile, which it therefore fits.
        tally.add(profile, batch, predictions);
        if state.number != loaded.number {
            state.number = loaded.number;
            state.predictions.clear();
            state.next = 0;
        }
        for prediction in predictions {
            let next = state.next;
            match state.predictions.get_mut(next) {
                Some(oldest) => *oldest = *prediction,
                None => state.predictions.push(*prediction),
            }
            state.next = (next + 1) % KEPT;
        }
    }

    /// The error to expect of the model's recent predictions, before any price is known.
    pub fn expected_ape(&self, loaded: &Loaded) -> Option<f64> {
        let predictions = {
            let state = self.state();
            match state.number == loaded.number {
                true => state.predictions.clone(),
                false => return None,
            }
        };
        loaded.model.price()?.expected_ape(&predictions)
    }

    /// Writes the counts; those of hours that are over are then forgotten.
    ///
    /// # Errors
    /// When the database fails: they are written the next time.
    pub async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let tallies = self.state().tallies.clone();
        let this_hour = timestamp::now_us() / HOUR_US;
        for ((model, hour), tally) in tallies {
            let text = serde_json::to_string(&tally).map_err(|e| sqlx::Error::Encode(e.into()))?;
            quality::store_tally(&mut *connection, &model, hour, &self.writer, &text).await?;
            let mut state = self.state();
            let place = (model, hour);
            if hour < this_hour && state.tallies.get(&place) == Some(&tally) {
                state.tallies.remove(&place);
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All processes' counts of a model's last N seconds, by whole hours; `None` for none.
pub(crate) async fn tally(
    connection: &mut PgConnection,
    loaded: &Loaded,
    seconds: u32,
) -> Result<Option<Tally>, sqlx::Error> {
    let Some(profile) = loaded.model.profile() else {
        return Ok(None);
    };
    let texts = quality::tallies(connection, &loaded.name, seconds).await?;
    let mut sum = profile.tally();
    for text in texts {
        match serde_json::from_str::<Tally>(&text) {
            // One of another model under the same name is not added.
            Ok(tally) => {
                sum.merge(&tally);
            }
            Err(error) => tracing::warn!("cannot read a tally of {}: {error}", loaded.name),
        }
    }
    Ok((sum.rows() > 0).then_some(sum))
}
