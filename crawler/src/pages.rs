//! What was fetched, extracted and refused, and why: for people and for programs.

use std::io::Write;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;

/// Longest reason shown in a line, in characters.
const DETAIL: usize = 100;

/// Which pages.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Selection {
    /// Those of this host (as /status names it)
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Those in this state: pending, fetched, redirected, refused, gone, failed
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// Those with this reason: robots, no_listing, missing_field, currency, …
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
}

impl Selection {
    fn is_all(&self) -> bool {
        self.host.is_none() && self.state.is_none() && self.reason.is_none()
    }
}

const SELECTED: &str = "($1::text IS NULL OR lane = $1) AND ($2::text IS NULL OR state = $2) \
                        AND ($3::text IS NULL OR reason = $3)";

/// A line of the list: when, state, reason, detail, status, address.
type Line = (
    Option<DateTime<Utc>>,
    String,
    Option<String>,
    Option<String>,
    Option<i32>,
    String,
);

/// Prints the pages looked at last, and counts them; with `as_json` one object a line.
///
/// # Errors
/// When the database fails.
pub async fn list(
    pool: &PgPool,
    selection: &Selection,
    limit: u32,
    as_json: bool,
) -> anyhow::Result<()> {
    let sql = format!(
        "SELECT checked_at, state, reason, detail, status, url FROM crawler_pages WHERE {SELECTED} \
         ORDER BY checked_at DESC NULLS LAST, found_at, url LIMIT $4"
    );
    let lines: Vec<Line> = sqlx::query_as(&sql)
        .bind(&selection.host)
        .bind(&selection.state)
        .bind(&selection.reason)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    if as_json {
        for (checked_at, state, reason, detail, status, url) in lines {
            println!(
                "{}",
                json!({
                    "url": url, "state": state, "reason": reason, "detail": detail, "status": status,
                    "checked_at": checked_at,
                })
            );
        }
        return Ok(());
    }
    for (checked_at, state, reason, detail, status, url) in &lines {
        let at = checked_at.map_or_else(|| "-".repeat(19), |at| at.format("%F %T").to_string());
        let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        let why = reason.as_deref().unwrap_or("");
        let detail = shortened(detail.as_deref().unwrap_or(""));
        println!("{at}  {state:<10} {status:>3}  {url}  {why}  {detail}");
    }
    let sql = format!(
        "SELECT state, reason, count(*) FROM crawler_pages WHERE {SELECTED} GROUP BY 1, 2 ORDER BY 3 DESC"
    );
    let counts: Vec<(String, Option<String>, i64)> = sqlx::query_as(&sql)
        .bind(&selection.host)
        .bind(&selection.state)
        .bind(&selection.reason)
        .fetch_all(pool)
        .await?;
    let all: i64 = counts.iter().map(|(_, _, count)| count).sum();
    let by: Vec<String> = counts
        .iter()
        .map(|(state, reason, count)| match reason {
            Some(reason) => format!("{state} ({reason}) {count}"),
            None => format!("{state} {count}"),
        })
        .collect();
    println!("\n{} of {all} shown: {}", lines.len(), by.join(", "));
    let stopped: Vec<(String, String)> = sqlx::query_as(
        "SELECT lane, coalesce(stopped_reason, '') FROM crawler_hosts \
         WHERE stopped_at IS NOT NULL AND ($1::text IS NULL OR lane = $1) ORDER BY lane",
    )
    .bind(&selection.host)
    .fetch_all(pool)
    .await?;
    for (host, reason) in stopped {
        println!("{host} is stopped: {reason}; `pages retry --host {host}` continues with it");
    }
    Ok(())
}

/// Prints all that is known of a page, and the versions of its listings, as one JSON object.
///
/// # Errors
/// When the page is not known, or the database fails.
pub async fn show(pool: &PgPool, url: &str) -> anyhow::Result<()> {
    let page: Option<String> =
        sqlx::query_scalar("SELECT to_jsonb(p)::text FROM crawler_pages p WHERE url = $1")
            .bind(url)
            .fetch_optional(pool)
            .await?;
    let Some(page) = page else {
        bail!("unknown page {url}; `crawler pages list` shows the known pages");
    };
    let versions: Vec<(String,)> = sqlx::query_as(
        "SELECT (to_jsonb(l) - 'digest' - 'url')::text FROM crawler_listings l WHERE url = $1 ORDER BY seq",
    )
    .bind(url)
    .fetch_all(pool)
    .await?;
    let mut page: Value = serde_json::from_str(&page)?;
    let versions: Result<Vec<Value>, _> = versions
        .iter()
        .map(|(version,)| serde_json::from_str(version))
        .collect();
    page["versions"] = Value::Array(versions?);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{page:#}").context("cannot write to standard output")
}

/// Marks pages for the next run, whatever their state, and forgets their last answer; a host that was
/// stopped continues. Returns the number of pages.
///
/// # Errors
/// When none is selected, or the database fails.
pub async fn retry(pool: &PgPool, urls: &[String], selection: &Selection) -> anyhow::Result<u64> {
    anyhow::ensure!(
        !urls.is_empty() || !selection.is_all(),
        "name pages, or select them with --host, --state or --reason"
    );
    let mut transaction = pool.begin().await?;
    let sql = format!(
        "UPDATE crawler_pages SET state = 'pending', reason = NULL, detail = NULL, attempts = 0, \
           not_before = now(), etag = NULL, last_modified = NULL \
         WHERE {SELECTED} AND (cardinality($4::text[]) = 0 OR url = ANY($4))"
    );
    let done = sqlx::query(&sql)
        .bind(&selection.host)
        .bind(&selection.state)
        .bind(&selection.reason)
        .bind(urls)
        .execute(&mut *transaction)
        .await?;
    if let Some(host) = &selection.host {
        sqlx::query(
            "UPDATE crawler_hosts SET stopped_at = NULL, stopped_reason = NULL, failures = 0 WHERE lane = $1",
        )
        .bind(host)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(done.rows_affected())
}

fn shortened(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    match line.char_indices().nth(DETAIL) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
