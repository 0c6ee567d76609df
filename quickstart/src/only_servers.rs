//! Nothing but the servers, for services that are started one by one.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use common::{Service, Shutdown};
use tokio::time::Instant;

use crate::options::Options;
use crate::run::{NO_BROKER, NO_DATABASE};
use crate::screen::Screen;
use crate::servers::Servers;
use crate::settings::Settings;

/// What a shell reads to find the servers, below the data directory.
const FILE: &str = "servers.env";
/// How long the database's server may take to end.
const LEAVE: Duration = Duration::from_secs(4);

/// The file that has the servers' addresses while they serve.
pub fn file(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// Starts the broker and the database and serves them until shutdown. Their addresses are in
/// `servers.env` below the data directory meanwhile, as variables that every service reads.
///
/// # Errors
/// When a setting is wrong, a server cannot be started, or the file cannot be written.
pub fn serve(options: Options, shutdown: Shutdown) -> Service {
    Box::pin(work(options, shutdown))
}

async fn work(options: Options, shutdown: Shutdown) -> anyhow::Result<()> {
    options.check()?;
    let screen = Screen::new(&options, Instant::now());
    let settings = Settings::load(&options, NO_DATABASE, NO_BROKER)?;
    let data_dir = &options.data_dir;
    fs::create_dir_all(data_dir).with_context(|| {
        let shown = data_dir.display();
        format!("cannot create --data-dir {shown}; name another directory")
    })?;
    let servers = tokio::select! {
        started = Servers::start(&options, &settings, &screen) => started?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let file = file(data_dir);
    let written = write(&file, &servers.brokers, &servers.database_url);
    if written.is_ok() {
        screen.done("servers", "serving until Ctrl-C; in another shell:");
        screen.note(&format!(". {}", file.display()));
        shutdown.cancelled().await;
        // Gone already is as good.
        let _ = fs::remove_file(&file);
    }
    servers.stop(LEAVE).await?;
    written.with_context(|| format!("cannot write {}", file.display()))
}

/// Whole or not at all, and for nobody else's eyes: the database's password is in it.
fn write(file: &Path, brokers: &str, database_url: &str) -> std::io::Result<()> {
    let new = file.with_extension("env.new");
    let mut open = OpenOptions::new();
    let mut opened = open
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)?;
    writeln!(opened, "export HEDONIC__KAFKA__BROKERS='{brokers}'")?;
    writeln!(opened, "export DATABASE_URL='{database_url}'")?;
    fs::rename(&new, file)
}
