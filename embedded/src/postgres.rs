//! A private PostgreSQL cluster on loopback.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{Connection, Executor, PgConnection};

use crate::binaries::Binaries;
use crate::cluster::{Cluster, USER};
use crate::error::EmbeddedError;
use crate::lock::Lock;
use crate::owner::Owner;
use crate::search::Search;
use crate::server::{PAUSE, Server, is_memory_free, running_on};
use crate::wheel::tail;

pub(crate) const DATABASE: &str = "hedonic";
/// Longest a start may take: a crash before may have left much to recover.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Longest a server that was found running may take to answer: it may be starting or leaving.
const ADOPT_LIMIT: Duration = Duration::from_secs(10);
/// How long a start is retried for a reason that passes by itself.
const RETRY_LIMIT: Duration = Duration::from_secs(10);
/// Pause between two such tries.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// Longest one try to connect may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// Longest [`Postgres::stop`] may take.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Pause between two words about a start that takes long.
const REPORT_EVERY: Duration = Duration::from_secs(2);
/// The same while the data directory is made.
const MAKING_REPORT_EVERY: Duration = Duration::from_secs(10);

/// How to start a cluster.
#[derive(Clone)]
pub struct PostgresOptions {
    /// The cluster is in `postgres/` below it, and survives the process.
    pub data_dir: PathBuf,
    /// Where the server's programs are looked for.
    pub search: Search,
    /// Settings of the server beside the defaults, such as `fsync`.
    pub settings: Vec<(String, String)>,
    /// Gets progress messages, and the places outside `data_dir`.
    pub report: Arc<dyn Fn(&str) + Send + Sync>,
}

impl PostgresOptions {
    /// The defaults, with the cluster below `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> PostgresOptions {
        PostgresOptions {
            data_dir: data_dir.into(),
            search: Search::from_environment(),
            settings: Vec::new(),
            report: Arc::new(|stage| tracing::info!("{stage}")),
        }
    }
}

/// A running server; it is stopped when it is dropped.
pub struct Postgres {
    server: Server,
    binaries: Binaries,
    cluster: Cluster,
    access: Access,
    /// Whether it was found running.
    adopted: bool,
    /// Let go of last, when the server has stopped.
    _lock: Lock,
}

/// What it takes to connect.
pub(crate) struct Access {
    pub password: String,
    pub port: u16,
}

impl Access {
    pub fn url(&self, database: &str) -> String {
        let Access { password, port } = self;
        format!("postgres://{USER}:{password}@127.0.0.1:{port}/{database}")
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let url = self.url("postgres");
        match tokio::time::timeout(CONNECT_LIMIT, PgConnection::connect(&url)).await {
            Ok(connected) => connected,
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    async fn is_open(&self) -> bool {
        self.connect().await.is_ok()
    }
}

impl Postgres {
    /// Starts the cluster, making it first where there is none. A server that a killed process
    /// left behind is taken over. Dropping the future stops what was started.
    ///
    /// # Errors
    /// When no server is found, the cluster is of another version or in use by another process,
    /// or the server will not start.
    pub async fn start(options: PostgresOptions) -> Result<Postgres, EmbeddedError> {
        std::fs::create_dir_all(&options.data_dir).map_err(EmbeddedError::io(&options.data_dir))?;
        let asked = options
            .data_dir
            .canonicalize()
            .map_err(EmbeddedError::io(&options.data_dir))?;
        let owner = Owner::choose();
        let home = owner.home(&asked)?;
        if home != asked {
            (options.report)(&format!(
                "PostgreSQL does not run as root, and its user cannot enter {}: the database is in \
                 {}",
                asked.display(),
                home.display()
            ));
        }
        let lock = Lock::take(&home)?;
        let binaries = Binaries::find(&options.search, &home, options.report.as_ref()).await?;
        let cluster = Cluster::below(&home);
        let making = cluster.ensure(&binaries, owner);
        let password = reported(options.report.as_ref(), making).await?;
        let (server, port, adopted) = match adopt(&cluster, &password).await {
            Some((server, port)) => (server, port, true),
            None => {
                let (server, port) =
                    launch(&options, &binaries, owner, &cluster, &password).await?;
                (server, port, false)
            }
        };
        let postgres = Postgres {
            server,
            binaries,
            cluster,
            access: Access { password, port },
            adopted,
            _lock: lock,
        };
        postgres.ensure_database(DATABASE).await?;
        Ok(postgres)
    }

    /// The URL of the default database, with the password.
    pub fn url(&self) -> String {
        self.database_url(DATABASE)
    }

    /// The URL of a database, with the password.
    pub fn database_url(&self, name: &str) -> String {
        self.access.url(name)
    }

    /// Which server this is and where it comes from.
    pub fn origin(&self) -> String {
        format!(
            "PostgreSQL {} from {}",
            self.binaries.version,
            self.binaries.bin.display()
        )
    }

    /// PostgreSQL's data directory.
    pub fn data(&self) -> &Path {
        &self.cluster.data
    }

    /// Whether the server was found running: its process had been killed.
    pub fn is_adopted(&self) -> bool {
        self.adopted
    }

    /// Makes another database and gives its URL.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create_database(&self, name: &str) -> Result<String, EmbeddedError> {
        self.ensure_database(name).await?;
        Ok(self.database_url(name))
    }

    /// Stops the server: connections are closed, everything committed is on disk.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        self.stop_within(STOP_LIMIT).await
    }

