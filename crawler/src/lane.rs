//! One host, one request at a time: robots.txt, sitemaps, then pages, each in its turn.

mod end;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::Shutdown;
use tokio::time::Instant;
use url::Url;

use crate::frontier::{Claimed, FoundLink, FrontierError, Known, Lease, Outcome, Pause, State};
use crate::metrics::ROBOTS;
use crate::permission::Site;
use crate::robots::Robots;
use crate::shared::Shared;
use crate::{page_url, visit};

pub(crate) use end::End;

/// Shortest sleep between two looks at the frontier.
const LEAST_SLEEP: Duration = Duration::from_millis(5);
/// Longest: a page that another run adds is seen by then.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// Sitemaps taken from one robots.txt.
const MOST_SITEMAPS: usize = 100;
/// How long the turn at a host is held beyond the longest answer: for keeping what came of it.
const KEEPING: Duration = Duration::from_secs(10);

/// What one turn came to.
enum Turn {
    /// On to the next.
    Next,
    /// Not before this time has passed.
    Later(Duration),
    /// The run has ended here.
    End(End),
}

/// A host with its sites.
pub(crate) struct Lane {
    pub name: String,
    pub sites: Vec<Site>,
    pub shared: Arc<Shared>,
    /// When the run began.
    pub begun: Instant,
    /// What each site allows, and until when that is known.
    pub robots: BTreeMap<String, (Robots, Instant)>,
    /// Sites whose sitemaps and first page are in the frontier.
    pub seeded: Vec<String>,
}

