//! The tables of live quality.

use sqlx::PgConnection;

use crate::answers::labelled;

/// SQL of them as the newest migration leaves them, for `init.sql`.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS actuals (
    request_id text PRIMARY KEY,
    actual double precision,
    observed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    class text
);
CREATE INDEX IF NOT EXISTS actuals_by_time ON actuals (received_at);
CREATE TABLE IF NOT EXISTS tallies (
    model text NOT NULL,
    hour timestamptz NOT NULL,
    writer text NOT NULL,
    tally jsonb NOT NULL,
    PRIMARY KEY (model, hour, writer)
);
CREATE TABLE IF NOT EXISTS quality (
    computed_at timestamptz NOT NULL,
    time_window text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    answers bigint NOT NULL,
    labelled bigint NOT NULL,
    mdape double precision,
    rmse double precision,
    bias double precision,
    within_10 double precision,
    within_20 double precision,
    cod double precision,
    prd double precision,
    prb double precision,
    coverage double precision,
    log_loss double precision,
    brier double precision,
    auc double precision,
    calibration_error double precision,
    accuracy double precision,
    PRIMARY KEY (computed_at, time_window, model, segment)
);
CREATE TABLE IF NOT EXISTS answer_counts (
    since timestamptz NOT NULL,
    seconds integer NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    answers bigint NOT NULL,
    PRIMARY KEY (since, seconds, model, segment)
);
CREATE TABLE IF NOT EXISTS quality_progress (
    name text PRIMARY KEY,
    counted_until timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS labelled_answers (
    request_id text PRIMARY KEY,
    model text NOT NULL,
    segment text,
    prediction double precision NOT NULL,
    low double precision,
    high double precision,
    answered_at timestamptz NOT NULL,
    actual double precision NOT NULL,
    observed_at timestamptz NOT NULL,
    interval_factor double precision,
    class text,
    class_probability double precision,
    brier double precision
);
CREATE INDEX IF NOT EXISTS labelled_answers_answered_at ON labelled_answers (answered_at);
";

/// Stores labels: of two observations the later one counts, unless it is one that no clock can have made,
/// which earlier releases took. Binds ids, labels that are numbers, when they were observed (microseconds since 1970),
/// and labels that name a class: each has one of the two.
pub const STORE_ACTUALS: &str = "INSERT INTO actuals AS kept (request_id, actual, observed_at, class) \
    SELECT id, actual, to_timestamp(us / 1e6), class \
    FROM unnest($1::text[], $2::float8[], $3::float8[], $4::text[]) AS new (id, actual, us, class) \
    ON CONFLICT (request_id) DO UPDATE SET actual = excluded.actual, class = excluded.class, \
    observed_at = excluded.observed_at WHERE excluded.observed_at >= kept.observed_at \
    OR kept.observed_at > now() + interval '1 day'";

/// Labels beside their answers. Of a class by its name `actual` is whether the answer has it too; the answer's probabilities
/// are in its payload, where a class that it does not have counts as impossible. An answer without probabilities has none
/// of this: it is not judged.
macro_rules! beside_answers {
    () => {
        concat!(
            "INSERT INTO labelled_answers AS kept (request_id, model, segment, prediction, low, high, answered_at, \
            actual, observed_at, interval_factor, class, class_probability, brier) \
            SELECT request_id, model, left(segment, 200), prediction, low, high, answered_at, \
            CASE WHEN class IS NULL THEN actual ELSE coalesce((answer ->> 'class' = class)::int, 0) END, \
            observed_at, interval_factor, class, given.probability, squares.sum - 2 * given.probability + 1 FROM ",
            labelled!(),
            " CROSS JOIN LATERAL (SELECT CASE WHEN class IS NOT NULL THEN convert_from(payload, 'UTF8')::jsonb END \
            AS answer) AS read \
            CROSS JOIN LATERAL (SELECT CASE WHEN answer -> 'probabilities' IS NOT NULL \
            THEN coalesce((answer -> 'probabilities' ->> class)::float8, 0) END AS probability) AS given \
            CROSS JOIN LATERAL (SELECT sum(value::float8 * value::float8) AS sum \
            FROM jsonb_each_text(answer -> 'probabilities')) AS squares"
        )
    };
}

/// What a later label of an answer changes.
macro_rules! labels_again {
    () => {
        "ON CONFLICT (request_id) DO UPDATE SET actual = excluded.actual, observed_at = excluded.observed_at, \
        class = excluded.class, class_probability = excluded.class_probability, brier = excluded.brier"
    };
}

/// Puts the labels of these ids beside their answers, within the transaction that stored them.
pub const LABEL_BY_ID: &str = concat!(
    beside_answers!(),
    " WHERE request_id = ANY($1) ",
    labels_again!()
);

/// Puts labels that were known before their answers beside them; binds the stretch of answers (seconds
/// since 1970).
pub const LABEL_BY_TIME: &str = concat!(
    beside_answers!(),
    " WHERE answered_at >= to_timestamp($1) AND answered_at < to_timestamp($2) ",
    labels_again!(),
    " WHERE excluded.observed_at > kept.observed_at"
);

/// The newest labelled answers, in the same order for everyone who asks. Binds a length of time in seconds, how many at
/// most, whether a label of 0 counts, whether the answers are those of classes, which have no prediction interval, and
/// whether the classes are several, by their names.
pub const NEWEST_LABELLED: &str = "SELECT model, segment, prediction, low, high, actual, \
    extract(epoch FROM now() - answered_at)::float8, \
    extract(epoch FROM observed_at - answered_at)::float8, coalesce(interval_factor, 1), \
    class_probability, brier \
    FROM labelled_answers \
    WHERE answered_at > now() - make_interval(secs => $1) AND (actual > 0 OR $3 AND actual = 0) \
    AND (low IS NULL) = $4 AND (class IS NOT NULL) = $5 AND (class IS NULL OR class_probability IS NOT NULL) \
    ORDER BY answered_at DESC, request_id LIMIT $2";

/// Forgets labelled answers that no round looks at: older than a length of time in seconds, or beyond so
/// many newer ones.
pub const FORGET_LABELLED: &str = "DELETE FROM labelled_answers \
    WHERE answered_at < now() - make_interval(secs => $1) OR answered_at < \
    (SELECT answered_at FROM labelled_answers ORDER BY answered_at DESC OFFSET $2 LIMIT 1)";

/// Begins to count at the oldest answer, but at most N seconds ago.
pub const BEGIN: &str = "INSERT INTO quality_progress (name, counted_until) \
    VALUES ('answers', date_trunc('hour', greatest(now() - make_interval(secs => $1), \
    coalesce((SELECT min(answered_at) FROM answers), now())))) ON CONFLICT DO NOTHING";

/// Up to when answers are counted, and up to when they can be: what began a minute ago is committed, or
/// ended by its timeout. In seconds since 1970.
pub const PROGRESS: &str = "SELECT extract(epoch FROM counted_until)::float8, \
    extract(epoch FROM date_trunc('minute', now() - interval '1 minute'))::float8 \
    FROM quality_progress WHERE name = 'answers'";

/// Counts a stretch of answers by minute, model and segment; binds it in seconds since 1970.
pub const COUNT: &str = "INSERT INTO answer_counts AS kept \
    SELECT date_trunc('minute', answered_at), 60, model, coalesce(left(segment, 200), ''), count(*) \
    FROM answers WHERE answered_at >= to_timestamp($1) AND answered_at < to_timestamp($2) \
    GROUP BY 1, 3, 4 \
    ON CONFLICT (since, seconds, model, segment) DO UPDATE SET answers = kept.answers + excluded.answers";

/// Answers are counted up to here, in seconds since 1970.
pub const COUNTED: &str =
    "UPDATE quality_progress SET counted_until = to_timestamp($1) WHERE name = 'answers'";

/// Makes hours of minutes that are older than three hours.
pub const TO_HOURS: &str = "WITH minutes AS (\
    DELETE FROM answer_counts WHERE seconds = 60 AND since < date_trunc('hour', now() - interval '3 hours') \
    RETURNING *) \
    INSERT INTO answer_counts AS kept \
    SELECT date_trunc('hour', since), 3600, model, segment, sum(answers)::bigint FROM minutes GROUP BY 1, 3, 4 \
    ON CONFLICT (since, seconds, model, segment) DO UPDATE SET answers = kept.answers + excluded.answers";

/// Forgets counts that are older than a length of time in seconds.
pub const FORGET_COUNTS: &str =
    "DELETE FROM answer_counts WHERE since < now() - make_interval(secs => $1)";

/// Answers of the last N seconds by model and segment: those that are counted, the oldest minute or
/// hour by the share of it that lies within, and those since (the second bind, in seconds since 1970).
pub const ANSWERED: &str = "SELECT model, nullif(segment, ''), round(sum(answers))::bigint FROM (\
    SELECT model, segment, answers * least(1, extract(epoch FROM \
    since + make_interval(secs => seconds) - now() + make_interval(secs => $1)) / seconds) AS answers \
    FROM answer_counts WHERE since > now() - make_interval(secs => $1 + 3600) \
    AND since + make_interval(secs => seconds) > now() - make_interval(secs => $1) \
    UNION ALL \
    SELECT model, coalesce(left(segment, 200), ''), count(*) FROM answers \
    WHERE answered_at >= greatest(to_timestamp($2), now() - make_interval(secs => $1)) GROUP BY 1, 2\
    ) AS counted GROUP BY 1, 2 HAVING round(sum(answers)) > 0";

/// Figures of one group of answers in one window.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "columns of the table")]
pub struct Group<'a> {
    pub time_window: &'a str,
    pub model: &'a str,
    /// Empty for whole models.
    pub segment: &'a str,
    pub answers: i64,
    pub labelled: i64,
    pub mdape: Option<f64>,
    pub rmse: Option<f64>,
    pub bias: Option<f64>,
    pub within_10: Option<f64>,
    pub within_20: Option<f64>,
    pub cod: Option<f64>,
    pub prd: Option<f64>,
    pub prb: Option<f64>,
    pub coverage: Option<f64>,
    pub log_loss: Option<f64>,
    pub brier: Option<f64>,
    pub auc: Option<f64>,
    pub calibration_error: Option<f64>,
    pub accuracy: Option<f64>,
}

