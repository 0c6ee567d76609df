//! Requests one page and interprets the answer.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use url::Url;

use crate::extract::Reading;
use crate::fetch::{Answer, FetchError, Validators};
use crate::frontier::{Claimed, FoundLink, Outcome, Pause, State, StoredRobots};
use crate::permission::{Permission, Site};
use crate::robots::{self, Robots};
use crate::shared::Shared;
use crate::sitemap::Sitemap;
use crate::{backoff, charset, page_url, unpack};

/// Longest time to parse a page after its download.
const READING: Duration = Duration::from_secs(20);
/// Sitemaps within sitemaps, at most.
const SITEMAP_DEPTH: i32 = 2;
/// Redirects of a robots.txt that are followed (RFC 9309, 2.3.1.2).
const ROBOTS_REDIRECTS: usize = 5;
/// Time that a request in progress gets when the service stops.
const LEAVING: Duration = Duration::from_secs(3);

/// A page to visit later; `None` if its site is not allowed.
pub(crate) fn found(
    permission: &Permission,
    url: &Url,
    depth: u32,
    redirects: u32,
    is_sitemap: bool,
) -> Option<FoundLink> {
    let site = permission.site(url)?;
    Some(FoundLink {
        url: url.to_string(),
        origin: site.origin.clone(),
        lane: site.lane.clone(),
        is_sitemap,
        depth,
        redirects,
        refused: page_url::refusal(url),
    })
}

/// Requests a page and returns the outcome. `delay` is the usual pause of its host, which has failed
/// `failures` times in a row.
pub(crate) async fn visit(
    shared: &Arc<Shared>,
    page: &Claimed,
    url: &Url,
    delay: Duration,
    failures: u32,
) -> Outcome {
    let config = &shared.config;
    let limit = match page.is_sitemap() {
        true => config.max_sitemap_bytes,
        false => config.max_page_bytes,
    };
    let reads = if page.is_sitemap() {
        is_sitemap
    } else {
        is_page
    };
    let rules = shared.reader.rules();
    let validators = page.validators(rules);
    let asking = shared.fetcher.get(url, &validators, reads, limit);
    let answer = tokio::select! {
        answer = asking => answer,
        // It is requested again after the next start.
        () = async { shared.leave.cancelled().await; tokio::time::sleep(LEAVING).await } => {
            let mut outcome = Outcome::new(State::Pending, Some("left"));
            outcome.pause = Some(Pause::Usual(delay));
            return outcome;
        }
    };
    let again = |reason, why: String, asked: Option<Duration>| {
        let first = Duration::from_millis(config.backoff_ms);
        let most = Duration::from_millis(config.backoff_most_ms);
        let wait = asked
            .unwrap_or_else(|| backoff::doubled(first, most, failures + 1))
            .max(delay);
        let is_last = page.attempts.unsigned_abs() >= config.max_attempts;
        let state = if is_last {
            State::Failed
        } else {
            State::Pending
        };
        let mut outcome = Outcome::new(state, Some(reason)).because(why);
        outcome.retry_in = wait;
        outcome.pause = Some(Pause::Longer(wait));
        outcome
    };
    let mut outcome = match answer {
        Err(error @ FetchError::Network { .. }) => again("network", error.to_string(), None),
        Err(error @ FetchError::Timeout { .. }) => again("timeout", error.to_string(), None),
        Err(error @ FetchError::NotPublic(_)) => refused("private_address", error.to_string()),
        Err(error @ FetchError::TooLarge { .. }) => refused("too_large", error.to_string()),
        Err(error @ FetchError::Packed { .. }) => refused("packed", error.to_string()),
        Ok(answer) => {
            let status = answer.status;
            let bytes = answer.received;
            let mut outcome = match status {
                429 | 503 => {
                    let asked = answer.retry_after.as_deref();
                    let asked = asked.and_then(|text| backoff::retry_after(text, Utc::now()));
                    again("busy", format!("the host answered {status}"), asked)
                }
                408 | 425 | 500..=599 => {
                    again("status", format!("the host answered {status}"), None)
                }
                _ => judge(shared, page, url, answer).await,
            };
            outcome.status = Some(status);
            outcome.bytes = bytes;
            outcome
        }
    };
    outcome.rules = rules.to_owned();
    outcome.pause.get_or_insert(Pause::Usual(delay));
    outcome
}

