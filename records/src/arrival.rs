//! When a record arrived, as the decoder takes it.

/// When a record arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Replaces the time of a record that has none, in microseconds since 1970.
    pub us: i64,
    /// The present, in microseconds since 1970: what a record's own time must not be far beyond. It is
    /// apart from `us` because a message that waited in Kafka arrived long ago, and a producer's clock may
    /// be off.
    pub now_us: i64,
}

impl From<i64> for Arrival {
    /// A record that arrives at the present.
    fn from(us: i64) -> Arrival {
        Arrival { us, now_us: us }
    }
}

impl Arrival {
    /// The latest time that a record may have: the present, or its arrival where that is later.
    pub(crate) fn latest_us(self) -> i64 {
        self.us.max(self.now_us)
    }

    /// Of a record that was accepted before: its time is not looked at again.
    pub fn accepted_before(us: i64) -> Arrival {
        Arrival {
            us,
            now_us: i64::MAX,
        }
    }
}
