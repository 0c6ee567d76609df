//! More connections with half a body than the process may open files: health is answered, and requests
//! over Kafka are.

#[path = "conservation/model.rs"]
mod model;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use testbed::{Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);
/// As many as stopped the release before.
const SLOW: usize = 1_246;
/// Files that the service may open.
const FILES: usize = 1_024;

/// Ended when dropped.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn code(at: &str, path: &str) -> Option<u16> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5));
    let asking = client
        .build()
        .ok()?
        .get(format!("http://{at}{path}"))
        .send();
    Some(asking.await.ok()?.status().as_u16())
}

/// Half a request; none where the service does not take the connection.
fn half(at: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(at).ok()?;
    let head =
        format!("POST /predict HTTP/1.1\r\nHost: {at}\r\nContent-Length: 500\r\n\r\n{{\"id\":1,");
    // It may be let go already.
    let _ = stream.write_all(head.as_bytes());
    Some(stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_bodies_stop_neither_health_nor_answers_over_kafka() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum.map(|most| most.min(65_536)),
        maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("this process may open its share of files");
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let topics = bed.kafka(&[]).topics;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let mut command = Command::new("sh");
    let limited = format!("ulimit -n {FILES} && exec \"$0\" \"$@\"");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_model-application")]);
    for (key, value) in bed.pairs(&[("applier.http", &at)]) {
        command.args(["--set", &format!("{key}={value}")]);
    }
    let service = Service(command.spawn().expect("starts"));
    eventually("ready", LIMIT, || async {
        code(&at, "/health/ready").await == Some(200)
    })
    .await;

    let slow = {
        let at = at.clone();
        let opening = move || (0..SLOW).filter_map(|_| half(&at)).collect::<Vec<_>>();
        tokio::task::spawn_blocking(opening)
            .await
            .expect("opens them")
    };
    assert!(
        slow.len() > FILES,
        "only {} connections were made",
        slow.len()
    );
    for number in 0..10 {
        assert_eq!(code(&at, "/health/live").await, Some(200), "{number}");
        assert_eq!(code(&at, "/status").await, Some(200), "{number}");
    }
    let requests: Vec<(String, Vec<u8>)> = (0..50)
        .map(|number| {
            let id = format!("r{number}");
            let request = json!({"id": id, "city": "city1", "street": "street6", "floor": 3, "rooms": 2,
                "area": 50});
            (id, request.to_string().into_bytes())
        })
        .collect();
    bed.send(&topics.requests, &requests).await;
    let answers = bed.receive(&topics.answers, 50, LIMIT).await;
    assert_eq!(answers.len(), 50);
    drop((slow, service));
}
