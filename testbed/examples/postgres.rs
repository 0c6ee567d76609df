//! A private PostgreSQL for a program that is not Rust, such as those in `bench/`.
//!
//! ```text
//! cargo run --release -p testbed --example postgres -- DIR [--set NAME=VALUE]...
//! ```
//!
//! Starts the real server with its durable defaults (fsync on) on a cluster below DIR, prints its
//! URL, alone, on one line of standard output, and stays until standard input ends or it is reported
//! to leave by SIGINT or SIGTERM. Everything else goes to standard error.

use std::io::{Read, Write};
use std::sync::Arc;

use anyhow::{Context, bail};
use common::Shutdown;
use embedded::{Postgres, PostgresOptions};

const USAGE: &str = "usage: postgres DIR [--set NAME=VALUE]...";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = options(std::env::args().skip(1))?;
    let shutdown = common::shutdown::on_signals();
    leave_with_input(shutdown.clone());
    // Anyone who started it may end while the server is starting.
    let postgres = tokio::select! {
        started = Postgres::start(options) => started?,
        () = shutdown.cancelled() => return Ok(()),
    };
    eprintln!("{}", postgres.origin());
    eprintln!("data in {}", postgres.data().display());
    let mut output = std::io::stdout();
    writeln!(output, "{}", postgres.url())?;
    output.flush()?;
    shutdown.cancelled().await;
    Ok(postgres.stop().await?)
}

fn options(arguments: impl Iterator<Item = String>) -> anyhow::Result<PostgresOptions> {
    let mut directory = None;
    let mut settings = Vec::new();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        if argument == "--set" {
            let pair = arguments.next().context("--set takes NAME=VALUE")?;
            let (name, value) = pair
                .split_once('=')
                .with_context(|| format!("--set takes NAME=VALUE, found '{pair}'"))?;
            settings.push((name.to_owned(), value.to_owned()));
        } else if argument.starts_with('-') || directory.is_some() {
            bail!("'{argument}' is not understood; {USAGE}");
        } else {
            directory = Some(argument);
        }
    }
    let mut options = PostgresOptions::new(directory.context(USAGE)?);
    options.settings = settings;
    options.report = Arc::new(|stage| eprintln!("{stage}"));
    Ok(options)
}

/// Cancels when nobody holds the other end of standard input any more. A thread of its own: a
/// task that reads it would keep the program from ending by a signal.
fn leave_with_input(shutdown: Shutdown) {
    std::thread::spawn(move || {
        let mut ignored = [0; 256];
        while std::io::stdin()
            .read(&mut ignored)
            .is_ok_and(|read| read > 0)
        {}
        shutdown.cancel();
    });
}
