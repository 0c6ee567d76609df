//! What the HTTP interface steers and shows: one training at a time, and how the last ones went.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use common::Metric;
use common::http::{Status, error_answer};
use common::liveness::LivenessConfig;
use records::Schema;
use registry::RegistryConfig;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::live::Live;
use crate::setback::{Compared, Found};
use crate::turn::Elsewhere;
use crate::watch::WatchConfig;
use crate::{Config, Trained};

/// Shared between the schedule and the HTTP interface.
pub(crate) struct Control {
    config: Config,
    /// Trainings run here: the HTTP server's threads end before they do.
    runtime: Handle,
    /// Empty until the database answers.
    pool: OnceLock<PgPool>,
    /// Held by the training that runs; a panic gives it back.
    turn: Arc<Semaphore>,
    account: Mutex<Account>,
}

/// How the trainings went.
#[derive(Debug, Default, Clone, Serialize)]
struct Account {
    schedule: Option<String>,
    /// What is waited for; none where trainings come by schedule and on demand alone.
    watch: Option<Watch>,
    /// When the schedule comes next.
    next_run: Option<String>,
    trainings: u64,
    failures: u64,
    /// The last one that saved a version.
    last_training: Option<Training>,
    /// The last failure; gone when a training has succeeded since.
    last_error: Option<Failure>,
    /// How many since the last success: the more, the longer the wait.
    failures_in_a_row: u32,
    /// The training that runs; none where none does.
    running: Option<Running>,
    /// Versions that became the champion.
    promotions: u64,
    /// Champions that were rolled back as they answered worse than the one before.
    rollbacks: u64,
    last_rollback: Option<Rollback>,
    /// When the last training began, whoever asked for it.
    #[serde(skip)]
    began: Option<Instant>,
    /// When it ended.
    #[serde(skip)]
    ended: Option<Instant>,
    /// When the live error was looked at last.
    #[serde(skip)]
    live_looked: Option<Instant>,
    /// The champion whose live error a training has been started for.
    #[serde(skip)]
    live_trained_for: Option<u64>,
    /// Listings that had been stored when the last successful training began.
    #[serde(skip)]
    learned: Option<u64>,
}

/// What a watch waits for.
#[derive(Debug, Default, Clone, Serialize)]
struct Watch {
    /// Listings that make a training worth it; 0: none do.
    new_rows_wanted: u64,
    /// Listings stored since the last.
    new_rows: u64,
    /// Seconds until a training that failed is tried again.
    retry_in_s: Option<f64>,
    /// The champion's median error where it answers, as far as it is known.
    live_mdape: Option<f64>,
    /// Beyond it a training is started, once a champion.
    live_mdape_bound: Option<f64>,
    /// The champion's answers beside those of the one before it.
    live_compared: Option<Compared>,
}

/// A training under way.
#[derive(Debug, Clone, Serialize)]
struct Running {
    since: String,
    /// `features`, `fitting` (which reads, saves and judges too), or `tidying`.
    stage: &'static str,
    /// Who asked for it and why; none where the schedule or the watch did.
    why: Option<String>,
    /// How long the last one took.
    last_seconds: Option<f64>,
}

/// A champion that was rolled back.
#[derive(Debug, Clone, Serialize)]
struct Rollback {
    at: String,
    /// The champion since.
    to: String,
    why: String,
}

/// A training that saved a version.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Training {
    version: String,
    path: String,
    /// Id of its run.
    run: String,
    promoted: bool,
    /// Why, or why not.
    verdict: Option<String>,
    /// Who asked for it and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    finished_at: String,
    seconds: f64,
    rows: usize,
    rows_rejected: usize,
    /// Rows not learned from, by rule.
    removed: BTreeMap<String, usize>,
    /// Of prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    mdape: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_mdape: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<f64>,
    /// Of a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    auc: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_log_loss: Option<f64>,
    /// Of a clustering.
    #[serde(skip_serializing_if = "Option::is_none")]
    clusters: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silhouette: Option<f64>,
}

#[derive(Debug, Clone, Serialize)]
struct Failure {
    at: String,
    error: String,
}

/// Why there is no new version.
#[derive(Debug)]
pub(crate) enum Refusal {
    Busy,
    /// Another program has the turn; what it said.
    Elsewhere(String),
    NoDatabase,
    Failed(String),
}

impl Control {
    pub(crate) fn new(config: Config, schedule: Option<String>) -> Control {
        Control {
            config,
            runtime: Handle::current(),
            pool: OnceLock::new(),
            turn: Arc::new(Semaphore::new(1)),
            account: Mutex::new(Account {
                schedule,
                ..Account::default()
            }),
        }
    }

