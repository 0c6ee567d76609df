//! Street names that are requested again before a batch: a service that was away is noticed when it is back.

use std::time::Duration;

use reqwest::Client;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::streets::{StreetSource, fetch};

/// Pause after a failure: a service that does not answer would delay each batch.
const PAUSE: Duration = Duration::from_secs(10);

/// Requests street names again.
pub(super) struct Refresh {
    /// With one attempt each time.
    source: StreetSource,
    client: Client,
    /// Shortest time between two questions.
    every: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the service was last asked here.
    asked: Option<Instant>,
    is_away: bool,
    /// What it answered last.
    names: Option<Vec<String>>,
}

impl Refresh {
    /// `None` where the source has neither URL nor key.
    pub fn new(source: StreetSource, client: Client, every: Duration) -> Option<Refresh> {
        source.url.as_ref().or(source.key.as_ref())?;
        Some(Refresh {
            source: StreetSource {
                attempts: 1,
                ..source
            },
            client,
            every,
            state: Mutex::default(),
        })
    }

    /// The newest names, asked for again if it is time to; `None` where there are none yet, or another batch is asking.
    pub async fn names(&self) -> Option<Vec<String>> {
        let mut state = self.state.try_lock().ok()?;
        let pause = match state.is_away {
            true => self.every.max(PAUSE),
            false => self.every,
        };
        if state.asked.is_some_and(|asked| asked.elapsed() < pause) {
            return state.names.clone();
        }
        let fetched = fetch(&self.source, &self.client).await;
        state.asked = Some(Instant::now());
        let was_away = std::mem::replace(&mut state.is_away, fetched.is_err());
        match fetched {
            Ok(names) => {
                if was_away {
                    tracing::info!(count = names.len(), "street names come from Mockaroo again");
                }
                state.names = Some(names);
            }
            Err(error) if !was_away => tracing::warn!("the last street names stay: {error}"),
            Err(_) => {}
        }
        state.names.clone()
    }
}
