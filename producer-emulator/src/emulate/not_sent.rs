//! Why not everything was sent.

/// Why not everything was sent.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// Nothing was made: something is not there yet, or is away.
    #[error("nothing was sent, because the service is still waiting: {what}")]
    Waiting {
        /// What is waited for.
        what: String,
    },
    /// Kafka went away in the middle.
    #[error(
        "{what}; {delivered} of {count} messages were delivered so far; the rest follows when \
         Kafka is back"
    )]
    Away {
        /// What happened.
        what: String,
        /// Messages delivered until then.
        delivered: u64,
        /// Messages asked for.
        count: usize,
    },
    /// Kafka refused some, or gave up on them.
    #[error(
        "{delivered} of {count} messages were delivered to {topic}, {refused} were refused: \
             {why}"
    )]
    Refused {
        /// Where they should have gone.
        topic: String,
        /// Messages delivered.
        delivered: u64,
        /// Messages not delivered.
        refused: u64,
        /// Messages asked for.
        count: usize,
        /// What the client says of the last of them.
        why: String,
    },
    /// Too many prices that have become known wait to be sent.
    #[error(
        "{delivered} of {count} messages were delivered: {pending} labels wait to be sent, which \
         is the limit; retry later"
    )]
    Behind {
        /// Messages delivered.
        delivered: u64,
        /// Messages asked for.
        count: usize,
        /// Prices that wait.
        pending: u64,
    },
    /// The service leaves.
    #[error("the service is stopping: {delivered} of {count} messages were delivered")]
    Leaving {
        /// Messages delivered.
        delivered: u64,
        /// Messages asked for.
        count: usize,
    },
}
