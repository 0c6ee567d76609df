//! The services: training by schedule, on demand, and on what arrives.

mod auto_rollback;
mod cluster;
pub(crate) mod control;
mod live_error;
mod openapi;
pub(crate) mod serve;
mod status;
mod watch;
