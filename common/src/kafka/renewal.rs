//! The librdkafka client of a consumer, replaced when it cannot continue.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};

use super::assignment::Context;
use super::properties;
use super::state::State;
use super::topic_id::topic_ids;
use crate::metrics::KAFKA_CLIENTS_RENEWED;

/// Clients that may be closing at once: with more, librdkafka hangs, and only a new process helps.
const MOST_CLOSING: u32 = 4;
/// Fatal errors in a row, without a commit between, after which the process ends.
const MOST_FATAL: u32 = 5;
/// Pause before a client is made again after the first fatal error; doubled each time.
const FATAL_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause without an assignment, as a multiple of the first.
const MOST_PATIENCE: u32 = 8;
/// Time without a broker counts as this part of a wait for an assignment.
const AWAY_COUNTS: u32 = 4;
/// A thread that does not poll for so long was busy elsewhere: it could not get an assignment.
const ELSEWHERE: Duration = Duration::from_secs(5);
/// Longest wait for the client to close and leave the group.
const CLOSING: Duration = Duration::from_secs(5);
/// How often the topics' ids are compared, and the timeout of the broker's answer.
const TOPICS_EVERY: Duration = Duration::from_secs(10);
const TOPICS_WITHIN: Duration = Duration::from_secs(1);

/// Clients that are being closed.
static CLOSING_NOW: AtomicU32 = AtomicU32::new(0);

/// A client, and how the next one is made.
pub(super) struct Renewal {
    /// `None` only while it is dropped.
    consumer: Option<BaseConsumer<Context>>,
    settings: ClientConfig,
    topics: Vec<String>,
    state: Arc<State>,
    /// `liveness.rejoin_s`.
    rejoin_after: Duration,
    /// Times the first wait for an assignment: it doubles while making the client again does not help.
    patience: u32,
    /// How long the consumer has waited for an assignment. Time in which no broker answers counts for less:
    /// another client could do nothing better, but this one may be what is wrong.
    waited: Duration,
    looked_at: Instant,
    /// Fatal errors since the last commit, and when the next client may be made.
    fatal: u32,
    not_before: Option<Instant>,
    topics_at: Cell<Instant>,
}

impl Renewal {
    /// Makes the first client and joins the group.
    ///
    /// # Errors
    /// When a property is wrong.
    pub fn new(
        settings: ClientConfig,
        topics: &[&str],
        rejoin_after: Duration,
        state: &Arc<State>,
    ) -> anyhow::Result<Renewal> {
        let consumer: BaseConsumer<Context> = settings
            .create_with_context(Context::new(state))
            .map_err(properties::explain)?;
        consumer.subscribe(topics)?;
        let now = Instant::now();
        Ok(Renewal {
            consumer: Some(consumer),
            settings,
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            state: Arc::clone(state),
            rejoin_after,
            patience: 1,
            waited: Duration::ZERO,
            looked_at: now,
            fatal: 0,
            not_before: None,
            topics_at: Cell::new(now),
        })
    }

    pub fn consumer(&self) -> &BaseConsumer<Context> {
        self.consumer
            .as_ref()
            .expect("it is taken out only while a new one is put in, or dropped")
    }

    /// Joins the group.
    ///
    /// # Errors
    /// When librdkafka does not take the topics' names.
    pub fn join(&self) -> KafkaResult<()> {
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        self.consumer().subscribe(&topics)
    }

    /// A batch is committed: the client works.
    pub fn works(&mut self) {
        self.fatal = 0;
    }

    /// Replaces the client when it cannot continue: after a fatal error, when librdkafka has lost its
    /// brokers, when a topic was made again, and when the group gives no assignment for long. False while there is nothing to poll.
    pub fn keep_alive(&mut self) -> bool {
        let now = Instant::now();
        let since_last = now.duration_since(self.looked_at);
        let was_elsewhere = since_last > ELSEWHERE;
        // The group needs its time from there on: a member that leaves now makes it longer.
        let is_back = self.state.is_back_since(self.looked_at);
        self.looked_at = now;
        // Queried, as not every kind comes as an event.
        if let Some((code, reason)) = self.consumer().client().fatal_error() {
            return self.after_fatal(now, code, &reason);
        }
        if self.state.is_assigned.load(Ordering::Acquire) {
            (self.waited, self.patience) = (Duration::ZERO, 1);
        } else if was_elsewhere || is_back || self.state.is_stopped.load(Ordering::Relaxed) {
            self.waited = Duration::ZERO;
        } else {
            let is_away = self.state.is_away.load(Ordering::Relaxed);
            self.waited += match is_away {
                true => since_last / AWAY_COUNTS,
                false => since_last,
            };
            if self.waited >= self.rejoin_after * self.patience {
                let why = format!("no assignment for {} s", self.waited.as_secs());
                // Without a broker nothing shows whether another client helps.
                if !is_away {
                    self.patience = (self.patience * 2).min(MOST_PATIENCE);
                }
                return self.renew("no assignment", &why);
            }
        }
        if self.consumer().context().is_stale() {
            return self.renew("topic made again", "a topic was deleted and created again");
        }
        if self.state.has_lost_its_brokers() {
            return self.renew("no brokers", "the client has no brokers left");
        }
        true
    }

