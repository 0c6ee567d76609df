//! A stop that fails no request: not ready first, then served on for a while, then over.

use std::time::Duration;

use super::HttpConfig;
use crate::health::Health;
use crate::shutdown::Shutdown;

/// The shutdown that a service obeys: it follows `asked` after `http.drain_s`. In between the service
/// works on, `/health/ready` is 503, and each answer closes its connection: anyone who sends requests here
/// (a load balancer, Kubernetes) has the time to learn of it and goes elsewhere.
pub fn drained(config: &HttpConfig, health: &Health, asked: &Shutdown) -> Shutdown {
    if config.drain_s == 0 {
        return asked.child_token();
    }
    let (asked, obeyed) = (asked.clone(), Shutdown::new());
    let (later, health) = (obeyed.clone(), health.clone());
    let drain_s = config.drain_s;
    tokio::spawn(async move {
        tokio::select! {
            () = asked.cancelled() => {}
            // The service ended by itself.
            () = later.cancelled() => return,
        }
        health.leave();
        tracing::info!(
            drain_s,
            "draining: not ready, but requests are answered until the drain ends"
        );
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(drain_s)) => {}
            () = later.cancelled() => {}
        }
        later.cancel();
    });
    obeyed
}
