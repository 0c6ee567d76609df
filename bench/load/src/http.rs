//! Questions over HTTP on some connections, as fast as they are answered or at a given rate.
//!
//! As fast as it goes: every connection asks again as soon as it has its answer, and a time is from
//! sending to the answer's last byte. At a rate: every question has a time at which it is due, and
//! its time begins there, even if its connection still waits for the answer before: a server that
//! stalls is not excused by the questions that could not be put meanwhile.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use serde_json::json;

use crate::answer::{Answer, Sayings};
use crate::connection::Connection;
use crate::event::print_event;
use crate::latency::Latencies;
use crate::pace::Pace;
use crate::slots::{self, Request};
use crate::span::{Span, Stop};

/// What is asked where.
#[derive(Args)]
pub struct Http {
    /// host:port of the server
    #[arg(long)]
    address: String,
    /// Path that takes the bodies by POST
    #[arg(long)]
    path: String,
    /// Bodies, one a line, asked in turn; twelve # in a row become an id that was not there before
    #[arg(long)]
    bodies: PathBuf,
    /// Connections
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// Questions a second, of all connections together (default: as fast as it goes)
    #[arg(long)]
    rate: Option<f64>,
    #[command(flatten)]
    span: Span,
}

/// What a connection's thread keeps.
#[derive(Default)]
struct Kept {
    latencies: Latencies,
    sayings: Sayings,
    /// Answers that counted, by status.
    statuses: BTreeMap<u16, u64>,
    /// Connections that failed, by what was reported; opened again.
    broken: BTreeMap<String, u64>,
    /// Good answers, the warm-up's too.
    good: u64,
    /// Good answers without a price.
    unpriced: u64,
    bytes: u64,
}

/// What the threads share.
struct Shared {
    requests: Vec<Request>,
    begun: Instant,
    from: Instant,
    until: Instant,
    pace: Option<Pace>,
    next_id: AtomicU64,
    stop: Stop,
}

impl Http {
    /// Reports `begin` and `end`.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn run(&self) -> anyhow::Result<()> {
        // One that works, or the reason at once.
        Connection::open(&self.address)?;
        let begun = Instant::now();
        let from = begun + Duration::from_secs_f64(self.span.warm_s);
        let shared = Arc::new(Shared {
            requests: slots::requests(&self.bodies, &self.address, &self.path)?,
            begun,
            from,
            until: from + Duration::from_secs_f64(self.span.seconds),
            pace: self.rate.map(|rate| Pace::new(begun, rate)),
            next_id: AtomicU64::new(self.span.first),
            stop: self.span.stop(),
        });
        let barrier = Arc::new(Barrier::new(self.connections as usize));
        let threads: Vec<_> = (0..self.connections)
            .map(|number| {
                let (shared, barrier) = (Arc::clone(&shared), Arc::clone(&barrier));
                let (address, step) = (self.address.clone(), self.connections);
                let keeps = self.span.sayings.is_some();
                std::thread::spawn(move || {
                    barrier.wait();
                    shared.exchange(&address, number, step, keeps)
                })
            })
            .collect();
        std::thread::sleep(from.saturating_duration_since(Instant::now()));
        print_event(&json!({ "event": "begin" }));
        let mut kept = Kept::default();
        for thread in threads {
            let Ok(one) = thread.join() else {
                bail!("a connection's thread broke off");
            };
            kept.join(one);
        }
        let seconds = shared.from.elapsed().as_secs_f64();
        let answered = kept.statuses.get(&200).copied().unwrap_or_default();
        let refused = kept.statuses.values().sum::<u64>() - answered;
        print_event(&json!({
            "event": "end",
            "seconds": seconds,
            "answered": answered,
            "answered_in_all": kept.good,
            "failed": refused + kept.broken.values().sum::<u64>(),
            "statuses": kept.statuses,
            "broken": kept.broken,
            "unpriced": kept.unpriced,
            "unnamed": kept.sayings.unnamed(),
            "bytes": kept.bytes,
            "latency": kept.latencies.as_json(),
        }));
        if let Some(path) = &self.span.sayings {
            kept.sayings.write(path)?;
        }
        Ok(())
    }
}

impl Kept {
    fn join(&mut self, other: Kept) {
        self.latencies.join(&other.latencies);
        self.sayings.join(other.sayings);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        for (why, count) in other.broken {
            *self.broken.entry(why).or_default() += count;
        }
        self.good += other.good;
        self.unpriced += other.unpriced;
        self.bytes += other.bytes;
    }
}

impl Shared {
    /// Asks on connection `number` of `step` until the end.
    fn exchange(&self, address: &str, number: u64, step: u64, keeps: bool) -> Kept {
        let mut kept = Kept::default();
        let mut requests = self.requests.clone();
        let count = requests.len();
        let mut connection: Option<Connection> = None;
        let mut turn = number;
        while !self.stop.is_asked() {
            let due = match &self.pace {
                Some(pace) if pace.due(turn) >= self.until => break,
                Some(pace) => {
                    pace.wait(turn);
                    pace.due(turn)
                }
                None => Instant::now(),
            };
            if Instant::now() >= self.until && self.pace.is_none() {
                break;
            }
            let place = turn as usize % count;
            let ids = requests[place].ids();
            let first = self.next_id.fetch_add(ids, Ordering::Relaxed);
            let bytes = requests[place].with_ids(first);
            let asked = match &mut connection {
                Some(open) => open.exchange(bytes),
                none => {
                    Connection::open(address).and_then(|open| none.insert(open).exchange(bytes))
                }
            };
            let took = due.elapsed();
            let counts = due >= self.from;
            kept.good += u64::from(asked.as_ref().is_ok_and(|(status, _)| *status == 200));
            match asked {
                Ok((status, body)) if counts => {
                    kept.latencies.record(took);
                    *kept.statuses.entry(status).or_default() += 1;
                    kept.bytes += body.len() as u64;
                    if keeps && status == 200 {
                        match Answer::read(body) {
                            Some(answer) if answer.is_priced() => kept.sayings.note(&answer),
                            _ => kept.unpriced += 1,
                        }
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    if counts {
                        *kept.broken.entry(format!("{error:#}")).or_default() += 1;
                    }
                    connection = None;
                    // A server that is away is asked again, not stormed.
                    std::thread::sleep(Duration::from_millis(10));
                    if self.begun.elapsed() > self.until - self.begun {
                        break;
                    }
                }
            }
            turn += step;
        }
        kept
    }
}
