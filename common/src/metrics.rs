//! Metrics of Kafka, HTTP, retention and rejects, which all services share.

use crate::metric::REQUEST_SECONDS;

crate::metrics! {
    HTTP_REQUEST_SECONDS: Histogram(REQUEST_SECONDS) "hedonic_http_request_seconds", "seconds", ["status"], "Duration of HTTP requests except probes and metrics; `status` is 2xx, 4xx, …";
    HTTP_REFUSED: Counter "hedonic_http_refused_total", "requests", ["code"], "HTTP requests refused before they were handled: `token`, `host`, `origin`, `trigger`, `encoding`, `slow_body`";
    HTTP_CONNECTIONS_CLOSED: Counter "hedonic_http_connections_closed_total", "connections", ["reason"], "Closed connections: `slowest` to make room for a new one, `late` after all deadlines, `no_place` if all others were busy";
    KAFKA_CONSUMER_LAG_RECORDS: Gauge "hedonic_kafka_consumer_lag_records", "messages", ["consumer"], "Consumer lag of the assigned partitions: messages in Kafka that are not stored; NaN while unknown";
    KAFKA_CONSUMER_LAG_SECONDS: Gauge "hedonic_kafka_consumer_lag_seconds", "seconds", ["consumer"], "Consumer lag as the age of the last stored message; NaN while unknown";
    KAFKA_STALLS: Counter "hedonic_kafka_stalls_total", "stalls", ["consumer"], "Stalls: messages waited and nothing was committed for liveness.stall_s";
    KAFKA_CLIENTS_RENEWED: Counter "hedonic_kafka_clients_renewed_total", "clients", ["client", "why"], "Replaced Kafka clients: `fatal error`, `no brokers`, `no assignment`, `topic made again`";
    KAFKA_TOPICS_RECREATED: Counter "hedonic_kafka_topics_recreated_total", "topics", ["topic"], "Topics that were deleted and created again under the same name";
    KAFKA_REBALANCES: Counter "hedonic_kafka_rebalances_total", "rebalances", ["consumer"], "Assignments and revocations of partitions";
    KAFKA_TIMESTAMPS_REPLACED: Counter "hedonic_kafka_timestamps_replaced_total", "messages", ["topic"], "Messages with an implausible timestamp, which the current time replaced";
    KAFKA_DELETED_UNREAD: Counter "hedonic_kafka_deleted_unread_total", "messages", ["topic"], "Messages that retention deleted before they were read, a loss: raise the topic's retention";
    REJECTS_UNPUBLISHED: Counter "hedonic_rejects_unpublished_total", "rejects", [], "Rejects that are in the table but not on the topic rejects";
    RETENTION_DELETED: Counter "hedonic_retention_deleted_rows_total", "rows", ["table"], "Deleted rows that were older than their retention";
    RETENTION_LAST_RUN: Gauge "hedonic_retention_last_run_timestamp_seconds", "seconds", [], "End of the last round of retention, in seconds since 1970";
}
