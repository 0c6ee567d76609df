//! Logs to standard error, metrics for Prometheus.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::metric::Metric;
use crate::series;

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Bounds what histograms hold unfolded: seconds of values.
const FOLD_EVERY: Duration = Duration::from_secs(5);

/// What libraries say at a level that is meant for the services: how their threads start, that a
/// table is there already. What librdkafka says reaches the log through its callbacks.
const QUIETER: &str = "librdkafka=off,rdkafka=off,sqlx=warn,actix_server=warn";

/// What is logged: `RUST_LOG`, with libraries kept quiet where it is one word, a level; `level`
/// where it is not set.
pub fn filter(level: &str) -> EnvFilter {
    match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(set) if set.contains(['=', ',']) => EnvFilter::new(set),
        Ok(set) if !set.trim().is_empty() => EnvFilter::new(format!("{},{QUIETER}", set.trim())),
        _ => EnvFilter::new(format!("{level},{QUIETER}")),
    }
}

/// Starts logging to standard error; `level` is used where `RUST_LOG` is not set. A second call
/// changes nothing.
pub fn log(level: &str, json: bool) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(level))
        .with_ansi(is_coloured())
        .with_writer(std::io::stderr);
    // An error means that logging has been started already, which tests do.
    let _ = if json {
        builder.json().try_init()
    } else {
        builder.with_target(false).try_init()
    };
}

/// Whether log lines may have colours: on a terminal, unless `NO_COLOR` is set (no-color.org).
pub fn is_coloured() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stderr().is_terminal() && !refused
}

/// The process's metrics in Prometheus's text format.
pub fn render_metrics() -> String {
    metrics_handle().render() + &series::render()
}

/// Starts to record metrics. A second call changes nothing.
pub fn record_metrics() {
    metrics_handle();
}

fn metrics_handle() -> &'static PrometheusHandle {
    METRICS.get_or_init(|| {
        let mut builder = PrometheusBuilder::new();
        for (name, buckets) in Metric::histograms() {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets)
                .expect("a histogram has buckets");
        }
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // An error means that the process brought a recorder of its own: that one counts then.
        let _ = metrics::set_global_recorder(recorder);
        Metric::describe_all();
        fold_histograms(handle.clone());
        handle
    })
}

/// Folds what histograms were given into their buckets every few seconds: it would pile up in a process whose
/// metrics nobody reads.
fn fold_histograms(handle: PrometheusHandle) {
    let folding = move || {
        loop {
            std::thread::sleep(FOLD_EVERY);
            handle.run_upkeep();
        }
    };
    // Without the thread, reading the metrics folds them.
    let _ = std::thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(folding);
}

/// Makes `ring` the process's provider of cryptography for TLS. A second call changes nothing.
pub fn choose_tls_provider() {
    // An error means that a provider has been chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
