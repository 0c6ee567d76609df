//! A model as files: written whole, and verified whole when read.

mod error;
mod files;
mod format;
mod golden;
mod model;
mod parts;

pub use self::error::ArtifactError;
pub(crate) use self::files::{Verified, broken, encode, save};
pub use self::format::Reading;
pub(crate) use self::format::{FORMAT, GOLDEN, HEAD};
pub(crate) use self::golden::{Golden, compare, sampled};
pub(crate) use self::parts::{estimator, estimator_at, parts};
