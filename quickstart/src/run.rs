//! One run: start everything, go on, leave in order.

use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use common::Shutdown;
use common::database::within;
use sqlx::PgPool;
use tokio::time::Instant;

use crate::account::Account;
use crate::bounds::Bounds;
use crate::first_model;
use crate::history::{self, count};
use crate::options::Options;
use crate::own_data::store::Store;
use crate::own_data::stream::Stream;
use crate::own_data::{self, Prepared};
use crate::screen::Screen;
use crate::servers::Servers;
use crate::services::{LOOK, Services, Source, Statuses, Tasks, listen, number};
use crate::settings::Settings;
use crate::summary::Summary;

/// Requests sent at once when a model is there; the schedule follows.
const FIRST_REQUESTS: u64 = 20;
/// Pause between two looks while requests are answered.
const PAUSE: Duration = Duration::from_millis(200);
/// Longest wait for what is on its way: when enough is answered, and when told to leave.
const SETTLE: Duration = Duration::from_secs(5);
const SETTLE_LEAVING: Duration = Duration::from_secs(1);
/// Longest the services may take to leave.
const LEAVE: Duration = Duration::from_millis(2_500);
/// Leaving takes no longer than this in all.
const LEAVE_ALL: Duration = Duration::from_millis(4_500);
/// The least that stopping the database gets.
const LEAVE_DATABASE: Duration = Duration::from_millis(800);

/// Stands in for an address until the servers are there, so that settings can be checked first.
pub(crate) const NO_DATABASE: &str = "postgres://localhost/none";
pub(crate) const NO_BROKER: &str = "127.0.0.1:1";

/// All of it at work; boxed, as [`common::Service`].
pub type Running = Pin<Box<dyn Future<Output = anyhow::Result<Summary>> + Send>>;

/// Starts everything and goes on until shutdown or `stop_after`. A shutdown is no error, unless it
/// comes before `stop_after` is reached.
///
/// # Errors
/// When a part cannot be started, or `stop_after` is not reached in time.
pub fn run(options: Options, shutdown: Shutdown) -> Running {
    Box::pin(work(options, shutdown))
}

async fn work(mut options: Options, shutdown: Shutdown) -> anyhow::Result<Summary> {
    options.check()?;
    let started = Instant::now();
    let screen = Screen::new(&options, started);
    let bounds = Bounds::new(&options, started, shutdown);
    // What is wrong with the settings is told before anything else.
    let mut settings = Settings::load(&options, NO_DATABASE, NO_BROKER)?;
    let data_dir = options.data_dir.display();
    std::fs::create_dir_all(&options.data_dir)
        .with_context(|| format!("cannot create --data-dir {data_dir}; name another directory"))?;

    // What a person looks for first: a browser that asks early waits until somebody answers there.
    let for_applier = listen(&options, "applier.http")?;
    screen.line(&format!("open http://{}/", for_applier.local_addr()?));
    let prepared = match options.data.clone() {
        Some(data) => {
            bounds.wait_for("the file to be read");
            let mut own = options.clone();
            // Reading a file blocks.
            let preparing = tokio::task::spawn_blocking(move || {
                let prepared = own_data::prepare(&data, &mut own)?;
                anyhow::Ok((own, prepared))
            });
            let preparing = async { preparing.await.context("the file was not read")? };
            let Some((own, prepared)) = bounds.hold(preparing).await? else {
                return not_reached(&options, Summary::default());
            };
            options = own;
            Some(prepared)
        }
        None => None,
    };
    if let Some(prepared) = &prepared {
        settings = Settings::load(&options, NO_DATABASE, NO_BROKER)?;
        prepared.show(&options, &screen);
        prepared.check_rows(settings.prepare.prepare.min_rows)?;
    }

    bounds.wait_for("the embedded servers to start");
    let starting = Servers::start(&options, &settings, &screen);
    let Some(servers) = bounds.hold(starting).await? else {
        return not_reached(&options, Summary::default());
    };
    let data = prepared.as_ref();
    let result = on_servers(&options, data, for_applier, &servers, &bounds, &screen).await;
    drop(screen);
    let limit = result.as_ref().map_or(LEAVE_DATABASE, |(_, leaving)| {
        LEAVE_ALL
            .saturating_sub(leaving.elapsed())
            .max(LEAVE_DATABASE)
    });
    servers.stop(limit).await?;
    let (summary, _) = result?;
    not_reached(&options, summary)
}

/// Being told to leave before `--stop-after` is reached is a failure for whoever waits for it.
fn not_reached(options: &Options, summary: Summary) -> anyhow::Result<Summary> {
    match options.stop_after {
        Some(wanted) if summary.answered < wanted => bail!(
            "stopped after {} of {wanted} requests were answered",
            summary.answered
        ),
        _ => Ok(summary),
    }
}