    /// From now on listings that arrive are waited for.
    pub(crate) fn watches(&self) {
        self.account().watch = Some(Watch {
            new_rows_wanted: self.config.prepare.watch.new_rows,
            ..Watch::default()
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
        self.account().learned
    }

    pub(crate) fn set_learned(&self, stored: u64) {
        self.account().learned = Some(stored);
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
        let mut account = self.account();
        let is_rested = account.live_looked.is_none_or(|at| at.elapsed() >= pause);
        if is_rested {
            account.live_looked = Some(Instant::now());
        }
        is_rested
    }

    /// Whether the last training failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.account().failures_in_a_row > 0
    }

    /// Notes how the champion answers beside the one before it; says whether that one is back.
    pub(crate) fn compared(&self, found: &Found) -> bool {
        let mut account = self.account();
        if let Some(watch) = &mut account.watch {
            watch.live_compared = Some(found.compared);
        }
        let Some((back, why)) = &found.rolled_back else {
            return false;
        };
        tracing::warn!("rolled back to {back}: {why}");
        metrics::counter!(Metric::PrepareRollbacks.name()).increment(1);
        account.rollbacks += 1;
        account.last_rollback = Some(Rollback {
            at: records::timestamp::format(records::timestamp::now_us()),
            to: back.to_string(),
            why: why.clone(),
        });
        true
    }

    /// Whether a champion's live error is beyond the bound, and nothing has been started for it yet.
    pub(crate) fn is_too_far_off(&self, live: &Live) -> bool {
        let bound = live.holdout * self.watch_settings().live_error_factor;
        let mut account = self.account();
        if let Some(watch) = &mut account.watch {
            watch.live_mdape = Some(live.mdape);
            watch.live_mdape_bound = Some(bound);
        }
        if live.mdape <= bound || account.live_trained_for == Some(live.champion) {
            return false;
        }
        account.live_trained_for = Some(live.champion);
        true
    }

    /// Whether it is time to train, with so many new listings.
    pub(crate) fn is_due(&self, new_rows: u64) -> bool {
        let settings = &self.config.prepare.watch;
        let mut account = self.account();
        let failures = account.failures_in_a_row;
        let retry_in = (failures > 0).then(|| {
            let waited = account.ended.map_or(Duration::MAX, |ended| ended.elapsed());
            settings.pause_after(failures).saturating_sub(waited)
        });
        let rested = account
            .began
            .is_none_or(|began| began.elapsed() >= Duration::from_secs(settings.pause_s));
        if let Some(watch) = &mut account.watch {
            watch.new_rows = new_rows;
            watch.retry_in_s = retry_in.map(|own| own.as_secs_f64());
        }
        metrics::gauge!(Metric::PrepareNewRows.name()).set(new_rows as f64);
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
        self.account().next_run = at;
    }

    /// Trains once, unless another training runs; says how it went in the log too.
    pub(crate) async fn train(self: Arc<Self>) -> Result<Training, Refusal> {
        self.train_for(None).await
    }

    /// The same for somebody who says why, which the version keeps as a tag.
    async fn train_for(self: Arc<Self>, why: Option<String>) -> Result<Training, Refusal> {
        let Ok(_turn) = Arc::clone(&self.turn).try_acquire_owned() else {
            return Err(Refusal::Busy);
        };
        let Some(pool) = self.pool.get() else {
            return Err(Refusal::NoDatabase);
        };
        if let Some(why) = &why {
            tracing::info!(why, "a training is asked for: {why}");
        }
        let started = Instant::now();
        let stage = |stage| {
            let mut account = self.account();
            let last = account.last_training.as_ref().map(|own| own.seconds);
            let running = account.running.get_or_insert_with(|| Running {
                since: records::timestamp::format(records::timestamp::now_us()),
                stage,
                why: why.clone(),
                last_seconds: last,
            });
            running.stage = stage;
        };
        stage("features");
        // Gone however it ends.
        let _ended = Ended(&self);
        // What arrives while it reads may be learned from and count as new all the same.
        let stored = crate::watch::arrived(pool, self.table()).await.ok();
        let result = match crate::features::refresh(&self.config).await {
            Ok(()) => {
                stage("fitting");
                crate::train_on_database(&self.config, pool).await
            }
            Err(error) => Err(error),
        };
        if let Ok(trained) = &result {
            stage("tidying");
            self.note(trained, why.clone()).await;
            self.tidy().await;
        }
        let now = records::timestamp::format(records::timestamp::now_us());
        let mut account = self.account();
        account.began = Some(started);
        account.ended = Some(Instant::now());
        if let Err(error) = &result
            && error.is::<Elsewhere>()
        {
            return Err(Refusal::Elsewhere(error.to_string()));
        }
        account.trainings += 1;
        metrics::counter!(Metric::PrepareTrainings.name()).increment(1);
        metrics::histogram!(Metric::PrepareTrainingSeconds.name())
            .record(started.elapsed().as_secs_f64());
        match result {
            Ok(trained) => {
                let mut training = Training::of(&trained, now, started.elapsed().as_secs_f64());
                training.why = why;
                tracing::info!(
                    version = training.version,
                    "saved {} on {} records: {}",
                    training.version,
                    training.rows,
                    trained.found.told()
                );
                if let Some(told) = &training.verdict {
                    let became = match training.promoted {
                        true => "promoted",
                        false => "kept as challenger",
                    };
                    tracing::info!("{} is {became}: {told}", training.version);
                }
                if training.promoted {
                    account.promotions += 1;
                    metrics::counter!(Metric::PreparePromotions.name()).increment(1);
                }
                account.last_training = Some(training.clone());
                account.last_error = None;
                account.failures_in_a_row = 0;
                account.learned = stored.or(account.learned);
                Ok(training)
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!("the training failed: {error}");
                account.failures += 1;
                account.failures_in_a_row = account.failures_in_a_row.saturating_add(1);
                metrics::counter!(Metric::PrepareFailures.name()).increment(1);
                account.last_error = Some(Failure {
                    at: now,
                    error: error.clone(),
                });
                Err(Refusal::Failed(error))
            }
        }
    }

    /// Keeps with a version who asked for it and why.
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
            Ok(Err(error)) => tracing::warn!("{version} does not keep who asked for it: {error}"),
            Err(error) => tracing::warn!("{version} does not keep who asked for it: {error}"),
        }
    }

    /// Takes old versions away, where a watch makes one after the other.
    async fn tidy(&self) {
        let keep = self.config.prepare.watch.keep_versions;
        if keep == 0 || self.account().watch.is_none() {
            return;
        }
        let config = self.config.registry.clone();
        let tidying =
            tokio::task::spawn_blocking(move || crate::gc(&*registry::open(&config)?, keep, false));
        match tidying.await {
            Ok(Ok(shown)) => tracing::debug!("{}", shown.text),
            Ok(Err(error)) => tracing::warn!("old versions stay: {error:#}"),
            Err(error) => tracing::warn!("old versions stay: {error}"),
        }
    }

    /// Waits for the training that runs.
    pub(crate) async fn idle(&self) {
        // It is never closed: an error cannot be.
        let _ = self.turn.acquire().await;
    }

    pub(crate) fn status(self: &Arc<Self>) -> Status {
        let control = Arc::clone(self);
        Arc::new(move || {
            let mut status = serde_json::json!(*control.account());
            status["service"] = "model-prepare".into();
            status["training"] = (control.turn.available_permits() == 0).into();
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
                .route("/train", web::post().to(train));
        }
    }

    fn account(&self) -> std::sync::MutexGuard<'_, Account> {
        // Every change is one assignment: a panic leaves a whole account.
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped, no training runs.
struct Ended<'a>(&'a Control);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.account().running = None;
    }
}

