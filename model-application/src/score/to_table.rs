//! Prices to a table, and in the same transaction how far the scoring is.

use anyhow::{Context, ensure};
use sqlx::{PgPool, Row};

use super::columns::Columns;
use super::progress::Progress;
use model_application::{Score, Scores};
use records::identifier::quoted_path;

/// SQL of the table that states how far scorings are.
const PROGRESS: &str = "CREATE TABLE IF NOT EXISTS scorings (
    output text PRIMARY KEY,
    progress jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
)";

pub(super) struct ToTable {
    pool: PgPool,
    table: String,
    columns: Columns,
}

impl ToTable {
    /// Makes the table where there is none.
    ///
    /// # Errors
    /// When there is one with other columns.
    pub async fn open(pool: PgPool, table: &str, columns: Columns) -> anyhow::Result<ToTable> {
        let names = columns.names();
        let defined: Vec<String> = names.iter().map(|name| defined(name)).collect();
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {} ({}, \
             scored_at timestamptz NOT NULL DEFAULT now()); {PROGRESS}",
            quoted_path(table),
            defined.join(", ")
        );
        common::database::make_tables(&pool, &sql)
            .await
            .with_context(|| format!("cannot create the table {table}"))?;
        let sql = "SELECT attname::text FROM pg_attribute \
                   WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
        let found: Vec<String> = sqlx::query_scalar(sql).bind(table).fetch_all(&pool).await?;
        let is_fit = names
            .iter()
            .all(|name| found.iter().any(|column| column == name));
        ensure!(
            is_fit,
            "expected a table {table} with the columns {}, found {}: name another table, which \
             will be created",
            names.join(", "),
            found.join(", ")
        );
        Ok(ToTable {
            pool,
            table: table.to_owned(),
            columns,
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

    pub async fn write(&self, batch: &Scores, progress: &Progress) -> anyhow::Result<()> {
        let Scores { scores, ids, model } = batch;
        let numbers = |of: fn(&Score) -> f64| scores.iter().map(of).collect::<Vec<f64>>();
        let sql = self.statement();
        let mut transaction = self.pool.begin().await?;
        let mut query = sqlx::query(&sql)
            .bind(ids.iter().flatten().collect::<Vec<&str>>())
            .bind(numbers(|score| score.prediction));
        if self.columns.has_range() {
            query = query
                .bind(numbers(|score| score.low))
                .bind(numbers(|score| score.high));
        }
        if self.columns.has_class() {
            let classes: Vec<bool> = scores.iter().map(|score| score.class).collect();
            query = query.bind(classes);
        }
        query
            .bind(vec![model.as_str(); scores.len()])
            .execute(&mut *transaction)
            .await
            .with_context(|| format!("the table {} refuses prices", self.table))?;
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

    /// SQL that writes rows by columns; what stands under an id is replaced.
    fn statement(&self) -> String {
        let names = self.columns.names();
        let arrays = names.iter().zip(1..);
        let arrays: Vec<String> = arrays
            .map(|(name, number)| format!("${number}::{}[]", sql_type(name)))
            .collect();
        let changed = names.iter().skip(1);
        let changed: Vec<String> = changed
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        let (table, names) = (quoted_path(&self.table), names.join(", "));
        format!(
            "INSERT INTO {table} ({names}) \
             SELECT DISTINCT ON (id) * FROM unnest({}) AS new ({names}) \
             ON CONFLICT (id) DO UPDATE SET {}, scored_at = now()",
            arrays.join(", "),
            changed.join(", ")
        )
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

/// PostgreSQL's type of a column.
fn sql_type(name: &str) -> &'static str {
    match name {
        "id" | "model" => "text",
        "class" => "boolean",
        _ => "double precision",
    }
}

/// A column as the table is made with.
fn defined(name: &str) -> String {
    let rule = if name == "id" {
        "PRIMARY KEY"
    } else {
        "NOT NULL"
    };
    format!("{name} {} {rule}", sql_type(name))
}
