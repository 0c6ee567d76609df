//! Looks once a second whether messages wait and nothing is committed, on a thread of its own: it sees
//! what hangs.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::state::State;
use crate::liveness::Watchdog;
use crate::metrics::KAFKA_STALLS;

/// Between two looks.
const TICK: Duration = Duration::from_secs(1);
/// A look that comes so late tells that the whole process was paused: that is not a standstill.
const PAUSED: Duration = Duration::from_secs(5);
/// How long a service that is to end for its standstill has to do so by itself.
const LEAVING: Duration = Duration::from_secs(10);

/// Starts the thread; it ends with the consumer.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn start(state: &Arc<State>, watchdog: Watchdog) -> anyhow::Result<()> {
    let watched = Arc::downgrade(state);
    std::thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || watch(&watched, &watchdog))
        .context("cannot start the watchdog's thread")?;
    Ok(())
}

fn watch(watched: &Weak<State>, watchdog: &Watchdog) {
    let mut standstill = Standstill::default();
    let mut failed_at = None;
    loop {
        std::thread::sleep(TICK);
        let Some(state) = watched.upgrade() else {
            return;
        };
        // It grows old by itself when the thread that measures hangs.
        state.lag.show(&state.anchor.consumer);
        let stall_after = Duration::from_secs(watchdog.config().stall_s);
        let is_excused = state.is_stopped.load(Ordering::Relaxed)
            || state.shutdown.is_cancelled()
            || stall_after.is_zero();
        let seen = Seen {
            waiting: if is_excused { 0 } else { state.lag.least() },
            commits: state.commits.load(Ordering::Relaxed),
            polls: state.polls.load(Ordering::Relaxed),
        };
        match standstill.look(Instant::now(), seen, stall_after) {
            Verdict::Moves => {}
            Verdict::MovesAgain => {
                tracing::info!("messages are processed again");
                watchdog.goes_on();
            }
            Verdict::Stands { is_new, why } => {
                watchdog.stalls(why.clone());
                if is_new {
                    let consumer = state.anchor.consumer.clone();
                    tracing::error!(consumer, "{consumer} is stalled: {why}");
                    metrics::counter!(KAFKA_STALLS.name(), "consumer" => consumer).increment(1);
                }
                if watchdog.config().exit_on_stall {
                    state.fail(format!("{why} (liveness.exit_on_stall)"));
                    let failed_at = failed_at.get_or_insert_with(Instant::now);
                    if failed_at.elapsed() > LEAVING {
                        tracing::error!("the stalled thread does not end: exit code 1");
                        std::process::exit(1);
                    }
                }
            }
        }
    }
}

/// What there is to see of a consumer.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Messages that wait; 0 where it need not do anything.
    waiting: u64,
    commits: u64,
    polls: u64,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Moves,
    MovesAgain,
    Stands { is_new: bool, why: String },
}

/// Since when nothing moves.
#[derive(Debug, Default)]
struct Standstill {
    /// When something waited and nothing was committed first, and when the thread polled last.
    since: Option<Instant>,
    polled_at: Option<Instant>,
    last: Option<(Instant, Seen)>,
    stands: bool,
}

impl Standstill {
    fn look(&mut self, now: Instant, seen: Seen, stall_after: Duration) -> Verdict {
        let last = self.last.replace((now, seen));
        if let Some((at, _)) = last {
            let gap = now.duration_since(at);
            if gap > PAUSED {
                self.since = self.since.map(|since| since + gap);
                self.polled_at = self.polled_at.map(|polled_at| polled_at + gap);
            }
        }
        let last = last.map(|(_, seen)| seen);
        if last.is_none_or(|last| last.polls != seen.polls) {
            self.polled_at = Some(now);
        }
        if seen.waiting == 0 || last.is_some_and(|last| last.commits != seen.commits) {
            self.since = None;
        } else {
            self.since.get_or_insert(now);
        }
        let stood = self
            .since
            .map_or(Duration::ZERO, |since| now.duration_since(since));
        if stood < stall_after || self.since.is_none() {
            return match std::mem::take(&mut self.stands) {
                true => Verdict::MovesAgain,
                false => Verdict::Moves,
            };
        }
        let silent = self
            .polled_at
            .map_or(Duration::ZERO, |at| now.duration_since(at));
        let hangs = match silent >= stall_after {
            true => format!(", and its thread has hung for {} s", silent.as_secs()),
            false => String::new(),
        };
        let why = format!(
            "{} messages wait and nothing was committed for {} s{hangs}; see last_error in /status",
            seen.waiting,
            stood.as_secs()
        );
        let is_new = !std::mem::replace(&mut self.stands, true);
        Verdict::Stands { is_new, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn seen(waiting: u64, commits: u64) -> Seen {
        Seen {
            waiting,
            commits,
            polls: commits,
        }
    }

    /// Looks each second from `from` on, and gives the last verdict.
    fn looks(
        standstill: &mut Standstill,
        from: Instant,
        seconds: std::ops::Range<u64>,
        what: Seen,
    ) -> Verdict {
        let mut verdict = Verdict::Moves;
        for second in seconds {
            verdict = standstill.look(from + Duration::from_secs(second), what, MINUTE);
        }
        verdict
    }

    #[test]
    fn what_waits_without_a_commit_for_a_minute_stands_still() {
        let (mut standstill, from) = (Standstill::default(), Instant::now());
        assert_eq!(
            looks(&mut standstill, from, 0..3600, seen(0, 7)),
            Verdict::Moves
        );
        // The first message after an idle hour has its minute.
        assert_eq!(
            looks(&mut standstill, from, 3600..3660, seen(5, 7)),
            Verdict::Moves
        );
        let Verdict::Stands { is_new: true, why } =
            looks(&mut standstill, from, 3660..3661, seen(5, 7))
        else {
            panic!("it stands still");
        };
        assert!(
            why.starts_with("5 messages wait and nothing was committed for 60 s"),
            "{why}"
        );
        let again = looks(&mut standstill, from, 3661..3662, seen(5, 7));
        assert!(
            matches!(again, Verdict::Stands { is_new: false, .. }),
            "counted once"
        );
        assert_eq!(
            looks(&mut standstill, from, 3662..3663, seen(4, 8)),
            Verdict::MovesAgain
        );
        assert_eq!(
            looks(&mut standstill, from, 3663..3664, seen(4, 8)),
            Verdict::Moves
        );
    }

    #[test]
    fn a_process_that_was_paused_did_not_stand_still() {
        let (mut standstill, from) = (Standstill::default(), Instant::now());
        assert_eq!(
            looks(&mut standstill, from, 0..30, seen(5, 7)),
            Verdict::Moves
        );
        // A laptop's lid.
        assert_eq!(
            looks(&mut standstill, from, 4000..4029, seen(5, 7)),
            Verdict::Moves
        );
        let verdict = looks(&mut standstill, from, 4029..4035, seen(5, 7));
        assert!(matches!(verdict, Verdict::Stands { .. }), "{verdict:?}");
    }
}
