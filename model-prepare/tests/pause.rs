//! `model-prepare --cron` whose process is stopped for a while and continued.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use testbed::{Testbed, eventually, signal};

const LIMIT: Duration = Duration::from_secs(180);
/// Far more than the pause between two trainings.
const STOPPED: Duration = Duration::from_secs(6);

/// Ended when dropped.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_pause_of_the_process_the_schedule_goes_on() {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let home = tempfile::tempdir().expect("a temporary directory");
    let service = Command::new(env!("CARGO_BIN_EXE_model-prepare"))
        .args(["--database-url", &bed.database_url(), "--http", &at])
        .args(["--cron", "* * * * * *", "--registry"])
        .arg(home.path().join("models"))
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let service = Service(service);
    // There is nothing to learn from: each training that the schedule starts fails, and counts.
    let failures = || async {
        let answer = reqwest::get(format!("http://{at}/status")).await.ok()?;
        let status: serde_json::Value = answer.json().await.ok()?;
        status["failures"].as_u64()
    };
    eventually("the schedule trains", LIMIT, || async {
        failures().await >= Some(1)
    })
    .await;
    for _ in 0..2 {
        signal("STOP", &service.0.id().to_string());
        tokio::time::sleep(STOPPED).await;
        signal("CONT", &service.0.id().to_string());
        let before = failures().await;
        eventually("the schedule goes on", LIMIT, || async {
            failures().await >= before.map(|before| before + 3)
        })
        .await;
    }
}
