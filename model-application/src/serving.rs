//! The model that answers, and its exchange for a newer one.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use common::{Health, Shutdown};
use records::Schema;
use registry::{Directory, RegistryConfig, Version};
use valuation::Model;

/// A model that passed its checks.
pub(crate) struct Loaded {
    /// Kind of record and version, as answers name it.
    pub name: String,
    pub number: u64,
    pub model: Model,
}

#[derive(Default)]
struct State {
    current: Option<Arc<Loaded>>,
    /// The version that was refused last, and why: not tried again.
    refused: Option<(u64, String)>,
}

pub(crate) struct Serving {
    registry: Directory,
    /// What requests are: a model of other records is refused.
    schema: Arc<Schema>,
    health: Health,
    state: RwLock<State>,
}

impl Serving {
    pub fn new(config: &RegistryConfig, schema: Arc<Schema>, health: Health) -> Serving {
        let place = config.path.display();
        health.waiting(
            "model",
            format!("no model yet in {place}: run model-prepare"),
        );
        Serving {
            registry: Directory::new(&config.path),
            schema,
            health,
            state: RwLock::default(),
        }
    }

    /// The model to answer with; a batch holds on to the one it began with.
    pub fn current(&self) -> Option<Arc<Loaded>> {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .current
            .clone()
    }

    /// Why the last refused version was refused.
    pub fn refused(&self) -> Option<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.refused.as_ref().map(|(_, why)| why.clone())
    }

    /// Takes the newest version that passes its checks, where it is newer than the one there is.
    fn look(&self) {
        let versions = match self.registry.versions() {
            Ok(versions) => versions,
            Err(error) => {
                tracing::warn!("{:#}", anyhow::Error::new(error));
                return;
            }
        };
        let (current, refused) = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let current = state.current.as_ref().map(|loaded| loaded.number);
            let refused = state.refused.as_ref().map(|(number, _)| *number);
            (current, refused)
        };
        // Versions are looked at once, in one go with those that are there at the time.
        let seen = current.max(refused);
        for version in versions.iter().rev() {
            if seen.is_some_and(|seen| version.number <= seen) || self.take(version) {
                return;
            }
        }
    }

    /// Answers with a version from now on; false where it does not pass its checks.
    fn take(&self, version: &Version) -> bool {
        let loaded = self.load(version);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match loaded {
            Ok(model) => {
                let name = format!("{}@{version}", model.schema().name);
                tracing::info!(model = name, "answering with {name}");
                state.current = Some(Arc::new(Loaded {
                    name,
                    number: version.number,
                    model,
                }));
                self.health.ready("model");
                true
            }
            Err(error) => {
                let why = format!("{version} was refused: {error:#}");
                tracing::error!("{why}");
                if state.current.is_none() {
                    self.health.waiting("model", &why);
                }
                // Of several the newest is told.
                if state
                    .refused
                    .as_ref()
                    .is_none_or(|(number, _)| *number < version.number)
                {
                    state.refused = Some((version.number, why));
                }
                false
            }
        }
    }

    fn load(&self, version: &Version) -> anyhow::Result<Model> {
        let model = Model::load(&version.path)?;
        model.fits(&self.schema)?;
        Ok(model)
    }
}

/// Looks for newer versions until shutdown.
pub(crate) async fn follow(serving: Arc<Serving>, poll_ms: u64, shutdown: Shutdown) {
    while !shutdown.is_cancelled() {
        let looking = Arc::clone(&serving);
        if let Err(error) = tokio::task::spawn_blocking(move || looking.look()).await {
            tracing::error!("looking for a newer model broke off: {error}");
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(poll_ms.max(10))) => {}
            () = shutdown.cancelled() => {}
        }
    }
}
