//! Sweeps whose trials several workers share.
//!
//! A worker claims a trial under a lease, which it renews while it fits. A worker that dies renews no longer: when
//! the lease is over, another claims the trial. Of several workers that have fitted one trial, the one that holds
//! its lease stores it. Times are the database's, so workers need no common clock.

use sqlx::{PgConnection, Row};

/// SQL of the tables as the newest migration leaves them, for `init.sql`.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS hedonic_sweeps (
    name text PRIMARY KEY,
    plan jsonb NOT NULL,
    run jsonb NOT NULL,
    training_set bytea NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    closer text,
    closer_until timestamptz,
    closed_trials integer NOT NULL DEFAULT 0,
    result jsonb
);
CREATE TABLE IF NOT EXISTS hedonic_sweep_trials (
    sweep text NOT NULL REFERENCES hedonic_sweeps (name) ON DELETE CASCADE,
    number integer NOT NULL,
    point double precision[] NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    worker text,
    lease_until timestamptz,
    trial jsonb,
    finished_at timestamptz,
    PRIMARY KEY (sweep, number)
);
";

/// What a sweep was begun with, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// What decides which trials there are.
    pub plan: String,
    /// The run that the trials are parts of.
    pub run: String,
}

/// A trial that a worker may fit until its lease is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The trial's number.
    pub number: i32,
    /// The values of the hyperparameters.
    pub point: Vec<f64>,
    /// Claims of this trial so far, with this one: more than one where a worker has died.
    pub tries: i32,
}

/// One worker of one sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Worker {
    /// The sweep's name.
    pub sweep: String,
    /// The worker's name, different for each process.
    pub name: String,
    /// How long a claim holds without being renewed, in seconds.
    pub lease_s: f64,
}

/// Begins a sweep; `false` where one of this name has begun.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    connection: &mut PgConnection,
    name: &str,
    begun: &Begun,
    training_set: &[u8],
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO hedonic_sweeps (name, plan, run, training_set) \
         VALUES ($1, $2::jsonb, $3::jsonb, $4) ON CONFLICT (name) DO NOTHING",
    )
    .bind(name)
    .bind(&begun.plan)
    .bind(&begun.run)
    .bind(training_set)
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Deletes sweeps with their rows and trials that began so many days ago and that no worker is at; how many.
///
/// # Errors
/// When the database fails.
pub async fn forget(connection: &mut PgConnection, days: i32) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query(
        "DELETE FROM hedonic_sweeps WHERE started_at < now() - make_interval(days => $1) \
         AND (closer_until IS NULL OR closer_until < now()) \
         AND NOT EXISTS (SELECT FROM hedonic_sweep_trials WHERE sweep = name AND lease_until >= now())",
    )
    .bind(days)
    .execute(connection)
    .await?;
    Ok(forgotten.rows_affected())
}

/// What a sweep was begun with; `None` where there is none of this name.
///
/// # Errors
/// When the database fails.
pub async fn find(connection: &mut PgConnection, name: &str) -> Result<Option<Begun>, sqlx::Error> {
    let row = sqlx::query("SELECT plan::text, run::text FROM hedonic_sweeps WHERE name = $1")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Ok(Begun {
            plan: row.try_get(0)?,
            run: row.try_get(1)?,
        })
    })
    .transpose()
}

/// The rows of a sweep, as a Parquet file.
///
/// # Errors
/// When there is no sweep of this name, or the database fails.
pub async fn training_set(
    connection: &mut PgConnection,
    name: &str,
) -> Result<Vec<u8>, sqlx::Error> {
    sqlx::query_scalar("SELECT training_set FROM hedonic_sweeps WHERE name = $1")
        .bind(name)
        .fetch_one(connection)
        .await
}

/// Adds the trials of a round that are not yet there, numbered from `from`.
///
/// # Errors
/// When the database fails.
pub async fn offer(
    connection: &mut PgConnection,
    name: &str,
    from: i32,
    points: &[Vec<f64>],
) -> Result<(), sqlx::Error> {
    for (number, point) in (from..).zip(points) {
        sqlx::query(
            "INSERT INTO hedonic_sweep_trials (sweep, number, point) VALUES ($1, $2, $3) \
             ON CONFLICT (sweep, number) DO NOTHING",
        )
        .bind(name)
        .bind(number)
        .bind(point)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Claims the first trial below `end` that nobody fits; `None` where each is finished or under a lease.
///
/// # Errors
/// When the database fails.
pub async fn claim(
    connection: &mut PgConnection,
    worker: &Worker,
    end: i32,
) -> Result<Option<Claim>, sqlx::Error> {
    let row = sqlx::query(
        "UPDATE hedonic_sweep_trials SET worker = $2, tries = tries + 1, \
         lease_until = now() + make_interval(secs => $3) \
         WHERE (sweep, number) = (SELECT sweep, number FROM hedonic_sweep_trials \
         WHERE sweep = $1 AND number < $4 AND trial IS NULL \
         AND (lease_until IS NULL OR lease_until < now()) \
         ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED) \
         RETURNING number, point, tries",
    )
    .bind(&worker.sweep)
    .bind(&worker.name)
    .bind(worker.lease_s)
    .bind(end)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Claim {
            number: row.try_get(0)?,
            point: row.try_get(1)?,
            tries: row.try_get(2)?,
        })
    })
    .transpose()
}

