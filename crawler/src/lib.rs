//! Listings from web pages onto the topic `new_data`: politely, and only from hosts that a user names and
//! confirms.
//!
//! Each host has a lane: one request at a time, with a pause between two. What is known of each page is in
//! PostgreSQL (the frontier), so that a crawler that was killed continues where it was.

mod address;
mod backoff;
mod charset;
mod check;
mod config;
mod control;
pub mod extract;
pub mod fetch;
pub mod frontier;
mod lane;
pub mod metrics;
mod page_url;
pub mod pages;
mod permission;
pub mod personal;
mod publish;
mod retry;
mod robots;
mod shared;
mod sitemap;
mod unpack;
mod visit;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context;
use common::schedule::Schedule;
use common::{Fault, Health, Service, Shutdown, database, http, kafka};
use sqlx::PgPool;
use tokio::task::JoinSet;

pub use address::{Guard, is_public};
pub use config::{Config, CrawlerConfig};
pub use control::Control;
pub use permission::{Permission, ROBOTS_NAME, Site};

use crate::metrics::HOSTS;
use extract::Reader;
use fetch::Fetcher;
use frontier::{Frontier, FrontierError};
use lane::Lane;
use publish::Publisher;
use shared::Shared;

/// Crawls when asked to, until shutdown; `listener` serves the HTTP interface.
///
/// # Errors
/// When nothing may be crawled, a setting is wrong, or something fails that waiting does not fix.
pub fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> Service {
    Box::pin(work(config, listener, shutdown))
}

async fn work(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let permission = Permission::of(&config.crawler)?;
    let reader = Arc::new(Reader::new(&config.schema)?);
    config.kafka.check()?;
    common::telemetry::declare(metrics::ALL);
    let health = Health::needing(&["database", "kafka"]);
    let shutdown = http::drained(&config.http, &health, &shutdown);
    // A service that ends takes its HTTP interface with it.
    let leave = shutdown.child_token();
    let _leave_on_return = leave.clone().drop_guard();
    let control = Arc::new(Control::default());
    let server = tokio::spawn(http::serve(
        config.http.clone(),
        listener,
        health.clone(),
        control.status(),
        control.routes(),
        leave.clone(),
    ));
    let Some(pool) = open(&config, &health, &shutdown).await? else {
        return Ok(());
    };
    let topic = config.kafka.topics.new_data.clone();
    if kafka::open(&config.kafka, &[&topic], &health, &shutdown)
        .await?
        .is_none()
    {
        return Ok(());
    }
    let guard = Guard {
        allow_private: config.crawler.allow_private_addresses,
    };
    let frontier = Frontier::new(pool, &health, &config.liveness, shutdown.clone());
    let shared = Arc::new(Shared {
        fetcher: Fetcher::new(&permission.user_agent, guard, config.crawler.timeout())?,
        permission,
        frontier: frontier.clone(),
        reader,
        control: Arc::clone(&control),
        leave: shutdown.clone(),
        config: config.crawler.clone(),
    });
    let publisher = Publisher {
        frontier: &frontier,
        producer: config.kafka.producer()?,
        topic,
        control: &control,
        health: health.clone(),
        unready_after: config.liveness.unready_after_retries.max(1),
    };
    if config.crawler.autostart {
        control.start();
    }
    let scheduled = by_schedule(&config.crawler.schedule, &control, &shutdown);
    tokio::try_join!(
        publisher.run(&shutdown),
        runs(&shared, &shutdown),
        scheduled
    )?;
    leave.cancel();
    server.await.context("the HTTP task ended early")?
}

/// Waits for the database and makes the crawler's tables; `None` when shut down before.
///
/// # Errors
/// When the URL is wrong, or the database refuses the tables.
pub async fn open(
    config: &Config,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<PgPool>> {
    let Some(pool) = database::connect(&config.database, health, shutdown).await? else {
        return Ok(None);
    };
    let shown = retry::Shown {
        health: health.clone(),
        part: "database",
        unready_after: config.liveness.unready_after_retries.max(1),
    };
    let migrating = retry::until_done(
        &shown,
        || frontier::migrate(&pool),
        |error: &anyhow::Error| match error.downcast_ref::<sqlx::Error>() {
            Some(error) => Fault::of_database(error),
            None => Fault::Setup,
        },
    );
    tokio::select! {
        made = migrating => made.context("cannot create the crawler's tables")?,
        () = shutdown.cancelled() => return Ok(None),
    }
    Ok(Some(pool))
}

/// Asks for a run at each moment of a schedule, where there is one.
async fn by_schedule(
    expression: &str,
    control: &Control,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    if expression.is_empty() {
        return Ok(());
    }
    let schedule = Schedule::parse(expression)?;
    let mut moments = schedule.from_now();
    loop {
        let waiting = moments.next(|next| tracing::info!(%next, "a scheduled run is due"));
        tokio::select! {
            () = waiting => {}
            () = shutdown.cancelled() => return Ok(()),
        }
        if !control.start() {
            tracing::warn!("the previous run is still in progress: skipped this one");
        }
    }
}

/// One run after the other, each when it is requested.
async fn runs(shared: &Arc<Shared>, shutdown: &Shutdown) -> anyhow::Result<()> {
    let mut lanes: BTreeMap<String, Vec<Site>> = BTreeMap::new();
    for site in &shared.permission.sites {
        lanes
            .entry(site.lane.clone())
            .or_default()
            .push(site.clone());
    }
    let hosts: Vec<String> = lanes.keys().cloned().collect();
    loop {
        let stop = tokio::select! {
            stop = shared.control.next_run(shutdown, &hosts) => stop,
            () = shutdown.cancelled() => return Ok(()),
        };
        tracing::info!(hosts = hosts.join(", "), "started a run");
        ::metrics::gauge!(HOSTS.name()).set(hosts.len() as f64);
        let run = one_run(shared, &lanes, &stop).await;
        ::metrics::gauge!(HOSTS.name()).set(0.0);
        shared.control.run_ended();
        match run {
            Ok(()) => {}
            Err(FrontierError::Left) => return Ok(()),
            Err(error) => {
                shared.control.failed(error.to_string());
                return Err(error.into());
            }
        }
    }
}

async fn one_run(
    shared: &Arc<Shared>,
    lanes: &BTreeMap<String, Vec<Site>>,
    stop: &Shutdown,
) -> Result<(), FrontierError> {
    let mut running = JoinSet::new();
    for (name, sites) in lanes {
        let lane = Lane {
            name: name.clone(),
            sites: sites.clone(),
            shared: Arc::clone(shared),
            begun: tokio::time::Instant::now(),
            robots: BTreeMap::new(),
            seeded: Vec::new(),
        };
        let (name, stop) = (name.clone(), stop.clone());
        running.spawn(async move { (name, lane.crawl(stop).await) });
    }
    let mut failed = None;
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok((host, Ok(end))) => shared.control.host_ended(&host, &end),
            Ok((host, Err(error))) => {
                tracing::error!(host, %error, "the run of a host failed");
                stop.cancel();
                failed = Some(error);
            }
            Err(panicked) => {
                tracing::error!(%panicked, "the run of a host panicked: the next run continues \
                                            with its pages");
                shared.control.failed(panicked.to_string());
            }
        }
    }
    failed.map_or(Ok(()), Err)
}
