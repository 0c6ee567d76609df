//! What a person looks at: counts by minute, the newest rows, one record's way, quality over time.
//!
//! Each query reads a bounded number of rows, by an index where there are many, and gives one JSON text.

use sqlx::{Connection, Executor, PgConnection};

/// Longest that the server works on one of these queries: nobody looks at a page that comes later, and
/// what answers requests needs the server too.
const BOUND: &str = "SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = '2500ms'";

/// Counts of the last hour by minute, and totals. Binds the table of records.
///
/// Answers come from the counts that each round of quality brings up to date, so that no query counts
/// the answers themselves.
pub const COUNTS: &str = "SELECT json_build_object(\
    'arrivals', (SELECT coalesce(json_agg(json_build_array(extract(epoch FROM minute)::bigint, stored, rejected) \
        ORDER BY minute), '[]') FROM arrivals WHERE source = $1 AND minute > now() - interval '1 hour'), \
    'answers', (SELECT coalesce(json_agg(json_build_array(since, answers) ORDER BY since), '[]') FROM \
        (SELECT extract(epoch FROM since)::bigint AS since, sum(answers)::bigint AS answers FROM answer_counts \
        WHERE seconds = 60 AND since > now() - interval '1 hour' GROUP BY 1) AS by_minute), \
    'rejects', (SELECT coalesce(json_agg(json_build_array(minute, topic, code, count) ORDER BY minute), '[]') FROM \
        (SELECT extract(epoch FROM date_trunc('minute', rejected_at))::bigint AS minute, topic, code, count(*) FROM \
            (SELECT rejected_at, topic, code FROM rejects WHERE rejected_at > now() - interval '1 hour' \
            ORDER BY rejected_at DESC LIMIT 20000) AS newest GROUP BY 1, 2, 3) AS by_minute), \
    'labels', (SELECT coalesce(json_agg(json_build_array(minute, count) ORDER BY minute), '[]') FROM \
        (SELECT extract(epoch FROM date_trunc('minute', received_at))::bigint AS minute, count(*) FROM \
            (SELECT received_at FROM actuals WHERE received_at > now() - interval '1 hour' \
            ORDER BY received_at DESC LIMIT 20000) AS newest GROUP BY 1) AS by_minute), \
    'stored_total', (SELECT coalesce(sum(stored), 0)::bigint FROM arrivals WHERE source = $1), \
    'rejected_total', (SELECT coalesce(sum(rejected), 0)::bigint FROM arrivals WHERE source = $1), \
    'last_stored_s', (SELECT extract(epoch FROM now() - max(minute))::bigint FROM arrivals \
        WHERE source = $1 AND stored > 0))::text";

/// The newest answers, rejects and labels. Binds how many of each.
pub const NEWEST: &str = "SELECT json_build_object(\
    'answers', (SELECT coalesce(json_agg(one), '[]') FROM (SELECT request_id, prediction, low, high, model, \
        segment, answered_at FROM answers ORDER BY answered_at DESC LIMIT $1) AS one), \
    'rejects', (SELECT coalesce(json_agg(one), '[]') FROM (SELECT topic, partition, \"offset\", code, reason, \
        encode(substring(payload FOR 2000), 'base64') AS payload_base64, rejected_at, replayed_at \
        FROM rejects ORDER BY rejected_at DESC LIMIT $1) AS one), \
    'labels', (SELECT coalesce(json_agg(one), '[]') FROM (SELECT request_id, actual, observed_at, received_at \
        FROM actuals ORDER BY received_at DESC LIMIT $1) AS one))::text";

