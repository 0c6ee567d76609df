//! Answers from the database, with the prices that became known.

use sqlx::{PgPool, Row};

/// An answer and its price.
#[derive(Debug, Clone)]
pub(super) struct Labelled {
    pub model: String,
    /// Its market; `None` where the request did not say.
    pub segment: Option<String>,
    pub prediction: f64,
    pub low: f64,
    pub high: f64,
    pub actual: f64,
    /// How long ago it was answered.
    pub age_s: f64,
    /// From the answer to the price.
    pub delay_s: f64,
}

/// How many answers a model gave in a window, by segment.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub model: String,
    pub segment: Option<String>,
    pub answers: i64,
}

/// The newest prices answered that are known by now, at most so many.
pub(super) async fn labelled(
    pool: &PgPool,
    seconds: u32,
    most: i64,
) -> Result<Vec<Labelled>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT model, segment, prediction, low, high, actual, \
         extract(epoch FROM now() - answered_at)::float8, \
         extract(epoch FROM observed_at - answered_at)::float8 \
         FROM answers JOIN actuals USING (request_id) \
         WHERE answered_at > now() - make_interval(secs => $1) AND actual > 0 AND low IS NOT NULL AND high IS NOT NULL \
         ORDER BY answered_at DESC LIMIT $2",
    )
    .bind(f64::from(seconds))
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Labelled {
                model: row.try_get(0)?,
                segment: row.try_get(1)?,
                prediction: row.try_get(2)?,
                low: row.try_get(3)?,
                high: row.try_get(4)?,
                actual: row.try_get(5)?,
                age_s: row.try_get(6)?,
                // A price may have been known before it was asked for.
                delay_s: row.try_get::<f64, _>(7)?.max(0.0),
            })
        })
        .collect()
}

/// How many answers were given.
pub(super) async fn answered(pool: &PgPool, seconds: u32) -> Result<Vec<Answered>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT model, segment, count(*) FROM answers \
         WHERE answered_at > now() - make_interval(secs => $1) GROUP BY 1, 2",
    )
    .bind(f64::from(seconds))
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Answered {
                model: row.try_get(0)?,
                segment: row.try_get(1)?,
                answers: row.try_get(2)?,
            })
        })
        .collect()
}
