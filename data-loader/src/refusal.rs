//! Which rows of a batch the database refuses: each costs itself alone.
//!
//! One statement on the server tries row by row and catches what is of the row: a refused row costs a few times
//! a good one. Where this user may not use PL/pgSQL, halves are tried under savepoints down to single rows,
//! which takes far longer for many refused rows.

use common::Fault;
use ledger::rejects::Reject;
use sqlx::{Connection, Executor, PgConnection, Postgres, Transaction};

use crate::batch::{Batch, Part, Steps};
use crate::store::Store;
use crate::written::Written;

impl Store {
    /// Merges row by row on the server.
    pub(crate) async fn merge_by_rows(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        batch: &Batch,
    ) -> Result<Written, sqlx::Error> {
        let Steps {
            before,
            tombstones,
            after,
        } = self.steps(batch)?;
        let mut written = Written::default();
        self.merge_part_by_rows(transaction, batch, &before, &mut written)
            .await?;
        self.delist_one_by_one(transaction, batch, &tombstones, &mut written)
            .await?;
        if let Some(after) = after {
            self.clear(transaction).await?;
            self.merge_part_by_rows(transaction, batch, &after, &mut written)
                .await?;
        }
        Ok(written)
    }

    async fn merge_part_by_rows(
        &self,
        connection: &mut PgConnection,
        batch: &Batch,
        part: &Part,
        written: &mut Written,
    ) -> Result<(), sqlx::Error> {
        if part.rows.num_rows() == 0 {
            return Ok(());
        }
        self.fill_stage(connection, &part.rows).await?;
        let statements = self.statements(connection).await?;
        connection.execute(statements.merge_rows.as_str()).await?;
        let refused: Vec<(i64, String, String)> = sqlx::query_as(statements.refused)
            .fetch_all(&mut *connection)
            .await?;
        for (row, code, message) in refused {
            let row = usize::try_from(row).unwrap_or(usize::MAX);
            let reject = self.refused(batch, part, row, refusal(&code, &message))?;
            written.refused_rows.push(reject);
        }
        Ok(())
    }

    /// Halves what is refused, in the order of arrival, down to single rows.
    pub(crate) async fn merge_by_halves(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        batch: &Batch,
    ) -> Result<Written, sqlx::Error> {
        let Steps {
            before,
            tombstones,
            after,
        } = self.steps(batch)?;
        let mut written = Written::default();
        self.merge_part_by_halves(transaction, batch, &before, &mut written)
            .await?;
        self.delist_one_by_one(transaction, batch, &tombstones, &mut written)
            .await?;
        if let Some(after) = after {
            self.merge_part_by_halves(transaction, batch, &after, &mut written)
                .await?;
        }
        Ok(written)
    }

    async fn merge_part_by_halves(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        batch: &Batch,
        part: &Part,
        written: &mut Written,
    ) -> Result<(), sqlx::Error> {
        let all = 0..part.rows.num_rows();
        let mut ranges = vec![all];
        while let Some(range) = ranges.pop() {
            if range.is_empty() {
                continue;
            }
            let rows = part.rows.slice(range.start, range.len());
            let mut savepoint = transaction.begin().await?;
            match self.merge(&mut savepoint, &rows).await {
                Ok(()) => {
                    self.clear(&mut savepoint).await?;
                    savepoint.commit().await?;
                }
                Err(error) if Fault::of_database(&error) == Fault::Row => {
                    savepoint.rollback().await?;
                    if range.len() == 1 {
                        let reason = reason(&error);
                        let reject = self.refused(batch, part, range.start, reason)?;
                        written.refused_rows.push(reject);
                    } else {
                        let middle = range.start + range.len() / 2;
                        ranges.push(middle..range.end);
                        ranges.push(range.start..middle);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn clear(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let statements = self.statements(connection).await?;
        // Where a batch begins with a tombstone, there is no staging table yet.
        connection.execute(statements.stage.as_str()).await?;
        connection.execute(statements.clear.as_str()).await?;
        Ok(())
    }

    /// Delists each key under a savepoint: a trigger may refuse it.
    async fn delist_one_by_one(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        batch: &Batch,
        tombstones: &[&crate::batch::Tombstone],
        written: &mut Written,
    ) -> Result<(), sqlx::Error> {
        let statements = self.statements(transaction).await?;
        let Some(delist) = &statements.delist else {
            return Ok(());
        };
        for tombstone in tombstones {
            let mut savepoint = transaction.begin().await?;
            match crate::delist::all(&mut savepoint, delist, &[tombstone]).await {
                Ok(known) => {
                    savepoint.commit().await?;
                    written.delisted.extend(known);
                }
                Err(error) if Fault::of_database(&error) == Fault::Row => {
                    savepoint.rollback().await?;
                    let same = batch.tombstones.iter();
                    let same = same.filter(|later| later.key == tombstone.key);
                    let rejects = same.map(|later| Reject {
                        topic: self.topic.clone(),
                        partition: later.partition,
                        offset: later.offset,
                        code: "refused",
                        reason: reason(&error),
                        key: Some(later.key.clone().into_bytes()),
                        payload: Vec::new(),
                    });
                    written.refused_tombstones.extend(rejects);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What the server's error says, with its SQLSTATE.
fn reason(error: &sqlx::Error) -> String {
    let Some(error) = error.as_database_error() else {
        return error.to_string();
    };
    refusal(&error.code().unwrap_or_default(), error.message())
}

fn refusal(code: &str, message: &str) -> String {
    format!("the database refused it ({code}): {message}")
}
