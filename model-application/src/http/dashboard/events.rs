//! `GET /events`: the overview as server-sent events, every other second; every second while a training runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use common::Health;
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;

use super::Dashboard;
use super::peers::is_training;
use super::streams::MOST;
use crate::http::refused::Refused;

const EVERY: Duration = Duration::from_secs(2);
/// The same while a training runs, whose progress is watched.
const EVERY_OF_TRAINING: Duration = Duration::from_secs(1);
/// A stream ends by itself, and is requested again: whoever has gone without a word costs no more.
const LONGEST: Duration = Duration::from_secs(600);

struct Watching {
    dashboard: web::Data<Dashboard>,
    health: web::Data<Health>,
    began: Instant,
    is_first: bool,
    /// Whether a training ran at the last look.
    is_training: bool,
    _place: OwnedSemaphorePermit,
}

impl Watching {
    async fn next(mut self) -> Option<(Result<Bytes, std::convert::Infallible>, Watching)> {
        if !self.is_first {
            let leave = &self.dashboard.streams.leave;
            let pause = match self.is_training {
                true => EVERY_OF_TRAINING,
                false => EVERY,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = leave.cancelled() => return None,
            }
        }
        if self.began.elapsed() > LONGEST {
            return None;
        }
        self.is_first = false;
        let overview = self.dashboard.overview(&self.health).await;
        self.is_training = is_training(&overview["services"]["training"]);
        let event = format!("event: overview\ndata: {overview}\n\n");
        Some((Ok(Bytes::from(event)), self))
    }
}

pub(super) async fn events(
    dashboard: web::Data<Dashboard>,
    health: web::Data<Health>,
) -> Result<HttpResponse, Refused> {
    let place = Arc::clone(&dashboard.streams.places).try_acquire_owned();
    let place = place.map_err(|_| Refused::Busy { most: MOST })?;
    let watching = Watching {
        dashboard,
        health,
        began: Instant::now(),
        is_first: true,
        is_training: false,
        _place: place,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-store"))
        .streaming(Box::pin(stream::unfold(watching, Watching::next))))
}
