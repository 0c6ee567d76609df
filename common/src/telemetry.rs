//! Logs to standard error, metrics for Prometheus.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use tracing_subscriber::EnvFilter;

use crate::metric::{Kind, Metric};
use crate::{metrics as shared, series};

/// The recorders of all declared metrics.
static RECORDERS: RwLock<Recorders> = RwLock::new(Recorders {
    by_name: None,
    handles: Vec::new(),
});

/// A recorder per list of declarations: the buckets of a recorder are fixed when it is built, and services of one
/// process start, and declare their metrics, one after the other.
struct Recorders {
    /// By the metric's name; made with the first list.
    by_name: Option<HashMap<&'static str, &'static PrometheusRecorder>>,
    handles: Vec<PrometheusHandle>,
}

/// Leads each metric to the recorder of its declaration.
struct Declared;

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
    record_metrics();
    let rendered = handles().into_iter().map(|handle| handle.render());
    rendered.collect::<String>() + &series::render()
}

/// Starts to record metrics. A second call changes nothing.
pub fn record_metrics() {
    if declare(shared::ALL) {
        // An error means that the process brought a recorder of its own: that one counts then.
        let _ = metrics::set_global_recorder(Declared);
        fold_histograms();
    }
}

/// Makes the metrics of a crate known, with their help and their buckets; what is counted before is lost. False if
/// they are known already.
pub fn declare(list: &'static [Metric]) -> bool {
    let mut recorders = RECORDERS.write().unwrap_or_else(PoisonError::into_inner);
    let by_name = recorders.by_name.get_or_insert_default();
    if list.iter().all(|metric| by_name.contains_key(metric.name)) {
        return false;
    }
    let mut builder = PrometheusBuilder::new();
    for metric in list {
        if let Kind::Histogram(buckets) = metric.kind {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
                .expect("a histogram has buckets");
        }
    }
    // There is one per crate, and it lives as long as the process.
    let recorder: &'static PrometheusRecorder = Box::leak(Box::new(builder.build_recorder()));
    for metric in list {
        let (name, help) = (KeyName::from(metric.name), SharedString::from(metric.help));
        match metric.kind {
            Kind::Counter => recorder.describe_counter(name, None, help),
            Kind::Gauge => recorder.describe_gauge(name, None, help),
            Kind::Histogram(_) => recorder.describe_histogram(name, None, help),
        }
        by_name.insert(metric.name, recorder);
    }
    recorders.handles.push(recorder.handle());
    true
}

fn handles() -> Vec<PrometheusHandle> {
    let recorders = RECORDERS.read().unwrap_or_else(PoisonError::into_inner);
    recorders.handles.clone()
}

impl Declared {
    fn recorder(key: &Key) -> Option<&'static PrometheusRecorder> {
        let recorders = RECORDERS.read().unwrap_or_else(PoisonError::into_inner);
        recorders.by_name.as_ref()?.get(key.name()).copied()
    }
}

impl Recorder for Declared {
    // Declarations describe.
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        Declared::recorder(key).map_or_else(Counter::noop, |recorder| {
            recorder.register_counter(key, metadata)
        })
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        Declared::recorder(key).map_or_else(Gauge::noop, |recorder| {
            recorder.register_gauge(key, metadata)
        })
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        Declared::recorder(key).map_or_else(Histogram::noop, |recorder| {
            recorder.register_histogram(key, metadata)
        })
    }
}

/// Folds what histograms were given into their buckets every few seconds: it would pile up in a process whose
/// metrics nobody reads.
fn fold_histograms() {
    let folding = || {
        loop {
            std::thread::sleep(FOLD_EVERY);
            for handle in handles() {
                handle.run_upkeep();
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    crate::metrics! {
        BATCHES: Counter "hedonic_test_batches_total", "batches", [], "Batches of a test";
        SECONDS: Histogram(&[0.5, 1.0]) "hedonic_test_seconds", "seconds", ["stage"], "Seconds of a test";
    }

    #[test]
    fn what_is_declared_after_the_start_has_its_help_and_its_buckets() {
        record_metrics();
        assert!(declare(ALL));
        assert!(!declare(ALL));
        metrics::counter!(BATCHES.name()).increment(2);
        metrics::histogram!(SECONDS.name(), "stage" => "one").record(0.7);
        let text = render_metrics();
        for line in [
            "# HELP hedonic_test_batches_total Batches of a test\n",
            "hedonic_test_batches_total 2\n",
            "hedonic_test_seconds_bucket{stage=\"one\",le=\"0.5\"} 0\n",
            "hedonic_test_seconds_bucket{stage=\"one\",le=\"1\"} 1\n",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
