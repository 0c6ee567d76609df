//! Metrics of the trainer and the follower.

common::metrics! {
    TRAININGS: Counter "hedonic_prepare_trainings_total", "trainings", [], "Finished trainings, successful or not";
    FAILURES: Counter "hedonic_prepare_failures_total", "trainings", [], "Failed trainings";
    PROMOTIONS: Counter "hedonic_prepare_promotions_total", "versions", [], "Versions that became the champion after their training";
    TRAINING_SECONDS: Histogram(&[0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]) "hedonic_prepare_training_seconds", "seconds", [], "Duration of a training";
    NEW_ROWS: Gauge "hedonic_prepare_new_rows", "listings", [], "Listings stored since the last training";
    ROLLBACKS: Counter "hedonic_prepare_rollbacks_total", "rollbacks", [], "Automatic rollbacks of champions with larger live errors than the previous champion";
    FOLLOW_LEARNED: Counter "hedonic_follow_learned_total", "records", [], "Records that the follower has learned from";
    FOLLOW_REJECTED: Counter "hedonic_follow_rejected_total", "messages", ["code"], "Invalid messages of the followed topic";
    FOLLOW_PUBLISHED: Counter "hedonic_follow_published_total", "versions", [], "Versions that the follower has published";
    FOLLOW_ERROR: Gauge "hedonic_follow_error", "", ["of"], "Root mean square of ln(estimate/price) of the newest records, predicted before learning; `of` is `follower` or `base`";
    FOLLOW_DISTANCE: Gauge "hedonic_follow_distance", "", [], "Distance of the coefficients from the base model, in log price";
}
