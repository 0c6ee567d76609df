//! Prices to a table, and in the same transaction how far the scoring is.

use anyhow::{Context, ensure};
use sqlx::{PgPool, Row};

use super::Progress;
use model_application::Answer;

/// SQL of the table that says how far scorings are.
const PROGRESS: &str = "CREATE TABLE IF NOT EXISTS scorings (
    output text PRIMARY KEY,
    progress jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
)";

const COLUMNS: [&str; 5] = ["id", "prediction", "low", "high", "model"];

pub(super) struct ToTable {
    pool: PgPool,
    table: String,
}

impl ToTable {
    /// Makes the table where there is none.
    ///
    /// # Errors
    /// When there is one with other columns.
    pub async fn open(pool: PgPool, table: &str) -> anyhow::Result<ToTable> {
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {table} (id text PRIMARY KEY, \
             prediction double precision NOT NULL, low double precision NOT NULL, \
             high double precision NOT NULL, model text NOT NULL, \
             scored_at timestamptz NOT NULL DEFAULT now()); {PROGRESS}"
        );
        common::database::make_tables(&pool, &sql)
            .await
            .with_context(|| format!("the table {table} cannot be made"))?;
        let sql = "SELECT attname::text FROM pg_attribute \
                   WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
        let found: Vec<String> = sqlx::query_scalar(sql).bind(table).fetch_all(&pool).await?;
        let is_fit = COLUMNS
            .iter()
            .all(|name| found.iter().any(|column| column == name));
        ensure!(
            is_fit,
            "expected a table {table} with the columns {}, found {}: give another name, it is made",
            COLUMNS.join(", "),
            found.join(", ")
        );
        Ok(ToTable {
            pool,
            table: table.to_owned(),
        })
    }

    pub async fn progress(&self) -> anyhow::Result<Option<Progress>> {
        let sql = "SELECT progress::text FROM scorings WHERE output = $1";
        let row = sqlx::query(sql)
            .bind(&self.table)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let text: String = row.try_get(0)?;
        Ok(serde_json::from_str(&text).ok())
    }

    pub async fn write(&self, answers: &[Answer], progress: &Progress) -> anyhow::Result<()> {
        let numbers = |of: fn(&Answer) -> f64| answers.iter().map(of).collect::<Vec<f64>>();
        let texts = |of: fn(&Answer) -> &str| answers.iter().map(of).collect::<Vec<&str>>();
        let sql = format!(
            "INSERT INTO {} (id, prediction, low, high, model) \
             SELECT DISTINCT ON (id) * FROM unnest($1::text[], $2::float8[], $3::float8[], $4::float8[], \
             $5::text[]) AS new (id, prediction, low, high, model) \
             ON CONFLICT (id) DO UPDATE SET prediction = excluded.prediction, low = excluded.low, \
             high = excluded.high, model = excluded.model, scored_at = now()",
            self.table
        );
        let mut transaction = self.pool.begin().await?;
        sqlx::query(&sql)
            .bind(texts(|answer| &answer.id.text))
            .bind(numbers(|answer| answer.prediction))
            .bind(numbers(|answer| answer.low))
            .bind(numbers(|answer| answer.high))
            .bind(texts(|answer| &answer.model))
            .execute(&mut *transaction)
            .await
            .with_context(|| format!("the table {} does not take prices", self.table))?;
        let sql = "INSERT INTO scorings (output, progress) VALUES ($1, $2::jsonb) \
                   ON CONFLICT (output) DO UPDATE SET progress = excluded.progress, \
                   changed_at = now()";
        sqlx::query(sql)
            .bind(&self.table)
            .bind(serde_json::to_string(progress)?)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// The next scoring begins from the beginning.
    pub async fn finish(&self) -> anyhow::Result<()> {
        let sql = "DELETE FROM scorings WHERE output = $1";
        sqlx::query(sql)
            .bind(&self.table)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
