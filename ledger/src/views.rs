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
    'labels', (SELECT coalesce(json_agg(one), '[]') FROM (SELECT request_id, actual, class, observed_at, received_at \
        FROM actuals ORDER BY received_at DESC LIMIT $1) AS one))::text";

/// All that is stored of an id except for its record: answers, labels, and rejects among the newest 50,000
/// whose message had it for a key. An answer's `request` is null in a table that does not keep requests. Binds
/// the id.
pub const LIFE: &str = "SELECT json_build_object(\
    'answers', (SELECT coalesce(json_agg(one), '[]') FROM (SELECT request_id, prediction, low, high, model, \
        segment, answered_at, encode(payload, 'base64') AS payload_base64, \
        to_jsonb(answers) -> 'request' AS request FROM answers \
        WHERE request_id IN ($1, 'http:' || $1)) AS one), \
    'labels', (SELECT coalesce(json_agg(one), '[]') FROM (SELECT request_id, actual, class, observed_at, received_at \
        FROM actuals WHERE request_id IN ($1, 'http:' || $1)) AS one), \
    'rejects', (SELECT coalesce(json_agg(one), '[]') FROM (SELECT topic, partition, \"offset\", code, reason, \
        encode(substring(payload FOR 4000), 'base64') AS payload_base64, rejected_at, replayed_at FROM \
        (SELECT * FROM rejects ORDER BY rejected_at DESC LIMIT 50000) AS newest \
        WHERE key = convert_to($1, 'UTF8') LIMIT 20) AS one))::text";

/// Quality as the rounds kept it, the newest first. Binds the window's name and the segment (empty for
/// whole models).
pub const QUALITY: &str = "SELECT coalesce(json_agg(one), '[]')::text FROM (\
    SELECT extract(epoch FROM computed_at)::bigint AS at, model, answers, labelled, mdape, bias, within_10, \
    within_20, cod, prd, prb, coverage, log_loss, brier, auc, calibration_error, accuracy FROM quality WHERE time_window = $1 AND segment = $2 \
    AND computed_at > now() - interval '14 days' ORDER BY computed_at DESC LIMIT 2000) AS one";

/// Errors by tenth of the price, of the newest labelled answers. Binds a model; empty for all.
pub const DECILES: &str = "SELECT coalesce(json_agg(one ORDER BY tenth), '[]')::text FROM (\
    SELECT tenth, count(*) AS labelled, min(actual) AS low, max(actual) AS high, \
    percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(prediction / actual - 1)) AS mdape, \
    percentile_cont(0.5) WITHIN GROUP (ORDER BY prediction / actual) AS median_ratio, \
    avg((actual BETWEEN kept.low AND kept.high)::int)::float8 AS coverage FROM (\
        SELECT prediction, low, high, actual, ntile(10) OVER (ORDER BY actual) AS tenth FROM (\
            SELECT prediction, low, high, actual FROM labelled_answers WHERE actual > 0 AND low IS NOT NULL AND ($1 = '' OR model = $1) \
            ORDER BY answered_at DESC LIMIT 20000) AS newest) AS kept GROUP BY tenth) AS one";

/// By segment: of the newest 20,000 answers how many, and the median answer; of the newest 20,000 whose price
/// is known the errors and the ratio study, where `bias` is the median of (prediction − price)/price. Binds a
/// model (empty for all) and seconds (0 for any time).
pub const BY_SEGMENT: &str = "WITH judged AS (\
        SELECT segment, prediction / actual AS ratio, prediction, actual, \
        (actual BETWEEN low AND high)::int AS is_held FROM labelled_answers \
        WHERE actual > 0 AND low IS NOT NULL AND segment IS NOT NULL AND ($1 = '' OR model = $1) \
        AND ($2 = 0 OR answered_at > now() - make_interval(secs => $2)) \
        ORDER BY answered_at DESC LIMIT 20000), \
    middles AS (SELECT segment, percentile_cont(0.5) WITHIN GROUP (ORDER BY ratio) AS middle FROM judged GROUP BY segment), \
    of_labels AS (SELECT segment, count(*) AS labelled, \
        percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(ratio - 1)) AS mdape, middle - 1 AS bias, \
        avg(is_held)::float8 AS coverage, middle AS median_ratio, \
        100 * avg(abs(ratio - middle)) / nullif(middle, 0) AS cod, \
        avg(ratio) / nullif(sum(prediction) / nullif(sum(actual), 0), 0) AS prd \
        FROM judged JOIN middles USING (segment) GROUP BY segment, middle), \
    of_answers AS (SELECT segment, count(*) AS answers, \
        percentile_cont(0.5) WITHIN GROUP (ORDER BY prediction) AS prediction \
        FROM (SELECT segment, model, prediction FROM answers \
            WHERE $2 = 0 OR answered_at > now() - make_interval(secs => $2) \
            ORDER BY answered_at DESC LIMIT 20000) AS newest \
        WHERE segment IS NOT NULL AND ($1 = '' OR model = $1) GROUP BY segment) \
    SELECT coalesce(json_agg(one), '[]')::text FROM (\
        SELECT segment, coalesce(answers, 0) AS answers, of_answers.prediction, coalesce(labelled, 0) AS labelled, \
        mdape, bias, coverage, median_ratio, cod, prd \
        FROM of_answers FULL JOIN of_labels USING (segment) ORDER BY 2 DESC, 1 LIMIT 500) AS one";

