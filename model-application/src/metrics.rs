//! Metrics of the applier.

use common::metric::{REQUEST_SECONDS, STAGE_SECONDS};

common::metrics! {
    ANSWERED: Counter "hedonic_applier_answered_total", "requests", [], "Answered and committed requests from Kafka";
    REJECTED: Counter "hedonic_applier_rejected_total", "requests", [], "Rejected and committed requests from Kafka";
    LATENCY_SECONDS: Histogram(REQUEST_SECONDS) "hedonic_applier_latency_seconds", "seconds", [], "Time from a request's message to its published answer";
    REQUEST_DURATION: Histogram(REQUEST_SECONDS) "hedonic_request_duration_seconds", "seconds", ["transport"], "Time from a request to its answer; `transport` is `kafka` (message to published answer) or `http` (body to reply, one value per body)";
    REQUEST_STAGE_DURATION: Histogram(STAGE_SECONDS) "hedonic_request_stage_duration_seconds", "seconds", ["stage"], "Time of a batch of requests from Kafka in `gather` (decode), `price`, `store`, `publish`, `offsets`; retries are included";
    RETRIES: Counter "hedonic_applier_retries_total", "attempts", [], "Failed attempts to store or publish that were retried";
    PAUSES: Counter "hedonic_applier_pauses_total", "pauses", [], "Pauses of partitions because answers were stored more slowly than requests arrived (backpressure)";
    HTTP_REFUSED: Counter "hedonic_applier_http_refused_total", "records", ["code"], "Records of `POST /predict` that could not be priced";
    HTTP_NOT_STORED: Counter "hedonic_applier_http_answers_not_stored_total", "answers", [], "HTTP answers that could not be stored";
    HTTP_DIFFERING: Counter "hedonic_applier_http_answers_differing_total", "answers", [], "HTTP answers that differ from the answer that another process had stored under their id";
    HTTP_UNCHECKED: Counter "hedonic_applier_http_unchecked_total", "bodies", [], "HTTP bodies answered without a search for earlier answers, because the database was away";
    CONFLICTS: Counter "hedonic_applier_conflicts_total", "requests", ["way"], "Requests refused because another record has their id; `way` is `kafka` or `http`";
    NOT_PUBLISHED: Counter "hedonic_applier_not_published_total", "messages", ["topic"], "Messages that their topic permanently refuses";
    HEADERS_LEFT_OUT: Counter "hedonic_applier_headers_left_out_total", "headers", [], "Headers of requests in `kafka.forward_headers` that answers do not have, as they are too many or too large";
    SWAPS: Counter "hedonic_applier_swaps_total", "swaps", [], "Swaps of the active model";
    MODELS_REFUSED: Counter "hedonic_applier_models_refused_total", "versions", [], "Model versions that failed their checks";
    ACTUALS: Counter "hedonic_applier_actuals_total", "labels", [], "Stored labels (prices that became known later)";
    QUALITY_ANSWERS: Gauge "hedonic_quality_answers", "answers", ["window", "model"], "Answers given in the window";
    QUALITY_LABELLED: Gauge "hedonic_quality_labelled", "answers", ["window", "model"], "Labelled answers in the window";
    QUALITY_LABEL_DELAY: Gauge "hedonic_quality_label_delay_seconds", "seconds", ["window", "model"], "Median time from an answer to its label";
    QUALITY_MDAPE: Gauge "hedonic_quality_mdape", "", ["window", "model"], "Median absolute percentage error, a fraction";
    QUALITY_RMSE: Gauge "hedonic_quality_rmse", "unit of the target", ["window", "model"], "Root mean squared error";
    QUALITY_BIAS: Gauge "hedonic_quality_bias", "", ["window", "model"], "Mean percentage error, a fraction; above 0 the estimates are too high";
    QUALITY_WITHIN_10: Gauge "hedonic_quality_within_10", "", ["window", "model"], "Share within 10 % of the price";
    QUALITY_WITHIN_20: Gauge "hedonic_quality_within_20", "", ["window", "model"], "Share within 20 % of the price";
    QUALITY_COVERAGE: Gauge "hedonic_quality_coverage", "", ["window", "model"], "Share of prices within the prediction interval";
    QUALITY_COVERAGE_UNADAPTED: Gauge "hedonic_quality_coverage_unadapted", "", ["window", "model"], "Share of prices within the model's intervals before labels adapted them, with `applier.adaptive_intervals`";
    INTERVAL_FACTOR: Gauge "hedonic_interval_factor", "", ["model"], "Factor on the width of the model's prediction intervals, with `applier.adaptive_intervals`";
    QUALITY_COD: Gauge "hedonic_quality_cod", "", ["window", "model"], "Coefficient of dispersion of the ratios";
    QUALITY_PRD: Gauge "hedonic_quality_prd", "", ["window", "model"], "Price-related differential";
    QUALITY_PRB: Gauge "hedonic_quality_prb", "", ["window", "model"], "Price-related bias";
    QUALITY_LOG_LOSS: Gauge "hedonic_quality_log_loss", "", ["window", "model"], "Log loss of the probabilities of a class";
    QUALITY_BRIER: Gauge "hedonic_quality_brier", "", ["window", "model"], "Brier score of the probabilities of a class";
    QUALITY_AUC: Gauge "hedonic_quality_auc", "", ["window", "model"], "Area under the ROC curve of the probabilities of a class";
    QUALITY_ACCURACY: Gauge "hedonic_quality_accuracy", "", ["window", "model"], "Share of answers whose class was the predicted one, of several classes";
    QUALITY_CALIBRATION: Gauge "hedonic_quality_calibration_error", "", ["window", "model"], "Mean distance between predicted and observed shares of a class, over tenths of the answers";
    QUALITY_EXPECTED_MDAPE: Gauge "hedonic_quality_expected_mdape", "", [], "Expected median absolute percentage error before labels arrive";
    DRIFT_PSI: Gauge "hedonic_drift_psi", "", ["window", "model", "field"], "Population stability index of a field against the training data";
}
