//! The services that go on: started in this process, asked over HTTP like any other.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use common::{Secret, Shutdown};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::options::Options;
use crate::own_data::stream::Stream;
use crate::screen::Screen;
use crate::settings::Settings;

/// Pause between two looks at a service.
pub(crate) const LOOK: Duration = Duration::from_millis(50);
/// Longest wait for a status: then it is asked for again.
const STATUS_LIMIT: Duration = Duration::from_secs(5);
/// Longest wait for what the emulator is asked for: it answers when Kafka has all of it.
const TRIGGER_LIMIT: Duration = Duration::from_secs(60);
/// Pause before one that did not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// One that does not answer is spoken of from then on, and again after so long.
const SPEAK_AFTER: Duration = Duration::from_secs(5);
const SPEAK_AGAIN: Duration = Duration::from_secs(30);
/// Longest wait for the end of a training that was asked for, and tries to ask for it.
const TRAINING_MOST: Duration = Duration::from_secs(3600);
const TRAINING_TRIES: usize = 20;
/// The same of the training, which is only shown.
const TRAINING_LIMIT: Duration = Duration::from_millis(500);

/// Where listings and requests come from.
pub(crate) enum Source {
    /// The emulator, which makes them; its address.
    Emulator(SocketAddr),
    /// A file of the user's own.
    File(Arc<Stream>),
}

/// Where the services' HTTP interfaces are.
pub(crate) struct Services {
    /// Where listings and requests come from.
    pub source: Source,
    /// Stores listings.
    pub loader: SocketAddr,
    /// Answers requests.
    pub applier: SocketAddr,
    /// Trains on what arrives, from the first model on.
    pub prepare: SocketAddr,
    /// Told once the first model is there.
    has_model: Arc<Notify>,
    /// Whether it has been told: before, nobody answers at its address.
    trains: AtomicBool,
    client: reqwest::Client,
    /// What each asks for as `Authorization: Bearer`: the applier may have one of its own.
    token: Secret,
    applier_token: Secret,
    /// Where one that does not answer is spoken of.
    screen: Arc<Screen>,
}

/// The running services; dropped, they are told to leave.
pub(crate) struct Tasks {
    set: JoinSet<anyhow::Result<()>>,
    leave: Shutdown,
}

/// What each service says of itself at a moment.
#[derive(Debug, Default)]
pub(crate) struct Statuses {
    /// The emulator's.
    pub emulator: Value,
    /// The loader's.
    pub loader: Value,
    /// The applier's.
    pub applier: Value,
    /// The training's; null before there is a first model.
    pub prepare: Value,
}

impl Services {
    /// Starts all of them on free ports, or on those that `--set` names; the applier on the address
    /// that is printed already. In place of the emulator there may be a file.
    ///
    /// # Errors
    /// When an address cannot be listened on.
    pub fn start(
        options: &Options,
        mut settings: Settings,
        for_applier: TcpListener,
        file: Option<Arc<Stream>>,
        screen: &Arc<Screen>,
    ) -> anyhow::Result<(Services, Tasks)> {
        let for_loader = listen(options, "loader.http")?;
        let for_prepare = listen(options, "prepare.http")?;
        let loader = for_loader.local_addr()?;
        let (applier, prepare) = (for_applier.local_addr()?, for_prepare.local_addr()?);
        let beside = &mut settings.applier.dashboard;
        (beside.loader, beside.training) =
            (format!("http://{loader}"), format!("http://{prepare}"));
        let client = reqwest::Client::builder().build()?;
        let token = settings.loader.http.token.clone();
        let applier_token = settings.applier.http.token.clone();
        let leave = Shutdown::new();
        let mut set = JoinSet::new();
        set.spawn(data_loader::run(settings.loader, for_loader, leave.clone()));
        set.spawn(model_application::run(
            settings.applier,
            for_applier,
            leave.clone(),
        ));
        let source = match file {
            Some(stream) => Source::File(stream),
            None => {
                let for_emulator = listen(options, "emulator.http")?;
                let emulator = for_emulator.local_addr()?;
                let running =
                    producer_emulator::run(settings.emulator, for_emulator, leave.clone());
                set.spawn(running);
                Source::Emulator(emulator)
            }
        };
        let has_model = Arc::new(Notify::new());
        set.spawn(train_afterwards(
            settings.prepare,
            for_prepare,
            Arc::clone(&has_model),
            leave.clone(),
        ));
        let services = Services {
            source,
            loader,
            applier,
            prepare,
            has_model,
            trains: AtomicBool::new(false),
            client,
            token,
            applier_token,
            screen: Arc::clone(screen),
        };
        Ok((services, Tasks { set, leave }))
    }

