//! Sends rejects again, to the topics they came from.

use std::time::Duration;

use anyhow::Context;
use common::Shutdown;
use common::kafka::KafkaConfig;
use rdkafka::producer::FutureRecord;
use sqlx::PgPool;
use sqlx::types::chrono::Utc;

use super::select::{Place, Rejected, Selection, at};

/// Messages on their way at a time.
const BATCH: i64 = 1000;
/// Longest to wait until Kafka has confirmed them.
const DELIVERY: Duration = Duration::from_secs(120);

/// Sends the rejects at `places`, or all of the selection where there are none, to the topics they
/// came from, under their keys; `payload` instead of what one of them held. One that was sent
/// before is sent again only when it is named. Gives how many Kafka has confirmed.
///
/// A reject is marked once it is confirmed: killed in between, it may be sent twice, and of two
/// versions of a listing the last one counts anyway.
///
/// # Errors
/// When there is no such reject, or Kafka or the database fails; what was confirmed is marked.
pub async fn replay(
    pool: &PgPool,
    kafka: &KafkaConfig,
    places: &[Place],
    selection: &Selection,
    payload: Option<Vec<u8>>,
    shutdown: &Shutdown,
) -> anyhow::Result<usize> {
    let producer = kafka.producer()?;
    if !places.is_empty() {
        let mut rejects = Vec::with_capacity(places.len());
        for place in places {
            rejects.push(at(pool, place, selection.cluster.as_deref()).await?);
        }
        if let (Some(payload), [reject]) = (payload, rejects.as_mut_slice()) {
            reject.payload = payload;
            reject.payload_bytes = None;
        }
        for reject in &rejects {
            if let Some(shortened) = reject.shortened() {
                let place = reject.place();
                anyhow::bail!(
                    "cannot send {place} again: {shortened}; name a file with the message: --with \
                     FILE"
                );
            }
        }
        return send(pool, &producer, &rejects).await;
    }
    let until = Utc::now();
    let mut sent = 0;
    while !shutdown.is_cancelled() {
        let rejects = selection.to_replay(pool, until, BATCH).await?;
        if rejects.is_empty() {
            break;
        }
        sent += send(pool, &producer, &rejects).await?;
        tracing::info!("sent rejects again: {sent}");
    }
    let shortened = selection.count_shortened(pool, until).await?;
    if shortened > 0 {
        tracing::warn!(
            "skipped {shortened} rejects whose messages were too large to store completely: replay \
             each by its position, --with FILE"
        );
    }
    Ok(sent)
}

async fn send(
    pool: &PgPool,
    producer: &common::kafka::Producer,
    rejects: &[Rejected],
) -> anyhow::Result<usize> {
    let mut deliveries = Vec::with_capacity(rejects.len());
    for reject in rejects {
        let mut record = FutureRecord::<[u8], [u8]>::to(&reject.topic).payload(&reject.payload);
        if let Some(key) = &reject.key {
            record = record.key(key);
        }
        let delivery = producer
            .send_result(record)
            .map_err(|(error, _)| error)
            .with_context(|| format!("topic {} refuses messages", reject.topic))?;
        deliveries.push((reject, delivery));
    }
    let (mut confirmed, mut failed) = (Vec::new(), None);
    let until = tokio::time::Instant::now() + DELIVERY;
    for (reject, delivery) in deliveries {
        let delivered = tokio::time::timeout_at(until, delivery).await;
        let Ok(delivered) = delivered else {
            mark(pool, &confirmed).await?;
            anyhow::bail!(
                "Kafka did not confirm {} within {} s; {} of these {} were confirmed",
                reject.place(),
                DELIVERY.as_secs(),
                confirmed.len(),
                rejects.len()
            );
        };
        match delivered.context("the producer was closed")? {
            Ok(_) => confirmed.push(reject),
            Err((error, _)) => failed = Some((reject.place(), error)),
        }
    }
    mark(pool, &confirmed).await?;
    match failed {
        None => Ok(confirmed.len()),
        Some((place, error)) => Err(error).with_context(|| {
            let confirmed = confirmed.len();
            format!(
                "{place} was not delivered; {confirmed} of these {} messages were",
                rejects.len()
            )
        }),
    }
}

async fn mark(pool: &PgPool, rejects: &[&Rejected]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE rejects AS kept SET replayed_at = now() \
         FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) \
         AS sent (cluster, topic, partition, \"offset\") \
         WHERE kept.cluster = sent.cluster AND kept.topic = sent.topic \
         AND kept.partition = sent.partition AND kept.\"offset\" = sent.\"offset\"",
    )
    .bind(column(rejects, |reject| reject.cluster.as_str()))
    .bind(column(rejects, |reject| reject.topic.as_str()))
    .bind(column(rejects, |reject| reject.partition))
    .bind(column(rejects, |reject| reject.offset))
    .execute(pool)
    .await?;
    Ok(())
}

fn column<'a, T>(rejects: &[&'a Rejected], of: impl Fn(&'a Rejected) -> T) -> Vec<T> {
    rejects.iter().map(|reject| of(reject)).collect()
}