/// The run once the servers are there; with the summary, when leaving began.
async fn on_servers(
    options: &Options,
    data: Option<&Prepared>,
    for_applier: TcpListener,
    servers: &Servers,
    bounds: &Bounds,
    screen: &Arc<Screen>,
) -> anyhow::Result<(Summary, Instant)> {
    let mut settings = Settings::load(options, &servers.database_url, &servers.brokers)?;
    let Some(pool) = bounds
        .hold(open(servers, &settings, bounds, screen))
        .await?
    else {
        return Ok((Summary::default(), Instant::now()));
    };
    let Some(pool) = pool else {
        return Ok((Summary::default(), Instant::now()));
    };
    let schema = Arc::clone(&settings.loader.schema);
    let mut prepare = settings.prepare.clone();
    if options.setting("prepare.threads").is_none() {
        // Somebody waits for the first model; the later ones share the cores with who answers.
        prepare.prepare.threads = 0;
    }
    let account = Account::new(options.live, screen, &pool, &schema).await?;
    let stream = data.map(|data| {
        // Whoever has a file of their own wants the least error in the end.
        settings.prepare = settings.prepare_in_full.clone();
        let config = producer_emulator::replay::Config {
            schema: (*schema).clone(),
            kafka: settings.loader.kafka.clone(),
        };
        Stream::new(config, data.file.clone())
    });
    let (services, mut tasks) = Services::start(options, settings, for_applier, stream, screen)?;
    match services.source {
        Source::Emulator(emulator) => {
            screen.done("services", "emulator, loader, applier and training");
            screen.note(&format!("emulator  http://{emulator}/status"));
        }
        Source::File(_) => screen.done("services", "loader, applier and training"),
    }
    screen.note(&format!("loader    http://{}/status", services.loader));
    screen.note(&format!("applier   http://{}/status", services.applier));
    screen.note(&format!("training  http://{}/status", services.prepare));
    screen.note(&format!(
        "prices    POST http://{}/predict",
        services.applier
    ));

    let mut running = Run {
        options,
        data,
        servers,
        bounds,
        screen,
        services,
        pool,
        schema,
        prepare,
        account,
        summary: Summary::default(),
    };
    let result = running.guarded(&mut tasks).await;
    let leaving = Instant::now();
    let result = match result {
        Ok(()) => running.finish().await,
        Err(error) => Err(error),
    };
    screen.draw(&[]);
    tasks.leave(LEAVE).await;
    // Connections of a service that is late would hold it up.
    let closed = tokio::time::timeout(Duration::from_millis(300), running.pool.close()).await;
    if closed.is_err() {
        tracing::debug!("connections to the database were still in use");
    }
    result.map(|summary| (summary, leaving))
}

/// Connects to both servers and makes the tables; `None` when told to leave.
async fn open(
    servers: &Servers,
    settings: &Settings,
    bounds: &Bounds,
    screen: &Screen,
) -> anyhow::Result<Option<PgPool>> {
    let (health, shutdown) = (&bounds.health, bounds.shutdown());
    let loader = &settings.loader;
    bounds.wait_for("the database to answer");
    let tables = data_loader::tables(&loader.schema);
    let opened = common::database::open(&loader.database, &tables, health, shutdown).await?;
    let Some(pool) = opened else {
        return Ok(None);
    };
    if !servers.has_own_database() {
        let options = pool.connect_options();
        let place = format!("yours, at {}:{}", options.get_host(), options.get_port());
        screen.done("database", &place);
    }
    bounds.wait_for("Kafka to answer");
    let topics = loader.kafka.topics.all();
    let opened = common::kafka::open(&loader.kafka, &topics, health, shutdown).await?;
    let Some(cluster) = opened else {
        return Ok(None);
    };
    if servers.has_own_broker() {
        // This broker starts empty: offsets of an earlier one that had the same id are void.
        let deadline = loader.database.deadline();
        within(&pool, deadline, async |connection| {
            ledger::offsets::forget_cluster(connection, &cluster).await
        })
        .await?;
    } else {
        if !servers.has_apache() {
            screen.done("broker", &format!("yours, at {}", servers.brokers));
        }
        let answers = &loader.kafka.topics.answers;
        screen.note(&format!("kcat -b {} -C -t {answers}", servers.brokers));
    }
    Ok(Some(pool))
}

/// The parts of a run once the services are started.
struct Run<'a> {
    options: &'a Options,
    data: Option<&'a Prepared>,
    servers: &'a Servers,
    bounds: &'a Bounds,
    screen: &'a Screen,
    services: Services,
    pool: PgPool,
    schema: Arc<records::Schema>,
    prepare: model_prepare::Config,
    account: Account,
    summary: Summary,
}

