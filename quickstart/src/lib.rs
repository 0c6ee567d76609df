//! One process with everything in it: the first thing a newcomer runs.
//!
//! The embedded servers or outside ones, the services on ports of loopback, a history to learn
//! from, a first model, and then requests that are answered until somebody says stop.

mod account;
mod address;
mod amount;
mod apache;
mod bounds;
mod check;
mod first_model;
mod history;
pub mod log;
pub mod memory;
pub mod only_servers;
mod options;
mod own_data;
mod run;
mod screen;
mod servers;
mod services;
mod settings;
mod summary;
mod turns;
mod wait;

pub use check::needs;
pub use options::{Options, OwnData};
pub use run::{Running, run};
pub use summary::Summary;
pub use wait::Wait;
