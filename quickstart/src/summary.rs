//! What a run came to.

use std::fmt;

use serde_json::Value;

use crate::amount::whole;

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Listings and requests of this run that Kafka confirmed.
    pub produced: u64,
    /// Messages stored, answered or rejected in this run; more than `produced` where others sent
    /// some too.
    pub accounted: u64,
    /// Rows of the table of listings, of all runs.
    pub listings: i64,
    /// Rows of the table of rejects, of all runs.
    pub rejects: i64,
    /// Requests of this run answered.
    pub answered: u64,
    /// Rows of the table of answers, of all runs.
    pub answers: i64,
    /// The model that answers; empty where the run was left before there was one.
    pub model: String,
    /// Its median absolute percentage error on the hold-out, as a fraction.
    pub holdout_mdape: Option<f64>,
    /// Trainings after the first model, as listings arrived.
    pub trainings: u64,
    /// Of them, those whose version was better and took over.
    pub promotions: u64,
    /// From the start to the first answered request, in seconds; 0 where none was.
    pub first_answer_s: f64,
    /// Median time from request to answer, in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile of it.
    pub p99_ms: f64,
}

impl Summary {
    /// The summary as one JSON object.
    pub fn to_json(&self) -> Value {
        serde_json::json!({
            "produced": self.produced, "accounted": self.accounted,
            "listings": self.listings, "rejects": self.rejects,
            "answered": self.answered, "answers": self.answers,
            "model": self.model, "holdout_mdape": self.holdout_mdape,
            "trainings": self.trainings, "promotions": self.promotions,
            "first_answer_s": self.first_answer_s, "p50_ms": self.p50_ms, "p99_ms": self.p99_ms,
        })
    }

    /// Messages of this run that are not accounted for.
    pub fn in_flight(&self) -> u64 {
        self.produced.saturating_sub(self.accounted)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.model.is_empty() {
            return write!(out, "stopped before the first answer");
        }
        write!(
            out,
            "this run    {} messages sent, {} stored, answered or rejected",
            whole(self.produced as f64),
            whole(self.accounted as f64)
        )?;
        if self.in_flight() > 0 {
            let in_flight = whole(self.in_flight() as f64);
            write!(out, "; {in_flight} were still in flight")?;
        }
        write!(
            out,
            "\nanswered    {} requests",
            whole(self.answered as f64)
        )?;
        if self.first_answer_s > 0.0 {
            write!(
                out,
                ", the first {:.1} s after the start; latency p50 {:.1} ms, p99 {:.1} ms",
                self.first_answer_s, self.p50_ms, self.p99_ms
            )?;
        }
        write!(out, "\nmodel       {}", self.model)?;
        if let Some(error) = self.holdout_mdape {
            write!(out, ", hold-out error {:.1} %", error * 100.0)?;
        }
        write!(
            out,
            "\nin tables   {} listings, {} rejects, {} answers",
            whole(self.listings as f64),
            whole(self.rejects as f64),
            whole(self.answers as f64)
        )
    }
}
