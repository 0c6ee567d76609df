//! One process with everything in it: the first thing a newcomer runs.

mod account;
mod stage;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use common::{Layered, Shutdown};
use embedded::{Broker, Postgres, PostgresOptions};
use serde_json::Value;
use sqlx::PgPool;

use account::Account;
use stage::Stages;

/// Listings made before the first training.
const HISTORY: usize = 20_000;
/// Listings made at a time: what the embedded broker holds is bounded, so the loader sets the pace.
const HISTORY_CHUNK: usize = 4_000;
/// Pause between two looks at the services.
const LOOK: Duration = Duration::from_millis(50);

/// What the newcomer may choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Leave once so many requests are answered and stored.
    pub stop_after: Option<u64>,
    /// Give up when `stop_after` is not reached by then.
    pub timeout: Duration,
    /// An outside database instead of the embedded one.
    pub database_url: Option<String>,
    /// An outside broker instead of the embedded one.
    pub kafka: Option<String>,
    /// Further settings, as `--set` gives them.
    pub set: Vec<(String, String)>,
    /// Print the account as it goes on.
    pub live: bool,
}

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Listings and requests made in this run.
    pub produced: u64,
    /// Rows of the table of listings, of all runs.
    pub listings: i64,
    /// Rows of the table of rejects, of all runs.
    pub rejects: i64,
    /// Requests of this run answered.
    pub answered: u64,
    /// Rows of the table of answers, of all runs.
    pub answers: i64,
    /// The model that answers.
    pub model: String,
    /// From the start to the first answered request, in seconds.
    pub first_answer_s: f64,
    /// Median time from request to answer, in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile of it.
    pub p99_ms: f64,
}

impl Summary {
    /// The summary as one JSON object.
    pub fn to_json(&self) -> Value {
        serde_json::json!({
            "produced": self.produced, "listings": self.listings, "rejects": self.rejects,
            "answered": self.answered, "answers": self.answers, "model": self.model,
            "first_answer_s": self.first_answer_s, "p50_ms": self.p50_ms, "p99_ms": self.p99_ms,
        })
    }
}

/// Addresses of the services' HTTP interfaces.
struct Services {
    emulator: SocketAddr,
    loader: SocketAddr,
    applier: SocketAddr,
    client: reqwest::Client,
}

impl Services {
    async fn status(&self, of: SocketAddr) -> anyhow::Result<Value> {
        let url = format!("http://{of}/status");
        Ok(self.client.get(&url).send().await?.json().await?)
    }

    async fn trigger(&self, path: &str) -> anyhow::Result<()> {
        let url = format!("http://{}{path}", self.emulator);
        self.client
            .post(&url)
            .send()
            .await?
            .error_for_status()
            .with_context(|| format!("the emulator did not take {path}"))?;
        Ok(())
    }
}

