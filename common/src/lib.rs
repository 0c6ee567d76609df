//! What every service is built on. Knows neither prices nor models.

pub mod args;
pub mod arrival;
pub mod check;
pub mod cli;
pub mod config;
pub mod database;
pub mod fault;
pub mod health;
pub mod http;
pub mod kafka;
pub mod liveness;
pub mod metric;
pub mod metrics;
pub mod probe;
pub mod progress;
pub mod reject_publisher;
pub mod retention;
pub mod schedule;
pub mod secret;
pub mod series;
pub mod service;
pub mod shutdown;
pub mod telemetry;

pub use config::{ConfigError, Layered};
pub use fault::Fault;
pub use health::Health;
pub use metric::Metric;
pub use secret::Secret;
pub use service::Service;
pub use shutdown::Shutdown;