/// All that is stored of an id but for its record: answers, labels, and rejects among the newest 50,000
/// whose message had it for a key. Binds the id.
pub const LIFE: &str = "SELECT json_build_object(\
    'answers', (SELECT coalesce(json_agg(one), '[]') FROM (SELECT request_id, prediction, low, high, model, \
        segment, answered_at, encode(payload, 'base64') AS payload_base64 FROM answers \
        WHERE request_id IN ($1, 'http:' || $1)) AS one), \
    'labels', (SELECT coalesce(json_agg(one), '[]') FROM (SELECT request_id, actual, observed_at, received_at \
        FROM actuals WHERE request_id IN ($1, 'http:' || $1)) AS one), \
    'rejects', (SELECT coalesce(json_agg(one), '[]') FROM (SELECT topic, partition, \"offset\", code, reason, \
        encode(substring(payload FOR 4000), 'base64') AS payload_base64, rejected_at, replayed_at FROM \
        (SELECT * FROM rejects ORDER BY rejected_at DESC LIMIT 50000) AS newest \
        WHERE key = convert_to($1, 'UTF8') LIMIT 20) AS one))::text";

/// Quality as the rounds kept it, the newest first. Binds the window's name and the segment (empty for
/// whole models).
pub const QUALITY: &str = "SELECT coalesce(json_agg(one), '[]')::text FROM (\
    SELECT extract(epoch FROM computed_at)::bigint AS at, model, answers, labelled, mdape, bias, within_10, \
    within_20, cod, prd, prb, coverage FROM quality WHERE time_window = $1 AND segment = $2 \
    AND computed_at > now() - interval '14 days' ORDER BY computed_at DESC LIMIT 2000) AS one";

/// Errors by tenth of the price, of the newest labelled answers. Binds a model; empty for all.
pub const DECILES: &str = "SELECT coalesce(json_agg(one ORDER BY tenth), '[]')::text FROM (\
    SELECT tenth, count(*) AS labelled, min(actual) AS low, max(actual) AS high, \
    percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(prediction / actual - 1)) AS mdape, \
    percentile_cont(0.5) WITHIN GROUP (ORDER BY prediction / actual) AS median_ratio, \
    avg((actual BETWEEN kept.low AND kept.high)::int)::float8 AS coverage FROM (\
        SELECT prediction, low, high, actual, ntile(10) OVER (ORDER BY actual) AS tenth FROM (\
            SELECT prediction, low, high, actual FROM labelled_answers WHERE actual > 0 AND ($1 = '' OR model = $1) \
            ORDER BY answered_at DESC LIMIT 20000) AS newest) AS kept GROUP BY tenth) AS one";

/// Errors by segment, of the newest labelled answers; `bias` is the median of (prediction − price)/price.
pub const BY_SEGMENT: &str = "SELECT coalesce(json_agg(one), '[]')::text FROM (\
    SELECT segment, count(*) AS labelled, \
    percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(prediction / actual - 1)) AS mdape, \
    percentile_cont(0.5) WITHIN GROUP (ORDER BY prediction / actual - 1) AS bias FROM (\
        SELECT segment, prediction, actual FROM labelled_answers WHERE actual > 0 AND segment IS NOT NULL \
        ORDER BY answered_at DESC LIMIT 20000) AS newest GROUP BY segment ORDER BY labelled DESC LIMIT 500) AS one";

/// One JSON text of a query that has bound its values: within a transaction that reads only, and that the
/// server ends by itself.
///
/// # Errors
/// When the database fails or takes too long.
pub async fn text(
    connection: &mut PgConnection,
    sql: &str,
    binds: &[Bind<'_>],
) -> Result<String, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    transaction.execute(BOUND).await?;
    // Texts that differ each time would fill the connection's cache of statements.
    let mut query = sqlx::query_scalar::<_, String>(sql).persistent(false);
    for bind in binds {
        query = match bind {
            Bind::Text(text) => query.bind(*text),
            Bind::Number(number) => query.bind(*number),
        };
    }
    let text = query.fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(text)
}

/// A value of a query.
#[derive(Debug, Clone, Copy)]
pub enum Bind<'a> {
    /// A name, an id.
    Text(&'a str),
    /// How many.
    Number(i64),
}