/// The last day beside the day before it. Counts come from tables of minutes and hours, quality from the rounds' own rows: no query counts records
/// or answers. Binds the table of records.
pub const CHANGES: &str = "WITH days AS (SELECT * FROM (VALUES ('now', 0), ('before', 1)) AS days (name, ago)), \
    rounds AS (SELECT computed_at, sum(labelled)::bigint AS labelled, \
        sum(mdape * labelled) / nullif(sum(labelled) FILTER (WHERE mdape IS NOT NULL), 0) AS mdape, \
        sum(coverage * labelled) / nullif(sum(labelled) FILTER (WHERE coverage IS NOT NULL), 0) AS coverage \
        FROM quality WHERE time_window = '24h' AND segment = '' AND computed_at > now() - interval '2 days' \
        GROUP BY computed_at), \
    rejected AS (SELECT rejected_at, code FROM rejects WHERE rejected_at > now() - interval '2 days' \
        ORDER BY rejected_at DESC LIMIT 50000) \
    SELECT json_build_object('first_stored', (SELECT min(minute) FROM arrivals WHERE source = $1), 'days', \
    (SELECT json_object_agg(name, json_build_object(\
        'stored', (SELECT coalesce(sum(stored), 0)::bigint FROM arrivals WHERE source = $1 \
            AND minute > now() - make_interval(days => ago + 1) AND minute <= now() - make_interval(days => ago)), \
        'answers', (SELECT coalesce(sum(answers), 0)::bigint FROM answer_counts \
            WHERE since > now() - make_interval(days => ago + 1) AND since <= now() - make_interval(days => ago)), \
        'rejects', (SELECT coalesce(json_object_agg(code, count), '{}') FROM (SELECT code, count(*) FROM rejected \
            WHERE rejected_at > now() - make_interval(days => ago + 1) \
            AND rejected_at <= now() - make_interval(days => ago) GROUP BY code) AS by_code), \
        'quality', (SELECT row_to_json(one) FROM (SELECT * FROM rounds WHERE mdape IS NOT NULL \
            AND computed_at <= now() - make_interval(days => ago) ORDER BY computed_at DESC LIMIT 1) AS one))) \
    FROM days))::text";

/// A reject by its place, the newest where clusters differ; null where there is none.
pub const REJECT: &str = "SELECT coalesce((SELECT row_to_json(one) FROM (SELECT cluster, topic, partition, \"offset\", \
    code, reason, encode(key, 'base64') AS key_base64, encode(payload, 'base64') AS payload_base64, \
    payload_bytes, rejected_at, replayed_at FROM rejects WHERE topic = $1 AND partition = $2 AND \"offset\" = $3 \
    AND ($4 = '' OR cluster = $4) ORDER BY rejected_at DESC LIMIT 1) AS one), 'null')::text";

/// How many of the last day's rejects each topic has for each reason, with the newest. Binds how many are
/// looked at.
pub const REJECT_REASONS: &str = "SELECT coalesce(json_agg(one ORDER BY one.count DESC, one.code), '[]')::text FROM (\
    SELECT topic, code, count(*) AS count, count(replayed_at) AS replayed, max(rejected_at) AS newest, \
    (array_agg(reason ORDER BY rejected_at DESC))[1] AS example FROM (\
        SELECT topic, code, reason, rejected_at, replayed_at FROM rejects \
        WHERE rejected_at > now() - interval '1 day' ORDER BY rejected_at DESC LIMIT $1) AS newest_rejects \
    GROUP BY topic, code) AS one";

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
