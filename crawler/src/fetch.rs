//! One request and its answer, bounded in time and in size. Redirects are not followed here: where one
//! leads is a page like any other, with its own robots.txt, pace and checks.

mod error;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RETRY_AFTER,
};
use url::Url;

use crate::address::{Guard, NotPublic};
use crate::unpack;

pub use error::FetchError;

/// Longest header that is kept, in bytes.
const HEADER_BYTES: usize = 2048;
/// What pages and sitemaps are requested as.
const ACCEPTED: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,text/xml;q=0.9,*/*;q=0.1";

/// What the server gave along with a page the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its `Last-Modified`, as it was written.
    pub last_modified: Option<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `Content-Type`, in lower case.
    pub content_type: String,
    /// What to ask with the next time.
    pub validators: Validators,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// `Retry-After`, as it was written.
    pub retry_after: Option<String>,
    /// `X-Robots-Tag`, in lower case, all of them.
    pub robots_tag: String,
    /// The unpacked body; empty where the status or the type says that it is not wanted.
    pub body: Vec<u8>,
    /// Bytes that came over the network.
    pub received: usize,
}

/// Whether the body of an answer is read at all: a picture or a film is not.
pub type Reads = fn(content_type: &str) -> bool;

/// Sends requests in the user's name.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: reqwest::Client,
    guard: Guard,
    timeout: Duration,
}

impl Fetcher {
    /// A client without proxy, cookies, referer and redirects.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(user_agent: &str, guard: Guard, timeout: Duration) -> anyhow::Result<Fetcher> {
        common::telemetry::choose_tls_provider();
        let client = reqwest::Client::builder()
            .user_agent(user_agent)
            .no_proxy()
            .referer(false)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .dns_resolver(Arc::new(guard))
            .timeout(timeout)
            .connect_timeout(timeout)
            // A pause between two requests is longer than most servers keep a connection.
            .pool_max_idle_per_host(1)
            .build()
            .context("cannot create the HTTP client")?;
        Ok(Fetcher {
            client,
            guard,
            timeout,
        })
    }

    /// Asks for a page; `limit` bounds the body as it comes and once unpacked.
    ///
    /// # Errors
    /// When there is no answer, or one that is too large.
    pub async fn get(
        &self,
        url: &Url,
        validators: &Validators,
        reads: Reads,
        limit: usize,
    ) -> Result<Answer, FetchError> {
        self.guard.check(url)?;
        let mut request = self
            .client
            .get(url.clone())
            .header(ACCEPT, ACCEPTED)
            .header(ACCEPT_ENCODING, "gzip");
        if let Some(etag) = &validators.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(last_modified) = &validators.last_modified {
            request = request.header(IF_MODIFIED_SINCE, last_modified);
        }
        let mut response = request.send().await.map_err(|error| self.explain(&error))?;
        let headers = response.headers();
        let header = |name: HeaderName| text(headers, &name);
        let mut answer = Answer {
            status: response.status().as_u16(),
            content_type: header(CONTENT_TYPE).unwrap_or_default().to_lowercase(),
            validators: Validators {
                etag: header(ETAG),
                last_modified: header(LAST_MODIFIED),
            },
            location: header(LOCATION),
            retry_after: header(RETRY_AFTER),
            robots_tag: robots_tag(headers),
            body: Vec::new(),
            received: 0,
        };
        if answer.status != 200 || !reads(&answer.content_type) {
            // The connection is closed with the rest of the body unread.
            return Ok(answer);
        }
        let packing = header(CONTENT_ENCODING).unwrap_or_default().to_lowercase();
        let too_large = || FetchError::TooLarge {
            limit,
            when: "as received",
        };
        if response
            .content_length()
            .is_some_and(|length| length > limit as u64)
        {
            return Err(too_large());
        }
        let mut packed = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.explain(&error))?
        {
            if packed.len() + chunk.len() > limit {
                return Err(too_large());
            }
            packed.extend_from_slice(&chunk);
        }
        answer.received = packed.len();
        answer.body = unpack::unpack(packed, &packing, limit)?;
        Ok(answer)
    }

    fn explain(&self, error: &reqwest::Error) -> FetchError {
        if error.is_timeout() {
            return FetchError::Timeout {
                limit: self.timeout,
            };
        }
        let mut cause: &dyn Error = error;
        while let Some(next) = cause.source() {
            if let Some(refused) = next.downcast_ref::<NotPublic>() {
                return FetchError::NotPublic(refused.clone());
            }
            cause = next;
        }
        FetchError::Network {
            detail: cause.to_string(),
        }
    }
}

/// A header that is a text of a sensible length.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty() && value.len() <= HEADER_BYTES).then(|| value.to_owned())
}

fn robots_tag(headers: &HeaderMap) -> String {
    let all = headers.get_all("x-robots-tag").iter();
    let texts = all.filter_map(|value| value.to_str().ok());
    texts.collect::<Vec<_>>().join(",").to_lowercase()
}
