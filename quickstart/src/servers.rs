//! The database and the broker: embedded, or somebody else's.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use embedded::{Broker, Postgres, PostgresOptions};

use crate::address::Address;
use crate::options::Options;
use crate::screen::Screen;
use crate::settings::Settings;

/// The embedded servers that were started, and where each is.
pub(crate) struct Servers {
    postgres: Option<Postgres>,
    /// Holds the embedded broker: dropped, it is gone.
    broker: Option<Broker>,
    /// Says where the embedded broker is while it is there.
    _address: Option<Address>,
    /// For `database.url`.
    pub database_url: String,
    /// For `kafka.brokers`.
    pub brokers: String,
}

impl Servers {
    /// Starts both at once, where they are not outside.
    ///
    /// # Errors
    /// When one cannot be started.
    pub async fn start(
        options: &Options,
        settings: &Settings,
        screen: &Arc<Screen>,
    ) -> anyhow::Result<Servers> {
        let (postgres, broker) = tokio::try_join!(
            start_postgres(options, screen),
            start_broker(options, settings, screen)
        )?;
        let database_url = match (&postgres, &options.database_url) {
            (Some(postgres), _) => postgres.url(),
            (None, url) => url.clone().unwrap_or_default(),
        };
        let brokers = match (&broker, &options.kafka) {
            (Some(broker), _) => broker.address(),
            (None, brokers) => brokers.clone().unwrap_or_default(),
        };
        // When both are there: a second process on the same directory does not come so far.
        let address = match &broker {
            Some(broker) => Some(Address::tell(&options.data_dir, &broker.address())?),
            None => None,
        };
        Ok(Servers {
            postgres,
            broker,
            _address: address,
            database_url,
            brokers,
        })
    }

    /// Whether the database is the embedded one.
    pub fn has_own_database(&self) -> bool {
        self.postgres.is_some()
    }

    /// Whether the broker is the embedded one, which starts empty.
    pub fn has_own_broker(&self) -> bool {
        self.broker.is_some()
    }

    /// Stops what was started.
    ///
    /// # Errors
    /// When the database's server does not end.
    pub async fn stop(self, limit: Duration) -> anyhow::Result<()> {
        match self.postgres {
            Some(postgres) => Ok(postgres.stop_within(limit).await?),
            None => Ok(()),
        }
    }
}

async fn start_postgres(
    options: &Options,
    screen: &Arc<Screen>,
) -> anyhow::Result<Option<Postgres>> {
    if options.database_url.is_some() {
        return Ok(None);
    }
    let mut start = PostgresOptions::new(&options.data_dir);
    let telling = Arc::clone(screen);
    start.report = Arc::new(move |stage| telling.note(stage));
    let postgres = Postgres::start(start).await?;
    let found = if postgres.is_adopted() {
        ", already running"
    } else {
        ""
    };
    screen.done("database", &format!("{}{found}", postgres.origin()));
    screen.note(&format!("data in  {}", postgres.data().display()));
    screen.note(&format!("psql '{}'", postgres.url()));
    Ok(Some(postgres))
}

async fn start_broker(
    options: &Options,
    settings: &Settings,
    screen: &Arc<Screen>,
) -> anyhow::Result<Option<Broker>> {
    if options.kafka.is_some() {
        return Ok(None);
    }
    let kafka = settings.loader.kafka.clone();
    let broker = tokio::task::spawn_blocking(move || {
        let broker = Broker::start()?;
        for topic in kafka.topics.all() {
            broker.create_topic(topic, kafka.partitions)?;
        }
        anyhow::Ok(broker)
    })
    .await
    .context("the embedded broker did not start")??;
    let address = broker.address();
    screen.done("broker", &format!("embedded, at {address}"));
    let answers = &settings.loader.kafka.topics.answers;
    screen.note(&format!("kcat -b {address} -C -t {answers}"));
    Ok(Some(broker))
}
