//! Prices to a table, the rows that were refused to another beside it, and in the same transaction how far the
//! scoring is.

use anyhow::{Context, ensure};
use sqlx::{PgPool, Row};

use super::columns::Columns;
use super::progress::Progress;
use model_application::{Score, Scores};
use records::identifier::{quoted, quoted_path};

/// SQL of the table that states how far scorings are.
const PROGRESS: &str = "CREATE TABLE IF NOT EXISTS scorings (
    output text PRIMARY KEY,
    progress jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
)";

/// What the name of the table of refused rows ends in.
const ERRORS: &str = "_errors";
/// Longest name of a table, in bytes.
const NAME_BYTES: usize = 63;

pub(super) struct ToTable {
    pool: PgPool,
    table: String,
    /// The table of the rows that were refused.
    errors: String,
    columns: Columns,
}

/// The table of refused rows beside a table, `prices_errors` of `prices`.
fn errors_of(table: &str) -> String {
    let (path, name) = match table.rsplit_once('.') {
        Some((path, name)) => (format!("{path}."), name),
        None => (String::new(), table),
    };
    let mut end = name.len().min(NAME_BYTES - ERRORS.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{path}{}{ERRORS}", &name[..end])
}

impl ToTable {
    /// Makes the table where there is none.
    ///
    /// # Errors
    /// When there is one with other columns.
    pub async fn open(pool: PgPool, table: &str, columns: Columns) -> anyhow::Result<ToTable> {
        let names = columns.names();
        let has_levels = columns.has_levels();
        let defined: Vec<String> = names.iter().map(|name| defined(name, has_levels)).collect();
        let errors = errors_of(table);
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {} ({}, \
             scored_at timestamptz NOT NULL DEFAULT now()); \
             CREATE TABLE IF NOT EXISTS {} (\"row\" text PRIMARY KEY, error text NOT NULL, \
             scored_at timestamptz NOT NULL DEFAULT now()); {PROGRESS}",
            quoted_path(table),
            defined.join(", "),
            quoted_path(&errors)
        );
        common::database::make_tables(&pool, &sql)
            .await
            .with_context(|| format!("cannot create the table {table}"))?;
        ensure_columns(&pool, table, &names).await?;
        // It is emptied by a scoring from the beginning.
        ensure_columns(&pool, &errors, &["row", "error", "scored_at"]).await?;
        Ok(ToTable {
            pool,
            table: table.to_owned(),
            errors,
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

    /// The table of the rows that were refused.
    pub fn errors(&self) -> &str {
        &self.errors
    }

    /// A scoring from the beginning: what an earlier one refused is no longer so.
    pub async fn begin(&self) -> anyhow::Result<()> {
        let sql = format!("DELETE FROM {}", quoted_path(&self.errors));
        let emptied = sqlx::query(&sql).execute(&self.pool).await;
        emptied.with_context(|| format!("cannot empty the table {}", self.errors))?;
        Ok(())
    }

    /// Stores answers, and the rows that were refused, each with its error.
    pub async fn write(
        &self,
        batch: &Scores,
        refused: &[(String, String)],
        progress: &Progress,
    ) -> anyhow::Result<()> {
        let Scores {
            scores,
            ids,
            model,
            probabilities,
            levels,
        } = batch;
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
        if let Some(levels) = levels {
            let names = scores.iter().map(|score| &*levels.names()[score.level]);
            query = query.bind(names.collect::<Vec<&str>>());
            for level in 0..levels.names().len() {
                let values = probabilities.iter().map(|row| row[level]);
                query = query.bind(values.collect::<Vec<f64>>());
            }
        }
        query
            .bind(vec![model.as_str(); scores.len()])
            .execute(&mut *transaction)
            .await
            .with_context(|| format!("the table {} refuses prices", self.table))?;
        if !refused.is_empty() {
            let (rows, errors): (Vec<&str>, Vec<&str>) = refused
                .iter()
                .map(|(row, error)| (row.as_str(), error.as_str()))
                .unzip();
            let sql = format!(
                "INSERT INTO {} (\"row\", error) SELECT DISTINCT ON (place) place, error \
                 FROM unnest($1::text[], $2::text[]) AS new (place, error) \
                 ON CONFLICT (\"row\") DO UPDATE SET error = excluded.error, scored_at = now()",
                quoted_path(&self.errors)
            );
            sqlx::query(&sql)
                .bind(rows)
                .bind(errors)
                .execute(&mut *transaction)
                .await
                .with_context(|| format!("the table {} refuses errors", self.errors))?;
        }
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
            .map(|(name, number)| {
                let of = sql_type(name, self.columns.has_levels());
                format!("${number}::{of}[]")
            })
            .collect();
        let changed = names.iter().skip(1);
        let changed: Vec<String> = changed
            .map(|name| format!("{0} = excluded.{0}", quoted(name)))
            .collect();
        let names: Vec<_> = names.into_iter().map(quoted).collect();
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

async fn ensure_columns(pool: &PgPool, table: &str, names: &[&str]) -> anyhow::Result<()> {
    let sql = "SELECT attname::text FROM pg_attribute \
               WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
    let found: Vec<String> = sqlx::query_scalar(sql).bind(table).fetch_all(pool).await?;
    let is_fit = names
        .iter()
        .all(|name| found.iter().any(|column| column == name));
    ensure!(
        is_fit,
        "expected a table {table} with the columns {}, found {}: name another output, whose tables will be created",
        names.join(", "),
        found.join(", ")
    );
    Ok(())
}

/// PostgreSQL's type of a column.
fn sql_type(name: &str, has_levels: bool) -> &'static str {
    match name {
        "id" | "model" => "text",
        "class" if has_levels => "text",
        "class" => "boolean",
        _ => "double precision",
    }
}

/// A column as the table is made with.
fn defined(name: &str, has_levels: bool) -> String {
    let rule = if name == "id" {
        "PRIMARY KEY"
    } else {
        "NOT NULL"
    };
    format!("{} {} {rule}", quoted(name), sql_type(name, has_levels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stand_in_a_table_beside_the_prices() {
        let long = "p".repeat(63);
        for (table, errors) in [
            ("prices", "prices_errors".to_owned()),
            ("market.prices", "market.prices_errors".to_owned()),
            (long.as_str(), format!("{}_errors", "p".repeat(56))),
        ] {
            assert_eq!(errors_of(table), errors);
            assert!(errors.len() <= 63 || errors.contains('.'));
        }
    }
}
