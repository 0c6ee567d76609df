//! Names of streets: from Mockaroo where a key is set, else from a file or the compiled-in list.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Client, StatusCode, Url};
use serde_json::Value;

/// Compiled in, so that there are always streets.
const BUILT_IN: &str = include_str!("../../data/streets.csv");

/// Bounds what an answer or a file may cost.
const TEXT_MAX_BYTES: usize = 1024 * 1024;

/// Longer "names" are not names, and the schema would reject them.
const NAME_MAX_BYTES: usize = 200;

/// The longest pause between two attempts.
const BACKOFF_MAX_MS: u64 = 10_000;

/// Names of the column, as Mockaroo's field types and people call it.
const COLUMNS: [&str; 2] = ["street", "street_name"];

/// Why street names are not available. No variant holds the key or the URL's
/// query.
#[derive(Debug, thiserror::Error)]
pub enum StreetsError {
    /// Nothing to ask with.
    #[error(
        "expected a URL and a key of the street service, found no {missing}: set both, or neither to use the file"
    )]
    NotSet {
        /// Which of the two settings is wrong.
        missing: &'static str,
    },
    /// The URL's text is wrong.
    #[error("the street service's URL is invalid: expected http:// or https:// and a host")]
    Url,
    /// The key's text is wrong.
    #[error("the street service's key is invalid: expected printable ASCII without spaces")]
    Key,
    /// No answer in time.
    #[error(
        "{server} did not answer completely within {timeout_ms} ms (attempt {attempts}): check the \
         network or raise the timeout"
    )]
    Timeout {
        /// Scheme, host and port, without the query.
        server: String,
        /// What was waited.
        timeout_ms: u64,
        /// How often it was tried.
        attempts: u32,
    },
    /// No connection, or it broke.
    #[error("{server} could not be reached (attempt {attempts}): check the URL and the network")]
    Unreachable {
        /// Scheme, host and port, without the query.
        server: String,
        /// How often it was tried.
        attempts: u32,
        /// The client's reason, its URL taken off.
        source: reqwest::Error,
    },
    /// An answer that is not a success.
    #[error("{server} answered {status}; expected 200 (attempt {attempts}): {advice}")]
    Status {
        /// Scheme, host and port, without the query.
        server: String,
        /// Its message.
        status: StatusCode,
        /// How often it was tried.
        attempts: u32,
        /// What to do about this status.
        advice: &'static str,
    },
    /// More than a list of streets can be.
    #[error("{origin} has more than {TEXT_MAX_BYTES} bytes: request fewer streets")]
    TooLarge {
        /// The server or the file.
        origin: String,
    },
    /// An answer without streets in it.
    #[error(
        "{origin}: expected a JSON array or CSV with a field street or street_name, found {found}: check the schema of the service or the file"
    )]
    Unreadable {
        /// The server or the file.
        origin: String,
        /// A description of the answer without its text: a server may send the key back.
        found: &'static str,
    },
    /// The file is away or may not be read.
    #[error("cannot read the file of streets {path}: check the path and its permissions")]
    Read {
        /// States which file of several settings it was.
        path: PathBuf,
        /// The system's own reason.
        source: std::io::Error,
    },
}

impl StreetsError {
    /// Whether another attempt may go better.
    fn is_passing(&self) -> bool {
        match self {
            StreetsError::Timeout { .. } | StreetsError::Unreachable { .. } => true,
            StreetsError::Status { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        }
    }
}

/// Where streets come from.
#[derive(Clone)]
pub struct StreetSource {
    /// Mockaroo's address; neither this nor a key: only the file is used, without a warning.
    pub url: Option<String>,
    /// Mockaroo's key: from the configuration, never printed.
    pub key: Option<String>,
    /// How many names to ask for; more are cut off.
    pub count: usize,
    /// Longest time of one attempt, its body included.
    pub timeout_ms: u64,
    /// Most attempts; 0 counts as 1.
    pub attempts: u32,
    /// The first pause between attempts; it doubles, up to 10 s.
    pub backoff_ms: u64,
    /// CSV with a column `street`; none: the compiled-in list.
    pub file: Option<PathBuf>,
}

/// By hand: a derived one would print the key, which may also be in the URL.
impl fmt::Debug for StreetSource {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter
            .debug_struct("StreetSource")
            .field("url_is_set", &self.url.is_some())
            .field("key_is_set", &self.key.is_some())
            .field("count", &self.count)
            .field("timeout_ms", &self.timeout_ms)
            .field("attempts", &self.attempts)
            .field("backoff_ms", &self.backoff_ms)
            .field("file", &self.file)
            .finish()
    }
}

