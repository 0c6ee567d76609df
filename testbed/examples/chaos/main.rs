//! Chaos: real services on a real Kafka and a real PostgreSQL, hurt from a printed seed while messages
//! of every kind stream in. `scripts/chaos --help` states how to run it; docs/operations.md what it checks.

mod account;
mod answers;
mod args;
mod faults;
mod fleet;
mod journal;
mod ledger;
mod locks;
mod model;
mod outages;
mod plan;
mod poison;
mod recreation;
mod rounds;
mod seen;
mod stream;
mod watch;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use args::Args;
use clap::Parser;
use journal::Journal;
use plan::Plan;
use world::World;

#[tokio::main]
async fn main() -> ExitCode {
    common::cli::exit_code(work(Args::parse()).await)
}

async fn work(args: Args) -> anyhow::Result<ExitCode> {
    let seed = args.seed.unwrap_or_else(rand::random);
    let plan = Plan::new(&args, seed)?;
    println!("{plan}");
    if args.plan {
        return Ok(ExitCode::SUCCESS);
    }
    let leave = common::shutdown::on_signals();
    tokio::select! {
        verdict = run(&args, &plan, seed) => verdict,
        // What was started ends with what holds it.
        () = leave.cancelled() => Ok(ExitCode::from(130)),
    }
}

async fn run(args: &Args, plan: &Plan, seed: u64) -> anyhow::Result<ExitCode> {
    let journal = Arc::new(Journal::new());
    let world = Arc::new(World::start(args, seed, Arc::clone(&journal)).await?);
    let watching = watch::start(&world, args);
    let streaming = stream::start(&world, seed);
    let outcome = rounds::run(&world, args, plan).await;
    streaming.stop().await;
    let settled = outcome.goes_on && rounds::settle(&world, args).await;
    account::check(&world, settled).await?;
    if settled && !args.no_recreation {
        recreation::check(&world, args).await?;
    }
    watching.stop().await;
    world.stop_services().await;
    Ok(account::verdict(&world, args, plan, &outcome))
}
