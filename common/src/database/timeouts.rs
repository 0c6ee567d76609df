//! Deadlines that the server keeps for each session, and how it plans there.

use std::time::Duration;

use serde::Deserialize;
use sqlx::postgres::PgConnectOptions;

/// What the client waits beyond the server's own limit.
const GRACE: Duration = Duration::from_secs(5);
/// The deadline where statements have none: longer than any run.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Marks a session whose start-up parameters have reached the server; a pooler may drop them.
pub(super) const MARK: &str = "hedonic.session";

/// Plans are made for the values of each call. A plan for any values, which PostgreSQL keeps from a statement's
/// sixth call on, is the one of a table that was empty then: a connection that is kept reads the whole table for
/// every lookup until the table is analysed.
const PLANS: (&str, &str) = ("plan_cache_mode", "force_custom_plan");

/// Section `[database.timeouts]`; 0 turns one off.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// Bounds one statement (`statement_timeout`): a server that works forever holds a batch forever.
    pub statement_ms: u64,
    /// Bounds the wait for a lock (`lock_timeout`): anyone who holds it may be frozen.
    pub lock_ms: u64,
    /// Bounds how long a transaction waits for its client (`idle_in_transaction_session_timeout`): a client
    /// that is frozen holds locks, and its successor waits.
    pub idle_in_transaction_ms: u64,
    /// After so long without a word the server asks whether the client is there (`tcp_keepalives_idle`).
    pub keepalive_idle_s: u64,
    /// How long it waits before it asks again (`tcp_keepalives_interval`).
    pub keepalive_interval_s: u64,
    /// How often it asks before it drops the client (`tcp_keepalives_count`).
    pub keepalive_count: u64,
    /// How long bytes to the client may stay unconfirmed (`tcp_user_timeout`).
    pub tcp_user_ms: u64,
}

impl Timeouts {
    fn settings(&self) -> [(&'static str, u64); 7] {
        [
            ("statement_timeout", self.statement_ms),
            ("lock_timeout", self.lock_ms),
            (
                "idle_in_transaction_session_timeout",
                self.idle_in_transaction_ms,
            ),
            ("tcp_keepalives_idle", self.keepalive_idle_s),
            ("tcp_keepalives_interval", self.keepalive_interval_s),
            ("tcp_keepalives_count", self.keepalive_count),
            ("tcp_user_timeout", self.tcp_user_ms),
        ]
    }

    /// Options under which a session begins with them; what the URL sets itself stays.
    pub(super) fn on_start(&self, options: &PgConnectOptions) -> PgConnectOptions {
        let theirs = options.get_options().unwrap_or_default().to_owned();
        let ours = self.settings().into_iter();
        let ours = ours.filter(|(name, _)| !theirs.contains(name));
        let plans = Some(PLANS).filter(|(name, _)| !theirs.contains(name));
        let options = options.clone().options(ours).options(plans);
        options.options([(MARK, "direct")])
    }

    /// One statement that sets them for the session.
    pub(super) fn as_statement(&self) -> String {
        let settings = self.settings();
        let settings = settings.map(|(name, value)| format!("SET {name} = {value};"));
        let (name, value) = PLANS;
        settings.concat() + &format!("SET {name} = {value};")
    }

    /// Of a client, for one statement.
    pub(super) fn deadline(&self) -> Duration {
        match self.statement_ms {
            0 => NEVER,
            statement_ms => Duration::from_millis(statement_ms) + GRACE,
        }
    }
}

/// Whether sessions begin with [`Timeouts`] as start-up parameters: not so through a pooler.
pub(super) fn are_in(options: &PgConnectOptions) -> bool {
    let options = options.get_options();
    options.is_some_and(|options| options.contains(MARK))
}
