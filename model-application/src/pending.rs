//! Ids given over HTTP whose answers the table does not show yet: one that is being answered, or whose
//! answer waits to be stored, gets no second answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use records::Digest;
use tokio::sync::watch;

use crate::answer::Worded;

/// Longest wait for an answer that another request is getting.
const WAIT: Duration = Duration::from_secs(5);

/// What became of an id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fate {
    /// The answer's bytes.
    Given(Bytes),
    /// Another record has it.
    Conflict,
}

/// An id that is being answered, or whose answer is on its way into the table.
#[derive(Debug)]
pub(crate) struct Entry {
    digest: Digest,
    fate: OnceLock<Fate>,
    /// Closed or true once the body it came in is answered.
    is_done: watch::Receiver<bool>,
}

impl Entry {
    /// What became of it, once it is known; `None` where it was not answered after all, or not in time.
    pub async fn fate(&self) -> Option<Fate> {
        if self.fate.get().is_none() {
            let mut is_done = self.is_done.clone();
            // An error says that anyone who had it is gone, which is an end too.
            let _ = tokio::time::timeout(WAIT, is_done.wait_for(|is_done| *is_done)).await;
        }
        self.fate.get().cloned()
    }
}

/// What a request's id is when the request comes.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// Nobody's: it is answered now.
    Mine,
    /// The same record is being answered, or was, in this process.
    Theirs(Arc<Entry>),
    /// Another record has it.
    Conflict,
}

/// The ids, by what they are stored under.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    entries: Mutex<HashMap<String, Arc<Entry>>>,
}

impl Pending {
    /// Claims the ids of a body, all at once: of two bodies one waits for the other, never each for
    /// the other.
    pub fn claim<'a>(
        self: &Arc<Pending>,
        ids: impl Iterator<Item = (&'a str, Digest)>,
    ) -> (Claim, Vec<Claimed>) {
        let (done, is_done) = watch::channel(false);
        let mut claim = Claim {
            pending: Arc::clone(self),
            mine: HashMap::new(),
            done,
        };
        let mut entries = self.entries();
        let claimed = ids.map(|(id, digest)| match entries.get(id) {
            Some(entry) if entry.digest == digest => Claimed::Theirs(Arc::clone(entry)),
            Some(_) => Claimed::Conflict,
            None => {
                let entry = Arc::new(Entry {
                    digest,
                    fate: OnceLock::new(),
                    is_done: is_done.clone(),
                });
                entries.insert(id.to_owned(), Arc::clone(&entry));
                claim.mine.insert(id.to_owned(), entry);
                Claimed::Mine
            }
        });
        let claimed = claimed.collect();
        drop(entries);
        (claim, claimed)
    }

    /// The table shows these answers, or never will.
    pub fn settled(&self, answers: &[Arc<Worded>]) {
        let mut entries = self.entries();
        for worded in answers {
            entries.remove(&*worded.request_id());
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids that one body answers. When it is dropped, those without an answer are free again.
#[derive(Debug)]
pub(crate) struct Claim {
    pending: Arc<Pending>,
    mine: HashMap<String, Arc<Entry>>,
    done: watch::Sender<bool>,
}

impl Claim {
    /// The ids to be answered.
    pub fn ids(&self) -> Vec<String> {
        self.mine.keys().cloned().collect()
    }

    /// Whether no id is to be answered.
    pub fn is_empty(&self) -> bool {
        self.mine.is_empty()
    }

    /// A new answer, which waits to be stored.
    pub fn answered(&mut self, id: &str, payload: &Bytes) {
        if let Some(entry) = self.mine.remove(id) {
            // It is set once, by anyone who claimed the id.
            let _ = entry.fate.set(Fate::Given(payload.clone()));
        }
    }

    /// The table had an answer already.
    pub fn known(&mut self, id: &str, fate: Fate) {
        if let Some(entry) = self.mine.remove(id) {
            let _ = entry.fate.set(fate);
            self.pending.entries().remove(id);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut entries = self.pending.entries();
        for id in self.mine.keys() {
            entries.remove(id);
        }
        drop(entries);
        self.done.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Digest = [1; 16];
    const OTHER: Digest = [2; 16];

    #[tokio::test]
    async fn an_id_is_answered_once_and_whoever_asks_meanwhile_gets_that_answer() {
        let pending = Arc::new(Pending::default());
        let (mut first, claimed) =
            pending.claim([("a", ONE), ("a", ONE), ("a", OTHER)].into_iter());
        assert!(matches!(
            claimed[..],
            [Claimed::Mine, Claimed::Theirs(_), Claimed::Conflict]
        ));
        let (second, claimed) = pending.claim([("a", ONE), ("b", ONE)].into_iter());
        let [Claimed::Theirs(entry), Claimed::Mine] = &claimed[..] else {
            panic!("{claimed:?}");
        };
        let waiting = tokio::spawn({
            let entry = Arc::clone(entry);
            async move { entry.fate().await }
        });
        first.answered("a", &Bytes::from_static(b"x"));
        drop(first);
        let given = Some(Fate::Given(Bytes::from_static(b"x")));
        assert_eq!(waiting.await.expect("it ends"), given);
        // What is not answered is free again.
        drop(second);
        let (third, claimed) = pending.claim([("a", OTHER), ("b", OTHER)].into_iter());
        assert!(matches!(claimed[..], [Claimed::Conflict, Claimed::Mine]));
        drop(third);
    }

    #[tokio::test]
    async fn whoever_waits_for_a_body_that_fails_gets_nothing_at_once() {
        let pending = Arc::new(Pending::default());
        let (first, _) = pending.claim([("a", ONE)].into_iter());
        let (_second, claimed) = pending.claim([("a", ONE)].into_iter());
        drop(first);
        let Claimed::Theirs(entry) = &claimed[0] else {
            panic!("{claimed:?}");
        };
        assert_eq!(entry.fate().await, None);
    }
}
