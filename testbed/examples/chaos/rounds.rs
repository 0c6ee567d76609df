//! Round after round: faults, then the wait until all is stored and answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::args::Args;
use crate::faults;
use crate::ledger::Stream;
use crate::plan::{Fault, Kind, Plan};
use crate::watch;
use crate::world::World;

const PAUSE: Duration = Duration::from_millis(100);

/// What the rounds came to.
#[derive(Default)]
pub struct Outcome {
    /// How long it took until all was done again, from the end of the last fault of a round, for each
    /// kind that was in it.
    pub recoveries: BTreeMap<Kind, Vec<Duration>>,
    pub faults: usize,
    /// Kinds in rounds that were not over within the bound.
    pub overdue: BTreeMap<Kind, usize>,
    /// Whether the services still do something.
    pub goes_on: bool,
    pub took: Duration,
}

/// Inflicts the plan, until its end or that of the time.
pub async fn run(world: &Arc<World>, args: &Args, plan: &Plan) -> Outcome {
    let began = Instant::now();
    let mut outcome = Outcome {
        goes_on: true,
        ..Outcome::default()
    };
    for (number, round) in plan.rounds.iter().enumerate() {
        if args.limit().is_some_and(|limit| began.elapsed() > limit) {
            world.journal.say("the time is over");
            break;
        }
        join_all(round.iter().map(|fault| inflict(world, number + 1, fault))).await;
        outcome.faults += round.len();
        let recovered = recover(world, args.bound()).await;
        world.set_clocked(0);
        for fault in round {
            match recovered {
                Ok(after) => outcome
                    .recoveries
                    .entry(fault.kind)
                    .or_default()
                    .push(after),
                Err(_) => *outcome.overdue.entry(fault.kind).or_default() += 1,
            }
        }
        if let Err(stuck) = recovered {
            let kinds: Vec<String> = round.iter().map(|fault| fault.kind.to_string()).collect();
            report(world, number + 1, &kinds.join(" | "), &stuck);
            outcome.goes_on = args.go_on && start_anew(world, args.bound()).await;
            if !outcome.goes_on {
                break;
            }
        }
    }
    outcome.took = began.elapsed();
    outcome
}

async fn inflict(world: &Arc<World>, round: usize, fault: &Fault) {
    tokio::time::sleep(fault.after).await;
    world.journal.say(&format!("round {round:3}  {fault}"));
    world.fault_begins();
    if let Err(error) = faults::inflict(world, fault).await {
        let text = format!(
            "round {round:3}  {} was not inflicted: {error:#}",
            fault.kind
        );
        world.journal.say(&text);
    }
    world.fault_ends();
}

/// Waits until everything that is in Kafka by now is done: how long that took, or what is not.
async fn recover(world: &Arc<World>, bound: Duration) -> Result<Duration, String> {
    let ended = Instant::now();
    loop {
        if let Err(error) = world.complete() {
            world
                .journal
                .violation(format!("a service cannot be started: {error:#}"));
        }
        let oldest: Vec<String> = Stream::ALL
            .into_iter()
            .filter_map(|stream| {
                let (key, age) = world.ledger.oldest(stream, ended)?;
                let place = world
                    .ledger
                    .place(key)
                    .map(|place| (place.partition, place.offset));
                let name = stream.name();
                Some(format!(
                    "{name} {} at {place:?} for {:.0} s",
                    key.number,
                    age.as_secs_f64()
                ))
            })
            .collect();
        if oldest.is_empty() {
            return Ok(ended.elapsed());
        }
        if ended.elapsed() > bound {
            return Err(oldest.join(", "));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn report(world: &World, round: usize, kinds: &str, stuck: &str) {
    world.journal.violation(format!(
        "round {round} ({kinds}): not done within the bound: {stuck}\n{}\n{}\n{}",
        watch::waiting(world),
        watch::reasons(world),
        world.tails()
    ));
}

/// Whether it continues once all services are started again.
async fn start_anew(world: &Arc<World>, bound: Duration) -> bool {
    world.journal.say("all services are started anew");
    // As after a fault: the new ones have their time to come.
    world.fault_begins();
    let started = world.start_anew();
    world.fault_ends();
    if let Err(error) = started {
        world
            .journal
            .violation(format!("a service cannot be started: {error:#}"));
        return false;
    }
    match recover(world, bound).await {
        Ok(after) => {
            let text = format!("a new start helps, after {:.1} s", after.as_secs_f64());
            world.journal.say(&text);
            true
        }
        Err(stuck) => {
            let text = format!("a new start does not help: {stuck}");
            world.journal.violation(text);
            false
        }
    }
}

/// Waits for the last messages.
pub async fn settle(world: &Arc<World>, args: &Args) -> bool {
    match recover(world, args.bound()).await {
        Ok(_) => true,
        Err(stuck) => {
            report(world, 0, "the end", &stuck);
            false
        }
    }
}
