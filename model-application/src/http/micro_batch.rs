//! Lone records that arrive together are priced together: what a model's columns cost to build is then paid once
//! for all of them. One worker thread's requests, so that nothing is handed from thread to thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use actix_web::web::{self, Bytes};
use tokio::sync::oneshot;

use super::predictor::{Asking, Predictor, RowAnswer};
use super::refused::Refused;
use crate::answer::Namespace;

/// Most records priced at once: the first of them waits for the last.
const MOST: usize = 64;

/// What records must have in common to be priced together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    pub namespace: Namespace,
    /// Their ids were drawn here.
    pub is_drawn: bool,
}

/// A record, and who waits for its answer.
struct Lone {
    record: Bytes,
    kind: Kind,
    reply: oneshot::Sender<Result<RowAnswer, Refused>>,
}

/// The records of one worker thread that wait to be priced.
#[derive(Default)]
pub(super) struct MicroBatch {
    waiting: RefCell<Vec<Lone>>,
    /// Whether a task is about to price them.
    is_due: Cell<bool>,
}

impl MicroBatch {
    /// The answer to a record, priced with those that have arrived by then.
    pub async fn price(
        self: &Rc<MicroBatch>,
        predictor: &web::Data<Predictor>,
        record: Bytes,
        kind: Kind,
    ) -> Result<RowAnswer, Refused> {
        let (reply, answer) = oneshot::channel();
        self.waiting.borrow_mut().push(Lone {
            record,
            kind,
            reply,
        });
        if !self.is_due.replace(true) {
            let (batch, predictor) = (Rc::clone(self), predictor.clone());
            actix_web::rt::spawn(async move {
                // Until the handlers of all requests that have arrived have run.
                tokio::task::yield_now().await;
                batch.is_due.set(false);
                let mut waiting = batch.waiting.take();
                while !waiting.is_empty() {
                    let kind = waiting[0].kind;
                    let alike = |lone: &mut Lone| lone.kind == kind;
                    let mut group: Vec<Lone> = waiting.extract_if(.., alike).collect();
                    while !group.is_empty() {
                        let rest = group.split_off(group.len().min(MOST));
                        answer_all(&predictor, kind, group).await;
                        group = rest;
                    }
                }
            });
        }
        let priced = answer.await;
        priced.map_err(|_| Refused::new(500, "the record got no answer"))?
    }
}

async fn answer_all(predictor: &Predictor, kind: Kind, group: Vec<Lone>) {
    let records: Vec<&[u8]> = group.iter().map(|lone| &lone.record[..]).collect();
    let answers = predictor.price(&asking(&records, kind)).await;
    match answers {
        Ok(answers) => {
            for (lone, answer) in group.into_iter().zip(answers) {
                // The client may have gone.
                let _ = lone.reply.send(Ok(answer));
            }
        }
        // What one of them is refused for is not the others': each for itself. Those that were answered
        // get the same answer again.
        Err(_) => {
            for lone in group {
                let records = [&lone.record[..]];
                let answer = predictor.price(&asking(&records, kind)).await;
                let answer = answer.and_then(|mut answers| {
                    let none = || Refused::new(500, "the record got no answer");
                    answers.pop().ok_or_else(none)
                });
                let _ = lone.reply.send(answer);
            }
        }
    }
}

fn asking<'a>(records: &'a [&'a [u8]], kind: Kind) -> Asking<'a> {
    Asking {
        records,
        explain: None,
        namespace: kind.namespace,
        is_drawn: kind.is_drawn,
    }
}
