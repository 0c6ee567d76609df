//! Logs to standard error, metrics for Prometheus.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::metric::Metric;

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts logging to standard error; `level` is used where `RUST_LOG` is not set. A second call
/// changes nothing.
pub fn log(level: &str, json: bool) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("{level},librdkafka=off,rdkafka=off")));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // An error means that logging has been started already, which tests do.
    let _ = if json {
        builder.json().try_init()
    } else {
        builder.with_target(false).try_init()
    };
}

/// The process's metrics in Prometheus's text format.
pub fn render_metrics() -> String {
    metrics_handle().render()
}

/// Starts to record metrics. A second call changes nothing.
pub fn record_metrics() {
    metrics_handle();
}

fn metrics_handle() -> &'static PrometheusHandle {
    METRICS.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        // An error means that the process brought a recorder of its own: that one counts then.
        let _ = metrics::set_global_recorder(recorder);
        Metric::describe_all();
        handle
    })
}

/// Makes `ring` the process's provider of cryptography for TLS. A second call changes nothing.
pub fn choose_tls_provider() {
    // An error means that a provider has been chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
