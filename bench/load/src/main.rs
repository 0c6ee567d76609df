//! Requests over HTTP on some connections, as fast as they are answered or at a given rate: what `bench/serving`,
//! `bench/profile` and `bench/swap` measure with.
//!
//! ```text
//! cargo run --release -p load --bin load -- --help
//! ```
//!
//! As fast as it goes: every connection asks again as soon as it has its answer, and a time is from sending to the
//! answer's last byte. At a rate: every request has a time at which it is due, and its time begins there, even if its
//! connection still waits for the answer before: a server that stalls is not excused by the requests that could not
//! be sent meanwhile.
//!
//! It prints `begin` when requests begin to count and `end SECONDS` after the last, so that anyone who reads that can
//! look at the processor time at these moments; then it writes its files.

mod connection;
mod request;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;

use connection::Connection;
use request::Request;

/// Pause before a server that is away is asked again.
const AWAY: Duration = Duration::from_millis(10);

#[derive(Parser)]
struct Args {
    /// host:port of the server
    #[arg(long)]
    address: String,
    /// Path that takes the bodies by POST
    #[arg(long)]
    path: String,
    /// Bodies, one a line, sent in turn; twelve # in a row become an id that was not there before
    #[arg(long)]
    bodies: PathBuf,
    /// Connections
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// Requests per second, of all connections together (default: as fast as it goes)
    #[arg(long)]
    rate: Option<f64>,
    /// Seconds that count
    #[arg(long)]
    seconds: f64,
    /// Seconds before them
    #[arg(long, default_value_t = 2.0)]
    warm_s: f64,
    /// End before the time when a line comes on standard input, or its end
    #[arg(long)]
    stoppable: bool,
    /// The first id, counted from 100,000,000,000
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Where to write, for each request, three numbers of 8 bytes: when it was due (nanoseconds; those before 0 do not
    /// count), how long it took, and the status (0: no answer)
    #[arg(long)]
    results: PathBuf,
    /// Where to write the answers that count, one a line
    #[arg(long)]
    answers: Option<PathBuf>,
}

/// What the threads share.
struct Shared {
    args: Args,
    requests: Vec<Request>,
    begun: Instant,
    from: Instant,
    until: Instant,
    next_id: AtomicU64,
    stop: AtomicBool,
}

/// What a connection's thread keeps: the bytes of the two files.
#[derive(Default)]
struct Kept {
    results: Vec<u8>,
    answers: Vec<u8>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // One connection that works, or the reason at once.
    Connection::open(&args.address)?;
    let requests = request::read(&args.bodies, &args.address, &args.path)?;
    let begun = Instant::now();
    let from = begun + Duration::from_secs_f64(args.warm_s);
    let shared = Arc::new(Shared {
        requests,
        begun,
        from,
        until: from + Duration::from_secs_f64(args.seconds),
        next_id: AtomicU64::new(args.first),
        stop: AtomicBool::new(false),
        args,
    });
    if shared.args.stoppable {
        let shared = Arc::clone(&shared);
        std::thread::spawn(move || {
            // Nobody holds the other end, or a line was read: both mean to stop.
            let _ = std::io::stdin().read_line(&mut String::new());
            shared.stop.store(true, Ordering::Relaxed);
        });
    }
    let barrier = Arc::new(Barrier::new(shared.args.connections as usize));
    let threads: Vec<_> = (0..shared.args.connections)
        .map(|number| {
            let (shared, barrier) = (Arc::clone(&shared), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                shared.exchange(number)
            })
        })
        .collect();
    std::thread::sleep(from.saturating_duration_since(Instant::now()));
    println!("begin");
    let mut all = Kept::default();
    for thread in threads {
        let Ok(kept) = thread.join() else {
            bail!("a connection's thread panicked");
        };
        all.results.extend(kept.results);
        all.answers.extend(kept.answers);
    }
    println!("end {}", from.elapsed().as_secs_f64());
    let args = &shared.args;
    write(&args.results, &all.results)?;
    args.answers
        .as_ref()
        .map_or(Ok(()), |path| write(path, &all.answers))
}

fn write(path: &PathBuf, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

impl Shared {
    /// Sends requests on connection `number` until the end.
    fn exchange(&self, number: u64) -> Kept {
        let mut kept = Kept::default();
        let mut requests = self.requests.clone();
        let count = requests.len();
        let mut connection: Option<Connection> = None;
        let mut turn = number;
        while !self.stop.load(Ordering::Relaxed) {
            let due = self.due(turn);
            if due >= self.until || (connection.is_none() && Instant::now() >= self.until) {
                break;
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let request = &mut requests[turn as usize % count];
            let first = self.next_id.fetch_add(request.ids(), Ordering::Relaxed);
            let bytes = request.with_ids(first);
            let answer = match &mut connection {
                Some(open) => open.exchange(bytes),
                none => Connection::open(&self.args.address)
                    .and_then(|open| none.insert(open).exchange(bytes)),
            };
            let took = due.elapsed().as_nanos() as i64;
            let status = match answer {
                Ok((status, body)) => {
                    if self.args.answers.is_some() && status == 200 && due >= self.from {
                        kept.answers.extend_from_slice(body);
                        kept.answers.push(b'\n');
                    }
                    status
                }
                Err(error) => {
                    eprintln!("{error:#}");
                    connection = None;
                    std::thread::sleep(AWAY);
                    0
                }
            };
            let since_from =
                (due - self.begun).as_nanos() as i64 - (self.from - self.begun).as_nanos() as i64;
            for number in [since_from, took, i64::from(status)] {
                kept.results.extend_from_slice(&number.to_le_bytes());
            }
            turn += self.args.connections;
        }
        kept
    }

    /// When a request is due: now where no rate is given.
    fn due(&self, turn: u64) -> Instant {
        self.args.rate.map_or_else(Instant::now, |rate| {
            self.begun + Duration::from_secs_f64(turn as f64 / rate)
        })
    }
}