impl Lane {
    /// Reads what is due until nothing is, or `stop`.
    pub async fn crawl(mut self, stop: Shutdown) -> Result<End, FrontierError> {
        let shared = Arc::clone(&self.shared);
        let most = Duration::from_secs(shared.config.wait_most_s);
        shared.frontier.know_host(&self.name).await?;
        loop {
            if stop.is_cancelled() {
                return Ok(End::Stopped);
            }
            let hold = shared.config.timeout() + KEEPING;
            let wait = match shared.frontier.lease(&self.name, hold).await? {
                Lease::Stopped(reason) => return Ok(End::Refused(reason)),
                Lease::Wait(wait) => wait,
                Lease::Granted { failures } => match self.turn(failures).await? {
                    Turn::Next => continue,
                    Turn::Later(wait) => wait,
                    Turn::End(end) => return Ok(end),
                },
            };
            if wait > most {
                return Ok(End::Later(wait));
            }
            tokio::select! {
                () = tokio::time::sleep(wait.clamp(LEAST_SLEEP, LONGEST_SLEEP)) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// One turn, at the end of which the host is free for others.
    async fn turn(&mut self, failures: u32) -> Result<Turn, FrontierError> {
        let shared = Arc::clone(&self.shared);
        for site in self.sites.clone() {
            if !self.knows_robots(&site).await? {
                let pause = self.ask_for_robots(&site, failures).await?;
                shared.frontier.release(&self.name, Some(&pause)).await?;
                return Ok(Turn::Next);
            }
            self.seed(&site).await?;
        }
        let origins = self.available();
        if origins.is_empty() {
            shared.frontier.release(&self.name, None).await?;
            return Ok(Turn::End(End::NoRobots));
        }
        // What this run has looked at is not due again within it.
        let age = Duration::from_secs(shared.config.refresh_s).max(self.begun.elapsed());
        let turn = match shared.frontier.claim(&self.name, &origins, age).await? {
            Known::Next(page) => {
                let outcome = self.visit(&page, failures).await;
                self.keep(&page, &outcome).await?;
                return Ok(Turn::Next);
            }
            Known::Later(wait) => Turn::Later(wait),
            Known::Done => Turn::End(End::Done),
        };
        shared.frontier.release(&self.name, None).await?;
        Ok(turn)
    }

    /// Asks for a page, where robots.txt allows it.
    async fn visit(&self, page: &Claimed, failures: u32) -> Outcome {
        let config = &self.shared.config;
        let Ok(url) = Url::parse(&page.url) else {
            return Outcome::new(State::Refused, Some("address"));
        };
        // One that ends the process each time it is read must not do so forever.
        if page.attempts.unsigned_abs() > config.max_attempts {
            return Outcome::new(State::Failed, Some("attempts"))
                .because(format!("{} attempts did not finish", config.max_attempts));
        }
        let allowed = self.robots.get(&page.origin);
        if !allowed.is_some_and(|(robots, _)| robots.allows(&url)) {
            return Outcome::new(State::Refused, Some("robots"))
                .because("robots.txt does not allow it");
        }
        visit::visit(&self.shared, page, &url, self.delay(), failures).await
    }

    async fn keep(&self, page: &Claimed, outcome: &Outcome) -> Result<(), FrontierError> {
        let shared = &self.shared;
        let most = shared.config.max_pages_per_host;
        let versions = shared
            .frontier
            .record(page, &self.name, outcome, most)
            .await?;
        shared.control.visited(&self.name, page, outcome, versions);
        Ok(())
    }

    /// The pause that is kept between two requests: the longest that settings and sites ask for.
    fn delay(&self) -> Duration {
        let asked = self
            .robots
            .values()
            .filter_map(|(robots, _)| robots.delay());
        asked.fold(self.shared.config.delay(), Duration::max)
    }

    fn available(&self) -> Vec<String> {
        let available = self
            .robots
            .iter()
            .filter(|(_, (robots, _))| robots.is_available());
        available.map(|(origin, _)| origin.clone()).collect()
    }

    /// Whether what a site allows is known and not too old; a crawler before this one may have asked.
    async fn knows_robots(&mut self, site: &Site) -> Result<bool, FrontierError> {
        if let Some((_, until)) = self.robots.get(&site.origin)
            && Instant::now() < *until
        {
            return Ok(true);
        }
        let Some(stored) = self.shared.frontier.robots(&site.origin).await? else {
            return Ok(false);
        };
        let status = stored
            .robots_status
            .and_then(|status| u16::try_from(status).ok());
        let robots = Robots::read(status, &stored.robots_body);
        let until = Instant::now() + stored.fresh;
        self.robots.insert(site.origin.clone(), (robots, until));
        Ok(true)
    }

    /// Asks for a site's robots.txt and keeps it.
    async fn ask_for_robots(&mut self, site: &Site, failures: u32) -> Result<Pause, FrontierError> {
        let shared = Arc::clone(&self.shared);
        let (stored, error, pause) = visit::robots(&shared, site, self.delay(), failures).await;
        let kept = shared
            .frontier
            .keep_robots(&site.origin, &self.name, &stored, error.as_deref());
        kept.await?;
        if let Some(error) = error {
            tracing::warn!(
                site = site.origin,
                error,
                "robots.txt is not available: nothing is read"
            );
        }
        metrics::counter!(ROBOTS.name()).increment(1);
        Ok(pause)
    }

    /// Puts a site's sitemaps and its first page into the frontier, once a run.
    async fn seed(&mut self, site: &Site) -> Result<(), FrontierError> {
        let Some((robots, _)) = self.robots.get(&site.origin) else {
            return Ok(());
        };
        if !robots.is_available() || self.seeded.contains(&site.origin) {
            return Ok(());
        }
        let named = robots.sitemaps().iter().take(MOST_SITEMAPS);
        let mut sitemaps: Vec<Url> = named
            .filter_map(|text| site.url.join(text).ok())
            .filter_map(page_url::normalised)
            .collect();
        if sitemaps.is_empty() {
            sitemaps.extend(site.url.join("/sitemap.xml"));
        }
        let permission = &self.shared.permission;
        let mut found: Vec<FoundLink> = sitemaps
            .iter()
            .filter_map(|url| visit::found(permission, url, 0, 0, true))
            .collect();
        found.extend(visit::found(permission, &site.url, 0, 0, false));
        let most = self.shared.config.max_pages_per_host;
        self.shared.frontier.add(&found, None, most).await?;
        self.seeded.push(site.origin.clone());
        Ok(())
    }
}