    /// Stops the server within a time; where it has too much to write for that, the next start
    /// recovers it.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop_within(self, limit: Duration) -> Result<(), EmbeddedError> {
        if self.server.stop(limit).await {
            return Ok(());
        }
        Err(EmbeddedError::Failed {
            program: "stopping postgres",
            message: format!(
                "it is still running; its log is {}",
                self.cluster.log.display()
            ),
        })
    }

    async fn ensure_database(&self, name: &str) -> Result<(), EmbeddedError> {
        let mut connection = self.access.connect().await?;
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
                .bind(name)
                .fetch_one(&mut connection)
                .await?;
        if !there {
            let sql = format!("CREATE DATABASE \"{}\"", name.replace('"', ""));
            connection.execute(sql.as_str()).await?;
        }
        Ok(connection.close().await?)
    }
}

/// Waits for a data directory to be made, and reports now and then that it is: beside other work a second
/// becomes minutes.
async fn reported<T>(report: &(dyn Fn(&str) + Send + Sync), making: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let mut making = std::pin::pin!(making);
    loop {
        match tokio::time::timeout(MAKING_REPORT_EVERY, &mut making).await {
            Ok(made) => return made,
            Err(_) => report(&format!(
                "PostgreSQL has been making its data directory for {} s: the machine is busy",
                started.elapsed().as_secs()
            )),
        }
    }
}

/// Takes over the server that runs on the cluster; one that does not answer is stopped.
async fn adopt(cluster: &Cluster, password: &str) -> Option<(Server, u16)> {
    let (mut server, port) = Server::running(&cluster.data)?;
    let access = Access {
        password: password.to_owned(),
        port,
    };
    let until = Instant::now() + ADOPT_LIMIT;
    while Instant::now() < until {
        if access.is_open().await {
            return Some((server, port));
        }
        if server.is_gone() {
            return None;
        }
        tokio::time::sleep(PAUSE).await;
    }
    if !server.stop(STOP_LIMIT).await {
        tracing::warn!("the server of {} does not end", cluster.data.display());
    }
    None
}

/// Starts a server, again where what is in its way passes: a port that was taken meanwhile, or
/// what a killed server left.
async fn launch(
    options: &PostgresOptions,
    binaries: &Binaries,
    owner: Owner,
    cluster: &Cluster,
    password: &str,
) -> Result<(Server, u16), EmbeddedError> {
    let retry_until = Instant::now() + RETRY_LIMIT;
    loop {
        let port = free_port().map_err(EmbeddedError::io(&cluster.data))?;
        let access = Access {
            password: password.to_owned(),
            port,
        };
        let mut server = Server::spawn(binaries, owner, cluster, port, &options.settings)?;
        if wait(&mut server, &access, options.report.as_ref()).await {
            return Ok((server, port));
        }
        let has_ended = server.is_gone();
        drop(server);
        let message = std::fs::read_to_string(&cluster.log).unwrap_or_default();
        let passes = |reason: &str| message.contains(reason);
        let may_retry = has_ended && Instant::now() < retry_until;
        if may_retry && passes("postmaster.pid\" already exists") {
            forget_stale(cluster)?;
        } else if !may_retry || !(passes("still in use") || passes("Address already in use")) {
            return Err(EmbeddedError::Failed {
                program: "postgres",
                message: tail(&message, 15),
            });
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Waits until the server answers; false when it has ended or takes too long.
async fn wait(server: &mut Server, access: &Access, report: &(dyn Fn(&str) + Send + Sync)) -> bool {
    let started = Instant::now();
    let mut reported = Instant::now();
    while started.elapsed() < START_LIMIT && !server.is_gone() {
        if access.is_open().await {
            return true;
        }
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            let seconds = started.elapsed().as_secs();
            report(&format!(
                "PostgreSQL has been starting for {seconds} s: it may be recovering from a crash"
            ));
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

/// Removes a `postmaster.pid` whose pid has gone to another program of the same user: PostgreSQL
/// takes that program for the server, and would never start.
fn forget_stale(cluster: &Cluster) -> Result<(), EmbeddedError> {
    let path = cluster.data.join("postmaster.pid");
    if running_on(&cluster.data).is_none()
        && std::fs::read_to_string(&path).is_ok_and(|text| is_memory_free(&text))
    {
        std::fs::remove_file(&path).map_err(EmbeddedError::io(&path))?;
    }
    Ok(())
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}
