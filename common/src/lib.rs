//! What every service stands on. Knows neither prices nor models.

pub mod args;
pub mod arrivals;
pub mod check;
pub mod config;
pub mod database;
pub mod health;
pub mod http;
pub mod kafka;
pub mod metric;
pub mod offsets;
pub mod probe;
pub mod progress;
pub mod rejects;
pub mod secret;
pub mod shutdown;
pub mod telemetry;
pub mod tell;

pub use config::{ConfigError, Layered};
pub use health::Health;
pub use metric::Metric;
pub use secret::Secret;
pub use shutdown::Shutdown;
