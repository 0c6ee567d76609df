//! The state behind the HTTP interface: one training at a time, and the outcomes of the last ones.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use common::http::{Status, error_answer, trigger};
use common::liveness::LivenessConfig;
use records::Schema;
use registry::RegistryConfig;
use serde::Deserialize;
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use valuation::ClusterReport;
use valuation::{FitProgress, Observer};

use super::auto_rollback::Comparison;
use super::cluster;
use super::live_error::Live;
use super::openapi;
use super::status::{Failure, Rollback, RunningStatus, TrainerStatus, TrainingStatus, WatchStatus};
use crate::arrivals;
use crate::commands::gc::gc;
use crate::config::{Config, WatchConfig};
use crate::features::materialise::refresh;
use crate::metrics::{FAILURES, NEW_ROWS, PROMOTIONS, ROLLBACKS, TRAINING_SECONDS, TRAININGS};
use crate::training::train::train_on_database;
use crate::training::trained::Trained;
use crate::training_lock::Elsewhere;

/// Shared between the schedule and the HTTP interface.
pub(crate) struct Control {
    config: Config,
    /// Trainings run here: the HTTP server's threads end before they do.
    runtime: Handle,
    /// Empty until the database answers.
    pool: OnceLock<PgPool>,
    /// Held by the training that runs; a panic gives it back.
    slot: Arc<Semaphore>,
    status: Mutex<TrainerStatus>,
    /// How far the fit of the training that runs is; none before it begins.
    fit: Arc<Mutex<Option<FitProgress>>>,
}

/// Why there is no new version.
#[derive(Debug)]
pub(crate) enum Refusal {
    Busy,
    /// Another program holds the lock; the error.
    Elsewhere(String),
    NoDatabase,
    Failed(String),
}

impl Refusal {
    fn answer(&self) -> HttpResponse {
        match self {
            Refusal::Busy => error_answer(
                409,
                "a training is running: wait until /status says \"training\": false",
            ),
            Refusal::Elsewhere(error) => error_answer(409, error),
            Refusal::NoDatabase => error_answer(
                503,
                "the database has not answered yet: /health/ready shows what is missing",
            ),
            Refusal::Failed(error) => error_answer(500, error),
        }
    }
}