/// Extends a lease from now on; `false` where it is another worker's, or the trial is finished.
///
/// # Errors
/// When the database fails.
pub async fn renew(
    connection: &mut PgConnection,
    worker: &Worker,
    number: i32,
) -> Result<bool, sqlx::Error> {
    let renewed = sqlx::query(
        "UPDATE hedonic_sweep_trials SET lease_until = now() + make_interval(secs => $4) \
         WHERE sweep = $1 AND number = $2 AND worker = $3 AND trial IS NULL",
    )
    .bind(&worker.sweep)
    .bind(number)
    .bind(&worker.name)
    .bind(worker.lease_s)
    .execute(connection)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Stores a finished trial, as JSON; `false` where another worker has claimed it since. The same call again is
/// `true` again, so that it may be repeated after an answer that was lost.
///
/// # Errors
/// When the database fails.
pub async fn finish(
    connection: &mut PgConnection,
    worker: &Worker,
    number: i32,
    trial: &str,
) -> Result<bool, sqlx::Error> {
    let finished = sqlx::query(
        "UPDATE hedonic_sweep_trials SET trial = coalesce(trial, $4::jsonb), \
         finished_at = coalesce(finished_at, now()) \
         WHERE sweep = $1 AND number = $2 AND worker = $3",
    )
    .bind(&worker.sweep)
    .bind(number)
    .bind(&worker.name)
    .bind(trial)
    .execute(connection)
    .await?;
    Ok(finished.rows_affected() == 1)
}

/// The finished trials of a sweep from a number on, as JSON, by their numbers.
///
/// # Errors
/// When the database fails.
pub async fn finished(
    connection: &mut PgConnection,
    name: &str,
    from: i32,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT trial::text FROM hedonic_sweep_trials \
         WHERE sweep = $1 AND number >= $2 AND trial IS NOT NULL ORDER BY number",
    )
    .bind(name)
    .bind(from)
    .fetch_all(connection)
    .await
}

/// How many trials are under a lease.
///
/// # Errors
/// When the database fails.
pub async fn under_way(connection: &mut PgConnection, name: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM hedonic_sweep_trials \
         WHERE sweep = $1 AND trial IS NULL AND lease_until >= now()",
    )
    .bind(name)
    .fetch_one(connection)
    .await
}

/// The result of a sweep that was closed with so many trials or more, as JSON.
///
/// # Errors
/// When the database fails.
pub async fn result(
    connection: &mut PgConnection,
    name: &str,
    trials: i32,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT result::text FROM hedonic_sweeps \
         WHERE name = $1 AND closed_trials >= $2 AND result IS NOT NULL",
    )
    .bind(name)
    .bind(trials)
    .fetch_optional(connection)
    .await
}

/// Claims the closing of a sweep, the fit of the best trial on everything; `false` where another worker closes it,
/// or it is closed with so many trials. A worker that has the claim renews it by the same call.
///
/// # Errors
/// When the database fails.
pub async fn claim_closing(
    connection: &mut PgConnection,
    worker: &Worker,
    trials: i32,
) -> Result<bool, sqlx::Error> {
    let claimed = sqlx::query(
        "UPDATE hedonic_sweeps SET closer = $2, closer_until = now() + make_interval(secs => $3) \
         WHERE name = $1 AND closed_trials < $4 \
         AND (closer IS NOT DISTINCT FROM $2 OR closer_until IS NULL OR closer_until < now())",
    )
    .bind(&worker.sweep)
    .bind(&worker.name)
    .bind(worker.lease_s)
    .bind(trials)
    .execute(connection)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// Closes a sweep with its result, as JSON; `false` where another worker has claimed the closing since.
///
/// # Errors
/// When the database fails.
pub async fn close(
    connection: &mut PgConnection,
    worker: &Worker,
    trials: i32,
    result: &str,
) -> Result<bool, sqlx::Error> {
    let closed = sqlx::query(
        "UPDATE hedonic_sweeps SET closed_trials = $3, result = $4::jsonb, closer_until = NULL \
         WHERE name = $1 AND closer = $2",
    )
    .bind(&worker.sweep)
    .bind(&worker.name)
    .bind(trials)
    .bind(result)
    .execute(connection)
    .await?;
    Ok(closed.rows_affected() == 1)
}

/// Gives the closing back, so that another worker may try at once.
///
/// # Errors
/// When the database fails.
pub async fn release_closing(
    connection: &mut PgConnection,
    worker: &Worker,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE hedonic_sweeps SET closer_until = NULL WHERE name = $1 AND closer = $2")
        .bind(&worker.sweep)
        .bind(&worker.name)
        .execute(connection)
        .await?;
    Ok(())
}
