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
mod server;
mod wheel;

pub use binaries::{Binaries, Search};
pub use broker::Broker;
pub use error::EmbeddedError;
pub use found::Found;
pub use postgres::{Postgres, PostgresOptions};