/// The names of `data/streets.csv`, compiled in.
pub fn built_in() -> Vec<String> {
    parse(BUILT_IN.as_bytes(), "data/streets.csv")
        .expect("the compiled-in streets are valid: a test parses them")
}

/// Asks Mockaroo: `GET url?key=…&count=N`, with the key also as `X-API-Key`. Reads a JSON array
/// of objects with `street` or `street_name`, or of texts, or CSV with such a header, of at most
/// 1 MiB. Timeouts, broken connections, 5xx and 429 are retried, other answers are not. The
/// client should not follow redirects: the key would go along.
///
/// # Errors
/// When a setting is missing or wrong, no attempt succeeded, or the answer holds no streets.
pub async fn fetch(source: &StreetSource, client: &Client) -> Result<Vec<String>, StreetsError> {
    let url = set(&source.url).ok_or(StreetsError::NotSet { missing: "URL" })?;
    let key = set(&source.key).ok_or(StreetsError::NotSet { missing: "key" })?;
    let mut url = server_url(url).ok_or(StreetsError::Url)?;
    let server = url.origin().ascii_serialization();
    url.query_pairs_mut()
        .append_pair("key", key)
        .append_pair("count", &source.count.to_string());
    let mut header = HeaderValue::from_str(key).map_err(|_| StreetsError::Key)?;
    header.set_sensitive(true);

    let most = source.attempts.max(1);
    let mut backoff_ms = source.backoff_ms.min(BACKOFF_MAX_MS);
    let mut attempt = 1;
    let body = loop {
        let timeout = Duration::from_millis(source.timeout_ms);
        let request = client
            .get(url.clone())
            .header("X-API-Key", header.clone())
            .timeout(timeout);
        let result = tokio::time::timeout(timeout, request_once(request, &server, attempt)).await;
        let error = match result {
            Ok(Ok(body)) => break body,
            Ok(Err(StreetsError::Unreachable { source, .. })) if !source.is_timeout() => {
                StreetsError::Unreachable {
                    server: server.clone(),
                    attempts: attempt,
                    source,
                }
            }
            Err(_) | Ok(Err(StreetsError::Unreachable { .. })) => StreetsError::Timeout {
                server: server.clone(),
                timeout_ms: source.timeout_ms,
                attempts: attempt,
            },
            Ok(Err(error)) => error,
        };
        if attempt >= most || !error.is_passing() {
            return Err(error);
        }
        tracing::debug!(%error, backoff_ms, "cannot get street names; retrying");
        tokio::time::sleep(Duration::from_millis(backoff_ms)).await;
        backoff_ms = backoff_ms.saturating_mul(2).min(BACKOFF_MAX_MS);
        attempt += 1;
    };
    let mut names = parse(&body, &server)?;
    names.truncate(source.count.max(1));
    Ok(names)
}

/// The URL of a text, where it names an HTTP server.
pub(crate) fn server_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Always returns streets: fetched if a URL and a key are set, else from the file, else the
/// compiled-in ones. Whatever fails on the way is reported in one warning.
pub async fn streets(source: &StreetSource, client: &Client) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    if set(&source.url).is_some() || set(&source.key).is_some() {
        match fetch(source, client).await {
            Ok(names) => return names,
            Err(error) => reasons.push(message(&error)),
        }
    }
    let (names, origin) = match &source.file {
        None => (built_in(), "the built-in list".to_owned()),
        Some(path) => match load(path) {
            Ok(names) => (names, path.display().to_string()),
            Err(error) => {
                reasons.push(message(&error));
                (built_in(), "the built-in list".to_owned())
            }
        },
    };
    if !reasons.is_empty() {
        let (count, reason) = (names.len(), reasons.join("; then "));
        tracing::warn!(reason, count, "street names come from {origin}");
    }
    names
}

