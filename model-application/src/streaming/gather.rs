//! From messages to priced answers.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use common::kafka::{Opened, Place};
use ledger::rejects::Reject;
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;
use records::decode::key_of_reject;
use records::limits::MESSAGE_BYTES;
use records::{Arrival, Reason, timestamp};

use super::Applier;
use super::batch::{Batch, EXPIRED, Gathered, Refused};
use super::stage::Stage;
use crate::answer::Namespace;
use crate::metrics::HEADERS_LEFT_OUT;
use crate::price::{Asked, price};
use crate::request_options::RequestOptions;
use crate::serving::Loaded;
use crate::source::Sources;

/// The reject's reason for a message that deletes a record of the requests' source.
const DELETED: &str = "the message says that a record was deleted; expected a request: let the connector skip \
                       deletions (skipped.operations = \"d\", tombstones.on.delete = false)";

impl Applier {
    /// Decoded requests: what is there, as soon as nothing is being stored, or a full batch.
    pub(super) fn gather(&mut self) -> Option<Gathered> {
        let (mut asked, mut refused) = (Vec::new(), Vec::new());
        let (mut sources, mut headers) = (Sources::default(), Vec::new());
        let (decoder, schema) = (&mut self.decoder, &*self.schema);
        let (values, forward_headers) = (&mut self.values, &self.forward_headers);
        let arrivals = &mut self.arrivals;
        let before = &self.storing;
        let may_end = || before.is_done();
        let oldest_us = self
            .expire_after_us
            .map(|after_us| timestamp::now_us() - after_us);
        let mut first = None;
        let take = |message: &BorrowedMessage<'_>, place: Place<'_>| {
            first.get_or_insert_with(Instant::now);
            let arrival = arrivals.of(message);
            let arrival_us = arrival.us;
            let mut buffer = Vec::new();
            let opened = values.open(message.payload().unwrap_or_default(), &mut buffer);
            let payload = match opened {
                Ok(Opened::Record(record)) => record,
                _ => &[],
            };
            let forwarded = forward_headers.of(message);
            if forwarded.left_out > 0 {
                metrics::counter!(HEADERS_LEFT_OUT.name()).increment(forwarded.left_out as u64);
            }
            let forwarded = forwarded.headers;
            let mut refuse = |code, reason, headers| {
                refused.push(Refused {
                    reject: reject(message, code, reason),
                    headers,
                    // What is too large to be decoded is not parsed for its id either.
                    id: (payload.len() <= MESSAGE_BYTES)
                        .then(|| key_of_reject(schema, payload))
                        .flatten(),
                });
            };
            if oldest_us.is_some_and(|oldest_us| arrival_us < oldest_us) {
                // Without its age: the same request always gets the same words.
                let reason = "the request waited longer than applier.expire_after_s: send it again";
                return refuse(EXPIRED, reason.to_owned(), forwarded);
            }
            let arrival = Arrival {
                us: arrival.us,
                now_us: arrival.now_us,
            };
            let pushed = match opened {
                Ok(Opened::Record(record)) => decoder
                    .push_from(record, arrival, &place)
                    .map_err(|reason| (reason.code(), reason.to_string())),
                Ok(Opened::Deleted(_)) => Err((Reason::Tombstone.code(), DELETED.to_owned())),
                Err(error) => Err((error.code(), error.to_string())),
            };
            match pushed {
                Ok(()) => {
                    asked.push(Asked {
                        arrival_us,
                        options: RequestOptions::of(schema, payload),
                    });
                    sources.push(message);
                    headers.push(forwarded);
                }
                Err((code, reason)) => refuse(code, reason, forwarded),
            }
        };
        let polled = self.pipeline.gather_ahead(&self.limits, may_end, take);
        let decoded = self.decoder.finish();
        let stretches = polled?;
        if let Some(first) = first {
            Stage::Gather.took(first);
        }
        Some(Gathered {
            decoded,
            asked,
            sources,
            headers,
            refused,
            stretches,
        })
    }

    /// Prices all of a batch with one model.
    pub(super) fn price(&self, gathered: Gathered, loaded: &Arc<Loaded>) -> anyhow::Result<Batch> {
        let Gathered {
            decoded,
            asked,
            sources,
            headers,
            refused,
            stretches,
        } = gathered;
        let began = Instant::now();
        let priced = price(&self.schema, &decoded, &asked, loaded)
            .context("the model does not fit the schema the applier was started with")?;
        self.serving.remember(&decoded.batch);
        self.watch
            .answered(loaded, &decoded.batch, &priced.predictions);
        let key = self.stores_requests.then_some(self.schema.key.as_str());
        let answers = Arc::new(priced.worded(&decoded, key, Namespace::Shared).collect());
        Stage::Price.took(began);
        Ok(Batch {
            answers,
            sources,
            headers,
            refused,
            stretches,
            arrivals_us: asked.iter().map(|asked| asked.arrival_us).collect(),
        })
    }
}

fn reject(message: &BorrowedMessage<'_>, code: &'static str, reason: String) -> Reject {
    Reject {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        code,
        reason,
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().unwrap_or_default().to_vec(),
    }
}
