//! Pages: the next one to visit, and the outcome of each visit.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::paces::release;
use super::{FoundLink, Frontier, FrontierError, Pause, listings, seconds, until};
use crate::extract::Listing;
use crate::fetch::Validators;

/// What is known of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// To be requested.
    Pending,
    /// Read.
    Fetched,
    /// It leads elsewhere.
    Redirected,
    /// Not read, or not used, by a rule.
    Refused,
    /// No longer there.
    Gone,
    /// Abandoned after too many tries.
    Failed,
}

impl State {
    /// As the table has it.
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Fetched => "fetched",
            State::Redirected => "redirected",
            State::Refused => "refused",
            State::Gone => "gone",
            State::Failed => "failed",
        }
    }
}

/// The page whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Its address.
    pub url: String,
    /// Its site.
    pub origin: String,
    /// `page` or `sitemap`.
    pub kind: String,
    /// Links from the start.
    pub depth: i32,
    /// Redirects that led to it.
    pub redirects: i32,
    /// Tries so far, this one included.
    pub attempts: i32,
    etag: Option<String>,
    last_modified: Option<String>,
    rules: Option<String>,
}

/// A page as the table gives it.
type Row = (
    String,
    String,
    String,
    i32,
    i32,
    i32,
    Option<String>,
    Option<String>,
    Option<String>,
);

impl From<Row> for Claimed {
    fn from(row: Row) -> Claimed {
        let (url, origin, kind, depth, redirects, attempts, etag, last_modified, rules) = row;
        Claimed {
            url,
            origin,
            kind,
            depth,
            redirects,
            attempts,
            etag,
            last_modified,
            rules,
        }
    }
}

impl Claimed {
    /// Whether it is a sitemap.
    pub fn is_sitemap(&self) -> bool {
        self.kind == "sitemap"
    }

    /// What to ask with: nothing, where it was read by other rules than `rules`.
    pub fn validators(&self, rules: &str) -> Validators {
        match self.rules.as_deref() == Some(rules) {
            true => Validators {
                etag: self.etag.clone(),
                last_modified: self.last_modified.clone(),
            },
            false => Validators::default(),
        }
    }
}

/// What a lane has left to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// This page is next.
    Next(Box<Claimed>),
    /// The next one only after this time.
    Later(Duration),
    /// Nothing is due.
    Done,
}

/// What became of a page.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What is known of it now.
    pub state: State,
    /// A short stable name of why.
    pub reason: Option<&'static str>,
    /// Why, in words.
    pub detail: Option<String>,
    /// The status it came with.
    pub status: Option<u16>,
    /// Whether the page is as it was the last time: what is known of it stays.
    pub is_unchanged: bool,
    /// Conditional headers for the next request; `None` keeps the stored ones.
    pub validators: Option<Validators>,
    /// Bytes that came over the network.
    pub bytes: usize,
    /// When it may be retried.
    pub retry_in: Duration,
    /// By which rules it was read.
    pub rules: String,
    /// A summary of the content, for people; `None` keeps the stored one.
    pub extraction: Option<serde_json::Value>,
    /// Its listings.
    pub listings: Vec<Listing>,
    /// Where it leads.
    pub found: Vec<FoundLink>,
    /// How long the host is left alone; `None` where no request was made.
    pub pause: Option<Pause>,
}

impl Outcome {
    /// Of a state, for a reason; nothing was found, and no request was made.
    pub fn new(state: State, reason: Option<&'static str>) -> Outcome {
        Outcome {
            state,
            reason,
            detail: None,
            status: None,
            is_unchanged: false,
            validators: None,
            bytes: 0,
            retry_in: Duration::ZERO,
            rules: String::new(),
            extraction: None,
            listings: Vec::new(),
            found: Vec::new(),
            pause: None,
        }
    }

    /// With a reason in words.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Outcome {
        self.detail = Some(detail.into());
        self
    }
}

/// Pages that are requested again once they are old enough. The rules of robots.txt may change too.
const AGES: &str =
    "(state IN ('fetched', 'redirected') OR (state = 'refused' AND reason = 'robots'))";

impl Frontier {
    /// Adds pages that are not known yet, as long as a host has fewer than `most`: how many were new.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add(
        &self,
        found: &[FoundLink],
        on: Option<&str>,
        most: u32,
    ) -> Result<u64, FrontierError> {
        self.keep_trying(|| async {
            let mut transaction = self.pool.begin().await?;
            let added = add(&mut transaction, found, on, most).await?;
            transaction.commit().await?;
            Ok(added)
        })
        .await
    }

    /// The lane's next page among those of `origins`. One that was last looked at longer than `age` ago is due
    /// again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim(
        &self,
        lane: &str,
        origins: &[String],
        age: Duration,
    ) -> Result<Known, FrontierError> {
        let claim = format!(
            "UPDATE crawler_pages SET attempts = attempts + 1 WHERE url = (\
               SELECT url FROM crawler_pages WHERE lane = $1 AND origin = ANY($2) AND (\
                 (state = 'pending' AND not_before <= now()) OR \
                 ({AGES} AND checked_at <= now() - make_interval(secs => $3))) \
               ORDER BY kind DESC, checked_at NULLS FIRST, depth, found_at, url LIMIT 1) \
             RETURNING url, origin, kind, depth, redirects, attempts, etag, last_modified, rules"
        );
        self.keep_trying(|| async {
            let claimed: Option<Row> = sqlx::query_as(&claim)
                .bind(lane)
                .bind(origins)
                .bind(seconds(age))
                .fetch_optional(&self.pool)
                .await?;
            if let Some(row) = claimed {
                return Ok(Known::Next(Box::new(row.into())));
            }
            let (at, now): (Option<DateTime<Utc>>, DateTime<Utc>) = sqlx::query_as(
                "SELECT min(not_before), now() FROM crawler_pages \
                 WHERE lane = $1 AND origin = ANY($2) AND state = 'pending'",
            )
            .bind(lane)
            .bind(origins)
            .fetch_one(&self.pool)
            .await?;
            Ok(at.map_or(Known::Done, |at| Known::Later(until(at, now))))
        })
        .await
    }

    /// Stores the outcome of a visit in one transaction: the page, its listings, what it leads to, and the
    /// end of the lane's turn. How many versions of listings are new.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record(
        &self,
        page: &Claimed,
        lane: &str,
        outcome: &Outcome,
        most_pages: u32,
    ) -> Result<u64, FrontierError> {
        self.keep_trying(|| async {
            let mut transaction = self.pool.begin().await?;
            update(&mut transaction, page, outcome).await?;
            let mut versions = 0;
            for listing in &outcome.listings {
                versions += listings::keep(&mut transaction, &page.url, listing).await?;
            }
            if outcome.state == State::Gone {
                listings::gone(&mut transaction, &page.url).await?;
            }
            add(
                &mut transaction,
                &outcome.found,
                Some(&page.url),
                most_pages,
            )
            .await?;
            release(&mut transaction, lane, outcome.pause.as_ref()).await?;
            transaction.commit().await?;
            Ok(versions)
        })
        .await
    }
}

