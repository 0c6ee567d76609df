//! The stored listings that a training reads.

use anyhow::Context;
use sqlx::PgPool;

use crate::config::Config;
use crate::features::materialise::selection;
use crate::listings::{Listings, Selection, stored};

/// The stored listings of the last `window_days`, out of the datamart where `prepare.features` names
/// one.
pub(crate) async fn listings_of_table(config: &Config, pool: &PgPool) -> anyhow::Result<Listings> {
    let (schema, prepare) = (&config.schema, &config.prepare);
    let days = prepare.window_days;
    let rows = match prepare.features.as_str() {
        "" => Selection::window(schema, &schema.table, days),
        table => selection(pool, table, schema, days).await?,
    };
    let read = stored(pool, schema, &rows).await;
    let name = format!("the table {}", rows.table);
    read.and_then(|listings| listings.some(&name))
        .with_context(|| match schema.time {
            Some(_) => format!("cannot learn from the last {days} days (prepare.window_days)"),
            None => "cannot learn from the table".to_owned(),
        })
}
