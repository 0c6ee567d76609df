//! The connections of one listener: bounded, and none waits for its client forever.
//!
//! Anyone who comes when all places are taken gets the place of the one that has kept the service waiting
//! longest, so that clients that send half a request do not keep others out, health probes among them.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use rustix::net::{Shutdown, shutdown};

use super::files;
use crate::metrics::HTTP_CONNECTIONS_CLOSED;

/// Pause between two looks for connections that have waited too long.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// Pause between two warnings that the places are taken.
const WARN_EVERY: Duration = Duration::from_secs(10);
/// What a client gets for which there is no place.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\n\
    content-type: application/json\r\ncontent-length: 61\r\n\r\n\
    {\"error\":\"all connections are busy: send the request again\"}\n";

/// Connections of all listeners of the process: they share its limit on open files.
static IN_ALL: AtomicUsize = AtomicUsize::new(0);

/// The connections of one listener.
pub(super) struct Connections {
    most: usize,
    /// Whether it is of those few that the limit on open files is not asked for: health probes.
    is_reserved: bool,
    /// A connection that waits longer for its client is closed.
    longest: Duration,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    /// Numbers them.
    next: AtomicU64,
    /// What times are counted from.
    began: Instant,
    warned: Mutex<Option<Instant>>,
}

/// One connection.
struct Connection {
    /// A second handle of the socket: a thread that does not serve the connection can close it.
    socket: OwnedFd,
    /// Since when the client is waited for, in milliseconds; [`AT_WORK`] while the service is at work.
    waiting_since: AtomicU64,
}

const AT_WORK: u64 = u64::MAX;

/// A place among the connections, given back when dropped; kept beside the connection.
pub(super) struct Place {
    number: u64,
    connection: Arc<Connection>,
    of: Arc<Connections>,
}

impl Connections {
    pub(super) fn new(most: usize, longest: Duration, is_reserved: bool) -> Arc<Connections> {
        Arc::new(Connections {
            most: most.max(1),
            is_reserved,
            longest,
            open: Mutex::default(),
            next: AtomicU64::new(0),
            began: Instant::now(),
            warned: Mutex::default(),
        })
    }

    /// A place for a new connection; none where all others are at work: it is closed then.
    pub(super) fn take(self: &Arc<Self>, stream: &TcpStream) -> Option<Place> {
        let in_all = IN_ALL.fetch_add(1, Ordering::Relaxed) + 1;
        let socket = stream.as_fd().try_clone_to_owned();
        let mut open = self.lock();
        let is_beyond = !self.is_reserved && in_all > files::connections();
        let is_full = open.len() >= self.most || is_beyond;
        let has_room = !is_full || self.close_slowest(&mut open);
        let socket = match socket {
            Ok(socket) if has_room => socket,
            _ => {
                drop(open);
                IN_ALL.fetch_sub(1, Ordering::Relaxed);
                closed("no_place");
                self.warn("all connections are busy: closed a new one");
                // The client may not read it: it is closed in any case.
                let _ = stream.try_write(NO_PLACE);
                let _ = shutdown(stream.as_fd(), Shutdown::Both);
                return None;
            }
        };
        let connection = Arc::new(Connection {
            socket,
            waiting_since: AtomicU64::new(self.now()),
        });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        open.insert(number, Arc::clone(&connection));
        Some(Place {
            number,
            connection,
            of: Arc::clone(self),
        })
    }

    /// Closes the connection whose client is waited for longest; false where none is waited for.
    fn close_slowest(&self, open: &mut HashMap<u64, Arc<Connection>>) -> bool {
        let since = |one: &Arc<Connection>| one.waiting_since.load(Ordering::Relaxed);
        let slowest = open
            .iter()
            .filter(|(_, one)| since(one) != AT_WORK)
            .min_by_key(|(_, one)| since(one));
        let Some(number) = slowest.map(|(number, _)| *number) else {
            return false;
        };
        if let Some(connection) = open.remove(&number) {
            connection.close("slowest");
            self.warn("all connections are in use: closed the one that was silent longest");
        }
        true
    }

    /// Closes those that have waited too long for their client.
    pub(super) fn close_late(&self) {
        let longest = u64::try_from(self.longest.as_millis()).unwrap_or(u64::MAX);
        let now = self.now();
        self.lock().retain(|_, connection| {
            let since = connection.waiting_since.load(Ordering::Relaxed);
            let is_late = since != AT_WORK && now.saturating_sub(since) > longest;
            if is_late {
                connection.close("late");
            }
            !is_late
        });
    }

    fn warn(&self, what: &'static str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
            *warned = Some(Instant::now());
            tracing::warn!(connections = self.most, "{what}");
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(AT_WORK - 1)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        // Every change is one insert or remove: a panic leaves a whole map.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn close(&self, reason: &'static str) {
        closed(reason);
        // A client that has gone already has closed it.
        let _ = shutdown(&self.socket, Shutdown::Both);
    }
}

fn closed(reason: &'static str) {
    metrics::counter!(HTTP_CONNECTIONS_CLOSED.name(), "reason" => reason).increment(1);
}

impl Place {
    /// The client is waited for from now on.
    pub(super) fn waits(&self) {
        let now = self.of.now();
        self.connection.waiting_since.store(now, Ordering::Relaxed);
    }

    /// The service is at work: the client waits.
    pub(super) fn works(&self) {
        self.connection
            .waiting_since
            .store(AT_WORK, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        IN_ALL.fetch_sub(1, Ordering::Relaxed);
        self.of.lock().remove(&self.number);
    }
}