    fn after_fatal(&mut self, now: Instant, code: RDKafkaErrorCode, reason: &str) -> bool {
        if code == RDKafkaErrorCode::FencedInstanceId {
            self.state.fail(format!(
                "another process has joined the group {} with the same group.instance.id: give \
                 each process its own id, or none ({reason})",
                self.state.anchor.consumer
            ));
            return false;
        }
        let Some(not_before) = self.not_before else {
            self.fatal += 1;
            if self.fatal > MOST_FATAL {
                self.state.fail(format!(
                    "the Kafka consumer had {MOST_FATAL} fatal errors in a row; the last: {reason}"
                ));
                return false;
            }
            let pause = FATAL_PAUSE * 2_u32.pow(self.fatal - 1);
            self.not_before = Some(now + pause);
            let why = format!("a fatal error of the Kafka client: {reason}");
            tracing::error!(retry_in_ms = pause.as_millis() as u64, "{why}");
            self.state.lose(&why);
            return false;
        };
        now >= not_before && self.renew("fatal error", reason)
    }

    /// Replaces the client. Another thread closes the old one, as that may block.
    fn renew(&mut self, kind: &'static str, why: &str) -> bool {
        let group = self.state.anchor.consumer.clone();
        tracing::warn!(
            group,
            "replacing the Kafka consumer of group {group}: {why}"
        );
        metrics::counter!(
            KAFKA_CLIENTS_RENEWED.name(), "client" => group, "why" => kind
        )
        .increment(1);
        (self.waited, self.not_before) = (Duration::ZERO, None);
        if let Some(old) = self.consumer.take() {
            old.context().is_retired.store(true, Ordering::Release);
            close(old);
        }
        self.state.in_flight.settle(&self.state.runtime);
        self.state.begin_anew();
        let made: KafkaResult<BaseConsumer<Context>> =
            self.settings.create_with_context(Context::new(&self.state));
        match made {
            Ok(made) => self.consumer = Some(made),
            Err(error) => {
                let why = properties::explain(error);
                self.state
                    .fail(format!("cannot replace the Kafka consumer: {why:#}"));
                return false;
            }
        }
        if CLOSING_NOW.load(Ordering::Relaxed) > MOST_CLOSING {
            self.state.fail(format!(
                "{MOST_CLOSING} replaced Kafka clients do not close: restart the process"
            ));
            return false;
        }
        if !self.state.is_stopped.load(Ordering::Relaxed)
            && let Err(error) = self.join()
        {
            self.state
                .fail(format!("cannot join the group again: {error}"));
            return false;
        }
        true
    }

    /// Whether a topic that is read was deleted and made again meanwhile; the broker is asked now.
    pub fn topic_is_another_now(&self) -> bool {
        self.topics_at.set(Instant::now());
        self.topic_is_another()
    }

    /// Whether a topic that is read was deleted and made again meanwhile; the broker is asked now and
    /// then.
    pub fn topics_have_changed(&self) -> bool {
        if self.topics_at.get().elapsed() < TOPICS_EVERY
            || self.state.is_away.load(Ordering::Relaxed)
        {
            return false;
        }
        self.topic_is_another_now()
    }

    fn topic_is_another(&self) -> bool {
        let held: Vec<(Arc<str>, Arc<str>)> = {
            let held = self.state.lag.held();
            let known = held.iter();
            known
                .filter_map(|held| Some((Arc::clone(&held.topic), held.topic_id.clone()?)))
                .collect()
        };
        if held.is_empty() {
            return false;
        }
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        match topic_ids(self.consumer().client(), &topics, TOPICS_WITHIN) {
            Ok(ids) => held
                .iter()
                .any(|(topic, id)| ids.get(&**topic).is_some_and(|now| **now != **id)),
            Err(error) => {
                tracing::debug!("cannot compare the topics' ids: {error}");
                false
            }
        }
    }
}

