//! The names of all metrics, with what they say: one place, so that no two services differ.

/// A counter, unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Listings committed.
    LoaderStored,
    /// Messages the loader rejected, by `code`.
    LoaderRejected,
    /// Requests answered and committed.
    ApplierAnswered,
    /// Requests rejected and committed.
    ApplierRejected,
    /// Records of `POST /predict` that could not be priced, by `code`.
    ApplierHttpRefused,
    /// Answers over HTTP that could not be kept.
    ApplierHttpNotStored,
    /// Messages the emulator delivered, by `topic`.
    EmulatorSent,
    /// Assignments given and taken, by `consumer`.
    KafkaRebalances,
    /// Messages that retention deleted before they were read, by `topic`: a loss.
    KafkaDeletedUnread,
    /// Messages in Kafka that are not stored, by `consumer`; a gauge.
    KafkaLagRecords,
    /// The age of what was stored last while something is behind, by `consumer`; a gauge.
    KafkaLagSeconds,
}

impl Metric {
    /// All of them.
    const ALL: [Metric; 11] = [
        Metric::LoaderStored,
        Metric::LoaderRejected,
        Metric::ApplierAnswered,
        Metric::ApplierRejected,
        Metric::ApplierHttpRefused,
        Metric::ApplierHttpNotStored,
        Metric::EmulatorSent,
        Metric::KafkaRebalances,
        Metric::KafkaDeletedUnread,
        Metric::KafkaLagRecords,
        Metric::KafkaLagSeconds,
    ];

    /// As Prometheus knows it.
    pub fn name(self) -> &'static str {
        self.texts().0
    }

    /// Gives every metric its help text.
    pub(crate) fn describe_all() {
        for metric in Metric::ALL {
            let (name, help) = metric.texts();
            match metric {
                Metric::KafkaLagRecords | Metric::KafkaLagSeconds => {
                    metrics::describe_gauge!(name, help);
                }
                _ => metrics::describe_counter!(name, help),
            }
        }
    }

    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Metric::LoaderStored => ("hedonic_loader_stored_total", "Listings committed"),
            Metric::LoaderRejected => ("hedonic_loader_rejected_total", "Messages rejected"),
            Metric::ApplierAnswered => ("hedonic_applier_answered_total", "Requests answered"),
            Metric::ApplierRejected => ("hedonic_applier_rejected_total", "Requests rejected"),
            Metric::ApplierHttpRefused => (
                "hedonic_applier_http_refused_total",
                "Records over HTTP that could not be priced",
            ),
            Metric::ApplierHttpNotStored => (
                "hedonic_applier_http_answers_not_stored_total",
                "Answers over HTTP that could not be kept",
            ),
            Metric::EmulatorSent => ("hedonic_emulator_sent_total", "Messages delivered"),
            Metric::KafkaRebalances => (
                "hedonic_kafka_rebalances_total",
                "Assignments given and taken",
            ),
            Metric::KafkaDeletedUnread => (
                "hedonic_kafka_deleted_unread_total",
                "Messages that retention deleted before they were read",
            ),
            Metric::KafkaLagRecords => (
                "hedonic_kafka_consumer_lag_records",
                "Messages in Kafka that are not stored",
            ),
            Metric::KafkaLagSeconds => (
                "hedonic_kafka_consumer_lag_seconds",
                "Age of what was stored last while something is behind",
            ),
        }
    }
}
