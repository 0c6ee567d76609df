//! The whole process stopped for a while (Ctrl-Z, a laptop's lid), and its terminal closed.

mod start;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use start::open_home;
use testbed::{eventually, signal};

const LIMIT: Duration = Duration::from_secs(180);
/// Longer than any `/status` is waited for.
const STOPPED: Duration = Duration::from_secs(20);

/// Ended when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

async fn number(at: &str, name: &str) -> u64 {
    let Ok(answer) = reqwest::get(format!("http://{at}/status")).await else {
        return 0;
    };
    let status: serde_json::Value = answer.json().await.unwrap_or_default();
    status[name].as_u64().unwrap_or_default()
}

/// Seen before: the emulator sent nothing more though it said that it runs, and the process left as one
/// `/status` was late: "connection closed before message completed".
#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_after_a_pause_and_leaves_in_order_when_its_terminal_is_closed() {
    common::telemetry::choose_tls_provider();
    let home = open_home();
    let data_dir = home.path().join("data");
    let (emulator, applier) = (free_address(), free_address());
    // Under `nohup` it would ignore the signal, as it should: here it never is.
    let process = Command::new("env")
        .args(["--default-signal=HUP", env!("CARGO_BIN_EXE_hedonic")])
        .arg("--data-dir")
        .arg(&data_dir)
        .args(["--set", &format!("emulator.http={emulator}")])
        .args(["--set", &format!("applier.http={applier}")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut process = Process(process);
    let pid = process.0.id().to_string();
    eventually("requests are answered", LIMIT, || async {
        number(&applier, "answered").await > 40
    })
    .await;

    signal("STOP", &pid);
    tokio::time::sleep(STOPPED).await;
    signal("CONT", &pid);
    let made = number(&emulator, "new_data_made").await;
    let answered = number(&applier, "answered").await;
    eventually("listings are made again", LIMIT, || async {
        number(&emulator, "new_data_made").await >= made + 100
    })
    .await;
    eventually("requests are answered again", LIMIT, || async {
        number(&applier, "answered").await >= answered + 100
    })
    .await;
    assert!(process.0.try_wait().expect("its state").is_none());
    assert!(is_served(&data_dir), "the database runs");

    // The shell and the system both send one.
    signal("HUP", &pid);
    signal("HUP", &pid);
    let until = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = process.0.try_wait().expect("its state") {
            break status;
        }
        assert!(Instant::now() < until, "it does not leave");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(status.success(), "{status}");
    let mut shown = String::new();
    let out = process.0.stdout.as_mut().expect("a pipe");
    std::io::Read::read_to_string(out, &mut shown).expect("text");
    let account = "stored, answered or rejected";
    assert!(shown.contains(account), "the last account: {shown}");
    assert!(!is_served(&data_dir), "no database is left behind");
}

/// Whether a process works on the data directory.
fn is_served(data_dir: &std::path::Path) -> bool {
    let place = data_dir.to_string_lossy().into_owned();
    let processes = std::fs::read_dir("/proc").expect("Linux");
    let mut lines = processes.filter_map(|entry| {
        let line = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).into_owned())
    });
    lines
        .any(|line| line.contains("postgres") && line.contains(&place) && !line.contains("hedonic"))
}
