//! The zero-install broker and PostgreSQL: one process, private to it, on loopback.
//!
//! For trying out and for tests; failure, scale and several members belong on Apache Kafka.

mod binaries;
mod broker;
mod cluster;
mod error;
mod found;
mod lock;
mod owner;
mod postgres;
mod search;
mod server;
mod wheel;

/// Settings of glibc's allocator that a program with a broker in it does well to have: few arenas, and
/// large pieces go back to the system at once. PostgreSQL's server does not get them.
pub const ALLOCATOR: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "4"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
];

pub use binaries::Binaries;
pub use broker::Broker;
pub use error::EmbeddedError;
pub use found::Found;
pub use postgres::{Postgres, PostgresOptions};
pub use search::Search;
