//! A private PostgreSQL cluster on loopback.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::distr::{Alphanumeric, SampleString};
use sqlx::{Connection, PgConnection};

use crate::binaries::{Binaries, Search, tail};
use crate::error::EmbeddedError;
use crate::owner::Owner;

const USER: &str = "hedonic";
const DATABASE: &str = "hedonic";
/// Longest a start may take: a crash before may have left much to recover.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Longest a fast stop may take, before it becomes an immediate one.
const STOP_LIMIT: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(20);

/// How to start a cluster.
#[derive(Clone)]
pub struct PostgresOptions {
    /// The cluster lies in `postgres/` below it, and survives the process.
    pub data_dir: PathBuf,
    /// Where the server's programs are looked for.
    pub search: Search,
    /// Settings of the server beside the defaults, such as `fsync`.
    pub settings: Vec<(String, String)>,
    /// Hears of what takes long.
    pub tell: Arc<dyn Fn(&str) + Send + Sync>,
}

impl PostgresOptions {
    /// The defaults, with the cluster below `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> PostgresOptions {
        PostgresOptions {
            data_dir: data_dir.into(),
            search: Search::from_environment(),
            settings: Vec::new(),
            tell: Arc::new(|stage| tracing::info!("{stage}")),
        }
    }
}

/// A running server; dropped, it is told to stop.
pub struct Postgres {
    server: Server,
    binaries: Binaries,
    password: String,
    port: u16,
}

/// The server's process: a child, or one adopted from a process that was killed.
enum Server {
    Child(Child),
    Orphan(u32),
    Gone,
}

impl Postgres {
    /// Starts the cluster, making it first where there is none.
    ///
    /// # Errors
    /// When no server is found, the cluster is of another version, or the server will not start.
    pub async fn start(options: PostgresOptions) -> Result<Postgres, EmbeddedError> {
        std::fs::create_dir_all(&options.data_dir).map_err(EmbeddedError::io(&options.data_dir))?;
        let asked = options
            .data_dir
            .canonicalize()
            .map_err(EmbeddedError::io(&options.data_dir))?;
        let owner = Owner::choose();
        let home = owner.reachable(&asked);
        if home != asked {
            (options.tell)(&format!(
                "PostgreSQL does not run as root and cannot reach {}: its cluster lies in {}",
                asked.display(),
                home.display()
            ));
            std::fs::create_dir_all(&home).map_err(EmbeddedError::io(&home))?;
        }
        let binaries = Binaries::find(&options.search, &home, options.tell.as_ref())?;
        let data = home.join("postgres");
        let secret = home.join("postgres.password");
        if !data.join("PG_VERSION").exists() {
            initialise(&binaries, owner, &home, &data, &secret)?;
        }
        let made_by =
            std::fs::read_to_string(data.join("PG_VERSION")).map_err(EmbeddedError::io(&data))?;
        if made_by.trim() != binaries.major() {
            return Err(EmbeddedError::OtherVersion {
                data,
                found: made_by.trim().to_owned(),
                server: binaries.major().to_owned(),
                bin: binaries.bin,
            });
        }
        let password = std::fs::read_to_string(&secret).map_err(EmbeddedError::io(&secret))?;
        if let Some((pid, port)) = running(&data) {
            let orphan = Postgres {
                server: Server::Orphan(pid),
                binaries: binaries.clone(),

                password: password.clone(),
                port,
            };
            if orphan.answers("postgres").await.is_ok() {
                orphan.ensure_database(DATABASE).await?;
                return Ok(orphan);
            }
            // Not ours, or on its way out: a fresh start would find its lock.
            orphan.stop().await?;
        }
        let port = free_port().map_err(EmbeddedError::io(&data))?;
        let log = home.join("postgres.log");
        let server = spawn(&binaries, owner, &data, &log, port, &options.settings)?;
        let mut postgres = Postgres {
            server: Server::Child(server),
            binaries,
            password,
            port,
        };
        postgres.wait(&log).await?;
        postgres.ensure_database(DATABASE).await?;
        Ok(postgres)
    }

    /// The URL of the default database, with the password.
    pub fn url(&self) -> String {
        self.database_url(DATABASE)
    }

    /// The URL of a database, with the password.
    pub fn database_url(&self, name: &str) -> String {
        format!(
            "postgres://{USER}:{}@127.0.0.1:{}/{name}",
            self.password, self.port
        )
    }

