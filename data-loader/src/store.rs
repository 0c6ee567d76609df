//! One transaction a batch: rows, rejects and offsets.

use anyhow::Context;
use arrow_array::RecordBatch;
use common::kafka::Anchor;
use common::offsets::{self, AdvanceError, Stretches};
use common::rejects::{self, Reject};
use pgpq::ArrowToPostgresBinaryEncoder;
use records::{Schema, table};

use crate::PURPOSE;

/// What one transaction writes.
pub(crate) struct Batch {
    pub rows: RecordBatch,
    pub rejects: Vec<Reject>,
    pub stretches: Stretches,
}

/// Writes batches.
pub(crate) struct Store {
    anchor: Anchor,
    arrow: arrow_schema::SchemaRef,
    stage: String,
    copy: String,
    merge: String,
}

impl Store {
    pub fn new(schema: &Schema, anchor: Anchor) -> anyhow::Result<Store> {
        let arrow = schema.arrow(PURPOSE);
        ArrowToPostgresBinaryEncoder::try_new(&arrow)
            .context("the schema has a column that cannot be copied to PostgreSQL")?;
        let table = &schema.table;
        let columns = table::column_list(schema);
        let key = &schema.key;
        // `ctid` is the order of arrival within the batch: of two versions of the same time, the
        // later one wins.
        let (order, newer) = match &schema.time {
            Some(time) => (
                format!("{time} DESC, ctid DESC"),
                format!(" WHERE excluded.{time} >= kept.{time}"),
            ),
            None => ("ctid DESC".to_owned(), String::new()),
        };
        Ok(Store {
            anchor,
            arrow,
            stage: format!(
                "CREATE TEMP TABLE IF NOT EXISTS incoming (LIKE {table} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
            ),
            copy: format!("COPY incoming ({columns}) FROM STDIN WITH (FORMAT binary)"),
            merge: format!(
                "INSERT INTO {table} AS kept ({columns}) \
                 SELECT DISTINCT ON ({key}) {columns} FROM incoming ORDER BY {key}, {order} \
                 ON CONFLICT ({key}) DO UPDATE SET {}{newer}",
                table::update_list(schema)
            ),
        })
    }

    /// Writes the batch whole, or nothing of it.
    pub async fn write(&self, batch: &Batch) -> Result<(), AdvanceError> {
        let mut transaction = self.anchor.pool.begin().await?;
        if batch.rows.num_rows() > 0 {
            sqlx::raw_sql(sqlx::AssertSqlSafe(self.stage.as_str()))
                .execute(&mut *transaction)
                .await?;
            let mut encoder = ArrowToPostgresBinaryEncoder::try_new(&self.arrow)
                .map_err(|error| sqlx::Error::Encode(error.into()))?;
            let mut buffer = Default::default();
            encoder
                .write_header(&mut buffer)
                .map_err(|error| sqlx::Error::Encode(error.into()))?;
            encoder
                .write_batch(&batch.rows, &mut buffer)
                .map_err(|error| sqlx::Error::Encode(error.into()))?;
            encoder
                .write_footer(&mut buffer)
                .map_err(|error| sqlx::Error::Encode(error.into()))?;
            let mut copy = transaction.copy_in_raw(&self.copy).await?;
            copy.send(&buffer[..]).await?;
            copy.finish().await?;
            sqlx::query(sqlx::AssertSqlSafe(self.merge.as_str()))
                .execute(&mut *transaction)
                .await?;
        }
        rejects::store(&mut transaction, &self.anchor.cluster, &batch.rejects).await?;
        offsets::advance(
            &mut transaction,
            &self.anchor.cluster,
            &self.anchor.consumer,
            &batch.stretches,
        )
        .await?;
        Ok(transaction.commit().await?)
    }
}
