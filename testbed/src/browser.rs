//! A browser without a window, steered over its DevTools protocol: pages are checked as people do.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The variable that asks for tests in a browser.
const ASKED_FOR: &str = "HEDONIC_TEST_BROWSER";
/// What a browser is called, by system.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// Longest wait for an answer or for a page.
const LIMIT: Duration = Duration::from_secs(180);
/// How long it may take to leave.
const LEAVES: Duration = Duration::from_secs(30);

/// A running Chromium; stopped when dropped.
pub struct Browser {
    child: Child,
    commands: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Number of the last command: its answer bears it.
    last: u64,
    /// The tab's, in every command to it.
    session: Option<String>,
    /// What happened since the page was opened.
    events: Vec<Value>,
    /// Its profile.
    _home: TempDir,
}

impl Browser {
    /// Starts one. `None`, and loudly so, unless `HEDONIC_TEST_BROWSER` is set: it needs Chromium.
    ///
    /// # Panics
    /// When it is requested and is not available.
    pub fn start() -> Option<Browser> {
        if std::env::var_os(ASKED_FOR).is_none() {
            // Past the test harness, which hides what a test prints that passes.
            let _ = std::io::stderr().write_all(
                format!("SKIPPED: set {ASKED_FOR}=1 to test in a browser (Chromium)\n").as_bytes(),
            );
            return None;
        }
        let home = tempfile::tempdir().expect("a temporary directory");
        // The protocol goes over the descriptors 3 and 4: no port, nothing for others to reach.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "sh"])
            .arg(program())
            .args([
                "--headless=new",
                "--remote-debugging-pipe",
                "--no-first-run",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--hide-scrollbars",
                // It refuses the superuser otherwise; the pages are our own.
                "--no-sandbox",
            ])
            .arg(format!("--user-data-dir={}", home.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let commands = child.stdin.take();
        let from = child.stdout.take().expect("it is piped");
        let (to, messages) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(from).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else {
                    continue;
                };
                if to.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Browser {
            child,
            commands,
            messages,
            last: 0,
            session: None,
            events: Vec::new(),
            _home: home,
        };
        let tab = browser.send("Target.createTarget", json!({"url": "about:blank"}));
        let tab = json!({"targetId": tab["targetId"], "flatten": true});
        let attached = browser.send("Target.attachToTarget", tab);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.send(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Opens a file in a window of so many points, and waits until it has loaded.
    ///
    /// # Panics
    /// When it does not load.
    pub fn open(&mut self, page: &Path, width: u32, height: u32) {
        self.visit(&format!("file://{}", page.display()), width, height);
    }

    /// The same with what is at a URL.
    ///
    /// # Panics
    /// When it does not load.
    pub fn visit(&mut self, url: &str, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.send("Emulation.setDeviceMetricsOverride", size);
        self.events.clear();
        let opened = self.send("Page.navigate", json!({"url": url}));
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
        let until = Instant::now() + LIMIT;
        while !self.has_seen("Page.loadEventFired") {
            let message = self.next(until, "the page to load");
            self.events.push(message);
        }
    }

    /// The value of a script, as JSON.
    ///
    /// # Panics
    /// When the script throws.
    pub fn evaluate(&mut self, script: &str) -> Value {
        let asked = json!({"expression": script, "returnByValue": true, "awaitPromise": true});
        let answer = self.send("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
        answer["result"]["value"].clone()
    }

    /// What the page asked for since it was opened, itself included.
    pub fn requests(&self) -> Vec<String> {
        let of = |event: &Value| Some(event["params"]["request"]["url"].as_str()?.to_owned());
        self.seen("Network.requestWillBeSent")
            .filter_map(of)
            .collect()
    }

    /// What the console says is wrong: exceptions, errors, and resources that did not load.
    pub fn complaints(&self) -> Vec<Value> {
        let thrown = self.seen("Runtime.exceptionThrown");
        let entries = self
            .seen("Runtime.consoleAPICalled")
            .filter(|event| event["params"]["type"] == "error");
        let logged = self
            .seen("Log.entryAdded")
            .filter(|event| event["params"]["entry"]["level"] == "error");
        thrown.chain(entries).chain(logged).cloned().collect()
    }

    fn seen(&self, method: &'static str) -> impl Iterator<Item = &Value> {
        let events = self.events.iter();
        events.filter(move |event| event["method"] == method)
    }

    fn has_seen(&self, method: &'static str) -> bool {
        self.seen(method).next().is_some()
    }

    /// The answer to a command.
    fn send(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut command = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        let commands = self.commands.as_mut().expect("it is open until the drop");
        let written = commands.write_all(&bytes);
        written.unwrap_or_else(|error| panic!("the browser has left: {error}"));
        let until = Instant::now() + LIMIT;
        loop {
            let message = self.next(until, method);
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn next(&self, until: Instant, what: &str) -> Value {
        let left = until.saturating_duration_since(Instant::now());
        let message = self.messages.recv_timeout(left);
        message.unwrap_or_else(|error| panic!("waited {LIMIT:?} for {what}: {error}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without its commands it leaves by itself.
        drop(self.commands.take());
        let until = Instant::now() + LEAVES;
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The browser's program, out of `PATH`.
fn program() -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<_> = std::env::split_paths(&path).collect();
    NAMES
        .iter()
        .flat_map(|name| places.iter().map(move |place| place.join(name)))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("{ASKED_FOR} is set, and none of {NAMES:?} is in PATH"))
}