/// Stores a group's figures: of each ten minutes the last ones stay.
///
/// # Errors
/// When the database fails.
pub async fn store(connection: &mut PgConnection, group: &Group<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO quality (computed_at, time_window, model, segment, answers, labelled, mdape, rmse, bias, \
         within_10, within_20, cod, prd, prb, coverage, log_loss, brier, auc, calibration_error, accuracy) \
         VALUES (to_timestamp(floor(extract(epoch FROM now()) / 600) * 600), \
         $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) \
         ON CONFLICT (computed_at, time_window, model, segment) DO UPDATE SET \
         answers = excluded.answers, labelled = excluded.labelled, mdape = excluded.mdape, \
         rmse = excluded.rmse, bias = excluded.bias, within_10 = excluded.within_10, \
         within_20 = excluded.within_20, cod = excluded.cod, prd = excluded.prd, \
         prb = excluded.prb, coverage = excluded.coverage, log_loss = excluded.log_loss, \
         brier = excluded.brier, auc = excluded.auc, calibration_error = excluded.calibration_error, \
         accuracy = excluded.accuracy",
    )
    .bind(group.time_window)
    .bind(group.model)
    .bind(group.segment)
    .bind(group.answers)
    .bind(group.labelled)
    .bind(group.mdape)
    .bind(group.rmse)
    .bind(group.bias)
    .bind(group.within_10)
    .bind(group.within_20)
    .bind(group.cod)
    .bind(group.prd)
    .bind(group.prb)
    .bind(group.coverage)
    .bind(group.log_loss)
    .bind(group.brier)
    .bind(group.auc)
    .bind(group.calibration_error)
    .bind(group.accuracy)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether there is the table of quality: the applier makes it, and may not have run yet.
