//! A topic full of requests.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use crate::event::print_event;
use crate::requests::Requests;
use crate::topics::{self, Writer};

/// What is filled with what.
#[derive(Args)]
pub struct Fill {
    /// Kafka brokers, host:port[,host:port]
    #[arg(long)]
    brokers: String,
    /// Topic that is made and filled
    #[arg(long)]
    topic: String,
    /// Its partitions
    #[arg(long, default_value_t = 6)]
    partitions: i32,
    /// Listings as JSON, one a line
    #[arg(long)]
    listings: PathBuf,
    /// Requests, numbered from 0
    #[arg(long)]
    count: u64,
}

impl Fill {
    /// Fills the topic.
    ///
    /// # Errors
    /// When the file cannot be read or the broker does not take something.
    pub fn run(&self) -> anyhow::Result<()> {
        let requests = Requests::read(&self.listings)?;
        topics::make(&self.brokers, &[&self.topic], self.partitions)?;
        // Large batches: this is not what is measured.
        let writer = Writer::new(
            &self.brokers,
            &self.topic,
            &[
                ("linger.ms", "20"),
                ("compression.type", "lz4"),
                ("batch.size", "1000000"),
            ],
        )?;
        let begun = Instant::now();
        let (mut payload, mut bytes) = (Vec::new(), 0);
        for number in 0..self.count {
            requests.write(number, &mut payload);
            bytes += payload.len();
            writer.send(number.to_string().as_bytes(), &payload)?;
        }
        writer.flush()?;
        print_event(&json!({
            "event": "filled",
            "requests": self.count,
            "bytes": bytes,
            "seconds": begun.elapsed().as_secs_f64(),
        }));
        Ok(())
    }
}
