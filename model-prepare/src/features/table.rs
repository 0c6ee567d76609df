//! A datamart as a table; its states are in the table `feature_states`.

mod definition;
mod existing_rows;

use anyhow::{Context, ensure};
use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use common::database::make_tables;
use report::Materialised;
use sqlx::{Executor, PgPool};
use valuation::datamart::{Identity, OWN, Rows};

use self::definition::{check_width, comments, ddl, indexes};
use self::existing_rows::ExistingRows;
use super::copy::copy;
use super::datamart_notes::{DatamartNotes, ExistingDatamart, written};
use super::target::{NEW, quoted};
use crate::training_lock::TrainingLock;

/// SQL of the table of states: the newest of a datamart made the rows that are there.
const STATES: &str = "CREATE TABLE IF NOT EXISTS feature_states (
    table_name text NOT NULL,
    version bigint NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    source text NOT NULL,
    read_until text,
    rows bigint NOT NULL,
    state jsonb NOT NULL,
    PRIMARY KEY (table_name, version)
)";

/// The table, for one program at a time.
pub(super) struct ToTable {
    pool: PgPool,
    table: String,
    lock: TrainingLock,
}

impl ToTable {
    /// Waits for nobody: another program that materialises into the table is an error.
    ///
    /// # Errors
    /// When there is one, or the table of states cannot be made.
    pub(super) async fn open(pool: PgPool, table: String) -> anyhow::Result<ToTable> {
        let lock = TrainingLock::try_named(&pool, format!("hedonic: features in {table}")).await?;
        let lock = lock.with_context(|| {
            format!("another program materialises into {table}: wait for it, or end it")
        })?;
        if !is_there(&pool, "feature_states").await? {
            make_tables(&pool, STATES).await.context(
                "cannot make the table feature_states: may the user of database.url make tables?",
            )?;
        }
        Ok(ToTable { pool, table, lock })
    }

    /// Releases the table for the next program.
    pub(super) async fn leave(self) {
        self.lock.release().await;
    }

    /// What is known of the table; `None` where there is none.
    ///
    /// # Errors
    /// When something else has its name.
    pub(super) async fn known(&self) -> anyhow::Result<Option<ExistingDatamart>> {
        let known = known(&self.pool, &self.table).await?;
        let table = &self.table;
        let is_ours = known.as_ref().is_some_and(|known| known.is_there);
        ensure!(
            is_ours || !is_there(&self.pool, table).await?,
            "expected a table that `model-prepare features` made, or none, found {table}, whose \
             rows no state in feature_states has made: give another name with --to"
        );
        Ok(known)
    }

    /// Puts rows in the place of what is there, in one transaction: a reader sees the old table or the
    /// new one.
    ///
    /// # Errors
    /// When the rows are too wide, or the database does not take them.
    pub(super) async fn replace(
        &self,
        batch: &RecordBatch,
        notes: &DatamartNotes<'_>,
    ) -> anyhow::Result<()> {
        let schema = &notes.state.schema;
        check_width(batch)?;
        let (table, new) = (quoted(&self.table), quoted(&format!("{}{NEW}", self.table)));
        let mut transaction = self.pool.begin().await?;
        let making = || format!("cannot make {table}: may the user of database.url make tables?");
        transaction
            .execute(ddl(&new, schema, batch).as_str())
            .await
            .with_context(making)?;
        copy(&mut transaction, &new, batch).await?;
        transaction
            .execute(indexes(&new, schema).as_str())
            .await
            .with_context(making)?;
        let sql = format!(
            "DROP TABLE IF EXISTS {table}; ALTER TABLE {new} RENAME TO {table}; {}",
            comments(&table, notes.state)
        );
        transaction.execute(sql.as_str()).await.with_context(|| {
            format!(
                "cannot replace the old {table} by the new one: what depends on it, such as a \
                 view, must be dropped first"
            )
        })?;
        let sql = "INSERT INTO feature_states \
                   (table_name, version, source, read_until, rows, state) \
                   VALUES ($1, $2, $3, $4, $5, $6::jsonb)";
        sqlx::query(sql)
            .bind(&self.table)
            .bind(notes.version)
            .bind(notes.source)
            .bind(notes.read_until)
            .bind(batch.num_rows() as i64)
            .bind(notes.state.to_json()?)
            .execute(&mut *transaction)
            .await
            .context("cannot write feature_states")?;
        Ok(transaction.commit().await?)
    }