/// Starts everything and goes on until shutdown or `stop_after`.
///
/// # Errors
/// When a part cannot be started, or `stop_after` is not reached in time.
pub async fn run(options: Options, shutdown: Shutdown) -> anyhow::Result<Summary> {
    let started = Instant::now();
    let stages = Stages::new(started);
    std::fs::create_dir_all(&options.data_dir)
        .with_context(|| format!("cannot make {}", options.data_dir.display()))?;

    let mut overrides = vec![(
        "registry.path".to_owned(),
        options.data_dir.join("models").display().to_string(),
    )];
    let postgres = match &options.database_url {
        Some(url) => {
            overrides.push(("database.url".to_owned(), url.clone()));
            None
        }
        None => {
            let postgres = Postgres::start(PostgresOptions::new(&options.data_dir)).await?;
            stages.done(&format!("database   {}", postgres.origin()));
            stages.note(&format!("psql '{}'", postgres.url()));
            overrides.push(("database.url".to_owned(), postgres.url()));
            Some(postgres)
        }
    };
    let broker = match &options.kafka {
        Some(brokers) => {
            overrides.push(("kafka.brokers".to_owned(), brokers.clone()));
            None
        }
        None => {
            let broker = Broker::start()?;
            overrides.push(("kafka.brokers".to_owned(), broker.address()));
            Some(broker)
        }
    };
    for (key, value) in [
        ("emulator.new_data_every_s", "5"),
        ("emulator.new_data_count", "50"),
        ("emulator.requests_every_s", "1"),
        ("emulator.requests_count", "20"),
        ("emulator.actuals_delay_s", "10"),
        ("loader.batch_ms", "50"),
        // The embedded broker holds a fetch for the whole of this time.
        ("loader.fetch_wait_ms", "5"),
        ("applier.fetch_wait_ms", "1"),
        ("applier.model_poll_ms", "200"),
    ] {
        overrides.push((key.to_owned(), value.to_owned()));
    }
    overrides.extend(options.set.iter().cloned());
    let layered = Layered::load(None, &overrides)?;

    let loader = data_loader::Config::new(&layered)?;
    let applier = model_application::Config::new(&layered)?;
    let emulator = producer_emulator::Config::new(&layered)?;
    let prepare = model_prepare::Config::new(&layered)?;
    if let Some(broker) = &broker {
        for topic in loader.kafka.topics.all() {
            broker.create_topic(topic, loader.kafka.partitions)?;
        }
        stages.done(&format!("broker     embedded, at {}", broker.address()));
        stages.note(&format!("kcat -b {} -C -t answers", broker.address()));
    }

    let leave = Shutdown::new();
    let _leave_on_return = leave.clone().drop_guard();
    let health = common::Health::default();
    let Some(pool) = common::database::connect(&loader.database, &health, &shutdown).await? else {
        return Ok(Summary::default());
    };
    let tables = data_loader::tables(&loader.schema) + &model_application::tables(&loader.schema);
    common::database::make_tables(&pool, &tables).await?;
    if broker.is_some() {
        // This broker starts empty: offsets of an earlier one that had the same id are void.
        if let Some(cluster) = common::kafka::connect(&loader.kafka, &health, &shutdown).await? {
            common::offsets::forget_cluster(&pool, &cluster).await?;
        }
    }

    let (emulator_at, loader_at, applier_at) = (any_port()?, any_port()?, any_port()?);
    let services = Services {
        emulator: emulator_at.local_addr()?,
        loader: loader_at.local_addr()?,
        applier: applier_at.local_addr()?,
        client: reqwest::Client::builder().build()?,
    };
    let schema = loader.schema.clone();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(data_loader::run(loader, loader_at, leave.clone()));
    tasks.spawn(model_application::run(applier, applier_at, leave.clone()));
    tasks.spawn(producer_emulator::run(emulator, emulator_at, leave.clone()));
    stages.done("services   emulator, loader and applier");
    stages.note(&format!("emulator   http://{}/status", services.emulator));
    stages.note(&format!("loader     http://{}/status", services.loader));
    stages.note(&format!(
        "applier    http://{}/status  (POST /predict)",
        services.applier
    ));

    let working = work(
        &options, &services, &pool, &schema, &prepare, &stages, started, &shutdown,
    );
    let result = tokio::select! {
        result = working => result,
        ended = tasks.join_next() => match ended {
            Some(Ok(Err(error))) => Err(error.context("a service broke off")),
            other => Err(anyhow::anyhow!("a service ended by itself: {other:?}")),
        },
    };
    leave.cancel();
    let leaving = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_secs(4), leaving)
        .await
        .is_err()
    {
        tracing::warn!("a service did not leave in time");
    }
    pool.close().await;
    if let Some(postgres) = postgres {
        postgres.stop().await?;
    }
    result
}

fn any_port() -> anyhow::Result<TcpListener> {
    common::http::listen("127.0.0.1:0")
}

