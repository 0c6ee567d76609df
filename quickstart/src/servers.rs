//! The database and the broker: embedded, or somebody else's.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use embedded::{Broker, Postgres, PostgresOptions};

use crate::address::Address;
use crate::apache::{self, Apache};
use crate::options::Options;
use crate::screen::Screen;
use crate::settings::Settings;

/// The embedded servers that were started, and where each is.
pub(crate) struct Servers {
    postgres: Option<Postgres>,
    /// Holds the embedded broker: dropped, it is gone.
    broker: Option<Broker>,
    /// The one that `--kafka apache` asks for.
    apache: Option<Apache>,
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
        let (postgres, broker, apache) = tokio::try_join!(
            start_postgres(options, screen),
            start_broker(options, settings, screen),
            start_apache(options, settings, screen)
        )?;
        let database_url = match (&postgres, &options.database_url) {
            (Some(postgres), _) => postgres.url(),
            (None, url) => url.clone().unwrap_or_default(),
        };
        let own = match (&broker, &apache) {
            (Some(broker), _) => Some(broker.address()),
            (None, apache) => apache.as_ref().map(|apache| apache.address.clone()),
        };
        // When both are there: a second process on the same directory does not come so far.
        let address = match &own {
            Some(address) => Some(Address::tell(&options.data_dir, address)?),
            None => None,
        };
        let outside = || options.brokers().unwrap_or_default().to_owned();
        let brokers = own.unwrap_or_else(outside);
        Ok(Servers {
            postgres,
            broker,
            apache,
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

    /// Whether the broker is Apache Kafka that was started here.
    pub fn has_apache(&self) -> bool {
        self.apache.is_some()
    }

    /// Stops what was started.
    ///
    /// # Errors
    /// When the database's server or Apache Kafka does not end.
    pub async fn stop(self, limit: Duration) -> anyhow::Result<()> {
        let Servers {
            postgres, apache, ..
        } = self;
        let broker = async {
            match &apache {
                Some(apache) => apache.stop().await,
                None => Ok(()),
            }
        };
        let database = async {
            match postgres {
                Some(postgres) => Ok(postgres.stop_within(limit).await?),
                None => Ok(()),
            }
        };
        let (broker, database) = tokio::join!(broker, database);
        broker.and(database)
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
    screen.note(
        "for clients of librdkafka (kcat, Python, Go, .NET); Java clients need --kafka apache",
    );
    Ok(Some(broker))
}

async fn start_apache(
    options: &Options,
    settings: &Settings,
    screen: &Arc<Screen>,
) -> anyhow::Result<Option<Apache>> {
    if options.kafka.as_deref() != Some(apache::NAME) {
        return Ok(None);
    }
    screen.note("starting Apache Kafka; the first start downloads it");
    let partitions = settings.loader.kafka.partitions;
    let apache = Apache::start(&options.data_dir, partitions).await?;
    screen.done("broker", &format!("Apache Kafka, at {}", apache.address));
    Ok(Some(apache))
}
