//! The file's listings into the table, by the same way as any other listing.

use std::path::Path;

use anyhow::Context;
use records::identifier::quoted;
use sqlx::PgPool;

use super::stream::Stream;
use crate::amount::whole;
use crate::bounds::Bounds;
use crate::screen::Screen;
use crate::services::{LOOK, Services, Statuses, number};

/// Says that the table has the whole file, below the data directory.
const MARKER: &str = "stored";

/// What is to be stored, and where.
pub(crate) struct Store<'a> {
    pub stream: &'a Stream,
    pub services: &'a Services,
    pub pool: &'a PgPool,
    pub table: &'a str,
    pub data_dir: &'a Path,
    /// Listings that are stored already.
    pub listings: i64,
    /// Whether the database is the embedded one, whose table has this file's listings and no others.
    pub is_own_database: bool,
}

impl Store<'_> {
    /// Stores what is not held out, unless an earlier run has.
    ///
    /// # Errors
    /// When the file breaks off, or a service does not answer.
    pub async fn ensure(&self, bounds: &Bounds, screen: &Screen) -> anyhow::Result<()> {
        let marker = self.data_dir.join(MARKER);
        if self.listings > 0 && marker.exists() {
            let kept = whole(self.listings as f64);
            screen.done("listings", &format!("{kept} of an earlier run"));
            return Ok(());
        }
        if self.listings > 0 && self.is_own_database {
            // An earlier run broke off: listings without a key would be there twice.
            let sql = format!("DELETE FROM {}", quoted(self.table));
            sqlx::query(&sql).execute(self.pool).await?;
        }
        // What is sent before the loader has its partitions may be dropped before it is read.
        while let Some(waiting) = self.services.statuses().await.loader_waits_for() {
            bounds.wait_for(waiting);
            tokio::time::sleep(LOOK).await;
        }
        let watching = async {
            loop {
                let done = taken(&self.services.statuses().await);
                self.stream.stored(done);
                let so_far = whole(done as f64);
                screen.doing("listings", &format!("{so_far} stored"));
                bounds.wait_for(format!(
                    "the listings of the file to be sent: {so_far} are stored"
                ));
                tokio::time::sleep(LOOK).await;
            }
        };
        let sent = tokio::select! {
            biased;
            sent = self.stream.send_listings() => sent?.sent,
            () = watching => 0,
        };
        let statuses = loop {
            let statuses = self.services.statuses().await;
            let done = taken(&statuses);
            if done >= sent {
                break statuses;
            }
            bounds.wait_for(format!("{sent} listings to be stored, {done} are"));
            tokio::time::sleep(LOOK).await;
        };
        std::fs::write(&marker, "")
            .with_context(|| format!("cannot write {}", marker.display()))?;
        let stored = whole(number(&statuses.loader, "stored") as f64);
        screen.done(
            "listings",
            &format!("{stored} stored, a fifth of the file held out"),
        );
        Ok(())
    }
}

/// Listings that were stored or refused in this run.
fn taken(statuses: &Statuses) -> u64 {
    number(&statuses.loader, "stored") + number(&statuses.loader, "rejected")
}