async fn update(
    connection: &mut PgConnection,
    page: &Claimed,
    outcome: &Outcome,
) -> Result<(), sqlx::Error> {
    let is_over = outcome.state != State::Pending;
    let (etag, last_modified) = match &outcome.validators {
        Some(known) => (known.etag.as_deref(), known.last_modified.as_deref()),
        None => (None, None),
    };
    sqlx::query(
        "UPDATE crawler_pages SET state = $2, \
           reason = CASE WHEN $14 THEN reason ELSE $3 END, \
           detail = CASE WHEN $14 THEN detail ELSE $4 END, \
           status = coalesce($5, status), bytes = coalesce($6, bytes), \
           not_before = now() + make_interval(secs => $7), \
           attempts = CASE WHEN $8 THEN 0 ELSE attempts END, \
           checked_at = CASE WHEN $8 THEN now() ELSE checked_at END, \
           fetched_at = CASE WHEN $9 THEN now() ELSE fetched_at END, \
           etag = CASE WHEN $9 THEN $10 ELSE etag END, \
           last_modified = CASE WHEN $9 THEN $11 ELSE last_modified END, \
           rules = CASE WHEN $9 THEN $12 ELSE rules END, \
           extraction = coalesce($13::jsonb, extraction) \
         WHERE url = $1",
    )
    .bind(&page.url)
    .bind(outcome.state.name())
    .bind(outcome.reason)
    .bind(
        outcome
            .detail
            .as_ref()
            .map(|detail| detail.replace('\0', "\u{fffd}")),
    )
    .bind(outcome.status.map(i32::from))
    .bind((outcome.bytes > 0).then_some(outcome.bytes as i64))
    .bind(seconds(outcome.retry_in))
    .bind(is_over)
    .bind(outcome.validators.is_some())
    .bind(etag)
    .bind(last_modified)
    .bind(&outcome.rules)
    .bind(outcome.extraction.as_ref().map(|all| all.to_string()))
    .bind(outcome.is_unchanged)
    .execute(connection)
    .await
    .map(drop)
}

async fn add(
    connection: &mut PgConnection,
    found: &[FoundLink],
    on: Option<&str>,
    most: u32,
) -> Result<u64, sqlx::Error> {
    if found.is_empty() {
        return Ok(0);
    }
    let texts = |of: fn(&FoundLink) -> &str| found.iter().map(of).collect::<Vec<_>>();
    let numbers =
        |of: fn(&FoundLink) -> u32| found.iter().map(|link| of(link) as i32).collect::<Vec<_>>();
    // The n-th new page of a lane is taken while it has fewer than `most`.
    let done = sqlx::query(
        "WITH named AS (\
           SELECT DISTINCT ON (url) * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], \
             $5::int[], $6::int[], $7::text[]) WITH ORDINALITY \
             AS n(url, origin, lane, kind, depth, redirects, refused, place) ORDER BY url, place), \
         new AS (\
           SELECT n.*, row_number() OVER (PARTITION BY lane ORDER BY place) AS nth FROM named n \
           WHERE NOT EXISTS (SELECT FROM crawler_pages p WHERE p.url = n.url)), \
         known AS (\
           SELECT lane, count(*) AS count FROM crawler_pages \
           WHERE lane = ANY(SELECT DISTINCT lane FROM new) GROUP BY lane) \
         INSERT INTO crawler_pages \
           (url, origin, lane, kind, depth, redirects, found_on, state, reason, checked_at) \
         SELECT url, origin, new.lane, kind, depth, redirects, $8, \
           CASE WHEN refused IS NULL THEN 'pending' ELSE 'refused' END, refused, \
           CASE WHEN refused IS NULL THEN NULL ELSE now() END \
         FROM new LEFT JOIN known ON known.lane = new.lane \
         WHERE nth + coalesce(count, 0) <= $9 ORDER BY place ON CONFLICT DO NOTHING",
    )
    .bind(texts(|link| &link.url))
    .bind(texts(|link| &link.origin))
    .bind(texts(|link| &link.lane))
    .bind(texts(
        |link| if link.is_sitemap { "sitemap" } else { "page" },
    ))
    .bind(numbers(|link| link.depth))
    .bind(numbers(|link| link.redirects))
    .bind(found.iter().map(|link| link.refused).collect::<Vec<_>>())
    .bind(on)
    .bind(i64::from(most))
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
