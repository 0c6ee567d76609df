//! The emulator's process stopped for a while (Ctrl-Z, a laptop's lid) and continued.

mod bed;

use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::Duration;

use bed::LIMIT;
use embedded::Broker;
use testbed::{eventually, signal};

/// Far more than the pause between two batches: with tokio-cron-scheduler, which counted from the tick
/// that was missed, nothing more was sent then.
const STOPPED: Duration = Duration::from_secs(6);

/// Ended when dropped.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn status(at: &str) -> Option<serde_json::Value> {
    let answer = reqwest::get(format!("http://{at}/status")).await.ok()?;
    answer.json().await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_pause_of_the_process_the_schedules_go_on() {
    common::telemetry::choose_tls_provider();
    let broker = Broker::start().expect("a broker");
    for topic in ["new_data", "requests", "answers", "actuals", "rejects"] {
        broker.create_topic(topic, 2).expect("a topic");
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let service = Command::new(env!("CARGO_BIN_EXE_producer-emulator"))
        .args(["--kafka", &broker.address(), "--http", &at])
        .args(["--set", "emulator.autostart=true"])
        .args(["--set", "emulator.new_data_every_s=1"])
        .args(["--set", "emulator.requests_every_s=1"])
        .spawn()
        .expect("starts");
    let service = Service(service);
    let sent = |name: &'static str| {
        let at = at.clone();
        async move {
            let status = status(&at).await.unwrap_or_default();
            status[name].as_u64().unwrap_or_default()
        }
    };
    eventually("the schedules send", LIMIT, || async {
        sent("new_data_sent").await > 0 && sent("requests_sent").await > 0
    })
    .await;
    for _ in 0..2 {
        signal("STOP", &service.0.id().to_string());
        tokio::time::sleep(STOPPED).await;
        signal("CONT", &service.0.id().to_string());
        for name in ["new_data_sent", "requests_sent"] {
            let before = sent(name).await;
            eventually(&format!("{name} goes on"), LIMIT, || async {
                // The first may have been under way.
                sent(name).await >= before + 200
            })
            .await;
        }
    }
    let status = status(&at).await.expect("answers");
    for name in ["new_data", "requests"] {
        let schedule = &status["schedules"][name];
        assert!(schedule["stalled"].is_null(), "{status}");
        assert!(schedule["batches"].as_u64() >= Some(4), "{status}");
    }
}
