//! What a consumer knows, whichever client of librdkafka it reads with at the moment.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::Statistics;
use tokio::runtime::Handle;

use super::anchor::Anchor;
use super::in_flight::InFlight;
use super::lag::{HeldPartition, How, Lag, place};
use crate::health::Health;
use crate::shutdown::Shutdown;
use ledger::offsets::Stretch;

/// Statistics without a broker to talk to, one a second, before the client is abandoned.
const WITHOUT_BROKERS: u32 = 5;

/// Reports of brokers that cannot be reached are older than an answer that came so shortly before: the client
/// tries again more often.
const OLD_NEWS: Duration = Duration::from_secs(2);

/// What a batch begins a partition with.
pub(super) struct Expected {
    /// Where the next message is expected: the offset handed over last.
    pub from: Option<i64>,
    /// The topic's id, where the broker gives one.
    pub topic_id: Option<Arc<str>>,
    /// What the places of its messages begin with.
    pub place: Arc<str>,
}

/// Outlives the clients: one that fails is made again.
pub(super) struct State {
    pub anchor: Anchor,
    pub runtime: Handle,
    pub shutdown: Shutdown,
    pub health: Health,
    /// Whether messages of open transactions are read too (`isolation.level`).
    pub reads_uncommitted: bool,
    pub lag: Arc<Lag>,
    /// What is being written must be done, or abandoned, before a partition goes to another member.
    pub in_flight: InFlight,
    /// Raised when partitions are taken away or repositioned, so that a batch knows whether it spans
    /// that. Beside the lock: it is checked for every message.
    epoch: AtomicU64,
    /// Whether the group has given an assignment, be it an empty one.
    pub is_assigned: AtomicBool,
    /// Whether the group is left by `POST /stop`.
    pub is_stopped: AtomicBool,
    /// Whether no broker could be reached when the client spoke of it last: nothing reports that one
    /// is back.
    pub is_away: AtomicBool,
    /// When a broker answered after that. librdkafka queues an event for every try that failed meanwhile:
    /// those that come out just after an answer are older than it.
    answered_at: Mutex<Option<Instant>>,
    /// Whether messages are in a batch that is not full yet.
    pub is_gathering: AtomicBool,
    /// Batches committed: the watchdog looks whether there are more.
    pub commits: AtomicU64,
    /// Rounds of polling: a thread that hangs makes none.
    pub polls: AtomicU64,
    /// Statistics in a row in which the client has no broker: librdkafka drops all of them for good when
    /// a broker that has just started answers that the cluster has none (librdkafka#5301).
    without_brokers: AtomicU32,
    /// Why the service has to end.
    failure: Mutex<Option<String>>,
}

impl State {
    pub fn new(
        anchor: Anchor,
        health: Health,
        reads_uncommitted: bool,
        shutdown: Shutdown,
    ) -> State {
        State {
            anchor,
            runtime: Handle::current(),
            shutdown,
            health,
            reads_uncommitted,
            lag: Arc::default(),
            in_flight: InFlight::default(),
            epoch: AtomicU64::new(0),
            is_assigned: AtomicBool::new(false),
            is_stopped: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
            answered_at: Mutex::default(),
            is_gathering: AtomicBool::new(false),
            commits: AtomicU64::new(0),
            polls: AtomicU64::new(0),
            without_brokers: AtomicU32::new(0),
            failure: Mutex::default(),
        }
    }

    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub fn next_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }

    /// What is known of a partition whose first message of a batch has come.
    pub fn expected(&self, topic: &str, partition: i32) -> Expected {
        let held = self.lag.held();
        match held.iter().find(|held| held.is(topic, partition)) {
            Some(held) => Expected {
                from: held.read,
                topic_id: held.topic_id.clone(),
                place: Arc::clone(&held.place),
            },
            None => Expected {
                from: None,
                topic_id: None,
                place: place(&self.anchor.cluster, topic, None),
            },
        }
    }

    /// The next batch starts where this one ends.
    pub fn handed_over(&self, stretches: &[Stretch]) {
        let mut held = self.lag.held();
        for stretch in stretches {
            let mut all = held.iter_mut();
            if let Some(held) = all.find(|held| held.is(&stretch.topic, stretch.partition)) {
                held.read = Some(stretch.next);
            }
        }
    }

    /// These partitions are held, in addition to the others or (`all`) instead of them.
    pub fn hold(&self, partitions: Vec<HeldPartition>, all: bool) {
        let mut held = self.lag.held();
        held.retain(|old| {
            !all && !partitions
                .iter()
                .any(|new| new.is(&old.topic, old.partition))
        });
        held.extend(partitions);
        drop(held);
        self.is_assigned.store(true, Ordering::Release);
        self.health.ready("partitions");
    }

    /// The group gives an assignment no more.
    pub fn lose(&self, why: &str) {
        self.lag.forget();
        self.next_epoch();
        self.is_assigned.store(false, Ordering::Release);
        self.health.waiting("partitions", why);
        self.lag.show(&self.anchor.consumer);
    }

    /// The client says that it can reach no broker.
    pub fn away(&self, reason: &str) {
        let answered_at = *locked(&self.answered_at);
        if answered_at.is_some_and(|answered_at| answered_at.elapsed() < OLD_NEWS) {
            return;
        }
        self.health.waiting("kafka", reason);
        if !self.is_away.swap(true, Ordering::Relaxed) {
            tracing::warn!("Kafka is away: {reason}");
        }
    }

    /// Whether a broker came back later than `moment`.
    pub fn is_back_since(&self, moment: Instant) -> bool {
        locked(&self.answered_at).is_some_and(|answered_at| answered_at > moment)
    }

    /// A broker has answered.
    pub fn back(&self) {
        *locked(&self.answered_at) = Some(Instant::now());
        if self.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!("Kafka is back");
        }
        self.health.ready("kafka");
    }

    /// Takes librdkafka's statistics in.
    pub fn measured(&self, statistics: &Statistics) {
        let mut brokers = statistics.brokers.values();
        let has_brokers =
            brokers.any(|broker| broker.source == "learned" || broker.source == "configured");
        match has_brokers {
            true => self.without_brokers.store(0, Ordering::Relaxed),
            false => {
                self.without_brokers.fetch_add(1, Ordering::Relaxed);
            }
        }
        let how = How {
            reads_uncommitted: self.reads_uncommitted,
            is_gathering: self.is_gathering.load(Ordering::Relaxed),
        };
        self.lag.update(statistics, how);
        self.lag.show(&self.anchor.consumer);
    }

    pub fn has_lost_its_brokers(&self) -> bool {
        self.without_brokers.load(Ordering::Relaxed) >= WITHOUT_BROKERS
    }

    /// What was known of a client goes with it.
    pub fn begin_anew(&self) {
        self.without_brokers.store(0, Ordering::Relaxed);
        self.lose("replacing the Kafka client");
    }

    /// The service has to end: anyone who waits for the consumer next gets the reason.
    pub fn fail(&self, reason: String) {
        locked(&self.failure).get_or_insert(reason);
        self.in_flight.end();
    }

    pub fn failure(&self) -> Option<String> {
        locked(&self.failure).clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole values are put in: a panic leaves none half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
