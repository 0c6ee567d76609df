//! Where the position of a consumer is kept.

use sqlx::PgPool;

/// Where the consumer's position is kept.
#[derive(Clone)]
pub struct Anchor {
    /// The database.
    pub pool: PgPool,
    /// The Kafka cluster's id: offsets of one cluster mean nothing on another.
    pub cluster: String,
    /// The consumer's name in the table of offsets; also its group.
    pub consumer: String,
}
