//! The command line: flags to calls.

pub(crate) mod args;
mod effort;
mod evaluate;
mod export;
mod features;
mod follow;
mod import;
mod init;
mod price;
mod registry;
pub(crate) mod run;
mod schema;
mod serve;
mod settings;
mod sweep;
mod train;
