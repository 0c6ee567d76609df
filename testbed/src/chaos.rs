//! What is done to the system while it works.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::members::{Members, signal};
use crate::{RealKafka, Testbed};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Most services at a time: one more than there are partitions.
const MOST: usize = 4;
/// Of so many kills, one crash of the broker: it takes a while to come back.
const KILLS_A_BROKER_CRASH: u64 = 20;
/// Pause between two words about how far it is.
const TELL: Duration = Duration::from_secs(15);

/// Past the test harness, which hides what a passing test prints.
pub fn say(text: &str) {
    // A closed standard error has no reader.
    let _ = writeln!(std::io::stderr(), "conservation: {text}");
}

/// The number in an environment variable, or `otherwise`.
///
/// # Panics
/// When it is not a number.
pub fn number_of(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={text}: expected a number")),
        Err(_) => otherwise,
    }
}

/// Messages that the stored offsets have passed, over all consumers; `None` while the database is
/// recovering.
pub async fn taken(bed: &Testbed) -> Option<u64> {
    let sql = "SELECT coalesce(sum(next_offset), 0)::bigint FROM offsets";
    let sum: Result<i64, _> = sqlx::query_scalar(sql).fetch_one(bed.pool()).await;
    sum.ok().map(i64::unsigned_abs)
}

/// What was done.
#[derive(Default)]
pub struct Hurt {
    kills: u64,
    leaves: u64,
    database_crashes: u64,
    broker_crashes: u64,
    started: usize,
    seconds: f64,
}

/// Hurts until so many services were killed.
///
/// # Panics
/// When a service ends by itself, or does not leave.
pub async fn hurt(
    rng: &mut ChaCha8Rng,
    kills: u64,
    bed: &Testbed,
    kafka: &RealKafka,
    members: &mut Members,
) -> Hurt {
    let (began, started_before) = (Instant::now(), members.started);
    let mut reported = began;
    let mut hurt = Hurt::default();
    while hurt.kills < kills {
        members.keep_at_least(1);
        match rng.random_range(0..100) {
            0..50 => {
                members.kill(rng);
                hurt.kills += 1;
            }
            50..85 if members.count() < MOST => members.start(),
            85..93 => {
                members.leave(rng).await;
                hurt.leaves += 1;
            }
            93..97 => {
                crash_database(rng, bed).await;
                hurt.database_crashes += 1;
            }
            97..99 if hurt.broker_crashes * KILLS_A_BROKER_CRASH < hurt.kills => {
                kafka.restart(None, true).await;
                hurt.broker_crashes += 1;
            }
            _ => {}
        }
        let pause_ms = rng.random_range(20..1500);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        if reported.elapsed() > TELL {
            reported = Instant::now();
            let taken = taken(bed).await;
            say(&format!("{} kills, {taken:?} taken", hurt.kills));
        }
    }
    hurt.started = members.started - started_before;
    hurt.seconds = began.elapsed().as_secs_f64();
    hurt
}

/// Kills a server process under a connection: PostgreSQL then ends all others too, throws its
/// shared memory away and recovers from its log, on the same port.
async fn crash_database(rng: &mut ChaCha8Rng, bed: &Testbed) {
    let sql = "SELECT pid FROM pg_stat_activity \
               WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    // It may be recovering from the crash before.
    let pids: Vec<i32> = sqlx::query_scalar(sql)
        .fetch_all(bed.pool())
        .await
        .unwrap_or_default();
    if !pids.is_empty() {
        let pid = pids[rng.random_range(0..pids.len())];
        signal("KILL", &pid.to_string());
    }
}

impl fmt::Display for Hurt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} started, {} killed, {} asked to leave, {} crashes of the database, {} of \
             the broker, in {:.0} s",
            self.started,
            self.kills,
            self.leaves,
            self.database_crashes,
            self.broker_crashes,
            self.seconds
        )
    }
}
