//! The active model, and swapping it for another.

mod recent;
mod refusal;
mod shadow;
mod single;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, ensure};
use arrow_array::RecordBatch;
use common::{Health, Shutdown};
use records::{Schema, timestamp};
use registry::{Admitted, Alias, Appearance, Intake, Reason, Registry, Version};
use serde::Serialize;
use tokio::sync::Notify;
use valuation::{Assessed, PredictError, Prediction, Reading, TrainedModel};

use self::recent::Recent;
use self::refusal::Refusal;
pub(crate) use self::shadow::Shadow;
use self::single::SingleRow;
use crate::config::Config;
use crate::levels::Levels;
use crate::metrics::{MODELS_REFUSED, SWAPS};
use crate::unseen::KnownNames;

/// A model that passed its checks.
pub(crate) struct Loaded {
    /// Kind of record and version, as answers name it.
    pub name: String,
    pub number: u64,
    /// The newest time among the listings it learned from, as answers say it.
    pub data_until: Option<String>,
    pub model: TrainedModel,
    /// Requests over HTTP often come one by one.
    single: SingleRow,
    /// Of a model of several classes their names.
    pub levels: Option<Levels>,
    /// The names that it knows, to say which of them an unseen one may mean.
    pub names: KnownNames,
    /// See [`Loaded::adapted`].
    interval_factor: Mutex<Option<f64>>,
}

impl Loaded {
    /// Loads a version's files, which checks them (kinds and sizes of the files, the signature where one is
    /// asked for, checksums, format, golden rows), and compares their schema.
    pub fn load(
        version: &Version,
        path: &Path,
        schema: &Schema,
        intake: &Intake,
    ) -> anyhow::Result<Loaded> {
        let Admitted { max_bytes, sums } = intake.admit(version, path)?;
        let model = TrainedModel::load_by(path, &Reading { max_bytes, sums })?;
        model.fits(schema)?;
        Ok(Loaded {
            name: format!("{}@{version}", model.schema().name),
            number: version.number,
            data_until: model.data_until_us().map(timestamp::format),
            names: KnownNames::of(&model),
            levels: Levels::of(&model),
            model,
            single: SingleRow::default(),
            interval_factor: Mutex::default(),
        })
    }

    /// What the width of its intervals is multiplied by, where labels adapt it.
    pub fn adapted(&self) -> Option<f64> {
        let factor = self.interval_factor.lock();
        *factor.unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers have this factor from the next batch on.
    pub fn adapt(&self, factor: Option<f64>) {
        let current = self.interval_factor.lock();
        *current.unwrap_or_else(PoisonError::into_inner) = factor;
    }

    /// A prediction a row, in the rows' order.
    ///
    /// # Errors
    /// When the model does not take the columns.
    pub fn predict(&self, batch: &RecordBatch) -> Result<Vec<Prediction>, PredictError> {
        self.model.predict(batch)
    }

    /// Of a model of several classes the probabilities of each row; empty of others.
    ///
    /// # Errors
    /// When the model does not take the columns.
    pub fn probabilities(&self, batch: &RecordBatch) -> Result<Vec<Vec<f64>>, PredictError> {
        let model = self.model.multiclass();
        model.map_or_else(|| Ok(Vec::new()), |model| model.probabilities(batch))
    }

    /// The same, and what of each row the model knows nothing of.
    ///
    /// # Errors
    /// When the model does not take the columns.
    pub fn assess(&self, batch: &RecordBatch) -> Result<Vec<Assessed>, PredictError> {
        if batch.num_rows() == 1
            && let Some(assessed) = self.single.assess(&self.model, batch)?
        {
            return Ok(vec![assessed]);
        }
        self.model.assess(batch)
    }
}

/// What was made of a version.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Swapped {
    pub model: String,
    pub swapped_at: String,
    /// Its predictions for recent requests, compared with the model before.
    pub shadow: Option<Shadow>,
}

#[derive(Default)]
struct State {
    /// Versions that were refused: looked at again when their files have changed.
    refused: BTreeMap<u64, Refusal>,
    last_swap: Option<Swapped>,
}

pub(crate) struct Serving {
    registry: Arc<dyn Registry>,
    /// Which versions may be loaded.
    intake: Intake,
    /// The schema of requests. A model of another schema is refused.
    schema: Arc<Schema>,
    /// The greatest change of prices, as a factor, that is swapped in; 0 for any.
    max_change: f64,
    health: Health,
    current: RwLock<Option<Arc<Loaded>>>,
    state: Mutex<State>,
    /// Allows one swap at a time.
    exchange: Mutex<()>,
    recent: Mutex<Recent>,
    /// Notified of each swap.
    swaps: Notify,
}