/// An answer without a server error.
async fn judge(shared: &Arc<Shared>, page: &Claimed, url: &Url, answer: Answer) -> Outcome {
    match answer.status {
        200 if page.is_sitemap() => sitemap(shared, page, answer),
        200 if !is_page(&answer.content_type) => refused(
            "content_type",
            format!("expected HTML, found {:?}", answer.content_type),
        ),
        200 => read(shared, page, url, answer).await,
        304 => {
            let mut outcome = Outcome::new(State::Fetched, None);
            outcome.is_unchanged = true;
            outcome
        }
        301 | 302 | 303 | 307 | 308 => redirected(shared, page, url, answer.location.as_deref()),
        404 | 410 => Outcome::new(State::Gone, Some("gone"))
            .because(format!("the host answered {}", answer.status)),
        401 | 407 => refused("login", format!("the host answered {}", answer.status)),
        403 => {
            let why = format!("the host answered 403 at {url}: the crawler stops reading it");
            let mut outcome = refused("forbidden", why.clone());
            outcome.pause = Some(Pause::Stop(why));
            outcome
        }
        status => refused("status", format!("the host answered {status}")),
    }
}

fn refused(reason: &'static str, why: String) -> Outcome {
    Outcome::new(State::Refused, Some(reason)).because(why)
}

fn redirected(shared: &Shared, page: &Claimed, url: &Url, to: Option<&str>) -> Outcome {
    let target = to
        .and_then(|to| url.join(to).ok())
        .and_then(page_url::normalised);
    let Some(target) = target else {
        return refused(
            "redirect",
            "the redirect target is not a valid address".to_owned(),
        );
    };
    let redirects = page.redirects.unsigned_abs() + 1;
    if redirects > shared.config.max_redirects {
        return refused("redirects", format!("{redirects} consecutive redirects"));
    }
    let depth = page.depth.unsigned_abs();
    match found(
        &shared.permission,
        &target,
        depth,
        redirects,
        page.is_sitemap(),
    ) {
        Some(found) => {
            let mut outcome =
                Outcome::new(State::Redirected, None).because(format!("it redirects to {target}"));
            outcome.found.push(found);
            outcome
        }
        None => refused(
            "redirect_outside",
            format!(
                "it redirects to {}, which is not in crawler.hosts",
                origin(&target)
            ),
        ),
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn sitemap(shared: &Shared, page: &Claimed, answer: Answer) -> Outcome {
    let body = match unpack::unpack_file(answer.body, shared.config.max_sitemap_bytes) {
        Ok(body) => body,
        Err(error) => return refused("packed", error.to_string()),
    };
    let sitemap = Sitemap::parse(&charset::decode(&body, &answer.content_type));
    let mut outcome = Outcome::new(State::Fetched, None);
    outcome.validators = Some(answer.validators);
    if let Some(broken) = sitemap.broken {
        outcome.reason = Some("broken");
        outcome.detail = Some(format!("read up to an error: {broken}"));
    }
    let permission = &shared.permission;
    let parsed = |text: &String| Url::parse(text).ok().and_then(page_url::normalised);
    if page.depth < SITEMAP_DEPTH {
        let depth = page.depth.unsigned_abs() + 1;
        let further = sitemap.sitemaps.iter().filter_map(parsed);
        outcome
            .found
            .extend(further.filter_map(|url| found(permission, &url, depth, 0, true)));
    }
    let pages = sitemap.pages.iter().filter_map(parsed);
    outcome
        .found
        .extend(pages.filter_map(|url| found(permission, &url, 0, 0, false)));
    outcome
}

async fn read(shared: &Arc<Shared>, page: &Claimed, url: &Url, answer: Answer) -> Outcome {
    let (reader, reader_settings, nesting) = (
        Arc::clone(&shared.reader),
        url.clone(),
        shared.config.max_nesting,
    );
    let host = shared
        .permission
        .site(url)
        .map_or_else(String::new, |site| site.lane.clone());
    let tag = answer.robots_tag.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let text = charset::decode(&answer.body, &answer.content_type);
        (
            reader.read(&text, &reader_settings, &host, nesting, &tag),
            answer.validators,
        )
    });
    let (read, validators) = match tokio::time::timeout(READING, reading).await {
        Ok(Ok(read)) => read,
        Ok(Err(_)) => return refused("unreadable", "reading the page failed".to_owned()),
        Err(_) => {
            let why = format!("not read within {} s", READING.as_secs());
            return refused("unreadable", why);
        }
    };
    let reading = match read {
        Ok(reading) => reading,
        Err(why) => return refused("nesting", why),
    };
    let mut outcome = Outcome::new(State::Fetched, reading.reason);
    outcome.detail.clone_from(&reading.detail);
    outcome.validators = Some(validators);
    outcome.found = links(shared, page, &reading);
    outcome.extraction = Some(reading.extraction);
    outcome.listings = reading.listings;
    outcome
}

