//! Metrics of the loader.

use common::metric::STAGE_SECONDS as STAGES;

common::metrics! {
    RECEIVED: Counter "hedonic_loader_received_total", "messages", [], "Messages whose batch is committed";
    RECEIVED_BYTES: Counter "hedonic_loader_received_bytes_total", "bytes", [], "Bytes of messages whose batch is committed";
    STORED: Counter "hedonic_loader_stored_total", "listings", [], "Committed listings";
    REJECTED: Counter "hedonic_loader_rejected_total", "messages", ["code"], "Rejected messages";
    DELISTED: Counter "hedonic_loader_delisted_total", "tombstones", ["known"], "Committed tombstones; `known`: whether the table had a listing with this key";
    COMMITS: Counter "hedonic_loader_commits_total", "batches", [], "Committed batches";
    RETRIES: Counter "hedonic_loader_retries_total", "writes", [], "Failed writes that were retried";
    PAUSES: Counter "hedonic_loader_pauses_total", "pauses", [], "Pauses of partitions because the database was slower than Kafka (backpressure)";
    BATCH_RECORDS: Histogram(&[1.0, 10.0, 100.0, 1e3, 1e4, 1e5]) "hedonic_loader_batch_records", "messages", [], "Messages per batch";
    STAGE_SECONDS: Histogram(STAGES) "hedonic_loader_stage_seconds", "seconds", ["stage"], "Time of a batch in `gather` (poll and decode), `copy` or `merge` (encode, send, write), `commit` (rejects, offsets, counts, commit)";
}
