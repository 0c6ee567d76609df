//! What the HTTP interface steers and shows: one training at a time, and how the last ones went.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use actix_web::{HttpResponse, web};
use common::http::{Status, error_answer};
use serde::Serialize;
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

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
    /// When the schedule comes next.
    next_run: Option<String>,
    trainings: u64,
    failures: u64,
    /// The last one that saved a version.
    last_training: Option<Training>,
    /// The last failure; gone when a training has succeeded since.
    last_error: Option<Failure>,
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
    finished_at: String,
    seconds: f64,
    rows: usize,
    rows_rejected: usize,
    /// Rows not learned from, by rule.
    removed: BTreeMap<String, usize>,
    mdape: f64,
    baseline_mdape: f64,
    coverage: f64,
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

    pub(crate) fn connected(&self, pool: PgPool) {
        // It is connected once: a second pool would change nothing.
        let _ = self.pool.set(pool);
    }

    pub(crate) fn next_run(&self, at: Option<String>) {
        self.account().next_run = at;
    }

    /// Trains once, unless another training runs; says how it went in the log too.
    pub(crate) async fn train(self: Arc<Self>) -> Result<Training, Refusal> {
        let Ok(_turn) = Arc::clone(&self.turn).try_acquire_owned() else {
            return Err(Refusal::Busy);
        };
        let Some(pool) = self.pool.get() else {
            return Err(Refusal::NoDatabase);
        };
        let started = Instant::now();
        let result = crate::train_on_database(&self.config, pool).await;
        let now = records::timestamp::format(records::timestamp::now_us());
        let mut account = self.account();
        account.trainings += 1;
        match result {
            Ok(trained) => {
                let training = Training::of(&trained, now, started.elapsed().as_secs_f64());
                tracing::info!(
                    version = training.version,
                    "saved {} on {} listings: error {:.2} % ({}: {:.2} %)",
                    training.version,
                    training.rows,
                    training.mdape * 100.0,
                    trained.report.baseline_name,
                    training.baseline_mdape * 100.0
                );
                account.last_training = Some(training.clone());
                account.last_error = None;
                Ok(training)
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!("the training failed: {error}");
                account.failures += 1;
                account.last_error = Some(Failure {
                    at: now,
                    error: error.clone(),
                });
                Err(Refusal::Failed(error))
            }
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

impl Training {
    fn of(trained: &Trained, finished_at: String, seconds: f64) -> Training {
        let report = &trained.report;
        Training {
            version: trained.name(),
            path: trained
                .saved
                .as_ref()
                .map_or_else(String::new, |own| own.path.display().to_string()),
            run: trained.run.clone(),
            promoted: trained.decision.as_ref().is_some_and(|own| own.1),
            verdict: trained.decision.as_ref().map(|own| own.0.said.clone()),
            finished_at,
            seconds,
            rows: report.rows,
            rows_rejected: trained.rows_rejected,
            removed: report.removed.clone(),
            mdape: report.model.mdape,
            baseline_mdape: report.baseline.mdape,
            coverage: report.coverage,
        }
    }
}

/// Answers when the training is over; one whose client has gone goes on.
async fn train(control: web::Data<Control>) -> HttpResponse {
    let control = control.into_inner();
    let training = control.runtime.spawn(Arc::clone(&control).train());
    match training.await {
        Ok(Ok(training)) => HttpResponse::Ok().json(training),
        Ok(Err(Refusal::Busy)) => error_answer(
            409,
            "a training is running: wait until /status says \"training\": false",
        ),
        Ok(Err(Refusal::NoDatabase)) => error_answer(
            503,
            "the database has not answered yet: /health/ready says what is waited for",
        ),
        Ok(Err(Refusal::Failed(error))) => error_answer(500, &error),
        Err(_) => error_answer(500, "the training broke off: see the log"),
    }
}
