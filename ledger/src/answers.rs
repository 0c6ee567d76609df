//! The answers: the first one given for a request stays.

use sqlx::PgConnection;

/// Answers beside the labels of their requests: the one join of the two.
macro_rules! labelled {
    () => {
        "answers JOIN actuals USING (request_id)"
    };
}
pub(crate) use labelled;

/// SQL of the table as the newest migration leaves it, for `init.sql`.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS answers (
    request_id text PRIMARY KEY,
    prediction double precision NOT NULL,
    low double precision,
    high double precision,
    model text NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    payload bytea NOT NULL,
    segment text,
    digest bytea,
    request jsonb,
    interval_factor double precision,
    record bytea
);
CREATE INDEX IF NOT EXISTS answers_by_time ON answers (answered_at);
";

/// Stores answers that are all new, as binary rows; fails (23505) where an id is known.
pub const COPY: &str = "COPY answers \
    (request_id, prediction, low, high, model, payload, segment, digest, record, interval_factor) \
    FROM STDIN (FORMAT BINARY)";

/// Stores answers and leaves out those whose id is known. Binds a column each, in the order of [`COPY`].
pub const INSERT: &str = "INSERT INTO answers \
    (request_id, prediction, low, high, model, payload, segment, digest, record, interval_factor) \
    SELECT request_id, prediction, low, high, model, payload, segment, digest, record, interval_factor \
    FROM unnest($1::text[], $2::float8[], $3::float8[], $4::float8[], $5::text[], \
    $6::bytea[], $7::text[], $8::bytea[], $9::bytea[], $10::float8[]) \
    AS given (request_id, prediction, low, high, model, payload, segment, digest, record, interval_factor) \
    ON CONFLICT DO NOTHING";

/// What is stored under ids: id, payload, and the digest of the request that it was given to.
pub const STORED: &str =
    "SELECT request_id, payload, digest FROM answers WHERE request_id = ANY($1)";

/// An answer as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The request's id.
    pub request_id: String,
    /// The estimate.
    pub prediction: f64,
    /// Lower end of the prediction interval.
    pub low: Option<f64>,
    /// Upper end of the prediction interval.
    pub high: Option<f64>,
}

/// The newest answer.
///
/// # Errors
/// When the database fails.
pub async fn newest(connection: &mut PgConnection) -> Result<Option<Shown>, sqlx::Error> {
    let newest: Option<(String, f64, Option<f64>, Option<f64>)> = sqlx::query_as(
        "SELECT request_id, prediction, low, high FROM answers ORDER BY answered_at DESC LIMIT 1",
    )
    .fetch_optional(connection)
    .await?;
    Ok(newest.map(|(request_id, prediction, low, high)| Shown {
        request_id,
        prediction,
        low,
        high,
    }))
}

/// Which answers of a version count, by the moment of its promotion or of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Answered at that moment or later.
    Since,
    /// Answered earlier.
    Before,
}

/// Log errors of labelled answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogErrors {
    /// Labelled answers.
    pub known: i64,
    /// Mean of |ln(answer/label)|.
    pub mean: f64,
    /// Variance of the same.
    pub variance: f64,
}

/// Whether there are the tables of answers and of labels: the applier makes them, and may not have run yet.
///
/// # Errors
/// When the database fails.
pub async fn are_kept(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT to_regclass('answers') IS NOT NULL AND to_regclass('actuals') IS NOT NULL",
    )
    .fetch_one(connection)
    .await
}

/// Log errors of the newest labelled answers of `model`, at most `most`, before or since a moment (milliseconds
/// since 1970); `offset` is added to answers and labels.
///
/// # Errors
/// When the database fails.
pub async fn log_errors(
    connection: &mut PgConnection,
    model: &str,
    (when, moment_ms): (When, i64),
    most: i64,
    offset: f64,
) -> Result<LogErrors, sqlx::Error> {
    const SINCE: &str = concat!(
        "SELECT count(*) AS known, coalesce(avg(error), 0)::float8 AS mean, \
         coalesce(var_samp(error), 0)::float8 AS variance \
         FROM (SELECT abs(ln(($4 + prediction) / ($4 + actual))) AS error FROM ",
        labelled!(),
        " WHERE model = $1 AND $4 + actual > 0 AND $4 + prediction > 0 \
         AND answered_at >= to_timestamp($2::float8 / 1000) ORDER BY answered_at DESC LIMIT $3) AS newest"
    );
    let sql = match when {
        When::Since => SINCE.to_owned(),
        When::Before => SINCE.replace("answered_at >=", "answered_at <"),
    };
    let (known, mean, variance) = sqlx::query_as(&sql)
        .bind(model)
        .bind(moment_ms as f64)
        .bind(most)
        .bind(offset)
        .fetch_one(connection)
        .await?;
    Ok(LogErrors {
        known,
        mean,
        variance,
    })
}