/// Closes a client on a thread of its own, as that may block. It ends with the process at the latest.
fn close(old: BaseConsumer<Context>) -> Option<std::sync::mpsc::Receiver<()>> {
    let (closed, closing) = std::sync::mpsc::channel();
    CLOSING_NOW.fetch_add(1, Ordering::Relaxed);
    let begun = std::thread::Builder::new()
        .name("closing Kafka".to_owned())
        .spawn(move || {
            drop(old);
            CLOSING_NOW.fetch_sub(1, Ordering::Relaxed);
            // Nobody may wait for it any more.
            let _ = closed.send(());
        });
    match begun {
        Ok(_) => Some(closing),
        Err(error) => {
            tracing::warn!(%error, "a Kafka client closed late");
            None
        }
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        let Some(consumer) = self.consumer.take() else {
            return;
        };
        consumer.context().is_retired.store(true, Ordering::Release);
        if let Some(closing) = close(consumer)
            && closing.recv_timeout(CLOSING).is_err()
        {
            tracing::warn!(
                "the Kafka consumer did not close in time: the group waits for its session to end"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    // librdkafka's hook for tests of fatal errors is a C function.
    #![allow(unsafe_code)]

    use rdkafka::Statistics;
    use rdkafka::bindings as native;
    use sqlx::postgres::PgPoolOptions;

    use super::super::anchor::Anchor;
    use super::*;
    use crate::health::Health;
    use crate::shutdown::Shutdown;

    const LIMIT: Duration = Duration::from_secs(60);

    /// On librdkafka's mock cluster within the client, where nobody has the topic.
    fn client(rejoin_after: Duration) -> (Renewal, Arc<State>, Health) {
        let mut settings = ClientConfig::new();
        settings.set("test.mock.num.brokers", "1");
        settings.set("group.id", "g");
        let pool = PgPoolOptions::new().connect_lazy("postgres://127.0.0.1:1/none");
        let anchor = Anchor {
            pool: pool.expect("a URL"),
            cluster: "c".to_owned(),
            consumer: "g".to_owned(),
        };
        let health = Health::default();
        let state = Arc::new(State::new(anchor, health.clone(), false, Shutdown::new()));
        let client = Renewal::new(settings, &["nobody-has-it"], rejoin_after, &state);
        (client.expect("a client"), state, health)
    }

    fn address(client: &Renewal) -> usize {
        client.consumer().client().native_ptr() as usize
    }

    /// Polls until another client is in its place.
    fn is_replaced(client: &mut Renewal) -> bool {
        let (first, until) = (address(client), Instant::now() + LIMIT);
        while Instant::now() < until {
            if client.keep_alive() && address(client) != first {
                return true;
            }
            client.consumer().poll(Duration::from_millis(20));
        }
        false
    }

    fn raise(client: &Renewal, code: native::rd_kafka_resp_err_t) {
        let rk = client.consumer().client().native_ptr();
        let raised = unsafe { native::rd_kafka_test_fatal_error(rk, code, c"a test".as_ptr()) };
        assert_eq!(
            raised,
            native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
        );
    }

    /// In a test that is not of the runtime's threads, as the consumer's is not.
    fn with_runtime(test: impl FnOnce()) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let _entered = runtime.enter();
        test();
    }

    #[test]
    fn after_a_fatal_error_the_client_is_made_anew_some_times_and_then_the_service_ends() {
        with_runtime(|| {
            let (mut client, state, health) = client(LIMIT * 10);
            // The pauses double: two rounds, and the last.
            for round in 0..2 {
                raise(
                    &client,
                    native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN,
                );
                assert!(is_replaced(&mut client), "round {round}");
                assert!(!health.is_ready(), "it has no assignment yet");
            }
            client.works();
            assert_eq!(client.fatal, 0);
            client.fatal = MOST_FATAL;
            raise(
                &client,
                native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN,
            );
            assert!(!is_given_up(&mut client, &state).is_empty());
        });
    }

    fn is_given_up(client: &mut Renewal, state: &State) -> String {
        let until = Instant::now() + LIMIT;
        while Instant::now() < until {
            let goes_on = client.keep_alive();
            if let Some(reason) = state.failure() {
                assert!(!goes_on);
                return reason;
            }
            client.consumer().poll(Duration::from_millis(20));
        }
        String::new()
    }

    #[test]
    fn a_fenced_member_does_not_come_back() {
        with_runtime(|| {
            let (mut client, state, _) = client(LIMIT * 10);
            raise(
                &client,
                native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
            );
            let reason = is_given_up(&mut client, &state);
            assert!(reason.contains("group.instance.id"), "{reason}");
        });
    }

    #[test]
    fn a_client_without_brokers_or_without_an_assignment_is_made_anew() {
        with_runtime(|| {
            let (mut lost, state, _) = client(LIMIT * 10);
            assert!(lost.keep_alive());
            for _ in 0..10 {
                state.measured(&Statistics::default());
            }
            assert!(is_replaced(&mut lost));
            // The mock cluster gives no assignment within three seconds.
            let (mut alone, _, _) = client(Duration::from_secs(1));
            assert!(is_replaced(&mut alone));
            assert_eq!(alone.patience, 2, "the next wait is twice as long");
        });
    }

    #[test]
    fn who_has_stopped_waits_for_no_assignment() {
        with_runtime(|| {
            let (mut client, state, _) = client(Duration::from_millis(100));
            state.is_stopped.store(true, Ordering::Relaxed);
            let first = address(&client);
            for _ in 0..20 {
                assert!(client.keep_alive());
                std::thread::sleep(Duration::from_millis(20));
            }
            assert_eq!(address(&client), first);
        });
    }
}
