//! Requests at given rates, and how long their answers take.
//!
//! A time begins just before a request is handed to the producer and ends when its answer comes out
//! of the consumer, both by this process's clock; the time of sending is kept here, under the
//! request's number, and does not travel. Requests are sent when they are due, whether or not
//! earlier ones were answered.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use rdkafka::Message;
use rdkafka::consumer::BaseConsumer;
use serde_json::json;

use crate::answer::{Answer, Sayings};
use crate::event::print_event;
use crate::latency::Latencies;
use crate::pace::Pace;
use crate::requests::Requests;
use crate::span::{Span, Stop};
use crate::topics::{From, Kafka, Writer};

/// Longest a look for answers takes.
const LOOK: Duration = Duration::from_millis(50);
/// From this rate on (requests per second) the sender waits a little, so that messages share a request, as busy
/// producers are configured: a broker that gets every message alone has no time for anything else.
const BUSY: f64 = 5_000.0;
/// So long, in milliseconds.
const BUSY_LINGER_MS: &str = "2";
/// Pause between two requests while the system starts.
const KNOCK: Duration = Duration::from_millis(100);

/// What is sent where.
#[derive(Args)]
pub struct Rate {
    #[command(flatten)]
    kafka: Kafka,
    /// Topic that is written; made if it is not there
    #[arg(long)]
    requests: String,
    /// Topic that is read; made if it is not there
    #[arg(long)]
    answers: String,
    /// Listings as JSON, one a line
    #[arg(long)]
    listings: PathBuf,
    /// Requests per second, one rate after the other
    #[arg(long, value_delimiter = ',', required = true)]
    rates: Vec<f64>,
    /// Longest wait for a first answer of the system, in seconds
    #[arg(long, default_value_t = 120)]
    startup_s: u64,
    /// Longest wait for the last answers of a rate, in seconds
    #[arg(long, default_value_t = 20)]
    grace_s: u64,
    #[command(flatten)]
    span: Span,
}

/// What the receiving thread keeps of the requests with numbers from `from`.
struct Meter {
    latencies: Latencies,
    sayings: Sayings,
    unpriced: u64,
    /// Numbers that count; earlier ones are of the warm-up.
    from: u64,
}

impl Meter {
    fn new(from: u64) -> Meter {
        Meter {
            latencies: Latencies::default(),
            sayings: Sayings::default(),
            unpriced: 0,
            from,
        }
    }
}

/// What both threads share.
struct Shared {
    begun: Instant,
    first: u64,
    /// Nanoseconds after `begun` at which each request was handed over; 0 where it was not yet.
    sent_ns: Vec<AtomicU64>,
    answered: Vec<AtomicBool>,
    /// Different requests with an answer.
    distinct: AtomicU64,
    /// Answers to what had one.
    twice: AtomicU64,
    meter: Mutex<Meter>,
    done: AtomicBool,
}

impl Rate {
    /// Reports `watching` when the topics are there, `answers` when the system has started, then `begin`
    /// and `end` for every rate.
    ///
    /// # Errors
    /// When nothing answers, or the broker does not take something.
    pub fn run(&self) -> anyhow::Result<()> {
        let requests = Requests::read(&self.listings)?;
        self.kafka.make(&[&self.requests, &self.answers])?;
        let reader = self.kafka.reader(&self.answers, From::Now)?;
        print_event(&json!({ "event": "watching" }));
        let knocks = self.startup_s * 1000 / KNOCK.as_millis() as u64 + 1;
        let most = knocks
            + self
                .rates
                .iter()
                .map(|rate| self.warm_of(*rate) + self.counted_of(*rate))
                .sum::<u64>();
        let shared = Arc::new(Shared {
            begun: Instant::now(),
            first: self.span.first,
            sent_ns: (0..most).map(|_| AtomicU64::new(0)).collect(),
            answered: (0..most).map(|_| AtomicBool::new(false)).collect(),
            distinct: AtomicU64::new(0),
            twice: AtomicU64::new(0),
            meter: Mutex::new(Meter::new(u64::MAX)),
            done: AtomicBool::new(false),
        });
        let mut sender = Sender {
            writer: self.kafka.writer(&self.requests, &[])?,
            requests,
            shared: Arc::clone(&shared),
            next: 0,
            payload: Vec::new(),
        };
        let stop = self.span.stop();
        let receiving = {
            let (shared, keeps) = (Arc::clone(&shared), self.span.sayings.is_some());
            std::thread::spawn(move || receive(&reader, &shared, keeps))
        };
        self.knock(&mut sender)?;
        let mut sayings = Sayings::default();
        for rate in &self.rates {
            if *rate >= BUSY {
                sender.writer.flush()?;
                let linger = [("linger.ms", BUSY_LINGER_MS)];
                sender.writer = self.kafka.writer(&self.requests, &linger)?;
            }
            sayings.join(self.measure(*rate, &mut sender, &stop)?);
        }
        shared.done.store(true, Ordering::Relaxed);
        if receiving.join().is_err() {
            bail!("the receiving thread broke off");
        }
        sender.writer.flush()?;
        if let Some(path) = &self.span.sayings {
            sayings.write(path)?;
        }
        Ok(())
    }

    fn warm_of(&self, rate: f64) -> u64 {
        (rate * self.span.warm_s) as u64
    }

