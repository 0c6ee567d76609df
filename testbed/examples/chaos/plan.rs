//! Which faults come when: a function of the seed.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::bail;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::args::Args;
use crate::fleet::Role;
use crate::poison::Poison;

/// Most faults of one round.
const MOST: usize = 4;

/// What a fault keeps busy: two faults of one round have different ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    KafkaNetwork,
    DatabaseNetwork,
    Broker,
    Database,
    Service(Role),
    /// Messages: any number of them at a time.
    Stream,
    /// It must be checked alone.
    Everything,
}

macro_rules! kinds {
    ($($kind:ident $name:literal $weight:literal $subject:expr, $what:literal;)*) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $(#[doc = $what] $kind,)*
            /// A message that must not stop the stream.
            Poison(Poison),
        }

        impl Kind {
            /// All kinds, each with its share.
            fn all() -> Vec<(Kind, u32)> {
                let poison = Poison::ALL.iter().map(|poison| (Kind::Poison(*poison), poison.weight()));
                [$((Kind::$kind, $weight)),*].into_iter().chain(poison).collect()
            }

            fn subject(self) -> Subject {
                match self {
                    $(Kind::$kind => $subject,)*
                    Kind::Poison(_) => Subject::Stream,
                }
            }
        }

        impl fmt::Display for Kind {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Kind::$kind => out.pad($name),)*
                    Kind::Poison(poison) => out.pad(&format!("poison-{}", poison.name())),
                }
            }
        }
    };
}

kinds! {
    KafkaFreeze "kafka-freeze" 6 Subject::KafkaNetwork, "Nothing passes between services and Kafka.";
    KafkaCut "kafka-cut" 6 Subject::KafkaNetwork, "Connections to Kafka break, and none is taken.";
    KafkaFlap "kafka-flap" 3 Subject::KafkaNetwork, "The same a few times in a row.";
    KafkaSilence "kafka-silence" 2 Subject::KafkaNetwork, "Connections to Kafka go silent for ever; new ones work.";
    KafkaDelay "kafka-delay" 4 Subject::KafkaNetwork, "Kafka is far away.";
    DatabaseFreeze "database-freeze" 6 Subject::DatabaseNetwork, "Nothing passes between services and PostgreSQL.";
    DatabaseCut "database-cut" 6 Subject::DatabaseNetwork, "Connections to PostgreSQL break, and none is taken.";
    DatabaseSilence "database-silence" 2 Subject::DatabaseNetwork, "Connections to PostgreSQL go silent for ever; new ones work.";
    DatabaseDelay "database-delay" 4 Subject::DatabaseNetwork, "PostgreSQL is far away.";
    BrokerStop "broker-stop" 4 Subject::Broker, "The broker's process is stopped and goes on (SIGSTOP).";
    BrokerKill "broker-kill" 2 Subject::Broker, "The broker is killed and started.";
    BrokerFlap "broker-flap" 1 Subject::Everything, "The broker is killed and started three times in a row.";
    BackendStop "backend-stop" 6 Subject::Database, "A PostgreSQL process with a service's connection is stopped and goes on.";
    BackendKill "backend-kill" 4 Subject::Database, "A PostgreSQL process is killed: all connections end and the server recovers.";
    BackendsEnded "backends-ended" 4 Subject::Database, "All connections of services are ended.";
    PostmasterStop "postmaster-stop" 2 Subject::Database, "PostgreSQL takes no new connection (SIGSTOP of the postmaster).";
    TableReader "table-reader" 3 Subject::Everything, "Somebody reads the tables in a long transaction, as pg_dump, while services start.";
    IdleInTransaction "idle-in-transaction" 4 Subject::Database, "An idle transaction holds the tables against writers.";
    LoaderStop "loader-stop" 6 Subject::Service(Role::Loader), "A loader is stopped and goes on.";
    LoaderKill "loader-kill" 6 Subject::Service(Role::Loader), "A loader is killed, another started.";
    LoaderLeave "loader-leave" 3 Subject::Service(Role::Loader), "A loader is asked to leave, another started.";
    LoaderClock "loader-clock" 2 Subject::Service(Role::Loader), "A loader with a wrong clock comes and leaves.";
    ApplierStop "applier-stop" 6 Subject::Service(Role::Applier), "An applier is stopped and goes on.";
    ApplierKill "applier-kill" 6 Subject::Service(Role::Applier), "An applier is killed, another started.";
    ApplierLeave "applier-leave" 3 Subject::Service(Role::Applier), "An applier is asked to leave, another started.";
    ApplierClock "applier-clock" 2 Subject::Service(Role::Applier), "An applier with a wrong clock comes and leaves.";
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        let all = Kind::all();
        let found = all.iter().find(|(kind, _)| kind.to_string() == text);
        found.map(|(kind, _)| *kind).ok_or_else(|| {
            let names: Vec<String> = all.iter().map(|(kind, _)| kind.to_string()).collect();
            format!("no such kind of fault; there are {}", names.join(", "))
        })
    }
}

