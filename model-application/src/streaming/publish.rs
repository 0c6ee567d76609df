//! Messages to Kafka. What a topic will never take is made shorter, and left out where that does not help:
//! the tables have it.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::Fault;
use common::kafka::{Producer, Topics};
use ledger::rejects::Reject;
use rdkafka::error::KafkaError;
use rdkafka::error::RDKafkaErrorCode::QueueFull;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{DeliveryFuture, FutureRecord};

use super::batch::Refused;
use super::failure::Failure;
use crate::answer::{Worded, refusal};
use crate::config::Config;
use crate::metrics::NOT_PUBLISHED;

/// Longest wait for a message's delivery; the batch is then published again.
const DELIVERY: Duration = Duration::from_secs(10);

/// Longest wait in one piece for messages that are being sent.
const FLUSHING: Duration = Duration::from_millis(50);

/// What a message says, so that it can be said in fewer words.
enum Content<'a> {
    Answer(&'a Worded),
    Error(&'a Refused),
    Reject(&'a Refused),
}

/// A message to publish.
pub(super) struct Message<'a> {
    topic: &'a str,
    key: Cow<'a, str>,
    payload: Bytes,
    headers: Option<&'a OwnedHeaders>,
    content: Content<'a>,
    is_short: bool,
    state: State,
}

/// How far a message is.
enum State {
    Waiting,
    OnItsWay(DeliveryFuture),
    /// Its topic will never take it.
    LeftOut,
}

impl Message<'_> {
    /// The same in so few words that any topic takes it.
    fn shorten(&mut self) {
        const CODE: &str = "too_large";
        const REASON: &str = "Kafka refuses the message: it is larger than the topic's \
                              max.message.bytes; the table has it";
        let short = match self.content {
            Content::Answer(worded) => refusal(Some(&worded.answer.id), CODE, REASON),
            Content::Error(refused) => refusal(None, refused.reject.code, REASON),
            Content::Reject(refused) => {
                let Reject {
                    topic,
                    partition,
                    offset,
                    code,
                    payload,
                    ..
                } = &refused.reject;
                serde_json::json!({
                    "topic": topic, "partition": partition, "offset": offset, "code": code,
                    "reason": REASON, "payload": "", "payload_bytes": payload.len(),
                })
            }
        };
        self.payload = short.to_string().into();
        self.is_short = true;
    }
}

pub(super) struct Publisher {
    producer: Producer,
    topics: Topics,
}

impl Publisher {
    pub fn new(config: &Config) -> anyhow::Result<Publisher> {
        Ok(Publisher {
            producer: config.kafka.batch_producer()?,
            topics: config.kafka.topics.clone(),
        })
    }

    /// What is stored for an answer, with the headers of its request.
    pub fn answer<'a>(
        &'a self,
        worded: &'a Worded,
        stored: Bytes,
        headers: Option<&'a OwnedHeaders>,
    ) -> Message<'a> {
        let key = Cow::from(&worded.answer.id.text);
        Message {
            headers,
            ..message(&self.topics.answers, key, stored, Content::Answer(worded))
        }
    }

    /// What an expired request was answered with in time.
    pub fn again<'a>(&'a self, refused: &'a Refused, stored: Bytes) -> Message<'a> {
        let key = refused.key().into();
        Message {
            headers: refused.headers.as_ref(),
            ..message(&self.topics.answers, key, stored, Content::Error(refused))
        }
    }

    /// What is answered to a request that gets no price.
    pub fn error<'a>(&'a self, refused: &'a Refused) -> Message<'a> {
        self.again(refused, refused.to_json().into())
    }

    /// The same for those who look after rejects.
    pub fn reject<'a>(&'a self, refused: &'a Refused) -> Message<'a> {
        let (place, payload) = (refused.reject.place(), refused.reject.to_json());
        let content = Content::Reject(refused);
        message(&self.topics.rejects, place.into(), payload.into(), content)
    }

    /// Waits until messages are delivered, and forgets them.
    ///
    /// # Errors
    /// When Kafka is away, or needs a person.
    pub async fn deliver(&self, messages: &mut Vec<Message<'_>>) -> Result<(), Failure> {
        for message in messages.iter_mut() {
            if !self.send(message)? {
                break;
            }
        }
        self.flush().await;
        while let Some(message) = messages.last_mut() {
            let topic = message.topic;
            let passing = |why: &str| Failure {
                fault: Fault::Passing,
                why: format!("{why} (topic {topic})"),
            };
            match std::mem::replace(&mut message.state, State::Waiting) {
                State::LeftOut => {
                    messages.pop();
                }
                State::Waiting => return Err(passing("the producer's queue is full")),
                State::OnItsWay(delivery) => {
                    let delivered = tokio::time::timeout(DELIVERY, delivery)
                        .await
                        .map_err(|_| passing("Kafka did not confirm a message in time"))?
                        .map_err(|_| passing("the producer was closed"))?;
                    if let Err((error, _)) = delivered {
                        not_taken(message, &error)?;
                        self.send(message)?;
                        self.flush().await;
                    } else {
                        messages.pop();
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends all that the producer has. In short waits, as whoever awaits this may give it up between them.
    async fn flush(&self) {
        let until = Instant::now() + DELIVERY;
        while !self.producer.flush(FLUSHING) && Instant::now() < until {
            tokio::task::yield_now().await;
        }
    }

    /// Hands a message to the producer that it does not have yet; false where its queue is full.
    fn send(&self, message: &mut Message<'_>) -> Result<bool, Failure> {
        while let State::Waiting = message.state {
            let mut record = FutureRecord::to(message.topic)
                .key(message.key.as_ref())
                .payload(&message.payload[..]);
            if let Some(headers) = message.headers {
                record = record.headers(headers.clone());
            }
            match self.producer.send_result(record) {
                Ok(delivery) => message.state = State::OnItsWay(delivery),
                Err((error, _)) if error.rdkafka_error_code() == Some(QueueFull) => {
                    return Ok(false);
                }
                Err((error, _)) => not_taken(message, &error)?,
            }
        }
        Ok(true)
    }
}

/// What becomes of a message that Kafka does not take.
fn not_taken(message: &mut Message<'_>, error: &KafkaError) -> Result<(), Failure> {
    let topic = message.topic;
    match Fault::of_kafka(error) {
        Fault::Row if !message.is_short => {
            let bytes = message.payload.len();
            tracing::warn!(topic, bytes, "published a message in short form: {error}");
            message.shorten();
            Ok(())
        }
        Fault::Row => {
            metrics::counter!(NOT_PUBLISHED.name(), "topic" => topic.to_owned()).increment(1);
            tracing::error!(topic, "skipped a message, which the table has: {error}");
            message.state = State::LeftOut;
            Ok(())
        }
        Fault::Passing => Err(Failure {
            fault: Fault::Passing,
            why: format!("topic {topic} refuses messages at present: {error}"),
        }),
        Fault::Setup => Err(Failure {
            fault: Fault::Setup,
            why: format!(
                "topic {topic} refuses messages: {error}; correct the service's permissions, or \
                 the section [kafka] of the settings"
            ),
        }),
    }
}

fn message<'a>(
    topic: &'a str,
    key: Cow<'a, str>,
    payload: Bytes,
    content: Content<'a>,
) -> Message<'a> {
    Message {
        topic,
        key,
        payload,
        headers: None,
        content,
        is_short: false,
        state: State::Waiting,
    }
}
