//! Rejects for people, and for programs.

use std::io::Write;

use anyhow::Context;
use serde_json::json;
use sqlx::PgPool;

use super::select::{Place, Rejected, Selection, at};

/// Longest reason shown in a line, in characters.
const REASON: usize = 100;

/// Prints the newest rejects, and how many there are by code; with `json` one object a line.
///
/// # Errors
/// When the database fails.
pub async fn list(
    pool: &PgPool,
    selection: &Selection,
    limit: u32,
    as_json: bool,
) -> anyhow::Result<()> {
    let rejects = selection.newest(pool, limit).await?;
    if as_json {
        for reject in &rejects {
            println!("{}", to_json(reject));
        }
        return Ok(());
    }
    let counts = selection.count(pool).await?;
    if counts.is_empty() {
        println!("No rejects.");
        return Ok(());
    }
    for reject in &rejects {
        let replayed = match reject.replayed_at {
            Some(at) => format!("  (sent again {})", at.format("%F %T")),
            None => String::new(),
        };
        let replayed = match reject.payload_bytes {
            Some(bytes) => format!("{replayed}  (shortened, of {bytes} bytes)"),
            None => replayed,
        };
        println!(
            "{}  {}  {}  {}{replayed}",
            reject.rejected_at.format("%F %T"),
            reject.place(),
            reject.code,
            shortened(&reject.reason),
        );
    }
    let all: i64 = counts.iter().map(|(_, count)| count).sum();
    let by_code: Vec<String> = counts
        .iter()
        .map(|(code, count)| format!("{code} {count}"))
        .collect();
    println!(
        "\n{} of {all} shown; by code: {}",
        rejects.len(),
        by_code.join(", ")
    );
    Ok(())
}

/// Prints one reject's message as it came, to standard output, and what was wrong with it to
/// standard error: redirected into a file, it is ready to be fixed.
///
/// # Errors
/// When there is no such reject, or the database fails.
pub async fn show(
    pool: &PgPool,
    place: &Place,
    cluster: Option<&str>,
    as_json: bool,
) -> anyhow::Result<()> {
    let reject = at(pool, place, cluster).await?;
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", to_json(&reject)).context("cannot write to standard output")?;
        return Ok(());
    }
    eprintln!(
        "{} of cluster {}, rejected {} as {}: {}",
        reject.place(),
        reject.cluster,
        reject.rejected_at.format("%F %T %Z"),
        reject.code,
        reject.reason
    );
    if let Some(shortened) = reject.shortened() {
        eprintln!("SHORTENED: {shortened}");
    }
    out.write_all(&reject.payload)
        .and_then(|()| out.write_all(b"\n"))
        .context("cannot write to standard output")
}

fn to_json(reject: &Rejected) -> serde_json::Value {
    json!({
        "cluster": reject.cluster,
        "topic": reject.topic,
        "partition": reject.partition,
        "offset": reject.offset,
        "code": reject.code,
        "reason": reject.reason,
        "key": reject.key.as_deref().map(String::from_utf8_lossy),
        "payload": String::from_utf8_lossy(&reject.payload),
        "payload_bytes": reject.payload_bytes,
        "payload_sha256": reject.payload_sha256.as_deref().map(ledger::rejects::hex),
        "rejected_at": reject.rejected_at,
        "replayed_at": reject.replayed_at,
    })
}

fn shortened(reason: &str) -> String {
    let line = reason.replace(['\n', '\r'], " ");
    match line.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