impl Serving {
    pub fn new(config: &Config, health: Health) -> anyhow::Result<Serving> {
        let place = config.registry.path.display();
        health.waiting(
            "model",
            format!("no model yet in {place}: run model-prepare"),
        );
        let max_change = config.applier.max_swap_change;
        ensure!(
            max_change == 0.0 || max_change > 1.0,
            "applier.max_swap_change is a factor: expected 0 or more than 1, found {max_change}"
        );
        Ok(Serving {
            registry: Arc::from(registry::open(&config.registry)?),
            intake: Intake::new(&config.registry)?,
            schema: Arc::clone(&config.schema),
            max_change,
            health,
            current: RwLock::default(),
            state: Mutex::default(),
            exchange: Mutex::default(),
            recent: Mutex::default(),
            swaps: Notify::new(),
        })
    }

    /// The model to answer with; a batch holds on to the one it began with.
    pub fn current(&self) -> Option<Arc<Loaded>> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a swap since the last wait.
    pub async fn swapped(&self) {
        self.swaps.notified().await;
    }

    /// Where versions are kept.
    pub fn registry(&self) -> &Arc<dyn Registry> {
        &self.registry
    }

    /// Why the newest refused version was refused.
    pub fn refused(&self) -> Option<String> {
        let state = self.state();
        let newest = state.refused.values().next_back();
        newest.map(|refusal| refusal.why().to_owned())
    }

    /// The last exchange.
    pub fn last_swap(&self) -> Option<Swapped> {
        self.state().last_swap.clone()
    }

    /// Keeps some requests to try the next model on.
    pub fn remember(&self, batch: &RecordBatch) {
        // Not worth a wait.
        if let Ok(mut recent) = self.recent.try_lock() {
            recent.remember(batch);
        }
    }

    /// Takes the champion where it is another than the model that answers. Where there is none that
    /// answers, also an older one, so that requests are not left without.
    fn look(&self) -> anyhow::Result<()> {
        let Some(champion) = self.registry.champion()? else {
            return Ok(());
        };
        let serving = self.current().map(|loaded| loaded.number);
        if serving == Some(champion.number) || self.take(&champion)? || serving.is_some() {
            return Ok(());
        }
        let aliases = self.registry.aliases()?;
        for version in self.registry.versions()?.iter().rev() {
            // Without aliases each version was champion once.
            let was_champion = match aliases.is_empty() {
                true => version.number < champion.number,
                false => aliases.get(&Alias::Previous) == Some(&version.number),
            };
            if was_champion && self.take(version)? {
                break;
            }
        }
        Ok(())
    }

    /// Answers with a version from now on; false where it does not pass its checks.
    fn take(&self, version: &Version) -> anyhow::Result<bool> {
        let before = self.state().refused.get(&version.number).cloned();
        if before.as_ref().is_some_and(|refusal| !refusal.is_due()) {
            return Ok(false);
        }
        let path = match self.registry.fetch(version) {
            Ok(path) => path,
            // A registry that is away has nothing about the version.
            Err(error) if error.may_pass() => return Err(error.into()),
            Err(error) => {
                self.refuse(version, before, None, &error.into());
                return Ok(false);
            }
        };
        // Before the files are read: what changes meanwhile is checked again.
        let appearance = self.intake.appearance(&path);
        if let Some(refusal) = &before
            && refusal.is_of(&appearance)
        {
            return Ok(false);
        }
        let _one = self.exchange.lock();
        match self.check(version, &path, self.max_change) {
            Ok((loaded, shadow)) => {
                self.state().refused.remove(&version.number);
                self.swap(loaded, shadow);
                Ok(true)
            }
            Err(error) => {
                self.refuse(version, before, Some(appearance), &error);
                Ok(false)
            }
        }
    }

    /// Leaves a version alone until its files change: it may be copied in file by file.
    fn refuse(
        &self,
        version: &Version,
        before: Option<Refusal>,
        appearance: Option<Appearance>,
        error: &anyhow::Error,
    ) {
        let why = format!("{version} was refused: {error:#}");
        if self.current().is_none() {
            self.health.waiting("model", &why);
        }
        let refusal = Refusal::new(why, appearance, before);
        let again_s = refusal.pause().as_secs_f32();
        if refusal.is_first() {
            metrics::counter!(MODELS_REFUSED.name()).increment(1);
            tracing::error!(
                again_s,
                "{}; it is checked again when its files change",
                refusal.why()
            );
        } else {
            tracing::warn!(again_s, "{}, again", refusal.why());
        }
        self.state().refused.insert(version.number, refusal);
    }

