//! Told to leave: in order and soon, whatever is going on.

mod start;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use common::Shutdown;
use embedded::Broker;
use quickstart::{Options, Summary};
use start::{open_home, options};
use tokio::task::JoinHandle;

/// Longest that leaving may take on a machine with much else to do; the aim is 5 s.
const LIMIT: Duration = Duration::from_secs(60);
/// Longest wait for the moment at which a run is told to leave.
const PATIENCE: Duration = Duration::from_secs(120);

/// A run that is told to leave at some moment.
struct Running {
    shutdown: Shutdown,
    run: JoinHandle<anyhow::Result<Summary>>,
}

impl Running {
    fn start(options: Options) -> Running {
        let shutdown = Shutdown::new();
        let run = tokio::spawn(quickstart::run(options, shutdown.clone()));
        Running { shutdown, run }
    }

    async fn leave(self) -> Summary {
        let signalled = Instant::now();
        self.shutdown.cancel();
        let left = self.run.await.expect("no panic");
        let took = signalled.elapsed();
        println!("leaving took {took:?}");
        assert!(took < LIMIT, "leaving took {took:?}");
        left.expect("being told to leave is no error")
    }
}

/// A port that `--set` gives to a service.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

/// Waits until a count of a service's status is above zero.
async fn wait_for(address: &str, count: &str) {
    let until = Instant::now() + PATIENCE;
    let client = reqwest::Client::new();
    while Instant::now() < until {
        let asked = client.get(format!("http://{address}/status")).send().await;
        if let Ok(answer) = asked
            && let Ok(status) = answer.json::<serde_json::Value>().await
            && status[count].as_u64().is_some_and(|count| count > 0)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{count} stays at zero");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_any_moment_of_the_start_and_the_next_start_goes_on() {
    let home = open_home();
    // Before, in and after `initdb`; then while the services start.
    for delay_ms in [10, 300, 900, 1500, 2500] {
        let running = Running::start(options(home.path()));
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        running.leave().await;
    }
    let summary = quickstart::run(
        Options {
            stop_after: Some(1),
            ..options(home.path())
        },
        Shutdown::new(),
    )
    .await
    .expect("goes on");
    assert_eq!(summary.accounted, summary.produced);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_middle_of_the_history_and_in_the_middle_of_the_run() {
    let home = open_home();
    let (loader, applier) = (free_address(), free_address());
    let mut options = options(home.path());
    options.set = vec![
        ("loader.http".to_owned(), loader.clone()),
        ("applier.http".to_owned(), applier.clone()),
    ];
    let running = Running::start(options.clone());
    wait_for(&loader, "stored").await;
    let summary = running.leave().await;
    assert!(summary.produced > 0, "{summary:?}");

    let running = Running::start(options);
    wait_for(&applier, "answered").await;
    let summary = running.leave().await;
    assert!(summary.answered > 0, "{summary:?}");
    assert_eq!(summary.answers, summary.answered as i64);
    assert_eq!(summary.accounted, summary.produced, "nothing lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_outside_broker_is_away() {
    let home = open_home();
    let broker = Broker::start().expect("a broker");
    for topic in ["new_data", "requests", "answers", "actuals", "rejects"] {
        broker.create_topic(topic, 2).expect("a topic");
    }
    let applier = free_address();
    let mut options = options(home.path());
    options.kafka = Some(broker.address());
    options.set = vec![("applier.http".to_owned(), applier.clone())];
    let running = Running::start(options);
    wait_for(&applier, "answered").await;
    drop(broker);
    // The schedule continues sending meanwhile.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let summary = running.leave().await;
    assert!(summary.answered > 0, "{summary:?}");
}