impl Training {
    fn of(trained: &Trained, finished_at: String, seconds: f64) -> Training {
        let found = &trained.found;
        let (price, class) = (found.price(), found.class());
        Training {
            version: trained.name(),
            path: trained
                .saved
                .as_ref()
                .map_or_else(String::new, |own| own.path.display().to_string()),
            run: trained.run.clone(),
            promoted: trained.decision.as_ref().is_some_and(|own| own.1),
            verdict: trained.decision.as_ref().map(|own| own.0.said.clone()),
            why: None,
            finished_at,
            seconds,
            rows: found.rows(),
            rows_rejected: trained.rows_rejected,
            removed: found.removed(),
            mdape: price.map(|own| own.model.mdape),
            baseline_mdape: price.map(|own| own.baseline.mdape),
            coverage: price.map(|own| own.coverage),
            auc: class.map(|own| own.model.auc.value),
            log_loss: class.map(|own| own.model.log_loss),
            baseline_log_loss: class.map(|own| own.baseline.log_loss),
            clusters: found.clusters().map(|own| own.clusters),
            silhouette: found.clusters().map(|own| own.silhouette),
        }
    }
}

/// What may stand behind `/train?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    /// Who asks, and why.
    why: Option<String>,
}

/// Answers when the training is over; one whose client has gone goes on.
async fn train(control: web::Data<Control>, query: web::Query<Query>) -> HttpResponse {
    let control = control.into_inner();
    let why = query.into_inner().why.filter(|why| !why.is_empty());
    let training = control.runtime.spawn(Arc::clone(&control).train_for(why));
    match training.await {
        Ok(Ok(training)) => HttpResponse::Ok().json(training),
        Ok(Err(Refusal::Busy)) => error_answer(
            409,
            "a training is running: wait until /status says \"training\": false",
        ),
        Ok(Err(Refusal::Elsewhere(error))) => error_answer(409, &error),
        Ok(Err(Refusal::NoDatabase)) => error_answer(
            503,
            "the database has not answered yet: /health/ready says what is waited for",
        ),
        Ok(Err(Refusal::Failed(error))) => error_answer(500, &error),
        Err(_) => error_answer(500, "the training broke off: see the log"),
    }
}
