//! A service started in the test's process.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use common::Shutdown;
use tokio::task::JoinHandle;

/// Longest a service may take to leave.
const LEAVING: Duration = Duration::from_secs(60);

/// A running service.
pub struct Running {
    /// Its HTTP interface.
    pub http: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Starts what `run` makes of a listener on a free port and a shutdown.
    pub fn start<F>(run: impl FnOnce(TcpListener, Shutdown) -> F) -> Running
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        common::telemetry::choose_tls_provider();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let http = listener.local_addr().expect("an address");
        let shutdown = Shutdown::new();
        let task = tokio::spawn(run(listener, shutdown.clone()));
        Running {
            http,
            shutdown,
            task,
        }
    }

    /// Asks it to leave and waits until it has.
    ///
    /// # Panics
    /// When it fails or does not leave in time.
    pub fn stop(mut self) -> BoxFuture<'static, ()> {
        async move {
            self.shutdown.cancel();
            tokio::time::timeout(LEAVING, &mut self.task)
                .await
                .expect("the service leaves in time")
                .expect("the service does not panic")
                .expect("the service leaves without an error");
        }
        .boxed()
    }

    /// Waits until it ends by itself, as nobody has asked it to: the reason it gives.
    ///
    /// # Panics
    /// When it does not end within `limit`, or without a reason.
    pub fn failure(mut self, limit: Duration) -> BoxFuture<'static, String> {
        async move {
            let ended = tokio::time::timeout(limit, &mut self.task).await;
            let ended = ended.expect("the service ends in time");
            let error = ended
                .expect("the service does not panic")
                .expect_err("a reason");
            format!("{error:#}")
        }
        .boxed()
    }

    /// `GET path`: the status code and the body, which is JSON.
    pub fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, (u16, serde_json::Value)> {
        async move {
            let url = format!("http://{}{path}", self.http);
            answer(reqwest::Client::new().get(url)).await
        }
        .boxed()
    }

    /// `GET path`: the body, whatever it is.
    pub fn text<'a>(&'a self, path: &'a str) -> BoxFuture<'a, String> {
        async move {
            let url = format!("http://{}{path}", self.http);
            let answer = reqwest::get(url).await.expect("the service answers");
            answer.text().await.expect("a body")
        }
        .boxed()
    }

    /// `POST path` with a body: the status code and the body of the answer, which is JSON.
    pub fn post<'a>(
        &'a self,
        path: &'a str,
        body: &'a str,
    ) -> BoxFuture<'a, (u16, serde_json::Value)> {
        async move {
            let url = format!("http://{}{path}", self.http);
            answer(reqwest::Client::new().post(url).body(body.to_owned())).await
        }
        .boxed()
    }

    /// Whether `/health/ready` says so.
    pub fn is_ready<'a>(&'a self) -> BoxFuture<'a, bool> {
        async move { self.get("/health/ready").await.0 == 200 }.boxed()
    }
}

impl Drop for Running {
    /// A test that fails must not leave a thread that its runtime would wait for.
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, serde_json::Value) {
    let answer = request.send().await.expect("the service answers");
    let code = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (code, json)
}