    fn counted_of(&self, rate: f64) -> u64 {
        (rate * self.span.seconds) as u64
    }

    /// Sends now and then until everything sent is answered: the system has started.
    fn knock(&self, sender: &mut Sender) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            sender.send()?;
            std::thread::sleep(KNOCK);
            // One that answers is given time to answer all: it may need more than there is between
            // two knocks.
            if sender.shared.distinct.load(Ordering::Relaxed) > 0 {
                sender.wait(self.grace_s);
            }
            if sender.all_answered() {
                print_event(
                    &json!({ "event": "answers", "seconds": begun.elapsed().as_secs_f64() }),
                );
                return Ok(());
            }
            if begun.elapsed().as_secs() >= self.startup_s {
                bail!("no answers came within {} s", self.startup_s);
            }
        }
    }

    fn measure(&self, rate: f64, sender: &mut Sender, stop: &Stop) -> anyhow::Result<Sayings> {
        let warming = Pace::new(Instant::now(), rate);
        for number in 0..self.warm_of(rate) {
            if stop.is_asked() {
                break;
            }
            warming.wait(number);
            sender.send()?;
        }
        // What piled up while the servers warmed up is not what is measured.
        sender.wait(self.grace_s);
        *sender.shared.meter() = Meter::new(sender.next);
        print_event(&json!({ "event": "begin", "rate": rate }));
        let begun = Instant::now();
        let pace = Pace::new(begun, rate);
        let mut late = Latencies::default();
        let mut sent: u64 = 0;
        for number in 0..self.counted_of(rate) {
            let late_by = pace.wait(number);
            if stop.is_asked() {
                break;
            }
            late.record(late_by);
            sender.send()?;
            sent += 1;
        }
        let sent_s = begun.elapsed().as_secs_f64();
        sender.wait(self.grace_s);
        let took_s = begun.elapsed().as_secs_f64();
        let meter = std::mem::replace(&mut *sender.shared.meter(), Meter::new(u64::MAX));
        print_event(&json!({
            "event": "end",
            "rate": rate,
            "sent": sent,
            "sent_s": sent_s,
            "answered": meter.latencies.count(),
            "answered_s": took_s,
            "unanswered": sent.saturating_sub(meter.latencies.count()),
            "twice": sender.shared.twice.load(Ordering::Relaxed),
            "unpriced": meter.unpriced,
            "unnamed": meter.sayings.unnamed(),
            "latency": meter.latencies.as_json(),
            "sender_late": late.as_json(),
        }));
        Ok(meter.sayings)
    }
}

/// The sending thread's part.
struct Sender {
    writer: Writer,
    requests: Requests,
    shared: Arc<Shared>,
    /// Place of the next request in the tables.
    next: u64,
    payload: Vec<u8>,
}

impl Sender {
    fn send(&mut self) -> anyhow::Result<()> {
        let number = self.shared.first + self.next;
        self.requests.write(number, &mut self.payload);
        let key = number.to_string();
        let since = self.shared.begun.elapsed().as_nanos();
        self.shared.sent_ns[self.next as usize].store(since as u64, Ordering::Relaxed);
        self.writer.send(key.as_bytes(), &self.payload)?;
        self.next += 1;
        Ok(())
    }

    fn all_answered(&self) -> bool {
        self.shared.distinct.load(Ordering::Relaxed) == self.next
    }

    /// Waits for what has no answer yet.
    fn wait(&self, limit_s: u64) {
        let until = Instant::now() + Duration::from_secs(limit_s);
        while !self.all_answered() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Shared {
    fn meter(&self) -> std::sync::MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, key: Option<&[u8]>, payload: &[u8], keeps: bool) {
        let now_ns = self.begun.elapsed().as_nanos() as u64;
        let number = key
            .and_then(|key| std::str::from_utf8(key).ok())
            .and_then(|key| key.parse::<u64>().ok())
            .and_then(|number| number.checked_sub(self.first));
        // Others may answer on the same topic, to others.
        let Some(place) = number.filter(|place| (*place as usize) < self.answered.len()) else {
            return;
        };
        if self.answered[place as usize].swap(true, Ordering::Relaxed) {
            self.twice.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let sent_ns = self.sent_ns[place as usize].load(Ordering::Relaxed);
        let mut meter = self.meter();
        if place >= meter.from {
            meter
                .latencies
                .record(Duration::from_nanos(now_ns.saturating_sub(sent_ns)));
            match Answer::read(payload) {
                Some(answer) if answer.is_priced() => {
                    if keeps {
                        meter.sayings.note(&answer);
                    }
                }
                _ => meter.unpriced += 1,
            }
        }
        drop(meter);
        self.distinct.fetch_add(1, Ordering::Relaxed);
    }
}

fn receive(reader: &BaseConsumer, shared: &Shared, keeps: bool) {
    while !shared.done.load(Ordering::Relaxed) {
        match reader.poll(LOOK) {
            Some(Ok(message)) => {
                shared.note(message.key(), message.payload().unwrap_or_default(), keeps);
            }
            // The client fixes what it can; what it cannot shows as requests without an answer.
            Some(Err(error)) => eprintln!("the answers cannot be read: {error}"),
            None => {}
        }
    }
}
