//! What a run is made of: servers, what stands between, services, and the books.

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use testbed::{Gate, RealKafka, Testbed};

use crate::args::Args;
use crate::fleet::{Fleet, Role};
use crate::journal::Journal;
use crate::ledger::{Key, Ledger};
use crate::stream::Sender;
use crate::{answers, model, seen};

/// Longest a service may take to be ready at the start.
const START: Duration = Duration::from_secs(120);
/// What is stored by others than the migrations lies here.
const NAMED: &str = "hedonic,public";

/// Everything; services see Kafka and PostgreSQL through the gates alone.
pub struct World {
    pub journal: Arc<Journal>,
    pub ledger: Arc<Ledger>,
    pub sender: Sender,
    pub published: Arc<answers::Published>,
    pub bed: Testbed,
    pub kafka: RealKafka,
    pub kafka_gate: Gate,
    pub database_gate: Gate,
    /// To the database, around the gate.
    pub pool: PgPool,
    fleet: Mutex<Fleet>,
    /// How many of each role run while no fault says otherwise.
    members_of_role: [usize; 2],
    repeated: Mutex<HashSet<Key>>,
    /// Faults that are in progress, and when the last one ended.
    faults: Mutex<(usize, Instant)>,
    /// Services with a wrong clock that run or ran within this round.
    clocked: AtomicUsize,
    /// Whether poison comes beside that of the plan.
    pub mixes: bool,
    logs: PathBuf,
}

impl World {
    pub async fn start(args: &Args, seed: u64, journal: Arc<Journal>) -> anyhow::Result<World> {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let kafka_gate = Gate::before(nowhere).await;
        let behind = free_port()?;
        let proxied = format!("{behind}:{}", kafka_gate.address().port());
        journal.say("Apache Kafka and PostgreSQL start");
        let kafka = RealKafka::launch(&["--proxied", &proxied]).await;
        kafka_gate.lead_to(SocketAddr::from(([127, 0, 0, 1], behind)));
        kafka_gate.set_open(true);
        let bed = Testbed::on(kafka.brokers()).await;
        let (database_gate, url) = bed.behind_a_gate().await;
        database_gate.set_open(true);

        let brokers = kafka_gate.address().to_string();
        let mut settings = vec![
            ("kafka.brokers", brokers.as_str()),
            ("database.url", &url),
            // What is stopped for longer loses its partitions.
            ("kafka.properties.session.timeout.ms", "4000"),
            ("kafka.properties.heartbeat.interval.ms", "500"),
            // A broker that forgets members of before holds the others up for so long.
            ("kafka.properties.max.poll.interval.ms", "15000"),
            ("loader.http", "127.0.0.1:0"),
            ("applier.http", "127.0.0.1:0"),
            // What is stalled says so well before --ready-s.
            ("liveness.stall_s", "15"),
            ("liveness.rejoin_s", "15"),
        ];
        for setting in &args.settings {
            let pair = setting.split_once('=');
            settings
                .push(pair.with_context(|| format!("--set takes KEY=VALUE, found '{setting}'"))?);
        }
        let flags = bed.flags(&settings);
        let programs = programs(args)?;
        let logs =
            std::env::temp_dir().join(format!("hedonic-chaos-{seed}-{}", std::process::id()));
        std::fs::create_dir_all(&logs).with_context(|| logs.display().to_string())?;
        let mut fleet = Fleet::new(&programs, flags.clone(), &logs)?;
        if fleet.faketime.is_none() {
            journal
                .say("SKIPPED: faketime is not installed; services with wrong clocks are left out");
        }
        journal.say(&format!("the services' logs are in {}", logs.display()));
        model::train(&programs.join("model-prepare"), &flags, &logs)?;
        let members = [args.loaders.max(1), args.appliers.max(1)];
        for (role, count) in Role::ALL.into_iter().zip(members) {
            for _ in 0..count {
                fleet.start(role, None)?;
            }
        }
        let options = PgConnectOptions::from_str(&bed.database_url())?;
        let world = World {
            journal,
            ledger: Arc::default(),
            sender: Sender::new(&bed)?,
            published: Arc::default(),
            kafka_gate,
            database_gate,
            pool: PgPoolOptions::new()
                .max_connections(6)
                .acquire_timeout(Duration::from_secs(5))
                .connect_lazy_with(
                    options
                        .options([("search_path", NAMED)])
                        .application_name("chaos"),
                ),
            bed,
            kafka,
            fleet: Mutex::new(fleet),
            members_of_role: members,
            repeated: Mutex::default(),
            faults: Mutex::new((0, Instant::now())),
            clocked: AtomicUsize::new(0),
            mixes: args.only.is_empty() && args.without.is_empty(),
            logs,
        };
        world.await_ready().await?;
        seen::install(&world.pool).await?;
        Ok(world)
    }

