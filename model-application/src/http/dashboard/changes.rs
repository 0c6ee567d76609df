//! `GET /changes`: the last day beside the day before it.

use actix_web::{HttpResponse, web};
use ledger::views::Bind;

use super::Dashboard;
use super::ask::{self, LONG};
use crate::http::refused::Refused;

/// Counts come from tables of minutes and hours, quality from the rounds' own rows: no query counts records
/// or answers. Binds the table of records.
const CHANGES: &str = "WITH days AS (SELECT * FROM (VALUES ('now', 0), ('before', 1)) AS days (name, ago)), \
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

pub(super) async fn changes(dashboard: web::Data<Dashboard>) -> Result<HttpResponse, Refused> {
    let binds = [Bind::Text(&dashboard.schema.table)];
    Ok(ask::json(dashboard.ask(CHANGES, &binds, LONG).await?))
}
