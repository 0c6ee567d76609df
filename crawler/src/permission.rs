//! What may be crawled, and in whose name: nothing, until the user has said so.

use url::{Host, Url};

use crate::address::is_public;
use crate::config::CrawlerConfig;

/// The name that robots.txt may use for this crawler.
pub const ROBOTS_NAME: &str = "HedonicCrawler";
/// Least pause between two requests to a host that is not this machine, in milliseconds.
const LEAST_DELAY_MS: u64 = 1000;
/// Most hosts of one crawler: each is a task.
const MOST_HOSTS: usize = 100;

/// One site: a scheme, a host and a port, which share a robots.txt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its address, with the path `/`.
    pub url: Url,
    /// `https://example.com`: as the tables name it.
    pub origin: String,
    /// What shares one pace: the host, with its port where that is an unusual one.
    pub lane: String,
}

/// The user's permission: which sites, and in whose name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// What may be read.
    pub sites: Vec<Site>,
    /// What every request says of itself.
    pub user_agent: String,
}

impl Permission {
    /// Reads the permission out of the settings.
    ///
    /// # Errors
    /// When hosts, contact or the confirmation are missing or wrong; the message states what to set.
    pub fn of(config: &CrawlerConfig) -> anyhow::Result<Permission> {
        let sites = config
            .hosts
            .split(',')
            .map(str::trim)
            .filter(|host| !host.is_empty())
            .map(|host| Site::parse(host, config.allow_private_addresses))
            .collect::<anyhow::Result<Vec<Site>>>()?;
        anyhow::ensure!(
            !sites.is_empty(),
            "crawler.hosts is empty: name the hosts to read, such as --set \
             crawler.hosts=example.com; the program has no list of hosts"
        );
        anyhow::ensure!(
            sites.len() <= MOST_HOSTS,
            "crawler.hosts has {} hosts; expected at most {MOST_HOSTS}",
            sites.len()
        );
        let contact = config.contact.trim();
        let is_page = contact.starts_with("https://") || contact.starts_with("http://");
        let is_mail = contact
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
        let is_plain = contact
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'(' && byte != b')');
        anyhow::ensure!(
            (is_page || is_mail) && is_plain,
            "crawler.contact = {contact:?}: expected an e-mail address or the address of a page that \
             has one, so that the owner of a host can reach you, such as \
             --set crawler.contact=crawl@example.com"
        );
        anyhow::ensure!(
            config.right_to_crawl,
            "crawler.right_to_crawl is false: set it to true if a program may read {}, by its \
             terms of use or with its owner's permission",
            config.hosts
        );
        anyhow::ensure!(
            config.delay_ms >= LEAST_DELAY_MS || sites.iter().all(Site::is_this_machine),
            "crawler.delay_ms = {}: expected at least {LEAST_DELAY_MS}; a shorter delay is only \
             for hosts on this machine",
            config.delay_ms
        );
        let version = env!("CARGO_PKG_VERSION");
        Ok(Permission {
            sites,
            user_agent: format!("{ROBOTS_NAME}/{version} (+{contact})"),
        })
    }

    /// The site that an address belongs to.
    pub fn site(&self, url: &Url) -> Option<&Site> {
        let origin = url.origin().ascii_serialization();
        self.sites.iter().find(|site| site.origin == origin)
    }
}

