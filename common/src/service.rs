//! What the function `run` of a service returns, and the program around it.

use std::net::TcpListener;
use std::pin::Pin;
use std::process::ExitCode;

use clap::Parser;

use crate::args::CommonArgs;
use crate::check::Needs;
use crate::config::{ConfigError, Layered};
use crate::shutdown::Shutdown;
use crate::{check, cli, http, shutdown, telemetry};

/// A service at work: it ends at shutdown, or with the reason why it cannot continue.
///
/// Boxed, because the code of an `async fn` is compiled again in every program and test that awaits it,
/// with all that it awaits itself; that of a boxed future is compiled once, in the crate that boxes it.
pub type Service = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// A command that is not the service: it ends by itself.
pub type Command = Pin<Box<dyn Future<Output = anyhow::Result<()>>>>;

/// The flags of a program that runs a service, and of the commands beside it.
pub trait Program: Parser {
    /// Everything the service needs to run.
    type Config;

    /// The section of the settings that has the service's address.
    const SECTION: &'static str;

    /// The flags that all services share.
    fn common(&self) -> &CommonArgs;

    /// The settings with the flags on top.
    ///
    /// # Errors
    /// When the file, a variable or a flag is not as it should be.
    fn layered(&self) -> Result<Layered, ConfigError> {
        self.common().layered()
    }

    /// The address of the HTTP interface, if a flag gives it.
    fn http(&self) -> Option<&str>;

    /// The command, if the flags name one; without a command the service runs.
    fn command(&mut self) -> Option<Command>;

    /// Takes the service's sections out of the settings.
    ///
    /// # Errors
    /// When a setting or the schema is not valid.
    fn config(layered: &Layered) -> anyhow::Result<Self::Config>;

    /// What `--check` looks at.
    fn needs(config: &Self::Config) -> Needs;

    /// The setting of the address.
    fn address(config: &mut Self::Config) -> &mut String;

    /// What must hold before the service takes its address.
    ///
    /// # Errors
    /// When it does not hold.
    fn allow(_config: &Self::Config) -> anyhow::Result<()> {
        Ok(())
    }

    /// Starts the service.
    fn run(config: Self::Config, listener: TcpListener, shutdown: Shutdown) -> Service;
}

/// The `main` of a service's program. `commit` is what `commit::commit!()` gives.
pub fn run_main<P: Program>(commit: &str) -> ExitCode {
    let program = cli::parse::<P>(commit);
    cli::main(work(program))
}

async fn work<P: Program>(mut program: P) -> anyhow::Result<()> {
    if let Some(probe) = program.common().healthcheck {
        return probe.ask(program.common(), P::SECTION, program.http());
    }
    if let Some(format) = program.common().check {
        let config = program.layered().map_err(anyhow::Error::from);
        let config = config.and_then(|layered| P::config(&layered));
        check::answer(config.map(|config| P::needs(&config)), format).await;
    }
    telemetry::log("info", program.common().log_json);
    telemetry::choose_tls_provider();
    if let Some(command) = program.command() {
        return command.await;
    }
    let mut config = P::config(&program.layered()?)?;
    if let Some(http) = program.http() {
        http.clone_into(P::address(&mut config));
    }
    P::allow(&config)?;
    let listener = listen(P::address(&mut config))?;
    P::run(config, listener, shutdown::on_signals()).await
}

/// Opens the HTTP interface and starts to record metrics.
///
/// # Errors
/// When the address is not available.
pub fn listen(address: &str) -> anyhow::Result<TcpListener> {
    telemetry::record_metrics();
    let listener = http::listen(address)?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    Ok(listener)
}
