//! Carries a fault out: returns when it is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use testbed::signal;

use crate::fleet::Role;
use crate::ledger::Stream;
use crate::plan::{Fault, Kind};
use crate::world::World;
use crate::{locks, outages};

/// Longest a service may take to leave when asked: what is on its way may wait for servers.
const LEAVE: Duration = Duration::from_secs(60);
/// What wrong clocks are off.
const OFF: [&str; 6] = ["-2d", "+2d", "-1h", "+1h", "-400d", "+30m"];
/// A service with a wrong clock stays at least so long: it must get partitions.
const VISIT: Duration = Duration::from_secs(5);

pub async fn inflict(world: &Arc<World>, fault: &Fault) -> anyhow::Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(fault.seed);
    let (kafka, database) = (&world.kafka_gate, &world.database_gate);
    match fault.kind {
        Kind::KafkaFreeze => outages::freeze(kafka, fault.lasts).await,
        Kind::KafkaCut => outages::cut(kafka, fault.lasts).await,
        Kind::KafkaFlap => outages::flap(kafka, &mut rng).await,
        Kind::KafkaSilence => kafka.silence(),
        Kind::KafkaDelay => outages::delay(kafka, &mut rng, fault.lasts).await,
        Kind::DatabaseFreeze => outages::freeze(database, fault.lasts).await,
        Kind::DatabaseCut => outages::cut(database, fault.lasts).await,
        Kind::DatabaseSilence => database.silence(),
        Kind::DatabaseDelay => outages::delay(database, &mut rng, fault.lasts).await,
        Kind::BrokerStop => outages::stop_broker(world, fault.lasts).await?,
        Kind::BrokerKill => world.kafka.restart(None, true).await,
        Kind::BrokerFlap => {
            for _ in 0..3 {
                world.kafka.restart(None, true).await;
                tokio::time::sleep(Duration::from_millis(rng.random_range(0..2000))).await;
            }
        }
        Kind::BackendStop => outages::stop_backend(world, &mut rng, fault.lasts).await?,
        Kind::BackendKill => outages::kill_backend(world, &mut rng).await?,
        Kind::BackendsEnded => outages::end_backends(world).await?,
        Kind::PostmasterStop => outages::stop_postmaster(world, fault.lasts).await?,
        Kind::TableReader => locks::read_tables(world, &mut rng).await?,
        Kind::IdleInTransaction => locks::hold_tables(world, fault.lasts).await?,
        Kind::LoaderStop => stop(world, Role::Loader, &mut rng, fault.lasts).await?,
        Kind::LoaderKill => kill(world, Role::Loader, &mut rng)?,
        Kind::LoaderLeave => leave(world, Role::Loader, &mut rng).await?,
        Kind::LoaderClock => visit(world, Role::Loader, &mut rng, fault.lasts).await?,
        Kind::ApplierStop => stop(world, Role::Applier, &mut rng, fault.lasts).await?,
        Kind::ApplierKill => kill(world, Role::Applier, &mut rng)?,
        Kind::ApplierLeave => leave(world, Role::Applier, &mut rng).await?,
        Kind::ApplierClock => visit(world, Role::Applier, &mut rng, fault.lasts).await?,
        Kind::Poison(poison) => {
            let stream = Stream::ALL[rng.random_range(0..Stream::ALL.len())];
            world.sender.poison(world, &mut rng, stream, poison);
        }
    }
    Ok(())
}

async fn stop(
    world: &World,
    role: Role,
    rng: &mut ChaCha8Rng,
    lasts: Duration,
) -> anyhow::Result<()> {
    let number = world.fleet().take(role, rng).context("none runs")?;
    let pid = world.fleet().get(number).map(|service| service.pid());
    let pid = pid.context("it is gone")?;
    signal("STOP", &pid);
    tokio::time::sleep(lasts).await;
    signal("CONT", &pid);
    if let Some(service) = world.fleet().get(number) {
        service.busy = false;
    }
    Ok(())
}

/// Kills one, and starts another.
pub fn kill(world: &World, role: Role, rng: &mut ChaCha8Rng) -> anyhow::Result<()> {
    let mut fleet = world.fleet();
    let number = fleet.take(role, rng).context("none runs")?;
    let mut service = fleet.remove(number).context("it is gone")?;
    service.process.kill()?;
    service.process.wait()?;
    fleet.start(role, None)?;
    Ok(())
}

/// Asks one to leave, and starts another when it has.
async fn leave(world: &World, role: Role, rng: &mut ChaCha8Rng) -> anyhow::Result<()> {
    let number = world.fleet().take(role, rng).context("none runs")?;
    end(world, number).await?;
    world.fleet().start(role, None)?;
    Ok(())
}

/// Asks one to leave, and waits until it has.
async fn end(world: &World, number: usize) -> anyhow::Result<()> {
    let mut service = world.fleet().remove(number).context("it is gone")?;
    let until = Instant::now() + LEAVE;
    // Before its first words it has no ear for the signal, which then simply ends it.
    while service.http().is_none() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    signal("TERM", &service.pid());
    loop {
        match service.process.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                let text = format!("asked to leave, it ends with {status}\n{}", service.tail());
                world.journal.violation(text);
                return Ok(());
            }
            None if Instant::now() > until => {
                let text = format!("it does not leave within {LEAVE:?}\n{}", service.tail());
                world.journal.violation(text);
                service.process.kill()?;
                service.process.wait()?;
                return Ok(());
            }
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// One with a wrong clock comes, takes partitions, and leaves.
async fn visit(
    world: &World,
    role: Role,
    rng: &mut ChaCha8Rng,
    lasts: Duration,
) -> anyhow::Result<()> {
    let off = OFF[rng.random_range(0..OFF.len())];
    if world.fleet().faketime.is_none() {
        world.journal.say("SKIPPED: faketime is not installed");
        return Ok(());
    }
    // Until the end of the round: what it has refused by its clock may be seen late.
    world.set_clocked(1);
    let number = world.fleet().start(role, Some(off))?;
    if let Some(service) = world.fleet().get(number) {
        service.busy = true;
    }
    world.journal.say(&format!(
        "a {} comes whose clock is off by {off}",
        role.name()
    ));
    tokio::time::sleep(lasts.max(VISIT)).await;
    end(world, number).await
}