impl Site {
    fn parse(host: &str, allow_private: bool) -> anyhow::Result<Site> {
        let text = match host.contains("://") {
            true => host.to_owned(),
            false => format!("https://{host}"),
        };
        let wrong = |why: &str| {
            anyhow::anyhow!(
                "crawler.hosts has {host:?}: {why}; expected a host, such as example.com or \
                 http://127.0.0.1:8000"
            )
        };
        let url = Url::parse(&text).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("it is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "it has a user or a password, and logins are not supported",
            ));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "it has a path; the crawler reads everything that robots.txt allows",
            ));
        }
        let name = url.host_str().unwrap_or_default().to_owned();
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        if literal.is_some_and(|address| !is_public(address)) && !allow_private {
            return Err(wrong(
                "it is a private or loopback address, which needs crawler.allow_private_addresses",
            ));
        }
        let lane = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name,
        };
        Ok(Site {
            origin: url.origin().ascii_serialization(),
            lane,
            url,
        })
    }

    /// Whether it is this machine by its very name or address: nobody else is bothered then.
    fn is_this_machine(&self) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of a permission that is complete, with `set` on top.
    fn asked(set: &[(&str, &str)]) -> Result<Permission, String> {
        let complete = [
            ("crawler.hosts", "example.com"),
            ("crawler.contact", "crawl@example.org"),
            ("crawler.right_to_crawl", "true"),
        ];
        let pairs: Vec<(String, String)> = complete
            .iter()
            .chain(set)
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let layered = common::Layered::load(None, &pairs).expect("layers");
        let config: CrawlerConfig = layered.section("crawler").expect("a section");
        Permission::of(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_crawled_by_default_and_each_missing_word_is_named() {
        let layered = common::Layered::load(None, &[]).expect("defaults");
        let config: CrawlerConfig = layered.section("crawler").expect("a section");
        let error = Permission::of(&config).expect_err("no host is named");
        assert!(error.to_string().contains("crawler.hosts"), "{error}");
        for (set, expected) in [
            (("crawler.contact", ""), "crawler.contact"),
            (("crawler.contact", "me"), "crawler.contact"),
            (("crawler.contact", "a@b.c\r\nX: y"), "crawler.contact"),
            (
                ("crawler.right_to_crawl", "false"),
                "crawler.right_to_crawl",
            ),
            (("crawler.delay_ms", "999"), "crawler.delay_ms"),
            (
                ("crawler.hosts", "ftp://example.com"),
                "neither http nor https",
            ),
            (("crawler.hosts", "https://me:pass@example.com"), "logins"),
            (("crawler.hosts", "example.com/flats"), "path"),
            (
                ("crawler.hosts", "http://127.0.0.1:80"),
                "allow_private_addresses",
            ),
            (("crawler.hosts", "http://[::1]"), "allow_private_addresses"),
            (
                ("crawler.hosts", "http://2130706433"),
                "allow_private_addresses",
            ),
        ] {
            let error = asked(&[set]).expect_err("refused");
            assert!(error.contains(expected), "{set:?}: {error}");
        }
    }

    #[test]
    fn the_contact_is_in_the_user_agent_and_only_this_machine_may_be_hurried() {
        let permission = asked(&[]).expect("complete");
        assert!(permission.user_agent.contains("+crawl@example.org"));
        assert_eq!(permission.sites[0].origin, "https://example.com");
        let quick = ("crawler.delay_ms", "5");
        let allow = ("crawler.allow_private_addresses", "true");
        let here = (
            "crawler.hosts",
            "http://127.0.0.1:8000, http://localhost:81",
        );
        let permission = asked(&[quick, allow, here]).expect("this machine alone");
        let lanes: Vec<&str> = permission.sites.iter().map(|site| &*site.lane).collect();
        assert_eq!(lanes, ["127.0.0.1:8000", "localhost:81"]);
        for elsewhere in [
            "http://127.0.0.1,example.com",
            "http://10.0.0.1",
            "localhost.example.com",
        ] {
            let hosts = ("crawler.hosts", elsewhere);
            let error = asked(&[quick, allow, hosts]).expect_err("not this machine alone");
            assert!(error.contains("delay_ms"), "{error}");
        }
    }

    #[test]
    fn both_schemes_of_a_host_share_its_pace() {
        let hosts = ("crawler.hosts", "http://example.com,https://example.com");
        let sites = asked(&[hosts]).expect("two sites").sites;
        assert_ne!(sites[0].origin, sites[1].origin);
        assert_eq!(sites[0].lane, sites[1].lane);
    }
}
