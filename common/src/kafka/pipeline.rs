//! Batches one after the other: while one is written, the next is gathered.

use std::collections::VecDeque;

use rdkafka::message::BorrowedMessage;
use tokio::runtime::Handle;
use tracing::Instrument;

use super::span::batch_span;
use super::writing::{Outcome, Writing, Written};
use super::{Anchored, Gathered, Limits, Place};
use crate::shutdown::Shutdown;
use ledger::offsets::{AdvanceError, Stretch, Stretches};

/// What a service does as its batches are written.
pub trait Follow<B, T> {
    /// What a batch covers.
    fn stretches(batch: &B) -> &[Stretch];

    /// A batch is written, and `consumer` is informed.
    fn written(&mut self, batch: B, done: T, consumer: &Anchored);

    /// Another member has a partition of the batch, which is abandoned.
    fn fenced(&mut self, why: &AdvanceError);

    /// Writing takes so long that nothing more is read.
    fn paused(&mut self) {}
}

/// A consumer whose batches are written one after the other: each starts from the offsets that the
/// one before stores.
pub struct Pipeline<B, T> {
    consumer: Anchored,
    /// The batches before, oldest first, until their end is known: one is written, the others wait for it.
    writing: VecDeque<Writing<B, T>>,
    /// Most of them: with more than one, a batch is gathered while one is written and others are prepared for it.
    most: usize,
    runtime: Handle,
    shutdown: Shutdown,
}

impl<B: Send + 'static, T: Send + 'static> Pipeline<B, T> {
    /// Of a consumer; use from a thread that is not of `runtime`.
    pub fn new(consumer: Anchored, runtime: &Handle, shutdown: Shutdown) -> Pipeline<B, T> {
        Pipeline {
            consumer,
            writing: VecDeque::new(),
            most: 1,
            runtime: runtime.clone(),
            shutdown,
        }
    }

    /// With so many batches on their way.
    #[must_use]
    pub fn with_batches(mut self, most: usize) -> Pipeline<B, T> {
        self.most = most.max(1);
        self
    }

    /// The consumer, between batches.
    pub fn consumer(&mut self) -> &mut Anchored {
        &mut self.consumer
    }

    /// Hands over messages, each with the place it came from, until the batch is full, or has lingered and
    /// nothing is being written; `None` where there were none, or what was handed over must be forgotten.
    pub fn gather(
        &mut self,
        limits: &Limits,
        take: impl FnMut(&BorrowedMessage<'_>, Place<'_>),
    ) -> Option<Stretches> {
        self.gather_ahead(limits, || false, take)
    }

    /// The same, but the batch also ends where it `may_end` though the one before is still being written:
    /// what comes before its own writing can begin.
    pub fn gather_ahead(
        &mut self,
        limits: &Limits,
        may_end: impl Fn() -> bool,
        take: impl FnMut(&BorrowedMessage<'_>, Place<'_>),
    ) -> Option<Stretches> {
        let writing = &self.writing;
        let is_idle = || writing.iter().all(Writing::is_done);
        let may_end = || may_end() || is_idle();
        match self
            .consumer
            .gather(limits, &self.shutdown, is_idle, may_end, take)
        {
            Gathered::Batch(stretches) => Some(stretches),
            Gathered::Empty | Gathered::Abandoned => None,
        }
    }

    /// Ends the batches before that are done: false when one gathered after them must be forgotten,
    /// as it starts from offsets that are not stored.
    ///
    /// # Errors
    /// When the write panicked or ended with [`AdvanceError::Setup`].
    pub fn settle_done(&mut self, follow: &mut impl Follow<B, T>) -> anyhow::Result<bool> {
        self.consumer.check()?;
        while self.writing.front().is_some_and(Writing::is_done) {
            if !self.settle_oldest(follow)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Begins to write a batch once the one before is done: `write` continues for as long as a server
    /// is away, and fails with [`AdvanceError::Fenced`] where the partition was lost, or with
    /// [`AdvanceError::Setup`] where trying again does not help and the batch is not to blame: the call
    /// that settles the batch then returns that reason as its error, and the service ends with it (exit
    /// code 1). The batch is dropped where the one before failed, or the partitions changed.
    ///
    /// # Errors
    /// When the write before panicked or ended with [`AdvanceError::Setup`].
    pub fn write<F: Follow<B, T>>(
        &mut self,
        batch: B,
        follow: &mut F,
        write: impl AsyncFnOnce(&B) -> Result<T, AdvanceError> + Send + 'static,
    ) -> anyhow::Result<()> {
        if self.make_room(follow)? {
            let lease = self.consumer.lease();
            let span = batch_span(F::stretches(&batch));
            let write = async move |batch: &B| write(batch).instrument(span).await;
            let writing = Writing::begin(&self.runtime, batch, lease, &self.shutdown, write);
            self.writing.push_back(writing);
        }
        Ok(())
    }

    /// Waits until another batch may be written; false when the one gathered last must be forgotten.
    fn make_room(&mut self, follow: &mut impl Follow<B, T>) -> anyhow::Result<bool> {
        let mut is_current = true;
        while self.writing.len() >= self.most
            && let Some(oldest) = self.writing.front_mut()
        {
            is_current &= oldest.wait(&self.runtime, &mut self.consumer, || follow.paused())?;
            if !self.settle_oldest(follow)? {
                self.consumer.resume();
                return Ok(false);
            }
        }
        if !is_current {
            self.settle(follow)?;
            self.consumer.reposition();
        }
        self.consumer.resume();
        Ok(is_current)
    }

    /// Waits for the end of all that is being written: true when it is, or there was nothing; else the
    /// stored offsets are gone back to.
    ///
    /// # Errors
    /// When the write panicked or ended with [`AdvanceError::Setup`].
    pub fn settle<F: Follow<B, T>>(&mut self, follow: &mut F) -> anyhow::Result<bool> {
        while !self.writing.is_empty() {
            if !self.settle_oldest(follow)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The same for the oldest batch; where that fails, for all.
    fn settle_oldest<F: Follow<B, T>>(&mut self, follow: &mut F) -> anyhow::Result<bool> {
        let Some(writing) = self.writing.pop_front() else {
            return Ok(true);
        };
        let Written { batch, outcome } = writing.into_written(&self.runtime)?;
        match outcome {
            Outcome::Done(done) => {
                self.consumer.committed(F::stretches(&batch));
                follow.written(batch, done, &self.consumer);
                return Ok(true);
            }
            Outcome::Fenced(error) => {
                tracing::warn!("{error}; discarded the batch, which will be read again");
                follow.fenced(&error);
            }
            // Nothing of it is stored: it is read again once the set-up is fixed.
            Outcome::Setup(reason) => anyhow::bail!("{reason}"),
            // A commit under way may still come through: the stored offsets tell.
            Outcome::Ended => {}
        }
        // They wait for one that has failed, and end without being written.
        for waiting in std::mem::take(&mut self.writing) {
            waiting.into_written(&self.runtime)?;
        }
        if !self.shutdown.is_cancelled() {
            self.consumer.reposition();
        }
        Ok(false)
    }
}
