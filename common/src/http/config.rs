//! Section `[http]`: who may ask a service what, and how long a client may take.

use anyhow::ensure;
use serde::Deserialize;

use crate::secret::Secret;

/// What a service shows to those who do not have the token, where one is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Open {
    /// The health probes alone.
    Health,
    /// Also `/metrics`.
    Metrics,
    /// Also `/status` and `/quality`.
    Status,
}

/// Section `[http]`, shared by all services.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// What `Authorization: Bearer` must carry; empty for no token.
    pub token: Secret,
    /// What is shown without the token, where one is set.
    pub open: Open,
    /// Names, separated by commas, that a `Host` header may have beside addresses and loopback names:
    /// a page on the web cannot reach the service under a name of its own (DNS rebinding).
    pub allowed_hosts: String,
    /// Address of a second listener, with a thread of its own, for health probes and metrics; empty
    /// for none.
    pub health: String,
    /// Most connections at a time; the limit on open files may say less.
    pub max_connections: usize,
    /// Bounds the wait for a request's headers.
    pub head_s: u64,
    /// Bounds the wait for a whole body.
    pub body_s: u64,
    /// A body that comes more slowly, after a few seconds, is not waited for: a client of half a body
    /// holds its connection for seconds, not for `body_s`.
    pub body_bytes_per_s: u64,
    /// How long a connection may stay open without a request.
    pub keep_alive_s: u64,
    /// How long requests are still answered after the service was asked to stop and is not ready any
    /// more: those who send them learn of it in that time.
    pub drain_s: u64,
}

impl HttpConfig {
    /// The same with a service's earlier setting of a token, where that is set.
    #[must_use]
    pub fn with_token(mut self, token: &Secret) -> HttpConfig {
        if !token.is_empty() {
            self.token = token.clone();
        }
        self
    }

    /// Whether a token is required.
    pub fn has_token(&self) -> bool {
        !self.token.is_empty()
    }

    /// # Errors
    /// When a setting is out of its bounds; the message names it.
    pub fn check(&self) -> anyhow::Result<()> {
        let token = self.token.expose();
        ensure!(
            token.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && token == token.trim(),
            "http.token: expected visible ASCII without spaces at its ends, as a header carries it"
        );
        ensure!(
            self.max_connections >= 1,
            "http.max_connections is 0; expected at least 1"
        );
        for (name, seconds) in [
            ("head_s", self.head_s),
            ("body_s", self.body_s),
            ("keep_alive_s", self.keep_alive_s),
        ] {
            ensure!(
                (1..=86_400).contains(&seconds),
                "http.{name} is {seconds}; expected 1 to 86400 seconds"
            );
        }
        ensure!(
            self.drain_s <= 3600,
            "http.drain_s is {}; expected 0 to 3600 seconds",
            self.drain_s
        );
        Ok(())
    }

    /// The names of `allowed_hosts`, in lower case.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.allowed_hosts.split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .map(str::to_ascii_lowercase)
            .collect()
    }
}

#[cfg(test)]
pub(super) fn defaults() -> HttpConfig {
    let layered = crate::Layered::defaults().expect("the defaults are valid");
    layered.section("http").expect("a section")
}
