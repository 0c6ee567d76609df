//! Leaving: stop taking work, finish what is in flight, commit, go.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Cancelled when a service is to leave; handed to every `run`.
pub use tokio_util::sync::CancellationToken as Shutdown;

/// A shutdown that the first SIGINT, SIGTERM or SIGHUP (a terminal that was closed) cancels; a second
/// one leaves at once, with 130. A SIGHUP that is ignored when the process starts (`nohup`) stays so.
pub fn on_signals() -> Shutdown {
    let shutdown = Shutdown::new();
    let signalled = shutdown.clone();
    // Before anything else: a signal that comes before the task runs is not lost.
    let mut signals = Signals::new();
    tokio::spawn(async move {
        let which = signals.next().await;
        tracing::info!(
            signal = which,
            "stopping: finishing what is in flight (a second signal stops at once)"
        );
        signalled.cancel();
        loop {
            // A terminal that closes sends SIGHUP more than once, by the shell and by the system.
            if signals.next().await != HANGUP || which != HANGUP {
                std::process::exit(130);
            }
        }
    });
    shutdown
}

const HANGUP: &str = "SIGHUP";

/// The signals that ask to leave; without a handler of one, the others still work.
struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
}

impl Signals {
    fn new() -> Signals {
        let on = |kind| signal(kind).ok();
        Signals {
            interrupt: on(SignalKind::interrupt()),
            terminate: on(SignalKind::terminate()),
            hangup: if is_hangup_ignored() {
                None
            } else {
                on(SignalKind::hangup())
            },
        }
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            () = one(&mut self.interrupt) => "SIGINT",
            () = one(&mut self.terminate) => "SIGTERM",
            () = one(&mut self.hangup) => HANGUP,
        }
    }
}

/// Whether the process was started to outlive its terminal (`nohup`): a handler would undo that. Where
/// the system does not say, it was not.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_in_mask(&status, SignalKind::hangup())
}

/// Whether a signal is among those that `/proc/PID/status` says are ignored.
fn is_in_mask(status: &str, signal: SignalKind) -> bool {
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = 1_u64 << (signal.as_raw_value() - 1);
    mask.is_some_and(|mask| mask & bit != 0)
}

async fn one(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    // No more can come.
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hangup_that_is_ignored_is_seen() {
        let hangup = SignalKind::hangup();
        assert!(is_in_mask("Name:\tx\nSigIgn:\t0000000000000001\n", hangup));
        assert!(is_in_mask("SigIgn:\t0000000000001003\n", hangup));
        assert!(!is_in_mask("SigIgn:\t0000000000001000\n", hangup));
        assert!(!is_in_mask("", hangup));
    }
}
