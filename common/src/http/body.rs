//! Bodies that must keep a pace.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep};

use super::config::HttpConfig;

/// A client may take so long before its pace is checked.
const GRACE: Duration = Duration::from_secs(5);

/// How fast a body must come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    whole: Duration,
    bytes_per_s: u64,
}

impl Pace {
    pub(super) fn new(config: &HttpConfig) -> Pace {
        Pace {
            whole: Duration::from_secs(config.body_s),
            bytes_per_s: config.body_bytes_per_s,
        }
    }

    /// How long after its beginning a body of which so much is there may take for the next part.
    fn allows(&self, received: u64) -> Duration {
        if self.bytes_per_s == 0 {
            return self.whole;
        }
        let paid = Duration::from_secs_f64(received as f64 / self.bytes_per_s as f64);
        self.whole.min(GRACE.saturating_add(paid))
    }
}

/// What became of a body, for those who handed it on.
#[derive(Default)]
pub(super) struct Progress {
    /// It was too slow.
    pub late: Cell<bool>,
    /// Called once, when all of it is there.
    pub ended: Cell<Option<Box<dyn FnOnce()>>>,
}

/// Whether a request has a body.
pub(super) fn is_there(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH);
    headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

/// A body that fails when it comes too slowly.
pub(super) struct Paced {
    inner: Payload,
    pace: Pace,
    began: Instant,
    received: u64,
    due: Pin<Box<Sleep>>,
    progress: Rc<Progress>,
}

impl Paced {
    pub(super) fn new(inner: Payload, pace: Pace, progress: Rc<Progress>) -> Paced {
        let began = Instant::now();
        Paced {
            inner,
            pace,
            began,
            received: 0,
            due: Box::pin(tokio::time::sleep_until(began + pace.allows(0))),
            progress,
        }
    }
}

impl Stream for Paced {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let body = &mut *self;
        match Pin::new(&mut body.inner).poll_next(context) {
            Poll::Ready(Some(Ok(part))) => {
                body.received += part.len() as u64;
                let due = body.began + body.pace.allows(body.received);
                body.due.as_mut().reset(due);
                return Poll::Ready(Some(Ok(part)));
            }
            Poll::Ready(None) => {
                if let Some(ended) = body.progress.ended.take() {
                    ended();
                }
                return Poll::Ready(None);
            }
            Poll::Ready(failed) => return Poll::Ready(failed),
            Poll::Pending => {}
        }
        std::task::ready!(body.due.as_mut().poll(context));
        body.progress.late.set(true);
        let late = io::Error::new(io::ErrorKind::TimedOut, "the body arrives too slowly");
        Poll::Ready(Some(Err(PayloadError::Io(late))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_body_is_waited_for_seconds_and_a_slow_line_is_not_cut_off() {
        let pace = Pace {
            whole: Duration::from_secs(60),
            bytes_per_s: 1000,
        };
        assert_eq!(pace.allows(0), GRACE);
        assert_eq!(pace.allows(500), Duration::from_millis(5_500));
        // 4 MB over 128 kB/s.
        assert!(pace.allows(2_000_000) > Duration::from_secs(16));
        assert_eq!(pace.allows(u64::MAX), Duration::from_secs(60));
        let unpaced = Pace {
            bytes_per_s: 0,
            ..pace
        };
        assert_eq!(unpaced.allows(0), Duration::from_secs(60));
    }
}
