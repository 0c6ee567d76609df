//! How metrics are declared: each in one line, in `metrics.rs` of the crate that measures it.

/// A declared metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// As Prometheus has it: `hedonic_<thing>_<unit>`, with `_total` for counters.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Of its values; empty for ratios.
    pub unit: &'static str,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// One sentence, for `/metrics` and docs/operations.md.
    pub help: &'static str,
}

/// What the values of a metric are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of values, by these upper bounds.
    Histogram(&'static [f64]),
}

impl Metric {
    /// As Prometheus has it.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// Upper bounds for the duration of a request or an answer, in seconds.
pub const REQUEST_SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

/// Upper bounds for the duration of a stage of a batch, in seconds.
pub const STAGE_SECONDS: &[f64] = &[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

/// Declares the metrics of a crate: a constant each, and `ALL` of them in their order.
///
/// `STORED: Counter "hedonic_loader_stored_total", "records", [], "Stored listings";`: the constant, the
/// [`Kind`], the name, the unit, the labels, the help.
#[macro_export]
macro_rules! metrics {
    ($($constant:ident: $kind:ident $(($buckets:expr))? $name:literal, $unit:literal, [$($label:literal),*], $help:literal;)+) => {
        $(
            #[doc = $help]
            pub const $constant: $crate::Metric = $crate::Metric {
                name: $name,
                kind: $crate::metric::Kind::$kind $(($buckets))?,
                unit: $unit,
                labels: &[$($label),*],
                help: $help,
            };
        )+

        /// All metrics of this crate.
        pub const ALL: &[$crate::Metric] = &[$($constant),+];
    };
}

/// Rows of the table in docs/operations.md.
pub fn table(metrics: &[Metric]) -> String {
    let rows = metrics.iter().map(|metric| {
        let Metric {
            name, unit, help, ..
        } = metric;
        let labels = match metric.labels {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(", ")),
        };
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        format!("| `{name}{labels}` | {kind} | {unit} | {help} |\n")
    });
    rows.collect()
}
