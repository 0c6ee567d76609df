//! From flags to the call of a command.

use common::check::Needs;
use model_prepare::Follow;

use super::args::{Cli, Command};
use super::settings::Settings;

/// Runs the program.
///
/// # Errors
/// The error of the command.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<()> {
    let (settings, command) = cli.into_parts();
    let common = &settings.common;
    if let Some(probe) = common.healthcheck {
        return match &command {
            Command::Follow(args) => probe.ask(common, "follow", args.http.as_deref()),
            Command::Serve(args) => probe.ask(common, "prepare", args.http.as_deref()),
            Command::Watch(args) => probe.ask(common, "prepare", args.http.as_deref()),
            _ => probe.ask(common, "prepare", None),
        };
    }
    if let Some(format) = common.check {
        common::check::answer(needs(&settings, &command), format).await;
    }
    common::telemetry::log("info", common.log_json);
    common::telemetry::choose_tls_provider();
    match command {
        Command::Train(args) => args.run(&settings).await,
        Command::Evaluate(args) => args.run(&settings).await,
        Command::Serve(args) => args.run(&settings).await,
        Command::Watch(args) => args.run(&settings).await,
        Command::Follow(args) => args.run(&settings).await,
        Command::Features(args) => args.run(&settings).await,
        Command::Sweep(args) => args.run(&settings).await,
        Command::Price(args) => args.run(&settings).await,
        Command::Schema(command) => command.run(),
        Command::Init(args) => args.run(&settings).await,
        Command::Export(args) => args.run(),
        Command::Import(args) => args.run(&settings).await,
        Command::Generate(command) => command.run_completing::<Cli>(Cli::without_earlier_flags()),
        Command::Registry(command) => {
            let config = settings.config()?;
            tokio::task::spawn_blocking(move || command.run(&config)).await?
        }
    }
}

/// What `--check` looks at: the needs of following, or those of a training.
fn needs(settings: &Settings, command: &Command) -> anyhow::Result<Needs> {
    Ok(match command {
        Command::Follow(_) => {
            let mut follow = Follow::new(&settings.layered()?)?;
            if let Some(registry) = &settings.registry {
                follow.training.registry.path.clone_from(registry);
            }
            follow.needs()
        }
        _ => settings.config()?.needs(),
    })
}