impl Run<'_> {
    /// Works until enough is answered or it is told to leave.
    async fn guarded(&mut self, tasks: &mut Tasks) -> anyhow::Result<()> {
        let bounds = self.bounds;
        let working = bounds.hold(self.work());
        tokio::select! {
            worked = working => worked.map(|_| ()),
            broken = tasks.broken() => Err(broken),
        }
    }

    async fn work(&mut self) -> anyhow::Result<()> {
        let (services, pool, bounds, screen) =
            (&self.services, &self.pool, self.bounds, self.screen);
        let (listings, table) = (self.account.listings_before(), &self.schema.table);
        match &services.source {
            Source::Emulator(_) => {
                history::ensure(listings, services, pool, table, bounds, screen).await?;
            }
            Source::File(stream) => {
                let store = Store {
                    stream,
                    services,
                    pool,
                    table,
                    data_dir: &self.options.data_dir,
                    listings,
                    is_own_database: self.servers.has_own_database(),
                };
                store.ensure(bounds, screen).await?;
            }
        }
        first_model::ensure(&self.prepare, services, pool, bounds, screen).await?;
        while let Some(waiting) = services.statuses().await.waiting_for() {
            bounds.wait_for(waiting);
            tokio::time::sleep(LOOK).await;
        }
        match &services.source {
            Source::Emulator(_) => {
                services.trigger("/start").await;
                services.train_on_arrivals();
                services
                    .trigger(&format!("/generate/requests?count={FIRST_REQUESTS}"))
                    .await;
            }
            Source::File(stream) => {
                services.train_on_arrivals();
                services.train_in_full();
                stream.begin();
                screen.done("stream", "20 held-out listings per second are requested");
                let example = self.data.and_then(|data| data.example(services.applier));
                if let Some(example) = example {
                    screen.note(&example);
                }
            }
        }
        let mut is_streaming = true;
        self.account.begin(screen);
        loop {
            // Before the counts, which then have all of them.
            let all_requests = match &services.source {
                Source::Emulator(_) => None,
                Source::File(stream) => stream.all_requests(),
            };
            let statuses = services.statuses().await;
            let answered = number(&statuses.applier, "answered");
            if answered > 0 && self.summary.first_answer_s == 0.0 {
                self.summary.first_answer_s = screen.elapsed_s();
                screen.done("answers", "the first request is answered");
            }
            self.account.show(&statuses, pool, screen).await;
            let wanted = self.options.stop_after;
            if wanted.is_some_and(|wanted| answered >= wanted) {
                return Ok(());
            }
            if let Source::File(stream) = &services.source {
                if let Some(error) = stream.error() {
                    bail!("{error}");
                }
                if is_streaming
                    && let Some(sent) = all_requests
                    && statuses.accounted() >= statuses.produced()
                {
                    is_streaming = false;
                    if let Some(wanted) = wanted {
                        bail!(
                            "--stop-after {wanted}: only {answered} of the {sent} held-out listings were \
                             answered, and there are no more; give a smaller number"
                        );
                    }
                    let all = "all held-out listings are answered; prices over HTTP continue";
                    screen.done("stream", all);
                }
            }
            let first = self.summary.first_answer_s == 0.0;
            bounds.wait_for(format!(
                "{} requests to be answered, {answered} are; the applier reports: {}",
                wanted.unwrap_or_default(),
                statuses.applier
            ));
            tokio::time::sleep(if first { LOOK } else { PAUSE }).await;
        }
    }

    /// Stops the emulator, waits for what is on its way, and counts.
    async fn finish(&mut self) -> anyhow::Result<Summary> {
        let services = &self.services;
        let limit = if self.bounds.is_leaving() {
            SETTLE_LEAVING
        } else {
            SETTLE
        };
        let mut last = None;
        let settling = async {
            match &services.source {
                Source::Emulator(_) => services.trigger("/stop").await,
                Source::File(stream) => stream.stop(),
            }
            let mut produced = None;
            loop {
                let statuses = services.statuses().await;
                // A batch that had begun goes on: what is made must have come to rest too.
                let is_at_rest = produced == Some(statuses.produced());
                produced = Some(statuses.produced());
                let is_settled = is_at_rest && statuses.accounted() >= statuses.produced();
                last = Some(statuses);
                if is_settled {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        // A service that does not answer does not keep it from leaving.
        let is_settled = tokio::time::timeout(limit, settling).await.is_ok();
        let statuses = match last {
            Some(statuses) => statuses,
            None => {
                self.screen
                    .note("no service answered while stopping: the final counts are unknown");
                Statuses::default()
            }
        };
        tracing::debug!(is_settled, "stopped with messages in flight");
        let (applier, summary) = (&statuses.applier, &mut self.summary);
        summary.produced = statuses.produced();
        summary.accounted = statuses.accounted();
        summary.answered = number(applier, "answered");
        summary.model = applier["model"].as_str().unwrap_or_default().to_owned();
        summary.holdout_mdape = applier["holdout_mdape"].as_f64();
        summary.trainings = number(&statuses.prepare, "trainings");
        summary.promotions = number(&statuses.prepare, "promotions");
        summary.p50_ms = applier["p50_ms"].as_f64().unwrap_or_default();
        summary.p99_ms = applier["p99_ms"].as_f64().unwrap_or_default();
        summary.listings = count(&self.pool, &self.schema.table).await?;
        summary.rejects = count(&self.pool, "rejects").await?;
        summary.answers = count(&self.pool, "answers").await?;
        // What an outside broker holds is read at the next start.
        ensure!(
            self.bounds.is_leaving() || !self.servers.has_own_broker() || summary.in_flight() == 0,
            "{} messages were produced, but only {} were stored, answered or rejected",
            summary.produced,
            summary.accounted
        );
        Ok(summary.clone())
    }
}
