//! The embedded broker: librdkafka's mock cluster, in the process, on a real TCP port.
//!
//! Its limits: it keeps about 5 MB a partition in memory and drops the oldest beyond that even if
//! nobody has read them, so anyone who writes to it must be paced by what has been stored; it holds a
//! fetch for the whole `fetch.wait.max.ms`; the first assignment of a group takes 3 s; topics are
//! made through [`Broker::create_topic`] (no admin API); it forgets all when the process ends.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;

use crate::error::EmbeddedError;

/// A running broker; dropped, it is gone with everything in it.
///
/// librdkafka's handle of the cluster must stay on one thread: this one may go to any.
pub struct Broker {
    address: String,
    /// `None` once dropped: the thread ends when there is nobody to ask it.
    topics: Option<Sender<NewTopic>>,
    owner: Option<JoinHandle<()>>,
}

/// A topic to make, and where to state how that went.
struct NewTopic {
    name: String,
    partitions: i32,
    made: Sender<Result<(), KafkaError>>,
}

impl Broker {
    /// Starts one on a free port of loopback.
    ///
    /// # Errors
    /// When librdkafka cannot listen.
    pub fn start() -> Result<Broker, EmbeddedError> {
        let (topics, asked) = channel();
        let (started, address) = channel();
        let owner = std::thread::Builder::new()
            .name("embedded-broker".to_owned())
            .spawn(move || run(&started, &asked))
            .map_err(EmbeddedError::NoThread)?;
        Ok(Broker {
            address: address.recv().map_err(|_| EmbeddedError::BrokerGone)??,
            topics: Some(topics),
            owner: Some(owner),
        })
    }

    /// `host:port` for `bootstrap.servers`, also of other processes on this machine.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// When it is there already.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), EmbeddedError> {
        let (made, answer) = channel();
        let topic = NewTopic {
            name: name.to_owned(),
            partitions,
            made,
        };
        let topics = self.topics.as_ref().ok_or(EmbeddedError::BrokerGone)?;
        topics.send(topic).map_err(|_| EmbeddedError::BrokerGone)?;
        Ok(answer.recv().map_err(|_| EmbeddedError::BrokerGone)??)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.topics = None;
        if let Some(owner) = self.owner.take() {
            // It has nothing to say: a panic there was printed.
            let _ = owner.join();
        }
    }
}

/// Holds the cluster until nobody can ask for a topic any more.
fn run(started: &Sender<Result<String, KafkaError>>, asked: &Receiver<NewTopic>) {
    // Anyone who does not listen to an answer any more has dropped the broker.
    match MockCluster::new(1) {
        Ok(cluster) => {
            let _ = started.send(Ok(cluster.bootstrap_servers()));
            for topic in asked {
                let made = cluster.create_topic(&topic.name, topic.partitions, 1);
                let _ = topic.made.send(made);
            }
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    }
}
