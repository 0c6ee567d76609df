//! Recent requests, on which the next model is tried.

use std::collections::VecDeque;

use arrow_array::RecordBatch;

/// Micro-batches kept, and rows of each: bounds memory and the time of a trial.
const BATCHES: usize = 32;
const ROWS: usize = 32;

#[derive(Default)]
pub(super) struct Recent {
    batches: VecDeque<RecordBatch>,
}

impl Recent {
    pub fn remember(&mut self, batch: &RecordBatch) {
        if batch.num_rows() == 0 {
            return;
        }
        if self.batches.len() == BATCHES {
            self.batches.pop_front();
        }
        self.batches
            .push_back(batch.slice(0, batch.num_rows().min(ROWS)));
    }

    /// A copy of them, which shares their memory.
    pub fn batches(&self) -> Vec<RecordBatch> {
        self.batches.iter().cloned().collect()
    }
}
