//! A topic full of requests.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use crate::event::print_event;
use crate::requests::Requests;
use crate::topics::Kafka;

/// What is filled with what.
#[derive(Args)]
pub struct Fill {
    #[command(flatten)]
    kafka: Kafka,
    /// Topic that is made and filled
    #[arg(long)]
    topic: String,
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
        self.kafka.make(&[&self.topic])?;
        // Large batches: this is not what is measured.
        let writer = self.kafka.writer(
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
