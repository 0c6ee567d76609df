//! What the pages of the web app share.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use common::Shutdown;
use common::http::Status;
use records::Schema;
use sqlx::PgPool;
use tokio::sync::{Mutex, Semaphore};

use super::cache::Cache;
use super::details::Details;
use super::peers::Peers;
use super::replay::Replay;
use super::streams::Streams;
use crate::config::Config;
use crate::quality::Rounds;
use crate::serving::Serving;

/// Bodies of `POST /what-if` worked on at once.
pub(super) const CONSIDERED: usize = 4;

/// What all of its pages share.
pub(crate) struct Dashboard {
    pub(super) schema: Arc<Schema>,
    pub(super) serving: Arc<Serving>,
    pub(super) rounds: Arc<Rounds>,
    /// As `GET /status` shows it.
    pub(super) status: Status,
    /// Empty until the database has answered for the first time.
    pub(super) pool: OnceLock<PgPool>,
    pub(super) cache: Cache,
    pub(super) details: Details,
    pub(super) streams: Streams,
    pub(super) peers: Peers,
    pub(super) replay: Replay,
    /// Sweeps that were found last, and when.
    pub(super) sweeps: Mutex<Option<(Instant, Bytes)>>,
    /// Places of `POST /what-if`: sliders do not keep requests waiting.
    pub(super) considered: Semaphore,
    /// Whether a token is required.
    pub(super) is_guarded: bool,
}

impl Dashboard {
    pub(crate) fn new(
        config: &Config,
        serving: Arc<Serving>,
        rounds: Arc<Rounds>,
        status: Status,
        leave: Shutdown,
    ) -> Dashboard {
        Dashboard {
            schema: Arc::clone(&config.schema),
            serving,
            rounds,
            status,
            pool: OnceLock::new(),
            cache: Cache::default(),
            details: Details::default(),
            streams: Streams::new(leave),
            peers: Peers::new(config.dashboard.clone()),
            replay: Replay::new(config.kafka.clone()),
            sweeps: Mutex::default(),
            considered: Semaphore::new(CONSIDERED),
            is_guarded: config.http.has_token(),
        }
    }

    /// From now on the tables can be read.
    pub(crate) fn connected(&self, pool: PgPool) {
        // It is connected once: a second pool would change nothing.
        let _ = self.pool.set(pool);
    }
}
