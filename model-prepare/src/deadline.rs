//! How long the trainer waits for the database.

use std::time::Duration;

/// For a short query, such as a count in the ledger, or a lock that is taken or not at once.
pub(crate) const SHORT_QUERY: Duration = Duration::from_secs(20);

/// For the next part of rows under way: a server may sort a large table before it sends the first.
pub(crate) const NEXT_ROWS: Duration = Duration::from_secs(600);
