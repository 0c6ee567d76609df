//! What the HTTP interface steers and shows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use common::Shutdown;
use common::http::Status;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Notify;

use crate::frontier::{Claimed, Outcome, State};
use crate::lane::End;
use crate::metrics::{BYTES, PAGES, REASONS, UNCHANGED, VERSIONS};

/// What a run did at a host.
#[derive(Debug, Clone, Default, Serialize)]
struct Tally {
    /// Requests that were made, robots.txt aside.
    requests: u64,
    fetched: u64,
    unchanged: u64,
    redirected: u64,
    refused: u64,
    gone: u64,
    failed: u64,
    /// Tries that are made again later.
    retried: u64,
    listings: u64,
    bytes: u64,
    /// Why the run has ended here; `None` while it continues.
    ended: Option<String>,
}

/// A run and what is known of it.
#[derive(Debug, Default)]
struct Runs {
    /// Ends the run that is under way.
    stop: Option<Shutdown>,
    /// A run is requested.
    asked: bool,
    count: u64,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    hosts: BTreeMap<String, Tally>,
    published: u64,
    last_error: Option<String>,
}

/// Shared between the runs and the HTTP interface.
#[derive(Debug, Default)]
pub struct Control {
    runs: Mutex<Runs>,
    /// Wakes anyone who waits for a run.
    changed: Notify,
}

impl Control {
    /// Asks for a run: whether none is under way already.
    pub fn start(&self) -> bool {
        let mut runs = self.lock();
        if runs.stop.is_some() || runs.asked {
            return false;
        }
        runs.asked = true;
        drop(runs);
        self.changed.notify_one();
        true
    }

    /// Ends the run that is under way or asked for: whether there was one.
    pub fn stop(&self) -> bool {
        let mut runs = self.lock();
        let was_asked = std::mem::take(&mut runs.asked);
        match &runs.stop {
            Some(stop) => {
                stop.cancel();
                true
            }
            None => was_asked,
        }
    }

    /// Waits until a run is requested, and gives what ends it.
    pub(crate) async fn next_run(&self, leave: &Shutdown, hosts: &[String]) -> Shutdown {
        loop {
            {
                let mut runs = self.lock();
                if std::mem::take(&mut runs.asked) {
                    let stop = leave.child_token();
                    runs.stop = Some(stop.clone());
                    runs.count += 1;
                    runs.started_at = Some(Utc::now());
                    runs.ended_at = None;
                    let tallies = hosts.iter().map(|host| (host.clone(), Tally::default()));
                    runs.hosts = tallies.collect();
                    return stop;
                }
            }
            self.changed.notified().await;
        }
    }

    /// The run has ended.
    pub(crate) fn run_ended(&self) {
        let mut runs = self.lock();
        runs.stop = None;
        runs.ended_at = Some(Utc::now());
        let all = |of: fn(&Tally) -> u64| runs.hosts.values().map(of).sum::<u64>();
        tracing::info!(
            requests = all(|tally| tally.requests),
            fetched = all(|tally| tally.fetched),
            unchanged = all(|tally| tally.unchanged),
            refused = all(|tally| tally.refused),
            listings = all(|tally| tally.listings),
            "the run has ended"
        );
    }

    /// The run has ended for a host.
    pub(crate) fn host_ended(&self, host: &str, end: &End) {
        let why = end.describe();
        tracing::info!(host, why, "the run has ended for a host");
        self.lock().hosts.entry(host.to_owned()).or_default().ended = Some(why);
    }

    /// Something went wrong.
    pub(crate) fn failed(&self, error: String) {
        self.lock().last_error = Some(error);
    }

    /// Kafka has confirmed so many versions.
    pub(crate) fn published(&self, count: u64) {
        self.lock().published += count;
    }

    /// A page was checked, and this is kept of it.
    pub(crate) fn visited(&self, host: &str, page: &Claimed, outcome: &Outcome, versions: u64) {
        let state = outcome.state.name();
        let mut runs = self.lock();
        let tally = runs.hosts.entry(host.to_owned()).or_default();
        tally.requests += u64::from(outcome.pause.is_some());
        tally.listings += versions;
        tally.bytes += outcome.bytes as u64;
        match outcome.state {
            State::Fetched if outcome.is_unchanged => tally.unchanged += 1,
            State::Fetched => tally.fetched += 1,
            State::Redirected => tally.redirected += 1,
            State::Refused => tally.refused += 1,
            State::Gone => tally.gone += 1,
            State::Failed => tally.failed += 1,
            State::Pending => tally.retried += 1,
        }
        drop(runs);
        let labels = [("host", host.to_owned()), ("state", state.to_owned())];
        metrics::counter!(PAGES.name(), &labels).increment(1);
        if let Some(reason) = outcome.reason {
            metrics::counter!(REASONS.name(), "reason" => reason).increment(1);
        }
        metrics::counter!(UNCHANGED.name()).increment(u64::from(outcome.is_unchanged));
        metrics::counter!(BYTES.name()).increment(outcome.bytes as u64);
        metrics::counter!(VERSIONS.name()).increment(versions);
        let (url, reason) = (&page.url, outcome.reason);
        tracing::debug!(
            url,
            state,
            reason,
            status = outcome.status,
            versions,
            "visited a page"
        );
    }

    pub(crate) fn status(self: &Arc<Self>) -> Status {
        let control = Arc::clone(self);
        Arc::new(move || {
            let runs = control.lock();
            json!({
                "service": "crawler",
                "running": runs.stop.is_some(),
                "runs": runs.count,
                "started_at": runs.started_at,
                "ended_at": runs.ended_at,
                "hosts": runs.hosts,
                "published": runs.published,
                "last_error": runs.last_error,
            })
        })
    }

    pub(crate) fn routes(
        self: &Arc<Self>,
    ) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
        let control = Arc::clone(self);
        move |config| {
            config
                .app_data(web::Data::from(Arc::clone(&control)))
                .route("/start", web::post().to(start))
                .route("/stop", web::post().to(stop));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        // Every change is of one value: a panic leaves none half made.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn start(control: web::Data<Control>) -> HttpResponse {
    let is_new = control.start();
    HttpResponse::Ok().json(json!({ "running": true, "started": is_new }))
}

async fn stop(control: web::Data<Control>) -> HttpResponse {
    let was_running = control.stop();
    HttpResponse::Ok().json(json!({ "running": false, "stopped": was_running }))
}
