//! Load for an applier, and the meter of what comes back, over Kafka and over HTTP: what
//! `bench/serving` and `bench/swap` measure with.
//!
//! ```text
//! cargo run --release -p load --bin load -- fill|drain|rate|http --help
//! ```
//!
//! Every message on standard output is one JSON object on one line. `{"event": "begin"}` and
//! `{"event": "end", …}` stand around what counts, so that anyone who reads them can look at the
//! processor time at these moments.

mod answer;
mod connection;
mod drain;
mod event;
mod fill;
mod http;
mod latency;
mod pace;
mod rate;
mod requests;
mod slots;
mod span;
mod topics;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Makes a topic and fills it with requests, as fast as it goes
    Fill(fill::Fill),
    /// Waits until a topic has so many answers, then reads and judges them all
    Drain(drain::Drain),
    /// Sends requests at given rates and measures how long their answers take
    Rate(rate::Rate),
    /// Asks over HTTP, as fast as it goes or at a given rate
    Http(http::Http),
}

fn main() -> anyhow::Result<()> {
    match Args::parse().what {
        What::Fill(fill) => fill.run(),
        What::Drain(drain) => drain.run(),
        What::Rate(rate) => rate.run(),
        What::Http(http) => http.run(),
    }
}
