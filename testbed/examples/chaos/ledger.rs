//! What was sent, and what has become of it so far.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    Listings,
    Requests,
    Labels,
}

/// Which message: by the number that its producer gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub stream: Stream,
    pub number: u64,
}

/// Where a message is in Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub stream: Stream,
    pub partition: i32,
    pub offset: i64,
}

/// What must become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It is stored, or answered.
    Taken,
    /// It is among the rejects.
    Rejected,
    /// One of both, or nothing new: what was there stays.
    Either,
}

/// A message that Kafka has confirmed.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub key: Key,
    pub place: Place,
    pub expected: Expected,
    /// Whether a service with a wrong clock ran meanwhile: it may refuse what it takes for the future.
    pub clocked: bool,
}

#[derive(Default)]
struct Books {
    sent: Vec<Sent>,
    by_place: HashMap<Place, Key>,
    /// Those that must be taken or rejected, and are not yet: since when they are in Kafka.
    open: BTreeMap<Key, Instant>,
    done: HashSet<Key>,
    rejected: HashSet<Place>,
    waits: BTreeMap<Stream, Vec<Duration>>,
}

/// Shared by those who send and those who look.
#[derive(Default)]
pub struct Ledger {
    books: Mutex<Books>,
}

impl Ledger {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kafka has it.
    pub fn sent(&self, sent: Sent) {
        let mut books = self.books();
        books.sent.push(sent);
        books.by_place.insert(sent.place, sent.key);
        if books.rejected.contains(&sent.place) {
            books.done.insert(sent.key);
        }
        if sent.expected != Expected::Either && !books.done.contains(&sent.key) {
            books.open.insert(sent.key, Instant::now());
        }
    }

    /// It is stored, or its answer is published.
    pub fn taken(&self, key: Key) {
        close(&mut self.books(), key);
    }

    /// It is among the rejects.
    pub fn rejected(&self, place: Place) {
        let mut books = self.books();
        books.rejected.insert(place);
        if let Some(key) = books.by_place.get(&place).copied() {
            close(&mut books, key);
        }
    }

    /// A service with a wrong clock comes: it may get what waits.
    pub fn clock_open(&self) {
        let mut books = self.books();
        let Books { sent, open, .. } = &mut *books;
        // What waits is among the newest.
        let mut left = open.len();
        for sent in sent.iter_mut().rev() {
            if left == 0 {
                break;
            }
            if open.contains_key(&sent.key) {
                sent.clocked = true;
                left -= 1;
            }
        }
    }

    /// How long the oldest message of a stream, of those in Kafka before `before`, has been waiting.
    pub fn oldest(&self, stream: Stream, before: Instant) -> Option<(Key, Duration)> {
        let books = self.books();
        let of_stream = books
            .open
            .iter()
            .filter(|(key, since)| key.stream == stream && **since <= before);
        let (key, since) = of_stream.min_by_key(|(_, since)| **since)?;
        Some((*key, since.elapsed()))
    }

    /// Whether it waits.
    pub fn is_open(&self, key: Key) -> bool {
        self.books().open.contains_key(&key)
    }

    /// How many messages of a stream wait.
    pub fn waiting(&self, stream: Stream) -> usize {
        let books = self.books();
        books.open.keys().filter(|key| key.stream == stream).count()
    }

    pub fn all(&self) -> Vec<Sent> {
        self.books().sent.clone()
    }

    /// How long messages waited: the median and the longest.
    pub fn waits(&self, stream: Stream) -> Option<(Duration, Duration)> {
        median_and_most(self.books().waits.get(&stream)?)
    }

    /// Where a message lies.
    pub fn place(&self, key: Key) -> Option<Place> {
        let books = self.books();
        let sent = books.sent.iter().rev().find(|sent| sent.key == key);
        sent.map(|sent| sent.place)
    }
}

fn close(books: &mut Books, key: Key) {
    if books.done.insert(key)
        && let Some(since) = books.open.remove(&key)
    {
        books
            .waits
            .entry(key.stream)
            .or_default()
            .push(since.elapsed());
    }
}

/// The median and the greatest.
pub fn median_and_most(times: &[Duration]) -> Option<(Duration, Duration)> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    Some((*sorted.get(sorted.len() / 2)?, *sorted.last()?))
}

impl Stream {
    pub const ALL: [Stream; 3] = [Stream::Listings, Stream::Requests, Stream::Labels];

    pub fn name(self) -> &'static str {
        match self {
            Stream::Listings => "listings",
            Stream::Requests => "requests",
            Stream::Labels => "labels",
        }
    }

    /// The id of the message of a number.
    pub fn id(self, number: u64) -> String {
        match self {
            Stream::Listings => format!("s{number}"),
            Stream::Requests | Stream::Labels => format!("r{number}"),
        }
    }

    /// A good message with an id.
    pub fn example(self, id: &str) -> Value {
        match self {
            Stream::Listings => json!({
                "id": id, "city": "city1", "street": "street1", "floor": 3, "rooms": 2,
                "area": 40, "price": 5_000_000,
            }),
            Stream::Requests => json!({
                "id": id, "city": "city1", "street": "street1", "floor": 3, "rooms": 2, "area": 40,
            }),
            Stream::Labels => json!({ "id": id, "price": 4_000_000 }),
        }
    }

    pub fn time_field(self) -> &'static str {
        match self {
            Stream::Labels => "observed_at",
            _ => "listed_at",
        }
    }

    pub fn text_field(self) -> &'static str {
        match self {
            Stream::Labels => "id",
            _ => "city",
        }
    }

    pub fn number_field(self) -> &'static str {
        match self {
            Stream::Labels => "price",
            _ => "area",
        }
    }

    /// Key and payload of the good message of a number.
    pub fn message(self, number: u64, now_ms: i64) -> (String, String) {
        let id = self.id(number);
        let mut message = self.example(&id);
        let now = DateTime::<Utc>::from_timestamp_millis(now_ms).unwrap_or_default();
        let now = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        match self {
            Stream::Listings => message["listed_at"] = json!(now),
            Stream::Requests => message["area"] = json!(30 + number % 50),
            Stream::Labels => message["observed_at"] = json!(now),
        }
        (id, message.to_string())
    }
}