    /// Which server this is and where it comes from.
    pub fn origin(&self) -> String {
        format!(
            "PostgreSQL {} from {}",
            self.binaries.version,
            self.binaries.bin.display()
        )
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
    /// When it cannot be stopped.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        let mut server = std::mem::replace(&mut self.server, Server::Gone);
        for signal in ["INT", "QUIT", "KILL"] {
            let until = Instant::now() + STOP_LIMIT;
            match &server {
                Server::Gone => return Ok(()),
                Server::Orphan(pid) => send(signal, *pid),
                Server::Child(child) => send(signal, child.id()),
            }
            while Instant::now() < until {
                let gone = match &mut server {
                    Server::Gone => true,
                    Server::Orphan(pid) => !is_alive(*pid),
                    Server::Child(child) => !matches!(child.try_wait(), Ok(None)),
                };
                if gone {
                    return Ok(());
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    async fn answers(&self, database: &str) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect(&self.database_url(database)).await
    }

    async fn wait(&mut self, log: &Path) -> Result<(), EmbeddedError> {
        let until = Instant::now() + START_LIMIT;
        loop {
            if self.answers("postgres").await.is_ok() {
                return Ok(());
            }
            let ended = match &mut self.server {
                Server::Child(child) => child.try_wait().ok().flatten().is_some(),
                _ => false,
            };
            if ended || Instant::now() > until {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                return Err(EmbeddedError::Failed {
                    program: "postgres",
                    said: tail(&said, 15),
                });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ensure_database(&self, name: &str) -> Result<(), EmbeddedError> {
        let mut connection = self.answers("postgres").await?;
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
                .bind(name)
                .fetch_one(&mut connection)
                .await?;
        if !there {
            let sql = format!("CREATE DATABASE \"{}\"", name.replace('"', ""));
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(&mut connection)
                .await?;
        }
        Ok(connection.close().await?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        match &mut self.server {
            Server::Gone => {}
            Server::Orphan(pid) => send("INT", *pid),
            Server::Child(child) => {
                send("INT", child.id());
                // Bounded by the server's fast stop; a zombie would stay otherwise.
                let until = Instant::now() + STOP_LIMIT;
                while Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }
}

fn initialise(
    binaries: &Binaries,
    owner: Owner,
    home: &Path,
    data: &Path,
    secret: &Path,
) -> Result<(), EmbeddedError> {
    let fresh = home.join("postgres.new");
    // Left over from a start that was killed: absent is as good as removed.
    let _ = std::fs::remove_dir_all(&fresh);
    std::fs::create_dir_all(&fresh).map_err(EmbeddedError::io(&fresh))?;
    owner.own(&fresh)?;
    let password = Alphanumeric.sample_string(&mut rand::rng(), 24);
    write_private(secret, &password)?;
    owner.own(secret)?;
    let output = owner
        .run(
            Command::new(binaries.bin.join("initdb"))
                .current_dir("/")
                .arg("--pgdata")
                .arg(&fresh)
                .args(["--username", USER, "--auth", "scram-sha-256"])
                .args(["--encoding", "UTF8", "--locale", "C", "--no-sync"])
                .arg("--pwfile")
                .arg(secret),
        )
        .output()
        .map_err(EmbeddedError::io(&binaries.bin))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        return Err(EmbeddedError::Failed {
            program: "initdb",
            said: tail(&said, 10),
        });
    }
    std::fs::rename(&fresh, data).map_err(EmbeddedError::io(data))
}

fn write_private(path: &Path, text: &str) -> Result<(), EmbeddedError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(EmbeddedError::io(path))
}

fn spawn(
    binaries: &Binaries,
    owner: Owner,
    data: &Path,
    log: &Path,
    port: u16,
    settings: &[(String, String)],
) -> Result<Child, EmbeddedError> {
    let file = std::fs::File::create(log).map_err(EmbeddedError::io(log))?;
    let copy = file.try_clone().map_err(EmbeddedError::io(log))?;
    let mut command = Command::new(binaries.bin.join("postgres"));
    command
        .current_dir("/")
        .arg("-D")
        .arg(data)
        .args(["-p", &port.to_string(), "-h", "127.0.0.1"])
        // TCP only: a socket's path may be longer than the system allows.
        .args(["-k", ""])
        .args(["-c", "shared_buffers=64MB", "-c", "max_connections=100"])
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(copy);
    for (name, value) in settings {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    owner
        .run(&mut command)
        .spawn()
        .map_err(EmbeddedError::io(&binaries.bin))
}

/// Pid and port of the server that `postmaster.pid` names, where it is alive.
fn running(data: &Path) -> Option<(u32, u16)> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid: u32 = lines.next()?.trim().parse().ok()?;
    let port = lines.nth(2)?.trim().parse().ok()?;
    let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    // A pid may have gone to another program since.
    (is_alive(pid) && (command.is_empty() || command.contains("postgres"))).then_some((pid, port))
}

fn is_alive(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        // A zombie has ended; its parent is yet to hear of it.
        Ok(stat) => !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('Z'),
        Err(_) if Path::new("/proc/self").exists() => false,
        Err(_) => Command::new("kill")
            .args(["-0", &pid.to_string()])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success()),
    }
}

fn send(signal: &str, pid: u32) {
    let sent = Command::new("kill")
        .args(["-s", signal, &pid.to_string()])
        .stderr(Stdio::null())
        .status();
    if let Err(error) = sent {
        tracing::warn!("cannot send SIG{signal} to {pid}: {error}");
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}
