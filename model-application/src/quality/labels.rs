//! Prices that became known, stored: those that the database will never take become rejects.

use std::collections::HashMap;
use std::time::Duration;

use common::Fault;
use common::Health;
use common::database::{Patience, patiently};
use common::kafka::Anchor;
use common::liveness::Retrying;
use ledger::offsets::{self, AdvanceError};
use ledger::rejects::{self, Reject};
use sqlx::{Connection, PgConnection};

use super::batch::{Actual, BAD_ACTUAL, Batch};
use crate::answer::shortened;
use crate::config::Config;

/// Longest piece of the database's words in a reason, in characters.
const DETAIL_CHARS: usize = 300;

/// Where a write failed: only prices can be singled out.
enum Failed {
    OnPrices(sqlx::Error),
    OnTheRest(AdvanceError),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Failed {
        Failed::OnTheRest(error.into())
    }
}

impl Failed {
    fn fault(&self) -> Fault {
        match self {
            Failed::OnPrices(error) | Failed::OnTheRest(AdvanceError::Database(error)) => {
                Fault::of_database(error)
            }
            // Neither passes.
            Failed::OnTheRest(AdvanceError::Fenced { .. } | AdvanceError::Setup(_)) => Fault::Setup,
        }
    }

    fn why(&self) -> String {
        match self {
            Failed::OnPrices(error) | Failed::OnTheRest(AdvanceError::Database(error)) => {
                error.to_string()
            }
            Failed::OnTheRest(error) => error.to_string(),
        }
    }
}

impl From<Failed> for AdvanceError {
    fn from(failed: Failed) -> AdvanceError {
        match failed {
            Failed::OnPrices(error) | Failed::OnTheRest(AdvanceError::Database(error)) => {
                AdvanceError::Setup(format!(
                    "cannot store labels of the topic actuals: {error}; repair the tables actuals, \
                     labelled_answers, rejects and offsets, or their permissions: \
                     model-application --check shows what is missing"
                ))
            }
            Failed::OnTheRest(error) => error,
        }
    }
}

/// Stores prices.
pub(super) struct Labels {
    anchor: Anchor,
    /// Bounds a try at storing.
    patience: Patience,
    retrying: Retrying,
}

impl Labels {
    pub fn new(anchor: Anchor, health: &Health, config: &Config) -> Labels {
        Labels {
            anchor,
            patience: config.database.patience(),
            retrying: Retrying::new(health, "storing labels", &config.liveness),
        }
    }

    /// Stores a batch with its offsets; gives those of its prices that became rejects.
    ///
    /// # Errors
    /// When another member has the partition, or the set-up must be fixed.
    pub async fn write(&self, batch: &Batch) -> Result<Vec<Reject>, AdvanceError> {
        let newest = newest(&batch.actuals);
        let all: Vec<&Actual> = newest.iter().map(|index| &batch.actuals[*index]).collect();
        let writing = async || self.transact(&all, &batch.rejects, batch).await;
        match self.until_done(writing).await {
            Ok(()) => return Ok(Vec::new()),
            Err(Failed::OnPrices(error)) if Fault::of_database(&error) == Fault::Row => {}
            Err(failed) => return Err(failed.into()),
        }
        let refused = self
            .until_done(async || self.store_good(&all).await)
            .await?;
        let late = refused.into_iter().filter_map(|(index, why)| {
            let why = shortened(&why, DETAIL_CHARS);
            let reason = format!("the database refuses it: {why}");
            tracing::warn!(code = BAD_ACTUAL, "rejected a label: {reason}");
            batch.sources.reject(newest[index], BAD_ACTUAL, reason)
        });
        let late: Vec<Reject> = late.collect();
        let rejects = [&batch.rejects[..], &late[..]].concat();
        self.until_done(async || self.transact(&[], &rejects, batch).await)
            .await?;
        Ok(late)
    }

    async fn until_done<T>(
        &self,
        attempt: impl AsyncFnMut() -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let retried = |failed: &Failed, wait: Duration| {
            let wait_ms = wait.as_millis() as u64;
            tracing::warn!(retry_in_ms = wait_ms, error = %failed.why(), "cannot process labels yet; retrying");
        };
        self.retrying
            .until_done(attempt, Failed::fault, retried)
            .await
    }

    async fn transact(
        &self,
        actuals: &[&Actual],
        rejects: &[Reject],
        batch: &Batch,
    ) -> Result<(), Failed> {
        let Anchor {
            pool,
            cluster,
            consumer,
        } = &self.anchor;
        patiently(pool, &self.patience, async |connection| {
            let mut transaction = connection.begin().await?;
            store(&mut transaction, actuals)
                .await
                .map_err(Failed::OnPrices)?;
            rejects::store(&mut transaction, cluster, rejects).await?;
            offsets::advance(&mut transaction, cluster, consumer, &batch.stretches)
                .await
                .map_err(Failed::OnTheRest)?;
            Ok(transaction.commit().await?)
        })
        .await
    }

    /// Stores what the database takes, by halves, and names the rest by its place. Storing a price again
    /// changes nothing, so that no transaction spans the halves: at most two statements a price.
    async fn store_good(&self, actuals: &[&Actual]) -> Result<Vec<(usize, String)>, Failed> {
        patiently(&self.anchor.pool, &self.patience, async |connection| {
            let mut refused = Vec::new();
            let all = 0..actuals.len();
            let mut parts = vec![all];
            while let Some(part) = parts.pop() {
                match store_part(connection, &actuals[part.clone()]).await {
                    Ok(()) => {}
                    Err(error) if Fault::of_database(&error) != Fault::Row => {
                        return Err(Failed::OnPrices(error));
                    }
                    Err(error) if part.len() == 1 => refused.push((part.start, error.to_string())),
                    Err(_) => {
                        let middle = part.start + part.len() / 2;
                        parts.push(part.start..middle);
                        parts.push(middle..part.end);
                    }
                }
            }
            Ok(refused)
        })
        .await
    }
}

/// The places of those that count: of two observations the later one, in a batch the last of them.
fn newest(actuals: &[Actual]) -> Vec<usize> {
    let mut newest: HashMap<&str, usize> = HashMap::new();
    for (index, actual) in actuals.iter().enumerate() {
        let kept = newest.entry(&actual.request_id).or_insert(index);
        if actual.observed_us >= actuals[*kept].observed_us {
            *kept = index;
        }
    }
    let mut newest: Vec<usize> = newest.into_values().collect();
    newest.sort_unstable();
    newest
}

async fn store_part(connection: &mut PgConnection, actuals: &[&Actual]) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    store(&mut transaction, actuals).await?;
    transaction.commit().await
}

async fn store(connection: &mut PgConnection, actuals: &[&Actual]) -> Result<(), sqlx::Error> {
    if actuals.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = actuals.iter().map(|a| a.request_id.as_str()).collect();
    sqlx::query(ledger::quality::STORE_ACTUALS)
        .bind(&ids)
        .bind(actuals.iter().map(|a| a.label.number()).collect::<Vec<_>>())
        .bind(
            actuals
                .iter()
                .map(|a| a.observed_us as f64)
                .collect::<Vec<_>>(),
        )
        .bind(actuals.iter().map(|a| a.label.level()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    sqlx::query(ledger::quality::LABEL_BY_ID)
        .bind(&ids)
        .execute(connection)
        .await?;
    Ok(())
}