fn links(shared: &Shared, page: &Claimed, reading: &Reading) -> Vec<FoundLink> {
    let depth = page.depth.unsigned_abs() + 1;
    if depth > shared.config.max_depth {
        return Vec::new();
    }
    let urls = reading
        .links
        .iter()
        .cloned()
        .filter_map(page_url::normalised);
    let mut all: Vec<FoundLink> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for url in urls {
        let Some(found) = found(&shared.permission, &url, depth, 0, false) else {
            continue;
        };
        if all.len() >= shared.config.max_links_per_page {
            break;
        }
        if seen.insert(found.url.clone()) {
            all.push(found);
        }
    }
    all
}

/// Requests a site's robots.txt. Returns its rules or the reason why it is not available, and the pause that follows.
pub(crate) async fn robots(
    shared: &Shared,
    site: &Site,
    delay: Duration,
    failures: u32,
) -> (StoredRobots, Option<String>, Pause) {
    let config = &shared.config;
    let mut url = site.url.clone();
    url.set_path("/robots.txt");
    let mut status = None;
    let mut body = String::new();
    let mut asked = None;
    let mut error = None;
    for hop in 0..=ROBOTS_REDIRECTS {
        let answer = shared
            .fetcher
            .get(
                &url,
                &Validators::default(),
                |_| true,
                config.max_page_bytes.max(robots::MOST_BYTES),
            )
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => {
                error = Some(why.to_string());
                break;
            }
        };
        status = Some(i32::from(answer.status));
        asked = answer
            .retry_after
            .as_deref()
            .and_then(|text| backoff::retry_after(text, Utc::now()));
        if !(300..400).contains(&answer.status) {
            let read = &answer.body[..answer.body.len().min(robots::MOST_BYTES)];
            body = String::from_utf8_lossy(read).into_owned();
            break;
        }
        let target = answer.location.as_deref().and_then(|to| url.join(to).ok());
        let is_near = |url: &Url| {
            let there = shared.permission.site(url);
            there.is_some_and(|there| there.lane == site.lane)
        };
        match target.and_then(page_url::normalised).filter(is_near) {
            Some(target) if hop < ROBOTS_REDIRECTS => url = target,
            Some(_) => error = Some(format!("more than {ROBOTS_REDIRECTS} redirects")),
            None => error = Some("it redirects to another host".to_owned()),
        }
        if error.is_some() {
            break;
        }
        tokio::time::sleep(delay.min(config.timeout())).await;
    }
    let read = Robots::read(status.and_then(|status| u16::try_from(status).ok()), &body);
    let is_available = read.is_available();
    if !is_available && error.is_none() {
        error = Some(match status {
            Some(status) => format!("the host answered {status}"),
            None => "there was no answer".to_owned(),
        });
    }
    let fresh = match is_available {
        true => Duration::from_secs(config.robots_s),
        false => asked
            .unwrap_or_default()
            .max(Duration::from_secs(config.robots_retry_s)),
    };
    let pause = match is_available {
        true => Pause::Usual(read.delay().map_or(delay, |asked| asked.max(delay))),
        false => {
            let first = Duration::from_millis(config.backoff_ms);
            let most = Duration::from_millis(config.backoff_most_ms);
            let wait = asked.unwrap_or_else(|| backoff::doubled(first, most, failures + 1));
            Pause::Longer(wait.max(delay))
        }
    };
    let stored = StoredRobots {
        robots_status: status,
        robots_body: body,
        fresh,
    };
    (stored, error, pause)
}

fn is_page(content_type: &str) -> bool {
    content_type.starts_with("text/html") || content_type.starts_with("application/xhtml+xml")
}

/// Servers send sitemaps with any content type. A body that is not a sitemap names no pages.
fn is_sitemap(content_type: &str) -> bool {
    !["image/", "video/", "audio/", "font/"]
        .iter()
        .any(|kind| content_type.starts_with(kind))
}