/// One fault of a round.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub kind: Kind,
    /// From the round's beginning.
    pub after: Duration,
    /// How long it lasts, where it is not over at once.
    pub lasts: Duration,
    /// Of the choices that are left to its moment, such as which service.
    pub seed: u64,
}

/// All rounds of a run.
pub struct Plan {
    pub seed: u64,
    pub rounds: Vec<Vec<Fault>>,
}

impl Plan {
    pub fn new(args: &Args, seed: u64) -> anyhow::Result<Plan> {
        let mut kinds = Kind::all();
        kinds.retain(|(kind, _)| args.only.is_empty() || args.only.contains(kind));
        kinds.retain(|(kind, _)| !args.without.contains(kind));
        if kinds.is_empty() {
            bail!("--only and --without leave no kind of fault: name others");
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut rounds, mut left) = (Vec::new(), args.count());
        while left > 0 {
            let size = rng.random_range(1..=MOST).min(left);
            let round = round(&mut rng, &kinds, size);
            left -= round.len();
            rounds.push(round);
        }
        Ok(Plan { seed, rounds })
    }
}

/// At most `size` faults of different subjects.
fn round(rng: &mut ChaCha8Rng, kinds: &[(Kind, u32)], size: usize) -> Vec<Fault> {
    let (mut busy, mut faults) = (BTreeSet::new(), Vec::<Fault>::new());
    for _ in 0..size {
        let kind = match kinds.choose_weighted(rng, |(_, weight)| *weight) {
            Ok((kind, _)) => *kind,
            Err(_) => break,
        };
        let subject = kind.subject();
        let alone = busy.contains(&Subject::Everything) || subject == Subject::Everything;
        let taken = subject != Subject::Stream && !busy.insert(subject);
        if (alone && !faults.is_empty()) || taken {
            continue;
        }
        faults.push(Fault {
            kind,
            after: Duration::from_millis(rng.random_range(0..2000)),
            lasts: lasts(rng),
            seed: rng.random(),
        });
    }
    faults
}

/// Most are short, some are longer than a session, a few longer than most deadlines.
fn lasts(rng: &mut ChaCha8Rng) -> Duration {
    let ms = match rng.random_range(0..100) {
        0..82 => rng.random_range(300..3000),
        82..96 => rng.random_range(3000..8000),
        _ => rng.random_range(15_000..25_000),
    };
    Duration::from_millis(ms)
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: usize = self.rounds.iter().map(Vec::len).sum();
        let rounds = self.rounds.len();
        writeln!(
            out,
            "seed {}: {faults} faults in {rounds} rounds",
            self.seed
        )?;
        for (number, round) in self.rounds.iter().enumerate() {
            let faults: Vec<String> = round.iter().map(Fault::to_string).collect();
            writeln!(out, "  round {:3}: {}", number + 1, faults.join(" | "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.after.as_secs_f64();
        write!(out, "+{after:.1} {}", self.kind)?;
        match self.kind {
            Kind::Poison(_) => Ok(()),
            _ => write!(out, " {:.1} s", self.lasts.as_secs_f64()),
        }
    }
}
