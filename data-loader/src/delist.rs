//! Tombstones: messages with a key and no value, which say that a listing is delisted.

use records::Schema;
use sqlx::PgConnection;
use sqlx::types::chrono::DateTime;

use crate::batch::Tombstone;

/// The listing that a tombstone's key names; `None` where it can name none.
pub(crate) fn key(schema: &Schema, key: Option<&[u8]>) -> Option<String> {
    // Without the spaces around it, as the keys of records are read.
    let key = std::str::from_utf8(key?).ok()?.trim();
    let field = schema.field(&schema.key)?;
    let is_fit = !key.is_empty() && !key.contains('\0');
    (is_fit && key.len() <= schema.text_limit(field)).then(|| key.to_owned())
}

/// Delists all; gives the keys that the table has.
///
/// # Errors
/// When the database fails, or a trigger or rule of the table refuses one.
pub(crate) async fn all(
    connection: &mut PgConnection,
    statement: &str,
    tombstones: &[&Tombstone],
) -> Result<Vec<String>, sqlx::Error> {
    let keys: Vec<&str> = tombstones
        .iter()
        .map(|tombstone| tombstone.key.as_str())
        .collect();
    let times = tombstones.iter().map(|tombstone| tombstone.arrival_us);
    let times: Vec<_> = times
        .map(|us| DateTime::from_timestamp_micros(us).unwrap_or_default())
        .collect();
    sqlx::query_scalar(statement)
        .bind(keys)
        .bind(times)
        .fetch_all(connection)
        .await
}