    /// The first model is there: from now on it is trained anew as listings arrive.
    pub fn train_on_arrivals(&self) {
        self.has_model.notify_one();
        self.trains.store(true, Ordering::Relaxed);
    }

    /// Asks for a training of full effort, in place of the quick first one; how it ends is told by its status.
    pub fn train_in_full(&self) {
        let request = self.client.post(format!("http://{}/train", self.prepare));
        let request = self
            .with_token(self.prepare, request)
            .timeout(TRAINING_MOST);
        tokio::spawn(async move {
            // It answers when the training has ended, and refuses as long as it has no database.
            for _ in 0..TRAINING_TRIES {
                let Some(again) = request.try_clone() else {
                    return;
                };
                match again.send().await {
                    Ok(answer) if answer.status() == reqwest::StatusCode::SERVICE_UNAVAILABLE => {}
                    Ok(answer) => {
                        tracing::debug!(code = answer.status().as_u16(), "the training has ended");
                        return;
                    }
                    Err(error) => tracing::debug!("the training does not answer yet: {error}"),
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
        });
    }

    /// What a service says of itself; one that does not answer is asked again, and spoken of: it may be
    /// busy, or this process was stopped meanwhile.
    pub async fn status(&self, of: SocketAddr) -> Value {
        self.patiently(self.name(of), || self.status_once(of)).await
    }

    /// # Errors
    /// When it does not answer in time.
    async fn status_once(&self, of: SocketAddr) -> anyhow::Result<Value> {
        let request = self.client.get(format!("http://{of}/status"));
        let asking = self.with_token(of, request).timeout(STATUS_LIMIT).send();
        Ok(asking.await?.error_for_status()?.json().await?)
    }

    fn with_token(
        &self,
        of: SocketAddr,
        request: reqwest::RequestBuilder,
    ) -> reqwest::RequestBuilder {
        let token = match of == self.applier {
            true => &self.applier_token,
            false => &self.token,
        };
        match token.is_empty() {
            true => request,
            false => request.bearer_auth(token.expose()),
        }
    }

    fn name(&self, of: SocketAddr) -> &'static str {
        match of {
            of if of == self.loader => "loader",
            of if of == self.applier => "applier",
            of if of == self.prepare => "training",
            _ => "emulator",
        }
    }

    /// Asks until there is an answer. Whoever calls bounds it; on the screen it says what is waited for.
    async fn patiently<T, F>(&self, whom: &str, ask: impl Fn() -> F) -> T
    where
        F: Future<Output = anyhow::Result<T>>,
    {
        let began = Instant::now();
        let mut spoken: Option<Instant> = None;
        loop {
            let error = match ask().await {
                Ok(answer) => {
                    if spoken.is_some() {
                        self.screen.note(&format!("the {whom} answers again"));
                    }
                    return answer;
                }
                Err(error) => error,
            };
            let is_due = spoken.map_or(began.elapsed() >= SPEAK_AFTER, |at| {
                at.elapsed() >= SPEAK_AGAIN
            });
            if is_due {
                spoken = Some(Instant::now());
                let waited = began.elapsed().as_secs();
                let note =
                    format!("the {whom} has not answered for {waited} s; retrying: {error:#}");
                self.screen.note(&note);
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// What the training says of itself; null before it is started, or where it is busy leaving,
    /// which is no reason to stop.
    async fn training(&self) -> Value {
        if !self.trains.load(Ordering::Relaxed) {
            return Value::Null;
        }
        let asking = self.status_once(self.prepare);
        match tokio::time::timeout(TRAINING_LIMIT, asking).await {
            Ok(Ok(status)) => status,
            Ok(Err(_)) | Err(_) => Value::Null,
        }
    }

    /// What all of them say.
    pub async fn statuses(&self) -> Statuses {
        // First what was made, then what became of it: never more made than is known here.
        let emulator = match &self.source {
            Source::Emulator(emulator) => self.status(*emulator).await,
            Source::File(stream) => stream.status(),
        };
        let (loader, applier) = tokio::join!(self.status(self.loader), self.status(self.applier));
        let prepare = self.training().await;
        Statuses {
            emulator,
            loader,
            applier,
            prepare,
        }
    }

    /// Asks the emulator for something, again where it does not take it.
    pub async fn trigger(&self, path: &str) {
        let whom = format!("emulator ({path})");
        self.patiently(&whom, || self.trigger_once(path)).await;
    }

    /// # Errors
    /// When it refuses; the message has its reason.
    pub async fn trigger_once(&self, path: &str) -> anyhow::Result<()> {
        let Source::Emulator(emulator) = self.source else {
            bail!("no emulator runs beside a file");
        };
        let request = self.client.post(format!("http://{emulator}{path}"));
        let request = self.with_token(emulator, request);
        let answer = request.timeout(TRIGGER_LIMIT).send().await?;
        let code = answer.status();
        let body = answer.text().await.unwrap_or_default();
        ensure!(
            code.is_success(),
            "the emulator refused {path} ({code}): {body}"
        );
        Ok(())
    }
}

/// Takes the address that `--set` names, or a free port of loopback.
pub(crate) fn listen(options: &Options, key: &str) -> anyhow::Result<TcpListener> {
    common::http::listen(options.setting(key).unwrap_or("127.0.0.1:0"))
}

/// The loop, from the first model on.
async fn train_afterwards(
    config: model_prepare::Config,
    listener: TcpListener,
    has_model: Arc<Notify>,
    leave: Shutdown,
) -> anyhow::Result<()> {
    // Before that its address is taken and nobody answers there: a status would be waited for.
    tokio::select! {
        () = has_model.notified() => model_prepare::watch(config, None, listener, leave).await,
        () = leave.cancelled() => Ok(()),
    }
}

impl Statuses {
    /// What is not ready yet, and why; `None` when all but the model is there.
    pub fn waiting_for(&self) -> Option<String> {
        not_ready(&[
            ("emulator", &self.emulator),
            ("loader", &self.loader),
            ("applier", &self.applier),
            ("training", &self.prepare),
        ])
    }

    /// The same of the loader alone: the applier has no partitions before there is a model.
    pub fn loader_waits_for(&self) -> Option<String> {
        not_ready(&[("loader", &self.loader)])
    }

    /// Listings and requests that Kafka confirmed.
    pub fn produced(&self) -> u64 {
        number(&self.emulator, "new_data_sent") + number(&self.emulator, "requests_sent")
    }

    /// Messages that were stored, answered or rejected.
    pub fn accounted(&self) -> u64 {
        number(&self.loader, "stored")
            + number(&self.loader, "rejected")
            + number(&self.applier, "answered")
            + number(&self.applier, "rejected")
    }
}

impl Tasks {
    /// Waits until a service ends by itself, which none should.
    pub async fn broken(&mut self) -> anyhow::Error {
        match self.set.join_next().await {
            Some(Ok(Err(error))) => error.context("a service ended unexpectedly"),
            Some(Err(error)) => anyhow::Error::new(error).context("a service ended unexpectedly"),
            Some(Ok(Ok(()))) | None => anyhow::anyhow!("a service ended by itself"),
        }
    }

    /// Lets them leave in order, and gives up on those that are late.
    pub async fn leave(mut self, limit: Duration) {
        self.leave.cancel();
        let leaving = async {
            while let Some(left) = self.set.join_next().await {
                match left.context("a service ended unexpectedly").flatten() {
                    Ok(()) => {}
                    Err(error) => tracing::warn!("while stopping: {error:#}"),
                }
            }
        };
        if tokio::time::timeout(limit, leaving).await.is_err() {
            // Exactly once does not depend on it: what is not committed is read again.
            tracing::warn!("a service did not stop within {} s", limit.as_secs_f64());
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.leave.cancel();
    }
}

/// A count of a status.
pub(crate) fn number(status: &Value, name: &str) -> u64 {
    status[name].as_u64().unwrap_or_default()
}

/// The parts of services that are not ready and why, except for the model; `None` when there are none.
fn not_ready(services: &[(&str, &Value)]) -> Option<String> {
    let mut waiting = Vec::new();
    for (name, status) in services {
        for (part, state) in status["parts"].as_object().into_iter().flatten() {
            let state = state.as_str().unwrap_or_default();
            if state != "ready" && part != "model" {
                waiting.push(format!("the {name}'s {part} ({state})"));
            }
        }
    }
    (!waiting.is_empty()).then(|| waiting.join(", "))
}
