//! Why there is no answer.

use std::time::Duration;

use crate::address::NotPublic;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is not a public one.
    #[error(transparent)]
    NotPublic(#[from] NotPublic),
    /// The body is larger than allowed, or becomes so.
    #[error("the body has more than {limit} bytes ({when})")]
    TooLarge {
        /// The bound.
        limit: usize,
        /// Whether as it came or once unpacked.
        when: &'static str,
    },
    /// The body is packed in another way than it says.
    #[error("cannot decompress the body: {detail}")]
    Packed {
        /// What is wrong with it.
        detail: String,
    },
    /// No answer in time.
    #[error("no answer within {} s", limit.as_secs_f64())]
    Timeout {
        /// The bound.
        limit: Duration,
    },
    /// The network or the server failed.
    #[error("no answer: {detail}")]
    Network {
        /// What failed.
        detail: String,
    },
}
