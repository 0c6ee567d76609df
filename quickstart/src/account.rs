//! The live account: a redrawn table on a terminal, plain lines in a pipe.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use sqlx::{PgPool, Row};

use crate::{Services, count, number};

/// Pause between two lines in a pipe.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Pause between two drawings on a terminal.
const DRAW_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Account {
    live: bool,
    bar: Option<ProgressBar>,
    started: Instant,
    last: Option<Instant>,
}

impl Account {
    pub fn new(live: bool, started: Instant) -> Account {
        let bar = (live && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        Account {
            live,
            bar,
            started,
            last: None,
        }
    }

    /// Shows where things stand, where it is time to.
    pub async fn show(
        &mut self,
        services: &Services,
        pool: &PgPool,
        schema: &records::Schema,
        applier: &Value,
    ) -> anyhow::Result<()> {
        let every = if self.bar.is_some() {
            DRAW_EVERY
        } else {
            LINE_EVERY
        };
        let due = self.last.is_none_or(|last| last.elapsed() >= every);
        if !self.live || !due {
            return Ok(());
        }
        self.last = Some(Instant::now());
        let loader = services.status(services.loader).await?;
        let listings = count(pool, &schema.table).await?;
        let rejects = count(pool, "rejects").await?;
        let latest = sqlx::query(
            "SELECT request_id, prediction, low, high FROM answers ORDER BY answered_at DESC LIMIT 1",
        )
        .fetch_optional(pool)
        .await?;
        let latest = match latest {
            Some(row) => format!(
                "{}: {:.2} M ({:.2} to {:.2} M)",
                row.try_get::<String, _>(0)?,
                row.try_get::<f64, _>(1)? / 1e6,
                row.try_get::<f64, _>(2)? / 1e6,
                row.try_get::<f64, _>(3)? / 1e6
            ),
            None => "none yet".to_owned(),
        };
        let (p50, p99) = (&applier["p50_ms"], &applier["p99_ms"]);
        let answered = number(applier, "answered");
        let model = applier["model"].as_str().unwrap_or("none yet");
        let seconds = self.started.elapsed().as_secs();
        match &self.bar {
            Some(bar) => bar.set_message(format!(
                "\n  running            {seconds} s (Ctrl-C leaves)\n  \
                 listings stored    {listings}  (this run: {})\n  \
                 rejects            {rejects}\n  \
                 model              {model}\n  \
                 requests answered  {answered}\n  \
                 latest answer      {latest}\n  \
                 latency            p50 {p50} ms, p99 {p99} ms",
                number(&loader, "stored")
            )),
            None => eprintln!(
                "{seconds:4} s  listings {listings}, rejects {rejects}, model {model}, \
                 answered {answered}, latest {latest}, latency p50 {p50} ms p99 {p99} ms"
            ),
        }
        Ok(())
    }

    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}
