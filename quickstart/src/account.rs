//! The live account: a table on a terminal, a line in a pipe.

use std::time::Duration;

use common::database::within;
use serde_json::Value;
use sqlx::PgPool;
use tokio::time::Instant;

use crate::amount::{amount, range, whole};
use crate::first_model::describe;
use crate::history::count;
use crate::screen::Screen;
use crate::services::{Statuses, number};
use crate::turns::Turns;

/// Pause between two lines in a pipe.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Pause between two drawings on a terminal.
const DRAW_EVERY: Duration = Duration::from_secs(1);
/// Longest wait for the newest answer.
const NEWEST: Duration = Duration::from_secs(5);
/// A look at the newest answer may take this share of the time: an outside table may be long.
const SHARE: u32 = 20;

/// What is shown while requests are answered.
pub(crate) struct Account {
    is_live: bool,
    every: Duration,
    shown: Option<Instant>,
    /// What the loop did.
    turns: Turns,
    /// Rows of the tables when this run's services started: theirs are added to them.
    listings_before: i64,
    rejects_before: i64,
    /// Unit of what is predicted.
    unit: Option<String>,
}

impl Account {
    /// Counts what is there; before the services start.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn new(
        is_live: bool,
        screen: &Screen,
        pool: &PgPool,
        schema: &records::Schema,
    ) -> anyhow::Result<Account> {
        let target = schema.target.as_deref();
        let target = target.and_then(|target| schema.field(target));
        Ok(Account {
            is_live,
            every: if screen.is_terminal() {
                DRAW_EVERY
            } else {
                LINE_EVERY
            },
            shown: None,
            turns: Turns::default(),
            listings_before: count(pool, &schema.table).await?,
            rejects_before: count(pool, "rejects").await?,
            unit: target.and_then(|target| target.unit.clone()),
        })
    }

    /// Listings that were stored before.
    pub fn listings_before(&self) -> i64 {
        self.listings_before
    }

    /// Requests are answered from now on: the first line in a pipe is due when some are.
    pub fn begin(&mut self, screen: &Screen) {
        self.shown = (!screen.is_terminal()).then(Instant::now);
    }

    /// Shows where things stand, where it is time to.
    pub async fn show(&mut self, statuses: &Statuses, pool: &PgPool, screen: &Screen) {
        if self.is_live {
            self.turns.tell(statuses, screen);
        }
        let due = self.shown.is_none_or(|shown| shown.elapsed() >= self.every);
        if !self.is_live || !due {
            return;
        }
        let begun = Instant::now();
        let newest = tokio::time::timeout(NEWEST, self.newest(pool)).await;
        let (request, answer) = match newest {
            Ok(Ok(newest)) => newest,
            // It may be away for a while; the services say so themselves.
            Ok(Err(error)) => (format!("not known: {error:#}"), "-".to_owned()),
            Err(_) => (
                "not known: the database does not answer".to_owned(),
                "-".to_owned(),
            ),
        };
        self.every = self.every.max(begun.elapsed() * SHARE);
        self.shown = Some(Instant::now());

        let Statuses {
            loader,
            applier,
            prepare,
            ..
        } = statuses;
        let this_run = number(loader, "stored");
        let rejected = number(loader, "rejected") + number(applier, "rejected");
        let listings = whole(self.listings_before as f64 + this_run as f64);
        let rejects = whole(self.rejects_before as f64 + rejected as f64);
        let answered = whole(number(applier, "answered") as f64);
        let model = describe(applier);
        let latency = format!(
            "p50 {} ms, p99 {} ms",
            milliseconds(applier, "p50_ms"),
            milliseconds(applier, "p99_ms")
        );
        let seconds = screen.elapsed_s();
        let waiting = statuses.waiting_for();
        if screen.is_terminal() {
            let row = |name: &str, what: &str| format!("  {name:<18}{what}");
            let mut rows = vec![
                String::new(),
                row("running", &format!("{seconds:.0} s (Ctrl-C stops)")),
                row(
                    "listings stored",
                    &format!("{listings}, this run {}", whole(this_run as f64)),
                ),
                row("rejects", &rejects),
                row("model", &model),
                row("last training", &training(prepare)),
                row("requests answered", &answered),
                row("latency", &latency),
                row("newest request", &request),
                row("its answer", &answer),
            ];
            if let Some(waiting) = &waiting {
                rows.push(row("not ready", waiting));
            }
            screen.draw(&rows);
        } else {
            screen.line(&format!(
                "{seconds:6.0} s  listings {listings}, rejects {rejects}, model {model}, \
                 answered {answered}, newest {request}: {answer}, latency {latency}{}",
                waiting.map_or_else(String::new, |waiting| format!(", not ready: {waiting}"))
            ));
        }
    }

    /// The newest request, and its answer with range and unit.
    async fn newest(&self, pool: &PgPool) -> anyhow::Result<(String, String)> {
        let newest = within(pool, NEWEST, async |connection| {
            ledger::answers::newest(connection).await
        });
        let Some(newest) = newest.await? else {
            return Ok(("none yet".to_owned(), "-".to_owned()));
        };
        let answer = match (newest.low, newest.high) {
            (Some(low), Some(high)) => range(newest.prediction, low, high, self.unit.as_deref()),
            _ => amount(newest.prediction),
        };
        Ok((newest.request_id, answer))
    }
}

fn milliseconds(status: &Value, name: &str) -> String {
    status[name]
        .as_f64()
        .map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"))
}

/// The last training and what became of its version.
fn training(prepare: &Value) -> String {
    if prepare["training"] == true {
        return "under way".to_owned();
    }
    if let Some(error) = prepare["last_error"]["error"].as_str() {
        return format!("failed: {error}");
    }
    let last = &prepare["last_training"];
    let Some(version) = last["version"].as_str() else {
        return match prepare["watch"]["new_rows"].as_u64() {
            Some(rows) => format!(
                "none yet, {rows} of {} new listings",
                prepare["watch"]["new_rows_wanted"]
            ),
            None => "none yet".to_owned(),
        };
    };
    let became = match last["promoted"] == true {
        true => "promoted",
        false => "not promoted",
    };
    let error = last["mdape"].as_f64().unwrap_or_default() * 100.0;
    format!("{version} {became}, hold-out error {error:.1} %")
}