/// One attempt: the body of a successful answer.
async fn request_once(
    request: reqwest::RequestBuilder,
    server: &str,
    attempts: u32,
) -> Result<Vec<u8>, StreetsError> {
    // A client's error names the URL, and the URL holds the key.
    let unreachable = |error: reqwest::Error| StreetsError::Unreachable {
        server: server.to_owned(),
        attempts,
        source: error.without_url(),
    };
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if status != StatusCode::OK {
        return Err(StreetsError::Status {
            server: server.to_owned(),
            status,
            attempts,
            advice: match status.as_u16() {
                401 | 403 => "check the key",
                404 => "check the URL's path",
                429 => "send fewer requests, or raise the plan's limit",
                500.. => "try later",
                _ => "check the URL",
            },
        });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > TEXT_MAX_BYTES {
            return Err(StreetsError::TooLarge {
                origin: server.to_owned(),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Street names from a file: CSV with a column `street`, or what Mockaroo sends.
///
/// # Errors
/// When the file cannot be read, is over 1 MiB, or holds no streets.
pub fn load(path: &Path) -> Result<Vec<String>, StreetsError> {
    let read = |source| StreetsError::Read {
        path: path.to_owned(),
        source,
    };
    let origin = path.display().to_string();
    if std::fs::metadata(path).map_err(read)?.len() > TEXT_MAX_BYTES as u64 {
        return Err(StreetsError::TooLarge { origin });
    }
    parse(&std::fs::read(path).map_err(read)?, &origin)
}

/// The names in JSON or CSV: trimmed, each once, in their order, at least one.
fn parse(text: &[u8], origin: &str) -> Result<Vec<String>, StreetsError> {
    let unreadable = |found| StreetsError::Unreadable {
        origin: origin.to_owned(),
        found,
    };
    let text = std::str::from_utf8(text).map_err(|_| unreadable("bytes that are not UTF-8"))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let found = if text.starts_with(['[', '{']) {
        from_json(text).map_err(unreadable)?
    } else {
        from_csv(text).map_err(unreadable)?
    };
    let mut seen = HashSet::new();
    let names: Vec<String> = found
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty() && name.len() <= NAME_MAX_BYTES)
        .filter(|name| !name.contains(char::is_control))
        .filter(|name| seen.insert(name.to_owned()))
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        return Err(unreadable("no usable name"));
    }
    Ok(names)
}

fn from_json(text: &str) -> Result<Vec<String>, &'static str> {
    let rows = match serde_json::from_str(text) {
        Ok(Value::Array(rows)) => rows,
        // Mockaroo sends a single record without its array.
        Ok(row) => vec![row],
        Err(_) => return Err("broken JSON"),
    };
    rows.into_iter()
        .map(|row| match row {
            Value::String(name) => Ok(name),
            row => COLUMNS
                .iter()
                .find_map(|column| row.get(column)?.as_str())
                .map(str::to_owned)
                .ok_or("a row without that field"),
        })
        .collect()
}

fn from_csv(text: &str) -> Result<Vec<String>, &'static str> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|_| "an invalid header")?;
    let column = headers
        .iter()
        .position(|header| COLUMNS.contains(&header.trim()))
        .ok_or("a header without that column")?;
    reader
        .records()
        .map(|row| match row {
            Ok(row) => Ok(row.get(column).unwrap_or_default().to_owned()),
            Err(_) => Err("an invalid row"),
        })
        .collect()
}

fn set(setting: &Option<String>) -> Option<&str> {
    setting
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// An error with its sources, on one line.
fn message(error: &StreetsError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
