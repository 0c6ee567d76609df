//! Gauges that are written whole: what a writer does not show any more is gone from `/metrics`. The recorder of
//! the `metrics` crate keeps each series for as long as the process runs, which grows with every version of
//! a model.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::metric::Metric;

/// What each writer shows, by its number.
static SHOWN: Mutex<BTreeMap<u64, Vec<Series>>> = Mutex::new(BTreeMap::new());

/// One series and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it measures: a gauge.
    pub metric: Metric,
    /// Names and values, in the order in which they are shown.
    pub labels: Vec<(&'static str, String)>,
    /// NaN is Prometheus's way to say that there is no number.
    pub value: f64,
}

/// One who shows gauges; they are gone with it.
#[derive(Debug)]
pub struct Writer {
    number: u64,
}

impl Writer {
    /// Shows nothing yet.
    #[must_use]
    pub fn new() -> Writer {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Writer {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Shows these in the place of those before.
    pub fn show(&self, series: Vec<Series>) {
        shown().insert(self.number, series);
    }
}

impl Default for Writer {
    fn default() -> Writer {
        Writer::new()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        shown().remove(&self.number);
    }
}

fn shown() -> MutexGuard<'static, BTreeMap<u64, Vec<Series>>> {
    // Whole values are put in: a panic leaves none half written.
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All of them in Prometheus's text format. Of two writers of one series the newer one counts.
pub(crate) fn render() -> String {
    let mut by_name = BTreeMap::<&str, (&str, BTreeMap<String, f64>)>::new();
    for series in shown().values().flatten() {
        let Metric { name, help, .. } = series.metric;
        let (_, values) = by_name.entry(name).or_insert((help, BTreeMap::new()));
        values.insert(labels(&series.labels), series.value);
    }
    let mut text = String::new();
    for (name, (help, values)) in by_name {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            let _ = match value.is_nan() {
                true => writeln!(text, "{name}{labels} NaN"),
                false => writeln!(text, "{name}{labels} {value}"),
            };
        }
        text.push('\n');
    }
    text
}

/// As the text format has them, escaped.
fn labels(labels: &[(&'static str, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| {
            let value = value
                .replace('\\', r"\\")
                .replace('"', "\\\"")
                .replace('\n', r"\n");
            format!("{name}=\"{value}\"")
        })
        .collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIFT: Metric = Metric {
        name: "hedonic_drift_psi",
        kind: crate::metric::Kind::Gauge,
        unit: "",
        labels: &["model"],
        help: "A gauge",
    };

    fn drift(model: &str, value: f64) -> Series {
        let labels = vec![("model", model.to_owned())];
        Series {
            metric: DRIFT,
            labels,
            value,
        }
    }

    #[test]
    fn what_a_writer_shows_no_more_is_gone() {
        let (writer, other) = (Writer::new(), Writer::new());
        writer.show(vec![drift("v1", 0.1), drift("v2", f64::NAN)]);
        other.show(vec![drift("odd \"name\"\\\n", 3.0), drift("v2", 2.0)]);
        let text = render();
        assert!(text.contains("# TYPE hedonic_drift_psi gauge\n"), "{text}");
        assert!(text.contains("{model=\"v1\"} 0.1\n"), "{text}");
        assert!(text.contains(r#"{model="odd \"name\"\\\n"} 3"#), "{text}");
        assert!(text.contains("{model=\"v2\"} 2\n"), "{text}");
        assert!(!text.contains("NaN"), "the newer writer counts: {text}");
        writer.show(vec![drift("v3", 0.3)]);
        assert!(!render().contains("v1"));
        drop(writer);
        assert!(!render().contains("v3"));
        assert!(render().contains("v2"));
    }
}
