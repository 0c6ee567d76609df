//! The crawler's metrics: their names and what they say.

/// A counter, unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Pages looked at, by `host` and `state`.
    Pages,
    /// Pages refused or without a listing, by `reason`.
    Reasons,
    /// Pages that had not changed (304).
    Unchanged,
    /// Bytes that came over the network.
    Bytes,
    /// robots.txt asked for.
    Robots,
    /// New versions of listings.
    Versions,
    /// Versions that Kafka has confirmed.
    Published,
    /// Failed tries to publish.
    PublishRetries,
    /// Hosts that a run works on; a gauge.
    Hosts,
}

impl Metric {
    const ALL: [Metric; 9] = [
        Metric::Pages,
        Metric::Reasons,
        Metric::Unchanged,
        Metric::Bytes,
        Metric::Robots,
        Metric::Versions,
        Metric::Published,
        Metric::PublishRetries,
        Metric::Hosts,
    ];

    /// As Prometheus has it.
    pub fn name(self) -> &'static str {
        self.texts().0
    }

    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Metric::Pages => ("hedonic_crawler_pages_total", "Visited pages"),
            Metric::Reasons => (
                "hedonic_crawler_reasons_total",
                "Pages that were refused or had no listing, by reason",
            ),
            Metric::Unchanged => ("hedonic_crawler_unchanged_total", "Unchanged pages (304)"),
            Metric::Bytes => (
                "hedonic_crawler_received_bytes_total",
                "Bytes of bodies received",
            ),
            Metric::Robots => ("hedonic_crawler_robots_total", "Requests for robots.txt"),
            Metric::Versions => ("hedonic_crawler_versions_total", "New versions of listings"),
            Metric::Published => (
                "hedonic_crawler_published_total",
                "Versions of listings that Kafka has confirmed",
            ),
            Metric::PublishRetries => (
                "hedonic_crawler_publish_retries_total",
                "Failed attempts to publish a listing",
            ),
            Metric::Hosts => (
                "hedonic_crawler_hosts",
                "Hosts that the current run works on",
            ),
        }
    }

    /// Describes all of them.
    pub(crate) fn describe_all() {
        for metric in Metric::ALL {
            let (name, help) = metric.texts();
            match metric {
                Metric::Hosts => metrics::describe_gauge!(name, help),
                _ => metrics::describe_counter!(name, help),
            }
        }
    }
}