impl Control {
    pub(crate) fn new(mut config: Config, schedule: Option<String>) -> Control {
        let fit = Arc::<Mutex<Option<FitProgress>>>::default();
        let told = Arc::clone(&fit);
        config.prepare.observer = Observer::new(move |progress: &FitProgress| {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress.clone());
        });
        Control {
            fit,
            config,
            runtime: Handle::current(),
            pool: OnceLock::new(),
            slot: Arc::new(Semaphore::new(1)),
            status: Mutex::new(TrainerStatus {
                schedule,
                ..TrainerStatus::default()
            }),
        }
    }

    /// From now on arriving listings are counted.
    pub(crate) fn watches(&self) {
        self.trainer_status().watch = Some(WatchStatus {
            new_rows_wanted: self.config.prepare.watch.new_rows,
            ..WatchStatus::default()
        });
    }

    pub(crate) fn table(&self) -> &str {
        &self.config.schema.table
    }

    pub(crate) fn registry(&self) -> &RegistryConfig {
        &self.config.registry
    }

    /// Listings that the last training can have learned from; `None` before anybody has looked.
    pub(crate) fn learned(&self) -> Option<u64> {
        self.trainer_status().learned
    }

    pub(crate) fn set_learned(&self, stored: u64) {
        self.trainer_status().learned = Some(stored);
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.config.schema
    }

    pub(crate) fn liveness(&self) -> &LivenessConfig {
        &self.config.liveness
    }

    pub(crate) fn watch_settings(&self) -> &WatchConfig {
        &self.config.prepare.watch
    }

    /// Whether the live error has not been looked at for so long; it counts as looked at then.
    pub(crate) fn may_look_at_live(&self, pause: Duration) -> bool {
        let mut status = self.trainer_status();
        let is_rested = status.live_looked.is_none_or(|at| at.elapsed() >= pause);
        if is_rested {
            status.live_looked = Some(Instant::now());
        }
        is_rested
    }

    /// Whether the last training failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.trainer_status().failures_in_a_row > 0
    }

    /// Compares the champion with the one before it; states whether that one is back.
    pub(crate) fn compared(&self, comparison: &Comparison) -> bool {
        let mut status = self.trainer_status();
        if let Some(watch) = &mut status.watch {
            watch.live_compared = Some(comparison.compared);
        }
        let Some((back, why)) = &comparison.rolled_back else {
            return false;
        };
        tracing::warn!("rolled back to {back}: {why}");
        metrics::counter!(ROLLBACKS.name()).increment(1);
        status.rollbacks += 1;
        status.last_rollback = Some(Rollback {
            at: records::timestamp::format(records::timestamp::now_us()),
            to: back.to_string(),
            why: why.clone(),
        });
        true
    }

    /// Whether a champion's live error is beyond the bound, and nothing has been started for it yet.
    pub(crate) fn is_too_far_off(&self, live: &Live) -> bool {
        let bound = live.holdout * self.watch_settings().live_error_factor;
        let mut status = self.trainer_status();
        if let Some(watch) = &mut status.watch {
            watch.live_mdape = Some(live.mdape);
            watch.live_mdape_bound = Some(bound);
        }
        if live.mdape <= bound || status.live_trained_for == Some(live.champion) {
            return false;
        }
        status.live_trained_for = Some(live.champion);
        true
    }

    /// Whether to train now, given the number of new listings.
    pub(crate) fn is_due(&self, new_rows: u64) -> bool {
        let settings = &self.config.prepare.watch;
        let mut status = self.trainer_status();
        let failures = status.failures_in_a_row;
        let retry_in = (failures > 0).then(|| {
            let waited = status.ended.map_or(Duration::MAX, |ended| ended.elapsed());
            settings.pause_after(failures).saturating_sub(waited)
        });
        let rested = status
            .began
            .is_none_or(|began| began.elapsed() >= Duration::from_secs(settings.pause_s));
        if let Some(watch) = &mut status.watch {
            watch.new_rows = new_rows;
            watch.retry_in_s = retry_in.map(|delay| delay.as_secs_f64());
        }
        metrics::gauge!(NEW_ROWS.name()).set(new_rows as f64);
        match retry_in {
            Some(retry_in) => retry_in.is_zero(),
            None => settings.new_rows > 0 && new_rows >= settings.new_rows && rested,
        }
    }

    pub(crate) fn connected(&self, pool: PgPool) {
        // It is connected once: a second pool would change nothing.
        let _ = self.pool.set(pool);
    }

    pub(crate) fn next_run(&self, at: Option<String>) {
        self.trainer_status().next_run = at;
    }

    /// Trains once, unless another training runs; states how it went in the log too.
    pub(crate) async fn train(self: Arc<Self>) -> Result<TrainingStatus, Refusal> {
        self.train_for(None).await
    }

    /// The same with a reason, which the version keeps as a tag.
    async fn train_for(self: Arc<Self>, why: Option<String>) -> Result<TrainingStatus, Refusal> {
        let Ok(_slot) = Arc::clone(&self.slot).try_acquire_owned() else {
            return Err(Refusal::Busy);
        };
        let Some(pool) = self.pool.get() else {
            return Err(Refusal::NoDatabase);
        };
        if let Some(why) = &why {
            tracing::info!(why, "a training is requested: {why}");
        }
        let started = Instant::now();
        self.enter("features", why.as_deref());
        // Whatever its end.
        let _running = Running(&self);
        // Listings that arrive while it reads may be in the training data and still count as new.
        let stored = arrivals::stored(pool, self.table()).await.ok();
        let result = match refresh(&self.config).await {
            Ok(()) => {
                self.enter("fitting", why.as_deref());
                train_on_database(&self.config, pool).await
            }
            Err(error) => Err(error),
        };
        if let Ok(trained) = &result {
            self.enter("tidying", why.as_deref());
            self.note(trained, why.clone()).await;
            self.tidy().await;
        }
        let now = records::timestamp::format(records::timestamp::now_us());
        let mut status = self.trainer_status();
        status.began = Some(started);
        status.ended = Some(Instant::now());
        if let Err(error) = &result
            && error.is::<Elsewhere>()
        {
            return Err(Refusal::Elsewhere(error.to_string()));
        }
        status.trainings += 1;
        metrics::counter!(TRAININGS.name()).increment(1);
        metrics::histogram!(TRAINING_SECONDS.name()).record(started.elapsed().as_secs_f64());
        match result {
            Ok(trained) => {
                let mut training =
                    TrainingStatus::of(&trained, now, started.elapsed().as_secs_f64());
                training.why = why;
                tracing::info!(
                    version = training.version,
                    "saved {} on {} records: {}",
                    training.version,
                    training.rows,
                    report::text::summary(&trained.report)
                );
                if let Some(verdict) = &training.verdict {
                    let became = match training.promoted {
                        true => "promoted",
                        false => "kept as challenger",
                    };
                    tracing::info!("{} is {became}: {verdict}", training.version);
                }
                if training.promoted {
                    status.promotions += 1;
                    metrics::counter!(PROMOTIONS.name()).increment(1);
                }
                status.last_training = Some(training.clone());
                status.last_error = None;
                status.failures_in_a_row = 0;
                status.learned = stored.or(status.learned);
                Ok(training)
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(%error, "the training failed");
                status.failures += 1;
                status.failures_in_a_row = status.failures_in_a_row.saturating_add(1);
                metrics::counter!(FAILURES.name()).increment(1);
                status.last_error = Some(Failure {
                    at: now,
                    error: error.clone(),
                });
                Err(Refusal::Failed(error))
            }
        }
    }

    /// Groups the stored records, unless a training runs, which needs the cores.
    async fn clusters(self: Arc<Self>, k: usize) -> Result<ClusterReport, Refusal> {
        let Ok(_slot) = Arc::clone(&self.slot).try_acquire_owned() else {
            return Err(Refusal::Busy);
        };
        let Some(pool) = self.pool.get() else {
            return Err(Refusal::NoDatabase);
        };
        let found = cluster::find(&self.config, pool, k).await;
        found.map_err(|error| Refusal::Failed(format!("{error:#}")))
    }

    /// The training under way begins a stage.
    fn enter(&self, stage: &'static str, why: Option<&str>) {
        let mut status = self.trainer_status();
        let last_seconds = status.last_training.as_ref().map(|last| last.seconds);
        let running = status.running.get_or_insert_with(|| RunningStatus {
            since: records::timestamp::format(records::timestamp::now_us()),
            stage,
            why: why.map(str::to_owned),
            last_seconds,
        });
        running.stage = stage;
    }

    /// How far the fit is.
    fn fit(&self) -> std::sync::MutexGuard<'_, Option<FitProgress>> {
        // Every change is one assignment.
        self.fit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps with a version who requested it and why.
    async fn note(&self, trained: &Trained, why: Option<String>) {
        let (Some(version), Some(why)) = (&trained.saved, why) else {
            return;
        };
        let (config, number) = (self.config.registry.clone(), version.number);
        let noting = tokio::task::spawn_blocking(move || {
            registry::open(&config)?.tag(number, "asked_for", &why)
        });
        match noting.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("cannot note in {version} who requested it: {error}"),
            Err(error) => tracing::warn!("cannot note in {version} who requested it: {error}"),
        }
    }

    /// Deletes old versions, as a watch makes one after the other.
    async fn tidy(&self) {
        let keep = self.config.prepare.watch.keep_versions;
        if keep == 0 || self.trainer_status().watch.is_none() {
            return;
        }
        let config = self.config.registry.clone();
        let tidying =
            tokio::task::spawn_blocking(move || gc(&*registry::open(&config)?, keep, false));
        match tidying.await {
            Ok(Ok(shown)) => tracing::debug!("{}", shown.text),
            Ok(Err(error)) => {
                tracing::warn!(error = %format_args!("{error:#}"), "cannot delete old versions")
            }
            Err(error) => tracing::warn!(%error, "cannot delete old versions"),
        }
    }

    /// Waits for the training that runs.
    pub(crate) async fn idle(&self) {
        // It is never closed: an error cannot be.
        let _ = self.slot.acquire().await;
    }

    pub(crate) fn status(self: &Arc<Self>) -> Status {
        let control = Arc::clone(self);
        Arc::new(move || {
            let mut status = serde_json::json!(*control.trainer_status());
            if let Some(running) = status["running"].as_object_mut() {
                running.insert("fit".to_owned(), serde_json::json!(*control.fit()));
            }
            status["service"] = "model-prepare".into();
            status["training"] = (control.slot.available_permits() == 0).into();
            status
        })
    }

    pub(crate) fn routes(
        self: &Arc<Self>,
    ) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
        let control = Arc::clone(self);
        move |config| {
            config
                .app_data(web::Data::from(Arc::clone(&control)))
                .route("/train", web::post().to(train))
                .service(common::http::openapi::resource(&openapi::document()))
                .service(
                    // It takes as long as a fit: not for pages elsewhere to set off.
                    web::resource("/cluster")
                        .wrap(from_fn(trigger))
                        .route(web::get().to(cluster)),
                );
        }
    }

    fn trainer_status(&self) -> std::sync::MutexGuard<'_, TrainerStatus> {
        // Every change is one assignment: a panic leaves a consistent status.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it is kept, `/status` shows a training under way.
