//! The names of all metrics, with what they say: one place, so that no two services differ.

/// A counter, unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Messages whose batch is committed.
    LoaderReceived,
    /// Their bytes.
    LoaderReceivedBytes,
    /// Listings committed.
    LoaderStored,
    /// Messages the loader rejected, by `code`.
    LoaderRejected,
    /// Tombstones committed, by `known`: whether the table had a listing of the key.
    LoaderDelisted,
    /// Rejects that the topic `rejects` did not get: they are in the table.
    RejectsUnpublished,
    /// Batches committed.
    LoaderCommits,
    /// Writes that failed and were tried again.
    LoaderRetries,
    /// How often partitions were paused, as the database was slower than Kafka.
    LoaderPauses,
    /// Messages of a batch; a histogram.
    LoaderBatchRecords,
    /// Time a batch took, by `stage`; a histogram.
    LoaderStageSeconds,
    /// Requests answered and committed.
    ApplierAnswered,
    /// Requests rejected and committed.
    ApplierRejected,
    /// Time from a request's message to its published answer; a histogram.
    ApplierLatencySeconds,
    /// Storing or publishing answers that failed and was tried again.
    ApplierRetries,
    /// How often partitions were paused, as answers are stored slower than requests come.
    ApplierPauses,
    /// Records of `POST /predict` that could not be priced, by `code`.
    ApplierHttpRefused,
    /// Answers over HTTP that could not be kept.
    ApplierHttpNotStored,
    /// Requests refused because another record has their id, by `way`.
    ApplierConflicts,
    /// Answers over HTTP that differ from what another process had stored under their id.
    ApplierHttpDiffering,
    /// Bodies over HTTP answered without a look for earlier answers, as the database was away.
    ApplierHttpUnchecked,
    /// Messages that their topic will never take, by `topic`.
    ApplierNotPublished,
    /// Time of a request over HTTP, by `status` (its hundred, such as 2xx), but for probes and metrics; a
    /// histogram.
    HttpRequestSeconds,
    /// Requests over HTTP that were not let in, by `code`.
    HttpRefused,
    /// Connections that were closed to keep room for others, by `reason`.
    HttpConnectionsClosed,
    /// Exchanges of the model that answers.
    ApplierSwaps,
    /// Versions that did not pass their checks.
    ApplierModelsRefused,
    /// Prices learned later and stored.
    ApplierActuals,
    /// Answers given, by `window` and `model`; a gauge, as all of quality.
    QualityAnswers,
    /// Those whose price is known.
    QualityLabelled,
    /// Median time from an answer to its price.
    QualityLabelDelay,
    /// Median absolute percentage error, a fraction.
    QualityMdape,
    /// Root mean squared error, in the unit of the target.
    QualityRmse,
    /// Mean percentage error, a fraction.
    QualityBias,
    /// Share within 10 % of the price.
    QualityWithin10,
    /// Share within 20 % of the price.
    QualityWithin20,
    /// Share of prices within the range.
    QualityCoverage,
    /// Coefficient of dispersion.
    QualityCod,
    /// Price-related differential.
    QualityPrd,
    /// Price-related bias.
    QualityPrb,
    /// The error to expect before prices are known.
    QualityExpectedMdape,
    /// Population stability index against training, by `window`, `model`, `field`.
    DriftPsi,
    /// Trainings that ended, well or not.
    PrepareTrainings,
    /// Trainings that failed.
    PrepareFailures,
    /// Versions that a training made and that became the champion.
    PreparePromotions,
    /// Time a training took; a histogram.
    PrepareTrainingSeconds,
    /// Listings stored since the last training; a gauge.
    PrepareNewRows,
    /// Champions that were rolled back by rule.
    PrepareRollbacks,
    /// Records that a follower has learned from.
    FollowLearned,
    /// Messages that were none, by `code`.
    FollowRejected,
    /// Versions that a follower has published.
    FollowPublished,
    /// Root mean square of ln(estimate/price) over the newest records, by `of`: the follower or its base;
    /// a gauge.
    FollowError,
    /// How far the coefficients are from the base's; a gauge.
    FollowDistance,
    /// Messages the emulator delivered, by `topic`.
    EmulatorSent,
    /// Assignments given and taken, by `consumer`.
    KafkaRebalances,
    /// Kafka clients that could not go on and were made anew, by `client` and `why`.
    KafkaClientsRenewed,
    /// Topics that were deleted and made again under the same name, by `topic`.
    KafkaTopicsRecreated,
    /// How often messages waited and nothing was committed for `liveness.stall_s`, by `consumer`.
    KafkaStalls,
    /// Messages that retention deleted before they were read, by `topic`: a loss.
    KafkaDeletedUnread,
    /// Time stamps of messages that were not plausible, by `topic`: the present was taken instead.
    KafkaTimestampsReplaced,
    /// Messages in Kafka that are not stored, by `consumer`; a gauge.
    KafkaLagRecords,
    /// The age of what was stored last while something is behind, by `consumer`; a gauge.
    KafkaLagSeconds,
    /// Rows deleted as older than their retention, by `table`.
    RetentionDeleted,
    /// When the last round of retention ended, in seconds since 1970; a gauge.
    RetentionLastRun,
}

