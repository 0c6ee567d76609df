//! How many files the process may have open, and how many connections that leaves room for.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept for Kafka's and PostgreSQL's sockets, models and logs.
const RESERVE: u64 = 256;
/// Each connection has two: its own, and one by which another thread can close it.
const A_CONNECTION: u64 = 2;
/// However few files there are, somebody must be able to ask what is wrong.
pub(super) const LEAST: usize = 16;
/// No more are requested: a child process may go through them all when it starts.
const MOST_FILES: u64 = 65_536;

/// Connections that the limit on open files leaves room for. The first call raises the limit as far as
/// it may be raised.
pub(super) fn connections() -> usize {
    static CONNECTIONS: OnceLock<usize> = OnceLock::new();
    *CONNECTIONS.get_or_init(|| {
        let files = raise();
        let connections = room(files);
        tracing::info!(
            files,
            reserve = RESERVE,
            connections,
            "the limit on open files leaves room for {connections} connections"
        );
        connections
    })
}

fn room(files: u64) -> usize {
    let connections = files.saturating_sub(RESERVE) / A_CONNECTION;
    usize::try_from(connections).map_or(usize::MAX, |room| room.max(LEAST))
}

/// The limit after it has been raised.
fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current.unwrap_or(u64::MAX);
    let possible = maximum.unwrap_or(u64::MAX).min(MOST_FILES);
    if possible <= current {
        return current;
    }
    let raised = Rlimit {
        current: Some(possible),
        maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => possible,
        Err(error) => {
            tracing::warn!(files = current, %error, "cannot raise the limit on open files");
            current
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_left_for_kafka_and_the_database() {
        assert_eq!(room(1024), 384);
        assert_eq!(room(65_536), 32_640);
        assert_eq!(room(64), LEAST);
    }
}