    /// Makes a version the champion, for all that follow the registry, and answers with it.
    ///
    /// # Errors
    /// When there is no such version, it does not pass its checks, or the registry does not take it.
    pub fn activate(&self, number: u64, why: &str) -> anyhow::Result<Swapped> {
        let version = self.registry.version(number)?;
        let version = version.ok_or(NoSuchVersion(number))?;
        let path = self.registry.fetch(&version)?;
        let _one = self.exchange.lock();
        // A manual activation may change prices by any factor.
        let (loaded, shadow) = self
            .check(&version, &path, 0.0)
            .with_context(|| format!("{version} fails its checks"))?;
        let reason = Reason {
            who: "model-application, by hand".to_owned(),
            why: why.to_owned(),
            evidence: serde_json::json!({ "shadow": shadow }),
        };
        self.registry.promote(number, &reason)?;
        Ok(self.swap(loaded, shadow))
    }

    /// Makes the champion before the champion again, and answers with it.
    ///
    /// # Errors
    /// When there was none, or it does not pass its checks.
    pub fn roll_back(&self, why: &str) -> anyhow::Result<Swapped> {
        let version = self.registry.rollback("model-application, by hand", why)?;
        let path = self.registry.fetch(&version)?;
        let _one = self.exchange.lock();
        let (loaded, shadow) = self
            .check(&version, &path, 0.0)
            .with_context(|| format!("{version} is champion again, but cannot be loaded"))?;
        Ok(self.swap(loaded, shadow))
    }

    /// Loads a version and lets it price recent requests beside the model that answers.
    fn check(
        &self,
        version: &Version,
        path: &Path,
        max_change: f64,
    ) -> anyhow::Result<(Arc<Loaded>, Option<Shadow>)> {
        let loaded = Loaded::load(version, path, &self.schema, &self.intake)?;
        let recent = self.recent.lock();
        let recent = recent.unwrap_or_else(PoisonError::into_inner).batches();
        let current = self.current();
        let before = current.as_ref().map(|loaded| &loaded.model);
        let shadow = Shadow::of(&loaded.model, before, &recent, max_change)?;
        Ok((Arc::new(loaded), shadow))
    }

    /// From now on, batches begin with this one; the one before is freed when its last batch ends.
    fn swap(&self, loaded: Arc<Loaded>, shadow: Option<Shadow>) -> Swapped {
        let name = loaded.name.clone();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        self.swaps.notify_one();
        self.health.ready("model");
        metrics::counter!(SWAPS.name()).increment(1);
        match &shadow {
            Some(shadow) => tracing::info!(model = name, "answering with {name}: {shadow}"),
            None => tracing::info!(model = name, "answering with {name}"),
        }
        let swapped = Swapped {
            model: name,
            swapped_at: timestamp::format(timestamp::now_us()),
            shadow,
        };
        self.state().last_swap = Some(swapped.clone());
        swapped
    }

    /// All versions with their aliases, the newest first.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn versions(&self) -> anyhow::Result<Vec<Listed>> {
        let aliases = self.registry.aliases()?;
        let serving = self.current().map(|loaded| loaded.number);
        let versions = self.registry.versions()?;
        let listed = versions.iter().rev().map(|version| Listed {
            version: version.to_string(),
            aliases: aliases
                .iter()
                .filter(|(_, number)| **number == version.number)
                .map(|(alias, _)| alias.to_string())
                .collect(),
            serving: serving == Some(version.number),
        });
        Ok(listed.collect())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// There is no version of that number.
#[derive(Debug)]
pub(crate) struct NoSuchVersion(u64);

impl fmt::Display for NoSuchVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Version::name(self.0);
        write!(out, "there is no version {name}: GET /models lists them")
    }
}

impl std::error::Error for NoSuchVersion {}

/// A version as `GET /models` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    pub version: String,
    pub aliases: Vec<String>,
    /// Whether this process answers with it.
    pub serving: bool,
}

/// Looks for another champion until shutdown.
pub(crate) async fn follow(serving: Arc<Serving>, poll_ms: u64, shutdown: Shutdown) {
    while !shutdown.is_cancelled() {
        let looking = Arc::clone(&serving);
        match tokio::task::spawn_blocking(move || looking.look()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %format_args!("{error:#}"), "cannot read the registry")
            }
            Err(error) => tracing::error!(%error, "the search for another model failed"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(poll_ms.max(10))) => {}
            () = shutdown.cancelled() => {}
        }
    }
}