#[expect(clippy::too_many_arguments, reason = "the parts of one run, used once")]
async fn work(
    options: &Options,
    services: &Services,
    pool: &PgPool,
    schema: &records::Schema,
    prepare: &model_prepare::Config,
    stages: &Stages,
    started: Instant,
    shutdown: &Shutdown,
) -> anyhow::Result<Summary> {
    let deadline = options.stop_after.map(|_| started + options.timeout);
    let late = || deadline.is_some_and(|deadline| Instant::now() > deadline);
    let mut account = Account::new(options.live, started);

    let stored: i64 = count(pool, &schema.table).await?;
    if stored < HISTORY as i64 / 2 {
        // Paced by the loader: the embedded broker drops what it cannot hold.
        let mut sent = 0_u64;
        while (sent as usize) < HISTORY && !shutdown.is_cancelled() {
            services
                .trigger(&format!("/generate/new_data?count={HISTORY_CHUNK}"))
                .await?;
            sent += HISTORY_CHUNK as u64;
            loop {
                let status = services.status(services.loader).await?;
                if number(&status, "stored") + number(&status, "rejected") >= sent {
                    break;
                }
                if late() {
                    bail!("the loader has not stored the history in time: {status}");
                }
                if shutdown.is_cancelled() {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        let listings = count(pool, &schema.table).await?;
        stages.done(&format!("history    {listings} listings stored"));
    } else {
        stages.done(&format!("history    {stored} listings kept from before"));
    }

    let status = services.status(services.applier).await?;
    if status["model"].as_str().is_none_or(str::is_empty) && !shutdown.is_cancelled() {
        let trained = model_prepare::train_on_database(prepare, pool).await?;
        let report = &trained.report;
        stages.done(&format!(
            "model      {} on {} listings: error {:.1} % (always the median of the city: {:.1} %)",
            trained.version,
            report.rows,
            report.model.mdape * 100.0,
            report.baseline.mdape * 100.0
        ));
    } else {
        stages.done(&format!("model      {} kept from before", status["model"]));
    }
    services.trigger("/start").await?;
    services.trigger("/generate/requests?count=20").await?;

    let mut summary = Summary::default();
    loop {
        let applier = services.status(services.applier).await?;
        let answered = number(&applier, "answered");
        if answered > 0 && summary.first_answer_s == 0.0 {
            summary.first_answer_s = started.elapsed().as_secs_f64();
            stages.done("answers    the first request is answered");
        }
        account.show(services, pool, schema, &applier).await?;
        let enough = options.stop_after.is_some_and(|wanted| answered >= wanted);
        if enough || shutdown.is_cancelled() {
            account.end();
            services.trigger("/stop").await?;
            settle(services).await?;
            return finish(services, pool, schema, summary).await;
        }
        if late() {
            bail!(
                "{answered} of {} requests were answered within {} s; the applier says: {applier}",
                options.stop_after.unwrap_or_default(),
                options.timeout.as_secs()
            );
        }
        tokio::time::sleep(LOOK * 4).await;
    }
}

/// Waits, within a bound, until everything sent has been stored, answered or rejected.
async fn settle(services: &Services) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let emulator = services.status(services.emulator).await?;
        let loader = services.status(services.loader).await?;
        let applier = services.status(services.applier).await?;
        let done = number(&loader, "stored")
            + number(&loader, "rejected")
            + number(&applier, "answered")
            + number(&applier, "rejected");
        if done >= number(&emulator, "new_data_sent") + number(&emulator, "requests_sent") {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

async fn finish(
    services: &Services,
    pool: &PgPool,
    schema: &records::Schema,
    mut summary: Summary,
) -> anyhow::Result<Summary> {
    let emulator = services.status(services.emulator).await?;
    let loader = services.status(services.loader).await?;
    let applier = services.status(services.applier).await?;
    summary.produced = number(&emulator, "new_data_sent") + number(&emulator, "requests_sent");
    summary.answered = number(&applier, "answered");
    summary.model = applier["model"].as_str().unwrap_or_default().to_owned();
    summary.p50_ms = applier["p50_ms"].as_f64().unwrap_or_default();
    summary.p99_ms = applier["p99_ms"].as_f64().unwrap_or_default();
    summary.listings = count(pool, &schema.table).await?;
    summary.rejects = count(pool, "rejects").await?;
    summary.answers = count(pool, "answers").await?;
    let accounted = number(&loader, "stored")
        + number(&loader, "rejected")
        + summary.answered
        + number(&applier, "rejected");
    anyhow::ensure!(
        accounted == summary.produced,
        "{} messages were produced, but {accounted} were stored, answered or rejected",
        summary.produced
    );
    Ok(summary)
}

fn number(status: &Value, name: &str) -> u64 {
    status[name].as_u64().unwrap_or_default()
}

/// Rows of a table of ours.
async fn count(pool: &PgPool, table: &str) -> anyhow::Result<i64> {
    let sql = format!("SELECT count(*) FROM {table}");
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_one(pool)
        .await?)
}
