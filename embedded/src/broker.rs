//! The embedded broker: librdkafka's mock cluster, in the process, on a real TCP port.
//!
//! Its limits: it keeps about 5 MB a partition in memory and drops the oldest beyond that even if
//! nobody has read them, so whoever writes to it must be paced by what has been stored; it holds a
//! fetch for the whole `fetch.wait.max.ms`; the first assignment of a group takes 3 s; topics are
//! made through [`Broker::create_topic`] (no admin API); it forgets all when the process ends.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::error::EmbeddedError;

/// A running broker; dropped, it is gone with everything in it.
pub struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Broker {
    /// Starts one on a free port of loopback.
    ///
    /// # Errors
    /// When librdkafka cannot listen.
    pub fn start() -> Result<Broker, EmbeddedError> {
        Ok(Broker {
            cluster: MockCluster::new(1)?,
        })
    }

    /// `host:port` for `bootstrap.servers`, also of other processes on this machine.
    pub fn address(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// When it is there already.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), EmbeddedError> {
        Ok(self.cluster.create_topic(name, partitions, 1)?)
    }
}
