//! Answers from the database, with the prices that became known.

use sqlx::{Connection, PgConnection, Row};
use valuation::{Link, Prediction};

use super::judged::Judged;

/// An answer and its price.
#[derive(Debug, Clone)]
pub(super) struct Labelled {
    pub model: String,
    /// Its market; `None` where the request did not say.
    pub segment: Option<String>,
    pub prediction: f64,
    /// Of a class both ends are the probability.
    pub low: f64,
    pub high: f64,
    /// What the width of the model's interval was multiplied by.
    pub factor: f64,
    /// Of a class 1, of others 0; of several classes 1 where it was the predicted one.
    pub actual: f64,
    /// Of several classes the probability of the one that it was, and the sum of squares of probability less class.
    pub of_level: Option<(f64, f64)>,
    /// How long ago it was answered.
    pub age_s: f64,
    /// From the answer to the price.
    pub delay_s: f64,
    /// How long ago answer and price were both known.
    pub label_age_s: f64,
}

impl Labelled {
    /// The interval of the model, without the factor.
    pub fn of_model(&self, link: Link) -> Prediction {
        let sent = Prediction {
            value: self.prediction,
            low: self.low,
            high: self.high,
        };
        sent.widened(link, 1.0 / self.factor)
    }
}

/// How many answers a model gave in a window, by segment.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub model: String,
    pub segment: Option<String>,
    pub answers: i64,
}

/// The newest answers of the task whose target is known, and such as their model's link takes; at most so many.
pub(super) async fn labelled(
    connection: &mut PgConnection,
    judged: Judged,
    seconds: u32,
    most: i64,
) -> Result<Vec<Labelled>, sqlx::Error> {
    let rows = sqlx::query(ledger::quality::NEWEST_LABELLED)
        .bind(f64::from(seconds))
        .bind(most)
        .bind(judged.takes_0())
        .bind(!matches!(judged, Judged::Prices(_)))
        .bind(judged == Judged::Levels)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let (age_s, observed_s): (f64, f64) = (row.try_get(6)?, row.try_get(7)?);
            let prediction: f64 = row.try_get(2)?;
            // A price may have been known before it was requested.
            let delay_s = observed_s.max(0.0);
            Ok(Labelled {
                model: row.try_get(0)?,
                segment: row.try_get(1)?,
                prediction,
                low: row.try_get::<Option<f64>, _>(3)?.unwrap_or(prediction),
                high: row.try_get::<Option<f64>, _>(4)?.unwrap_or(prediction),
                actual: row.try_get(5)?,
                of_level: Option::zip(row.try_get(9)?, row.try_get(10)?),
                factor: row.try_get(8)?,
                age_s,
                delay_s,
                // To the microsecond, so that labels of one moment keep the order of the rows.
                label_age_s: ((age_s - delay_s) * 1e6).round() / 1e6,
            })
        })
        .collect()
}

/// How many answers were given in each of the windows, all at the same moment.
pub(super) async fn answered(
    connection: &mut PgConnection,
    windows: impl Iterator<Item = u32>,
) -> Result<Vec<Vec<Answered>>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    // Nothing is counted twice while another process counts.
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        .execute(&mut *transaction)
        .await?;
    let progress: Option<(f64, f64)> = sqlx::query_as(ledger::quality::PROGRESS)
        .fetch_optional(&mut *transaction)
        .await?;
    // Else nothing is counted yet.
    let (counted_until, _) = progress.unwrap_or_default();
    let mut answered = Vec::new();
    for seconds in windows {
        let rows: Vec<(String, Option<String>, i64)> = sqlx::query_as(ledger::quality::ANSWERED)
            .bind(f64::from(seconds))
            .bind(counted_until)
            .fetch_all(&mut *transaction)
            .await?;
        let rows = rows.into_iter().map(|(model, segment, answers)| Answered {
            model,
            segment,
            answers,
        });
        answered.push(rows.collect());
    }
    transaction.commit().await?;
    Ok(answered)
}