    async fn await_ready(&self) -> anyhow::Result<()> {
        let until = Instant::now() + START;
        let client = reqwest::Client::new();
        loop {
            let addresses: Vec<Option<String>> = self
                .fleet()
                .services
                .iter()
                .map(|service| service.http())
                .collect();
            let mut ready = 0;
            for address in addresses.iter().flatten() {
                let answer = client.get(format!("http://{address}/health/ready")).send();
                ready += usize::from(answer.await.is_ok_and(|answer| answer.status() == 200));
            }
            if ready == addresses.len() {
                return Ok(());
            }
            ensure!(
                Instant::now() < until,
                "{ready} of {} services are ready after {START:?}:\n{}",
                addresses.len(),
                self.tails()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub fn fleet(&self) -> MutexGuard<'_, Fleet> {
        self.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts what is missing, and reports what has ended by itself.
    pub fn complete(&self) -> anyhow::Result<()> {
        let mut fleet = self.fleet();
        for (_, ended) in fleet.ended() {
            self.journal.violation(ended);
        }
        for (role, members) in Role::ALL.into_iter().zip(self.members_of_role) {
            let of_role = fleet.services.iter().filter(|one| one.role == role);
            for _ in of_role.count()..members {
                fleet.start(role, None)?;
            }
        }
        Ok(())
    }

    /// Kills all services and starts as many: what an operator does at last.
    pub fn start_anew(&self) -> anyhow::Result<()> {
        let mut fleet = self.fleet();
        for service in &mut fleet.services {
            // One that has ended by itself needs no kill.
            let _ = service.process.kill();
            let _ = service.process.wait();
        }
        fleet.services.clear();
        drop(fleet);
        self.complete()
    }

    /// Ends all services.
    pub async fn stop_services(&self) {
        let mut fleet = self.fleet();
        for mut service in std::mem::take(&mut fleet.services) {
            let _ = service.process.kill();
            let _ = service.process.wait();
        }
        if self.journal.violations().is_empty() {
            // What cannot be removed is in the temporary directory.
            let _ = std::fs::remove_dir_all(&self.logs);
        } else if let Err(error) = self.kafka.copy_logs(&self.logs) {
            self.journal
                .say(&format!("the broker's logs cannot be kept: {error}"));
        }
    }

    /// The ends of the logs.
    pub fn tails(&self) -> String {
        let fleet = self.fleet();
        let tails: Vec<String> = fleet
            .services
            .iter()
            .map(|service| service.tail())
            .collect();
        tails.join("\n")
    }

    /// The message was sent once more, with another content.
    pub fn repeated(&self, key: Key) {
        let mut repeated = self.repeated.lock().unwrap_or_else(PoisonError::into_inner);
        repeated.insert(key);
    }

    pub fn is_repeated(&self, key: Key) -> bool {
        let repeated = self.repeated.lock().unwrap_or_else(PoisonError::into_inner);
        repeated.contains(&key)
    }

    pub fn fault_begins(&self) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).0 += 1;
    }

    pub fn fault_ends(&self) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        *faults = (faults.0.saturating_sub(1), Instant::now());
    }

    /// Since when no fault is active; `None` while one is.
    pub fn quiet_since(&self) -> Option<Instant> {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        (faults.0 == 0).then_some(faults.1)
    }

    /// A service with a wrong clock comes (1) or has left and what it took is settled (0).
    pub fn set_clocked(&self, services: usize) {
        self.clocked.store(services, Ordering::Relaxed);
        if services > 0 {
            self.ledger.clock_open();
        }
    }

    pub fn is_clocked(&self) -> bool {
        self.clocked.load(Ordering::Relaxed) > 0
    }
}

/// Where the programs were built: this one is in `examples` below it.
fn programs(args: &Args) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("where this program is")?;
    let built = program.parent().and_then(|examples| examples.parent());
    let directory = match &args.programs {
        Some(directory) => directory.clone(),
        None => built.context("where programs are built")?.to_owned(),
    };
    for name in ["data-loader", "model-application", "model-prepare"] {
        let program = directory.join(name);
        ensure!(
            program.exists(),
            "{} is missing: cargo build -p {name}",
            program.display()
        );
    }
    Ok(directory)
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("a free port")?;
    Ok(listener.local_addr()?.port())
}