impl Metric {
    /// All of them.
    const ALL: &[Metric] = &[
        Metric::LoaderReceived,
        Metric::LoaderReceivedBytes,
        Metric::LoaderStored,
        Metric::LoaderRejected,
        Metric::LoaderDelisted,
        Metric::RejectsUnpublished,
        Metric::LoaderCommits,
        Metric::LoaderRetries,
        Metric::LoaderPauses,
        Metric::LoaderBatchRecords,
        Metric::LoaderStageSeconds,
        Metric::ApplierAnswered,
        Metric::ApplierRejected,
        Metric::ApplierLatencySeconds,
        Metric::ApplierRetries,
        Metric::ApplierPauses,
        Metric::ApplierHttpRefused,
        Metric::ApplierHttpNotStored,
        Metric::ApplierConflicts,
        Metric::ApplierHttpDiffering,
        Metric::ApplierHttpUnchecked,
        Metric::ApplierNotPublished,
        Metric::HttpRequestSeconds,
        Metric::HttpRefused,
        Metric::HttpConnectionsClosed,
        Metric::ApplierSwaps,
        Metric::ApplierModelsRefused,
        Metric::ApplierActuals,
        Metric::QualityAnswers,
        Metric::QualityLabelled,
        Metric::QualityLabelDelay,
        Metric::QualityMdape,
        Metric::QualityRmse,
        Metric::QualityBias,
        Metric::QualityWithin10,
        Metric::QualityWithin20,
        Metric::QualityCoverage,
        Metric::QualityCod,
        Metric::QualityPrd,
        Metric::QualityPrb,
        Metric::QualityExpectedMdape,
        Metric::DriftPsi,
        Metric::PrepareTrainings,
        Metric::PrepareFailures,
        Metric::PreparePromotions,
        Metric::PrepareTrainingSeconds,
        Metric::PrepareNewRows,
        Metric::PrepareRollbacks,
        Metric::FollowLearned,
        Metric::FollowRejected,
        Metric::FollowPublished,
        Metric::FollowError,
        Metric::FollowDistance,
        Metric::EmulatorSent,
        Metric::KafkaRebalances,
        Metric::KafkaClientsRenewed,
        Metric::KafkaTopicsRecreated,
        Metric::KafkaStalls,
        Metric::KafkaDeletedUnread,
        Metric::KafkaTimestampsReplaced,
        Metric::KafkaLagRecords,
        Metric::KafkaLagSeconds,
        Metric::RetentionDeleted,
        Metric::RetentionLastRun,
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
                _ if metric.is_gauge() => {
                    metrics::describe_gauge!(name, help);
                }
                _ if metric.buckets().is_some() => metrics::describe_histogram!(name, help),
                _ => metrics::describe_counter!(name, help),
            }
        }
    }

    /// Whether it goes up and down.
    fn is_gauge(self) -> bool {
        let name = self.name();
        [
            "hedonic_quality_",
            "hedonic_drift_",
            "hedonic_kafka_consumer_lag_",
            "hedonic_prepare_new_rows",
            "hedonic_follow_error",
            "hedonic_follow_distance",
            "hedonic_retention_last_run_",
        ]
        .iter()
        .any(|kind| name.starts_with(kind))
    }

    /// Upper bounds of a histogram's buckets; `None` for what is none.
    fn buckets(self) -> Option<&'static [f64]> {
        match self {
            Metric::LoaderBatchRecords => Some(&[1.0, 10.0, 100.0, 1e3, 1e4, 1e5]),
            Metric::LoaderStageSeconds => {
                Some(&[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0])
            }
            Metric::ApplierLatencySeconds | Metric::HttpRequestSeconds => Some(&[
                0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
                10.0, 30.0, 60.0,
            ]),
            Metric::PrepareTrainingSeconds => {
                Some(&[0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0])
            }
            _ => None,
        }
    }

    /// All histograms, with the upper bounds of their buckets.
    pub(crate) fn histograms() -> impl Iterator<Item = (&'static str, &'static [f64])> {
        let all = Metric::ALL.iter();
        all.filter_map(|metric| Some((metric.name(), metric.buckets()?)))
    }

    pub(crate) fn texts(self) -> (&'static str, &'static str) {
        match self {
            Metric::LoaderReceived => (
                "hedonic_loader_received_total",
                "Messages whose batch is committed",
            ),
            Metric::LoaderReceivedBytes => (
                "hedonic_loader_received_bytes_total",
                "Bytes of messages whose batch is committed",
            ),
            Metric::LoaderCommits => ("hedonic_loader_commits_total", "Batches committed"),
            Metric::LoaderRetries => (
                "hedonic_loader_retries_total",
                "Failed writes that were retried",
            ),
            Metric::LoaderPauses => (
                "hedonic_loader_pauses_total",
                "Pauses of partitions because the database was slower than Kafka",
            ),
            Metric::LoaderBatchRecords => ("hedonic_loader_batch_records", "Messages per batch"),
            Metric::LoaderStageSeconds => (
                "hedonic_loader_stage_seconds",
                "Time of a batch by stage: gather, copy or merge, commit",
            ),
            Metric::LoaderStored => ("hedonic_loader_stored_total", "Listings committed"),
            Metric::LoaderRejected => ("hedonic_loader_rejected_total", "Messages rejected"),
            Metric::LoaderDelisted => (
                "hedonic_loader_delisted_total",
                "Committed tombstones, by whether the table had the listing",
            ),
            Metric::RejectsUnpublished => (
                "hedonic_rejects_unpublished_total",
                "Rejects that are in the table but not on the topic rejects",
            ),
            Metric::ApplierAnswered => ("hedonic_applier_answered_total", "Requests answered"),
            Metric::ApplierRejected => ("hedonic_applier_rejected_total", "Requests rejected"),
            Metric::ApplierLatencySeconds => (
                "hedonic_applier_latency_seconds",
                "Time from a request's message to its published answer",
            ),
            Metric::ApplierRetries => (
                "hedonic_applier_retries_total",
                "Failed attempts to store or publish that were retried",
            ),
            Metric::ApplierPauses => (
                "hedonic_applier_pauses_total",
                "Pauses of partitions because answers were stored more slowly than requests \
                 arrived",
            ),
            Metric::ApplierHttpRefused => (
                "hedonic_applier_http_refused_total",
                "Records over HTTP that could not be priced",
            ),
            Metric::ApplierHttpNotStored => (
                "hedonic_applier_http_answers_not_stored_total",
                "Answers over HTTP that could not be stored",
            ),
            Metric::ApplierConflicts => (
                "hedonic_applier_conflicts_total",
                "Requests refused because another record has their id",
            ),
            Metric::ApplierHttpDiffering => (
                "hedonic_applier_http_answers_differing_total",
                "Answers over HTTP that differ from what another process had stored under their id",
            ),
            Metric::ApplierHttpUnchecked => (
                "hedonic_applier_http_unchecked_total",
                "Bodies over HTTP answered without a search for earlier answers",
            ),
            Metric::ApplierNotPublished => (
                "hedonic_applier_not_published_total",
                "Messages that their topic permanently refuses",
            ),
            Metric::HttpRequestSeconds => (
                "hedonic_http_request_seconds",
                "Duration of HTTP requests except probes and metrics",
            ),
            Metric::HttpRefused => (
                "hedonic_http_refused_total",
                "Refused HTTP requests: wrong token, Host or Origin, or a slow body",
            ),
            Metric::HttpConnectionsClosed => (
                "hedonic_http_connections_closed_total",
                "Connections closed to make room for others, or because their clients were slow",
            ),
            Metric::ApplierSwaps => ("hedonic_applier_swaps_total", "Swaps of the active model"),
            Metric::ApplierModelsRefused => (
                "hedonic_applier_models_refused_total",
                "Model versions that failed their checks",
            ),
            Metric::ApplierActuals => (
                "hedonic_applier_actuals_total",
                "Stored labels (prices that became known later)",
            ),
            Metric::QualityAnswers => ("hedonic_quality_answers", "Answers given in the window"),
            Metric::QualityLabelled => {
                ("hedonic_quality_labelled", "Labelled answers in the window")
            }
            Metric::QualityLabelDelay => (
                "hedonic_quality_label_delay_seconds",
                "Median time from an answer to its label",
            ),
            Metric::QualityMdape => (
                "hedonic_quality_mdape",
                "Median absolute percentage error, a fraction",
            ),
            Metric::QualityRmse => (
                "hedonic_quality_rmse",
                "Root mean squared error in the unit of the target",
            ),
            Metric::QualityBias => (
                "hedonic_quality_bias",
                "Mean percentage error, a fraction; above 0 the estimates are too high",
            ),
            Metric::QualityWithin10 => (
                "hedonic_quality_within_10",
                "Share within 10 % of the price",
            ),
            Metric::QualityWithin20 => (
                "hedonic_quality_within_20",
                "Share within 20 % of the price",
            ),
            Metric::QualityCoverage => (
                "hedonic_quality_coverage",
                "Share of prices within the prediction interval",
            ),
            Metric::QualityCod => (
                "hedonic_quality_cod",
                "Coefficient of dispersion of the ratios",
            ),
            Metric::QualityPrd => ("hedonic_quality_prd", "Price-related differential"),
            Metric::QualityPrb => ("hedonic_quality_prb", "Price-related bias"),
            Metric::QualityExpectedMdape => (
                "hedonic_quality_expected_mdape",
                "Expected median absolute percentage error before labels arrive",
            ),
            Metric::DriftPsi => (
                "hedonic_drift_psi",
                "Population stability index of a field against training",
            ),
            Metric::PrepareTrainings => (
                "hedonic_prepare_trainings_total",
                "Finished trainings, successful or not",
            ),
            Metric::PrepareFailures => ("hedonic_prepare_failures_total", "Failed trainings"),
            Metric::PreparePromotions => (
                "hedonic_prepare_promotions_total",
                "Versions that became the champion after their training",
            ),
            Metric::PrepareTrainingSeconds => {
                ("hedonic_prepare_training_seconds", "Duration of a training")
            }
            Metric::PrepareNewRows => (
                "hedonic_prepare_new_rows",
                "Listings stored since the last training",
            ),
            Metric::PrepareRollbacks => (
                "hedonic_prepare_rollbacks_total",
                "Automatic rollbacks of champions with larger errors than the previous champion",
            ),
            Metric::FollowLearned => (
                "hedonic_follow_learned_total",
                "Records that the follower has learned from",
            ),
            Metric::FollowRejected => (
                "hedonic_follow_rejected_total",
                "Invalid messages of the followed topic",
            ),
            Metric::FollowPublished => (
                "hedonic_follow_published_total",
                "Versions that the follower has published",
            ),
            Metric::FollowError => (
                "hedonic_follow_error",
                "Root mean square of ln(estimate/price) of the newest records, predicted before \
                 learning",
            ),
            Metric::FollowDistance => (
                "hedonic_follow_distance",
                "Distance of the coefficients from the base model, in log price",
            ),
            Metric::EmulatorSent => ("hedonic_emulator_sent_total", "Messages delivered"),
            Metric::KafkaRebalances => (
                "hedonic_kafka_rebalances_total",
                "Assignments and revocations of partitions",
            ),
            Metric::KafkaClientsRenewed => (
                "hedonic_kafka_clients_renewed_total",
                "Failed Kafka clients that were replaced",
            ),
            Metric::KafkaTopicsRecreated => (
                "hedonic_kafka_topics_recreated_total",
                "Topics that were deleted and created again under the same name",
            ),
            Metric::KafkaStalls => (
                "hedonic_kafka_stalls_total",
                "Stalls: messages waited and nothing was committed for liveness.stall_s",
            ),
            Metric::KafkaDeletedUnread => (
                "hedonic_kafka_deleted_unread_total",
                "Messages that retention deleted before they were read",
            ),
            Metric::KafkaTimestampsReplaced => (
                "hedonic_kafka_timestamps_replaced_total",
                "Implausible timestamps of messages that the current time replaced",
            ),
            Metric::KafkaLagRecords => (
                "hedonic_kafka_consumer_lag_records",
                "Consumer lag: messages in Kafka that are not stored; NaN while unknown",
            ),
            Metric::KafkaLagSeconds => (
                "hedonic_kafka_consumer_lag_seconds",
                "Consumer lag: age of the last stored message; NaN while unknown",
            ),
            Metric::RetentionDeleted => (
                "hedonic_retention_deleted_rows_total",
                "Deleted rows that were older than their retention",
            ),
            Metric::RetentionLastRun => (
                "hedonic_retention_last_run_timestamp_seconds",
                "End of the last round of retention, in seconds since 1970",
            ),
        }
    }
}
