//! The records that a datamart is made of, and which of them are new.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use records::Schema;
use records::identifier::quoted;
use report::RejectKind;
use sqlx::PgPool;
use valuation::datamart::{Identity, Rows};

use crate::listings::{self, Listings, Selection};

/// Transaction ids in a row are 32 bits wide, and come again.
const IDS: i64 = 1 << 32;

/// Where records come from.
pub(super) enum Source {
    /// The schema's table.
    Records(PgPool),
    /// A CSV or Parquet file.
    File(PathBuf),
}

/// Records that were read.
pub(super) struct Fresh {
    /// One an identity.
    pub(super) rows: Rows,
    /// Others of the same identities, older.
    pub(super) superseded: usize,
    /// Records that the schema did not take.
    pub(super) rejected: usize,
    /// The same by what is wrong with them.
    pub(super) refused: Vec<RejectKind>,
    /// What to read from the next time; none of a file.
    pub(super) read_until: Option<String>,
}

/// What a source is called, by [`Source::word`].
pub(super) fn named(word: &str) -> &'static str {
    match word {
        "file" => "a file",
        _ => "the stored records",
    }
}

impl Source {
    /// The kind of source, as it is kept: a datamart does not continue with the other one.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Source::Records(_) => "records",
            Source::File(_) => "file",
        }
    }

    /// Reads the stored records that have come or changed `since`, all where that is not known; a
    /// file as a whole. `identity` states which records are one, `needs_some` whether none is an error.
    ///
    /// # Errors
    /// When they cannot be read, or there are none.
    pub(super) async fn read(
        &self,
        schema: &Arc<Schema>,
        since: Option<&str>,
        identity: Identity,
        needs_some: bool,
    ) -> anyhow::Result<Fresh> {
        let (listings, has_lines, read_until) = match self {
            Source::File(file) => {
                let listings = tokio::task::block_in_place(|| listings::of_file(file, schema))?;
                (listings, true, None)
            }
            Source::Records(pool) => {
                let now = Watermark::now(pool).await?;
                let since = since.and_then(Watermark::parse);
                let selection = Selection {
                    table: quoted(&schema.table).into_owned(),
                    condition: since.and_then(|since| now.since(&since)),
                    first: None,
                };
                let listings = listings::stored(pool, schema, &selection).await?;
                (listings, false, Some(now.text()))
            }
        };
        let Listings {
            batch,
            lines,
            rejected,
            refused,
            ..
        } = listings;
        ensure!(
            batch.num_rows() > 0 || !needs_some,
            "expected records to make features of, found none in the table {}{}",
            schema.table,
            match rejected.len() {
                0 => ": start data-loader, or give a file with --data".to_owned(),
                count => format!(": its {count} rows do not fit the schema"),
            }
        );
        let line = |line: u64| i64::try_from(line).ok().filter(|_| has_lines);
        let all = Rows {
            batch,
            lines: lines.into_iter().map(line).collect(),
        };
        let (rows, superseded) = all.latest(schema, identity)?;
        Ok(Fresh {
            rows,
            superseded,
            rejected: rejected.len(),
            refused,
            read_until,
        })
    }
}

/// Up to where a table has been read: every row of a transaction before is known. By transactions and
/// not by `stored_at`, which a row that is replaced keeps, and which is when a transaction began, not
/// when its rows could be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watermark {
    /// The cluster: another one counts its transactions again.
    cluster: String,
    /// The oldest transaction that was not over.
    transaction: i64,
    /// The next one to come.
    next: i64,
}

impl Watermark {
    async fn now(pool: &PgPool) -> anyhow::Result<Watermark> {
        let sql = "SELECT (SELECT system_identifier::text FROM pg_control_system()), \
                   pg_snapshot_xmin(own)::text::bigint, pg_snapshot_xmax(own)::text::bigint \
                   FROM pg_current_snapshot() AS own";
        let found: (String, i64, i64) = sqlx::query_as(sql)
            .fetch_one(pool)
            .await
            .context("cannot ask the database which transactions are over")?;
        Ok(Watermark {
            cluster: found.0,
            transaction: found.1,
            next: found.2,
        })
    }

    /// As it is kept.
    fn text(&self) -> String {
        format!("{}/{}", self.cluster, self.transaction)
    }

    /// Reads [`Watermark::text`].
    fn parse(text: &str) -> Option<Watermark> {
        let (cluster, transaction) = text.split_once('/')?;
        let transaction = transaction.parse().ok()?;
        Some(Watermark {
            cluster: cluster.to_owned(),
            transaction,
            next: transaction,
        })
    }

    /// The rows that transactions since `before` have written, as a condition; none where only all
    /// rows can be checked. More may be reported than there are, never fewer.
    fn since(&self, before: &Watermark) -> Option<String> {
        let is_far = self.next - before.transaction >= IDS / 2;
        if self.cluster != before.cluster || self.next < before.transaction || is_far {
            return None;
        }
        Some(format!(
            "mod(xmin::text::bigint - {} + {IDS}, {IDS}) < {}",
            before.transaction % IDS,
            IDS / 2
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_cluster_or_too_many_transactions_mean_all_rows() {
        let at = |cluster: &str, transaction: i64| Watermark {
            cluster: cluster.to_owned(),
            transaction,
            next: transaction + 3,
        };
        let before = Watermark::parse(&at("7", 4_294_967_300).text()).expect("reads");
        let found = at("7", 4_294_967_310).since(&before).expect("a condition");
        assert_eq!(
            found,
            "mod(xmin::text::bigint - 4 + 4294967296, 4294967296) < 2147483648"
        );
        assert_eq!(at("8", 4_294_967_310).since(&before), None);
        assert_eq!(at("7", 100).since(&before), None, "restored from a copy");
        assert_eq!(at("7", 7_000_000_000).since(&before), None);
        assert_eq!(Watermark::parse("x"), None);
    }
}