///
/// # Errors
/// When the database fails.
pub async fn is_kept(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass('quality') IS NOT NULL")
        .fetch_one(connection)
        .await
}

/// The newest median absolute percentage error of a whole model, of the last hour's rounds and the shortest window
/// with at least `least` labels.
///
/// # Errors
/// When the database fails.
pub async fn newest_mdape(
    connection: &mut PgConnection,
    model: &str,
    least: i64,
) -> Result<Option<f64>, sqlx::Error> {
    // Answers of a shorter window are fewer.
    sqlx::query_scalar(
        "SELECT mdape FROM quality WHERE model = $1 AND segment = '' AND labelled >= $2 \
         AND mdape IS NOT NULL AND computed_at > now() - interval '1 hour' \
         ORDER BY computed_at DESC, answers LIMIT 1",
    )
    .bind(model)
    .bind(least)
    .fetch_optional(connection)
    .await
}

/// Stores what one writer has counted of a model's requests in one hour (hours since 1970), as JSON.
///
/// # Errors
/// When the database fails.
pub async fn store_tally(
    connection: &mut PgConnection,
    model: &str,
    hour: i64,
    writer: &str,
    tally: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO tallies (model, hour, writer, tally) \
         VALUES ($1, to_timestamp($2), $3, $4::jsonb) \
         ON CONFLICT (model, hour, writer) DO UPDATE SET tally = excluded.tally",
    )
    .bind(model)
    .bind((hour * 3600) as f64)
    .bind(writer)
    .bind(tally)
    .execute(connection)
    .await?;
    Ok(())
}

/// What all writers have counted of a model's requests in the last N seconds, by whole hours.
///
/// # Errors
/// When the database fails.
pub async fn tallies(
    connection: &mut PgConnection,
    model: &str,
    seconds: u32,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT tally::text FROM tallies \
         WHERE model = $1 AND hour > now() - make_interval(secs => $2) - interval '1 hour'",
    )
    .bind(model)
    .bind(f64::from(seconds))
    .fetch_all(connection)
    .await
}
