//! Watches a topic of answers fill up, and judges what it holds.
//!
//! While the system works, only the ends of the partitions are requested, which costs the machine
//! next to nothing; the answers are read when it has ended.

use std::io::BufRead;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use rdkafka::Message;
use rdkafka::consumer::BaseConsumer;
use serde_json::json;

use crate::answer::Answer;
use crate::event::print_event;
use crate::topics::{self, From, Kafka, PATIENCE};

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(25);

/// What is waited for.
#[derive(Args)]
pub struct Drain {
    #[command(flatten)]
    kafka: Kafka,
    /// Topic of the answers; made if it is not there
    #[arg(long)]
    topic: String,
    /// Answers to wait for: requests are numbered from 0, and answers have the number as their key
    #[arg(long)]
    count: u64,
    /// Seconds without a first answer, or without another one, after which it is abandoned
    #[arg(long, default_value_t = 60)]
    stall_s: u64,
}

impl Drain {
    /// Reports `watching`, `begin` with the first answers, `end` with the last; then waits for a line
    /// on standard input and prints `judged`.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn run(&self) -> anyhow::Result<()> {
        self.kafka.make(&[&self.topic])?;
        let reader = self.kafka.reader(&self.topic, From::Beginning)?;
        print_event(&json!({ "event": "watching" }));
        let begun = Instant::now();
        let (mut seen, mut first) = (0, None);
        let mut last_growth = Instant::now();
        while seen < self.count && last_growth.elapsed().as_secs() < self.stall_s {
            let there = self.there(&reader)?;
            if there > seen {
                (seen, last_growth) = (there, Instant::now());
            }
            if seen > 0 && first.is_none() {
                first = Some(Instant::now());
                print_event(&json!({ "event": "begin", "answers": seen }));
            }
            if seen < self.count {
                std::thread::sleep(LOOK);
            }
        }
        let seconds = first.map_or(0.0, |first| (last_growth - first).as_secs_f64());
        print_event(&json!({
            "event": "end",
            "answers": seen,
            "seconds": seconds,
            "since_watching_s": (last_growth - begun).as_secs_f64(),
        }));
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        print_event(&self.judge(&reader)?);
        Ok(())
    }

    fn there(&self, reader: &BaseConsumer) -> anyhow::Result<u64> {
        let mut there = 0;
        for partition in 0..self.kafka.partitions {
            let high = topics::end(reader, &self.topic, partition)?;
            there += u64::try_from(high).unwrap_or_default();
        }
        Ok(there)
    }

    /// Reads all answers: how many requests have one, how many more than one, how many no price.
    fn judge(&self, reader: &BaseConsumer) -> anyhow::Result<serde_json::Value> {
        let there = self.there(reader)?;
        let mut answered = vec![false; usize::try_from(self.count)?];
        let (mut distinct, mut twice, mut unknown, mut unpriced, mut bytes) = (0, 0, 0, 0, 0);
        for _ in 0..there {
            let message = reader
                .poll(PATIENCE)
                .with_context(|| format!("{} ends early", self.topic))??;
            let payload = message.payload().unwrap_or_default();
            bytes += payload.len();
            let key = message.key().and_then(|key| std::str::from_utf8(key).ok());
            let number = key.and_then(|key| key.parse::<usize>().ok());
            match number.and_then(|number| answered.get_mut(number)) {
                Some(answered) if *answered => twice += 1,
                Some(answered) => {
                    *answered = true;
                    distinct += 1;
                }
                None => unknown += 1,
            }
            if !Answer::read(payload).is_some_and(|answer| answer.is_priced()) {
                unpriced += 1;
            }
        }
        Ok(json!({
            "event": "judged",
            "answered": distinct,
            "missing": answered.iter().filter(|answered| !**answered).count(),
            "twice": twice,
            "unknown": unknown,
            "unpriced": unpriced,
            "bytes": bytes,
        }))
    }
}