struct Running<'a>(&'a Control);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.trainer_status().running = None;
        *self.0.fit() = None;
    }
}

/// The query of `POST /train`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    /// Who requests the training, and why.
    why: Option<String>,
}

/// Answers when the clusters are found.
async fn cluster(control: web::Data<Control>, query: web::Query<cluster::Query>) -> HttpResponse {
    let query = query.into_inner();
    if !query.is_valid() {
        let (least, most, found) = (cluster::LEAST, cluster::MOST, query.k);
        let why = format!("k: expected 0 (the best number), or {least} to {most}; found {found}");
        return error_answer(400, &why);
    }
    let control = control.into_inner();
    let finding = control
        .runtime
        .spawn(Arc::clone(&control).clusters(query.k));
    match finding.await {
        Ok(Ok(report)) => HttpResponse::Ok().json(cluster::to_json(&report)),
        Ok(Err(refusal)) => refusal.answer(),
        Err(_) => error_answer(500, "the clustering stopped: see the log"),
    }
}

/// Answers when the training is over; one whose client has gone continues.
async fn train(control: web::Data<Control>, query: web::Query<Query>) -> HttpResponse {
    let control = control.into_inner();
    let why = query.into_inner().why.filter(|why| !why.is_empty());
    let training = control.runtime.spawn(Arc::clone(&control).train_for(why));
    match training.await {
        Ok(Ok(training)) => HttpResponse::Ok().json(training),
        Ok(Err(refusal)) => refusal.answer(),
        Err(_) => error_answer(500, "the training stopped: see the log"),
    }
}
