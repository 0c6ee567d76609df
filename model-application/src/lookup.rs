//! Earlier answers, looked for before a request over HTTP is answered: those of many bodies in one query,
//! with a short deadline. While the database is away nobody waits for it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::Shutdown;
use common::database::Session;
use records::timestamp;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};

use crate::metrics::HTTP_UNCHECKED;
use crate::store::{Earlier, stored};

/// Longest wait for the database.
const DEADLINE: Duration = Duration::from_millis(250);
/// How long nobody asks after a deadline has passed, in microseconds.
const REST_US: i64 = 1_000_000;
/// How long a connection waits for the next query: to take it from the pool and to give it back costs three round
/// trips more than the query.
const KEPT: Duration = Duration::from_secs(1);
/// Bodies looked up in one query, and bodies that may wait.
const AT_ONCE: usize = 64;
const QUEUE: usize = 1024;

/// A body's ids, and who waits for them.
struct Question {
    ids: Vec<String>,
    reply: oneshot::Sender<Arc<Earlier>>,
}

/// Asks for earlier answers.
pub(crate) struct Lookup {
    questions: mpsc::Sender<Question>,
    /// Taken by the task that answers.
    waiting: Mutex<Option<mpsc::Receiver<Question>>>,
    is_served: AtomicBool,
    /// Nobody asks before, microseconds since 1970.
    rests_until_us: AtomicI64,
}

impl Lookup {
    pub fn new() -> Lookup {
        let (questions, waiting) = mpsc::channel(QUEUE);
        Lookup {
            questions,
            waiting: Mutex::new(Some(waiting)),
            is_served: AtomicBool::new(false),
            rests_until_us: AtomicI64::new(0),
        }
    }

    /// What is stored under these ids; `None` where the database does not say so in time, which is
    /// counted.
    pub async fn find(&self, ids: Vec<String>) -> Option<Arc<Earlier>> {
        let found = self.query(ids).await;
        if found.is_none() {
            metrics::counter!(HTTP_UNCHECKED.name()).increment(1);
        }
        found
    }

    async fn query(&self, ids: Vec<String>) -> Option<Arc<Earlier>> {
        let is_served = self.is_served.load(Ordering::Relaxed);
        if !is_served || timestamp::now_us() < self.rests_until_us.load(Ordering::Relaxed) {
            return None;
        }
        let (reply, replied) = oneshot::channel();
        self.questions.try_send(Question { ids, reply }).ok()?;
        match tokio::time::timeout(DEADLINE, replied).await {
            Ok(Ok(earlier)) => Some(earlier),
            // The query failed.
            Ok(Err(_)) => None,
            Err(_) => {
                self.rest();
                None
            }
        }
    }

    fn take_waiting(&self) -> Option<mpsc::Receiver<Question>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.take()
    }

    fn rest(&self) {
        let until_us = timestamp::now_us() + REST_US;
        self.rests_until_us.store(until_us, Ordering::Relaxed);
    }

    /// Answers questions until shutdown, on a connection of a pool that is for nothing else.
    pub async fn serve(&self, pool: PgPool, shutdown: Shutdown) {
        let Some(mut waiting) = self.take_waiting() else {
            return;
        };
        self.is_served.store(true, Ordering::Relaxed);
        let mut questions = Vec::with_capacity(AT_ONCE);
        let mut kept: Option<Session> = None;
        loop {
            questions.clear();
            tokio::select! {
                _ = waiting.recv_many(&mut questions, AT_ONCE) => {}
                () = tokio::time::sleep(KEPT), if kept.is_some() => {
                    if let Some(session) = kept.take() {
                        session.give_back();
                    }
                    continue;
                }
                () = shutdown.cancelled() => break,
            }
            // Anyone who has stopped waiting is not looked for.
            questions.retain(|question: &Question| !question.reply.is_closed());
            let ids: Vec<&String> = questions.iter().flat_map(|asked| &asked.ids).collect();
            let was_kept = kept.is_some();
            let mut found = query(&pool, kept.take(), &ids).await;
            if was_kept && found.is_err() {
                // Its server may have closed it since: a fresh one tells.
                found = query(&pool, None, &ids).await;
            }
            match found {
                Ok((earlier, session)) => {
                    kept = Some(session);
                    let earlier = Arc::new(earlier);
                    for question in questions.drain(..) {
                        // The client may have gone.
                        let _ = question.reply.send(Arc::clone(&earlier));
                    }
                }
                Err(error) => {
                    self.rest();
                    tracing::warn!(%error, "cannot look up earlier answers");
                }
            }
        }
        if let Some(session) = kept {
            session.give_back();
        }
        self.is_served.store(false, Ordering::Relaxed);
    }
}

/// What is stored under these ids, and the connection that said so.
async fn query(
    pool: &PgPool,
    kept: Option<Session>,
    ids: &[&String],
) -> Result<(Earlier, Session), sqlx::Error> {
    let mut session = match kept {
        Some(mut session) => {
            session.renew(DEADLINE);
            session
        }
        None => Session::begin(pool, DEADLINE).await?,
    };
    let found = tokio::time::timeout_at(session.until(), stored(&mut session, ids)).await;
    let found = found.map_err(|_| sqlx::Error::PoolTimedOut)??;
    Ok((found, session))
}