    /// Adds new records and replaces changed ones, by the state that made the others.
    ///
    /// # Errors
    /// When the table cannot be read or written; it is as it was then.
    pub(super) async fn add(
        &self,
        news: &Rows,
        notes: &DatamartNotes<'_>,
        mut made: Materialised,
    ) -> anyhow::Result<Materialised> {
        let (state, schema) = (notes.state, &notes.state.schema);
        let mut transaction = self.pool.begin().await?;
        let existing = ExistingRows::new(&self.table, state);
        let keys = news.keys(schema);
        let old = existing.of_keys(&mut transaction, &keys).await?;
        let (_, new, change) = old.merge(news, schema, Identity::Key)?;
        // What a changed record said before matters to those that said the same.
        let mut hashes = state.content_hashes(&new.batch);
        hashes.extend(state.content_hashes(&old.batch));
        let new_keys = new.keys(schema);
        let alike = match state.marks_copies() {
            true => existing.alike(&mut transaction, &hashes, &new_keys).await?,
            false => Rows::none(schema),
        };
        let (together, _) = new.and(&alike)?.latest(schema, Identity::Key)?;
        let batch = state.materialise(&together, notes.version)?;
        let is_new: std::collections::HashSet<&str> = new_keys.into_iter().collect();
        let keys = together.keys(schema);
        let side = |of_new: bool| -> anyhow::Result<RecordBatch> {
            let mask: BooleanArray = keys
                .iter()
                .map(|key| Some(is_new.contains(key) == of_new))
                .collect();
            Ok(filter_record_batch(&batch, &mask)?)
        };
        let added = side(true)?;
        existing.put(&mut transaction, &added).await?;
        made.revised = existing.revise(&mut transaction, &side(false)?).await?;
        let sql = "UPDATE feature_states SET rows = rows + $3, read_until = $4 \
                   WHERE table_name = $1 AND version = $2 RETURNING rows";
        let rows: i64 = sqlx::query_scalar(sql)
            .bind(&self.table)
            .bind(notes.version)
            .bind(change.added as i64)
            .bind(notes.read_until)
            .fetch_one(&mut *transaction)
            .await
            .context("cannot write feature_states")?;
        transaction.commit().await?;
        let rows = usize::try_from(rows).unwrap_or_default();
        Ok(written(made, state, &added, change, rows))
    }
}

/// What the database knows of a datamart; `None` where it has no state.
///
/// # Errors
/// When the database does not answer, or may not be read.
pub(super) async fn known(pool: &PgPool, table: &str) -> anyhow::Result<Option<ExistingDatamart>> {
    if !is_there(pool, "feature_states").await? {
        return Ok(None);
    }
    let sql = "SELECT version, source, read_until, state::text FROM feature_states \
               WHERE table_name = $1 ORDER BY version DESC LIMIT 1";
    let found: Option<(i64, String, Option<String>, String)> = sqlx::query_as(sql)
        .bind(table)
        .fetch_optional(pool)
        .await
        .context("cannot read the table feature_states")?;
    let Some((version, source, read_until, state)) = found else {
        return Ok(None);
    };
    Ok(Some(ExistingDatamart {
        version,
        source,
        read_until,
        state,
        is_there: is_made(pool, table).await?,
    }))
}

async fn is_there(pool: &PgPool, table: &str) -> anyhow::Result<bool> {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(quoted(table))
        .fetch_one(pool)
        .await
        .context("cannot ask the database for its tables")
}

/// Whether there is a table of the name with the columns of a datamart: somebody may have put another
/// in the place of one that was dropped.
async fn is_made(pool: &PgPool, table: &str) -> anyhow::Result<bool> {
    let sql = "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass($1) \
               AND NOT attisdropped AND attname = ANY($2)";
    let found: i64 = sqlx::query_scalar(sql)
        .bind(quoted(table))
        .bind(OWN.as_slice())
        .fetch_one(pool)
        .await
        .context("cannot ask the database for the columns")?;
    Ok(found == OWN.len() as i64)
}
