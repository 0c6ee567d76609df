//! robots.txt by RFC 9309: what a site allows this crawler.

use std::time::Duration;

use texting_robots::Robot;
use url::Url;

use crate::permission::ROBOTS_NAME;

/// RFC 9309, 2.5: at least so much of a robots.txt is read; the rest is left.
pub const MOST_BYTES: usize = 500 * 1024;
/// Longest Crawl-delay that is kept to the letter: a day.
const MOST_DELAY_S: f32 = 86_400.0;

/// What a site's robots.txt says.
pub enum Robots {
    /// These rules.
    Rules(Box<Robot>),
    /// There is none (4xx): all is allowed.
    Unrestricted,
    /// It was not available (5xx, no answer): nothing is allowed.
    Unavailable,
}

impl Robots {
    /// Reads what a site answered, `None` where it did not; the status is that of `/robots.txt`.
    pub fn read(status: Option<u16>, body: &str) -> Robots {
        match status {
            Some(200..=299) => Robots::parse(body),
            // Too many requests has nothing about what is allowed.
            Some(429) => Robots::Unavailable,
            Some(400..=499) => Robots::Unrestricted,
            _ => Robots::Unavailable,
        }
    }

    fn parse(body: &str) -> Robots {
        match Robot::new(ROBOTS_NAME, body.as_bytes()) {
            Ok(robot) => Robots::Rules(Box::new(robot)),
            // What cannot be read may forbid anything.
            Err(_) => Robots::Unavailable,
        }
    }

    /// Whether the site may be read at all just now.
    pub fn is_available(&self) -> bool {
        !matches!(self, Robots::Unavailable)
    }

    /// Whether a page may be read.
    pub fn allows(&self, url: &Url) -> bool {
        match self {
            Robots::Rules(robot) => robot.allowed(url.as_str()),
            Robots::Unrestricted => true,
            Robots::Unavailable => false,
        }
    }

    /// The pause between two requests that it asks for.
    pub fn delay(&self) -> Option<Duration> {
        let Robots::Rules(robot) = self else {
            return None;
        };
        let seconds = robot
            .delay
            .filter(|seconds| seconds.is_finite() && *seconds > 0.0)?;
        Some(Duration::from_secs_f32(seconds.min(MOST_DELAY_S)))
    }

    /// The sitemaps it names.
    pub fn sitemaps(&self) -> &[String] {
        match self {
            Robots::Rules(robot) => &robot.sitemaps,
            Robots::Unrestricted | Robots::Unavailable => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str) -> Url {
        Url::parse(&format!("https://example.com{path}")).expect("a URL")
    }

    #[test]
    fn statuses_are_read_as_the_rfc_says() {
        for status in [Some(500), Some(503), Some(429), Some(302), None] {
            let robots = Robots::read(status, "");
            assert!(
                !robots.allows(&url("/")) && !robots.is_available(),
                "{status:?}"
            );
        }
        for status in [Some(404), Some(403), Some(410)] {
            assert!(
                Robots::read(status, "Disallow: /").allows(&url("/")),
                "{status:?}"
            );
        }
    }

    #[test]
    fn the_group_of_this_crawler_and_its_longest_rule_win() {
        let text = "User-agent: *\nDisallow: /\n\nUser-agent: hedoniccrawler\nDisallow: /private/\n\
            Allow: /private/open/\nDisallow: /*.pdf$\nCrawl-delay: 3\n\nSitemap: https://example.com/s.xml\n";
        let robots = Robots::read(Some(200), text);
        for (path, allowed) in [
            ("/", true),
            ("/private/x", false),
            ("/private/open/x", true),
            ("/a.pdf", false),
            ("/a.pdf?x", true),
        ] {
            assert_eq!(robots.allows(&url(path)), allowed, "{path}");
        }
        assert_eq!(robots.delay(), Some(Duration::from_secs(3)));
        assert_eq!(robots.sitemaps(), ["https://example.com/s.xml"]);
        let others = Robots::read(Some(200), "User-agent: *\nDisallow: /x");
        assert!(!others.allows(&url("/x/y")) && others.allows(&url("/y")));
    }

    #[test]
    fn junk_is_survived() {
        // Matching takes no longer with more wildcards.
        let hostile = format!("User-agent: *\nDisallow: /{}b\n", "*a".repeat(500));
        let robots = Robots::read(Some(200), &hostile);
        assert!(robots.allows(&url(&format!("/{}", "a".repeat(2000)))));
        assert!(!robots.allows(&url(&format!("/{}b", "a".repeat(600)))));
        Robots::read(
            Some(200),
            "\0\u{fffd}<html>\nUser-agent:\nDisallow\n: :\nCrawl-delay: -1",
        );
    }
}
