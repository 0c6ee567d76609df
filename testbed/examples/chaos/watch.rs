//! Looks once a second: who is ready, what waits, and whether both can be true.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::args::Args;
use crate::fleet::Role;
use crate::ledger::Stream;
use crate::world::World;
use crate::{answers, seen};

const PAUSE: Duration = Duration::from_secs(1);
/// Longest a service may take to state how it is.
const PATIENCE: Duration = Duration::from_secs(3);
/// Pause between two lines about how far it is.
const PROGRESS: Duration = Duration::from_secs(30);

/// Who looks.
pub struct Watching {
    tasks: Vec<JoinHandle<()>>,
}

impl Watching {
    pub async fn stop(self) {
        for task in self.tasks {
            task.abort();
            // It was aborted.
            let _ = task.await;
        }
    }
}

pub fn start(world: &Arc<World>, args: &Args) -> Watching {
    answers::follow(world);
    let tasks = vec![
        tokio::spawn(seen::follow(Arc::clone(world))),
        tokio::spawn(look(Arc::clone(world), args.ready_bound())),
    ];
    Watching { tasks }
}

async fn look(world: Arc<World>, bound: Duration) {
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .build()
        .expect("a client");
    let mut stuck = BTreeMap::<Role, Instant>::new();
    let mut progress = Instant::now();
    loop {
        tokio::time::sleep(PAUSE).await;
        send_requests(&world, &client).await;
        for role in Role::ALL {
            judge(&world, role, bound, &mut stuck);
        }
        if progress.elapsed() > PROGRESS {
            progress = Instant::now();
            world.journal.say(&waiting(&world));
        }
    }
}

/// Asks every service whether it is ready.
async fn send_requests(world: &World, client: &reqwest::Client) {
    let services: Vec<(usize, Option<String>)> = {
        let fleet = world.fleet();
        let all = fleet.services.iter();
        all.map(|service| (service.number, service.http()))
            .collect()
    };
    for (number, address) in services {
        let ready = match address {
            Some(address) => is_ready(client, &address).await,
            None => None,
        };
        if let Some(service) = world.fleet().get(number) {
            service.ready = ready;
        }
    }
}

async fn is_ready(client: &reqwest::Client, address: &str) -> Option<(u16, String)> {
    let url = format!("http://{address}/health/ready");
    let answer = client.get(url).send().await.ok()?;
    let code = answer.status().as_u16();
    Some((code, answer.text().await.unwrap_or_default()))
}

/// All services of a role say ready, while a message has waited too long since the last fault.
fn judge(world: &World, role: Role, bound: Duration, stuck: &mut BTreeMap<Role, Instant>) {
    let streams: &[Stream] = match role {
        Role::Loader => &[Stream::Listings],
        Role::Applier => &[Stream::Requests, Stream::Labels],
    };
    let oldest = streams.iter().find_map(|stream| {
        let (key, age) = world.ledger.oldest(*stream, Instant::now())?;
        let quiet = world.quiet_since()?.elapsed();
        (age.min(quiet) > bound).then_some((key, age))
    });
    let Some((key, age)) = oldest else {
        stuck.remove(&role);
        return;
    };
    let all_ready = {
        let fleet = world.fleet();
        let mut of_role = fleet.services.iter().filter(|one| one.role == role);
        of_role.all(|one| one.ready.as_ref().is_some_and(|(code, _)| *code == 200))
    };
    // Reported once, until it moves.
    if all_ready && !stuck.contains_key(&role) {
        stuck.insert(role, Instant::now());
        world.journal.violation(format!(
            "ready while stuck: every {} says 200, and {} ({}) has waited for {:.0} s, {:.0} s of them \
             with no fault",
            role.name(),
            key.stream.id(key.number),
            key.stream.name(),
            age.as_secs_f64(),
            bound.as_secs_f64(),
        ));
    }
}

/// What waits, and who is ready.
pub fn waiting(world: &World) -> String {
    let waiting: Vec<String> = Stream::ALL
        .into_iter()
        .map(|stream| {
            let oldest = world.ledger.oldest(stream, Instant::now());
            let age = oldest.map_or(0.0, |(_, age)| age.as_secs_f64());
            format!(
                "{} {} (oldest {age:.1} s)",
                world.ledger.waiting(stream),
                stream.name()
            )
        })
        .collect();
    let fleet = world.fleet();
    let ready: Vec<String> = fleet
        .services
        .iter()
        .map(|service| {
            let code = service.ready.as_ref().map_or(0, |(code, _)| *code);
            format!("{} {code}", service.name())
        })
        .collect();
    format!(
        "waiting: {}; ready: {}",
        waiting.join(", "),
        ready.join(", ")
    )
}

/// The answers of services that are not ready.
pub fn reasons(world: &World) -> String {
    let fleet = world.fleet();
    let not_ready = fleet.services.iter().filter_map(|service| {
        let (code, text) = service.ready.as_ref()?;
        (*code != 200).then(|| format!("  {} {code}: {text}", service.name()))
    });
    not_ready.collect::<Vec<_>>().join("\n")
}
