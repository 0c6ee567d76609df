//! Which requests are allowed: checks of `Host`, of the page that sends them, and of the token.

use std::net::{IpAddr, SocketAddr};

use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_ENCODING, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
};
use subtle::ConstantTimeEq;

use super::config::{HttpConfig, Open};

const SCHEME: &[u8] = b"Bearer ";
/// Sent by browsers: the relation between the sending page and this service.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Health probes: orchestrators send them under any host name.
    Health,
    /// Paths that describe the interface and contain no data.
    Page,
    /// Numbers.
    Metrics,
    /// How the service stands.
    Status,
    /// All else: data, prices, control.
    Rest,
}

impl Kind {
    /// Every other path is guarded.
    fn of(path: &str) -> Kind {
        match path {
            "/health/live" | "/health/ready" => Kind::Health,
            "/" | "/openapi.json" => Kind::Page,
            path if path.starts_with("/assets/") => Kind::Page,
            "/metrics" => Kind::Metrics,
            "/status" | "/quality" => Kind::Status,
            _ => Kind::Rest,
        }
    }
}

/// Why a request is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// For a metric and the log.
    pub code: &'static str,
    /// Expectation, value found and remedy.
    pub why: String,
}

impl Refusal {
    fn forbidden(code: &'static str, why: String) -> Refusal {
        Refusal {
            status: 403,
            code,
            why,
        }
    }
}

/// The rules of one service.
#[derive(Debug)]
pub(super) struct Guard {
    token: Vec<u8>,
    open: Open,
    /// Names that a `Host` may have.
    names: Vec<String>,
}

/// What the rules look at.
struct Asked<'a> {
    /// Whether it may change something.
    changes: bool,
    kind: Kind,
    headers: &'a HeaderMap,
}

impl Guard {
    pub(super) fn new(config: &HttpConfig) -> Guard {
        Guard {
            token: config.token.expose().as_bytes().to_vec(),
            open: config.open,
            names: config.names(),
        }
    }

    pub(super) fn has_token(&self) -> bool {
        !self.token.is_empty()
    }

    /// Whether a request may come in.
    pub(super) fn admit(&self, request: &ServiceRequest) -> Result<(), Refusal> {
        let reads = [Method::GET, Method::HEAD, Method::OPTIONS];
        self.judge(&Asked {
            changes: !reads.contains(request.method()),
            kind: Kind::of(request.path()),
            headers: request.headers(),
        })?;
        encoded(request.headers())
    }

    /// Whether a request may set something off that is requested by GET, as earlier releases had it:
    /// a link or an image on any page is enough to send one.
    pub(super) fn admit_trigger(&self, request: &ServiceRequest) -> Result<(), Refusal> {
        self.judge(&Asked {
            changes: true,
            kind: Kind::Rest,
            headers: request.headers(),
        })?;
        let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
        if self.has_token() || peer.is_some_and(|peer| peer.is_loopback()) {
            return Ok(());
        }
        let why = "a GET request may start an action only from this machine; use POST, or set \
                   http.token and send it";
        Err(Refusal::forbidden("trigger", why.to_owned()))
    }

    fn judge(&self, asked: &Asked<'_>) -> Result<(), Refusal> {
        if asked.kind == Kind::Health {
            return Ok(());
        }
        let host = self.host(asked.headers)?;
        if asked.changes {
            self.page(asked.headers, host)?;
        }
        if self.is_open(asked.kind) || self.has_right_token(asked.headers) {
            return Ok(());
        }
        Err(Refusal {
            status: 401,
            code: "token",
            why: "expected the header Authorization: Bearer TOKEN with the token of http.token (or the \
                  service's own, such as applier.token)"
                .to_owned(),
        })
    }

    /// The `Host` that was requested, where it is one of this service's. A page whose name was made to
    /// point to this machine (DNS rebinding) still asks under its own name.
    fn host<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Refusal> {
        let mut hosts = headers.get_all(HOST);
        // Browsers always send one.
        let Some(host) = hosts.next() else {
            return Ok(None);
        };
        let host = host.to_str().unwrap_or("(no text)");
        if hosts.next().is_none() && self.is_ours(host) {
            return Ok(Some(host));
        }
        let why = format!(
            "the Host header is {host:?}; expected an IP address, localhost, or a name listed in \
             http.allowed_hosts"
        );
        Err(Refusal::forbidden("host", why))
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = name_of(host);
        let is_address = name.parse::<IpAddr>().is_ok();
        is_address || name == "localhost" || name.ends_with(".localhost") || self.is_listed(&name)
    }

    fn is_listed(&self, name: &str) -> bool {
        self.names.iter().any(|listed| match listed.as_str() {
            "*" => true,
            listed => match listed.strip_prefix('*') {
                Some(end) if end.starts_with('.') => name.ends_with(end),
                _ => name == listed,
            },
        })
    }

    /// Whether the page that asks, where a browser says that one does, is the service's own or one
    /// of a listed host.
    fn page(&self, headers: &HeaderMap, host: Option<&str>) -> Result<(), Refusal> {
        if let Some(origin) = headers.get(ORIGIN) {
            let origin = origin.to_str().unwrap_or("(no text)");
            let place = origin
                .split_once("://")
                .map(|(_, place)| place.to_ascii_lowercase());
            let is_ours = place.is_some_and(|place| {
                host.is_some_and(|host| host.eq_ignore_ascii_case(&place))
                    || self.is_listed(&name_of(&place))
            });
            if is_ours {
                return Ok(());
            }
            let why = format!(
                "a page of {origin} may not send this request; expected no Origin, the service's \
                 own, or one of a host listed in http.allowed_hosts"
            );
            return Err(Refusal::forbidden("origin", why));
        }
        match headers.get(FETCH_SITE).map(|site| site.as_bytes()) {
            None | Some(b"none" | b"same-origin") => Ok(()),
            Some(_) => {
                let why =
                    "a page of another site may not send this request (Sec-Fetch-Site)".to_owned();
                Err(Refusal::forbidden("origin", why))
            }
        }
    }

    fn is_open(&self, kind: Kind) -> bool {
        if !self.has_token() {
            return true;
        }
        match kind {
            Kind::Health | Kind::Page => true,
            Kind::Metrics => self.open != Open::Health,
            Kind::Status => self.open == Open::Status,
            Kind::Rest => false,
        }
    }

    /// Takes as long for a wrong token as for the right one.
    fn has_right_token(&self, headers: &HeaderMap) -> bool {
        let found = headers.get(AUTHORIZATION).map(|found| found.as_bytes());
        let found = found.and_then(|found| found.strip_prefix(SCHEME));
        found.is_some_and(|found| found.ct_eq(&self.token).into())
    }
}

/// A host without its port, in lower case; an address without its brackets.
fn name_of(host: &str) -> String {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None if host.parse::<IpAddr>().is_ok() => host,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name.to_ascii_lowercase()
}

/// Logs a warning if other machines can use every path.
pub(super) fn warn_where_open(guard: &Guard, at: SocketAddr) {
    if !guard.has_token() && !at.ip().to_canonical().is_loopback() {
        tracing::warn!(
            %at,
            "other machines can reach this address and http.token is not set: every client may \
             read and change everything"
        );
    }
}

/// Refuses a body that was packed on its way: read as it is, it would be garbage to whoever looks for the reason.
fn encoded(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_plain = |encoding: &HeaderValue| encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    match headers
        .get_all(CONTENT_ENCODING)
        .find(|encoding| !is_plain(encoding))
    {
        None => Ok(()),
        Some(encoding) => Err(Refusal {
            status: 415,
            code: "encoding",
            why: format!(
                "expected a body without Content-Encoding, found {:?}: send it unpacked",
                encoding.to_str().unwrap_or("(no text)")
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::super::config::defaults;
    use super::*;

    const LOOPBACK: &str = "127.0.0.1:50000";

    fn guard(token: &str, open: Open, hosts: &str) -> Guard {
        Guard::new(&HttpConfig {
            token: crate::Secret::new(token),
            open,
            allowed_hosts: hosts.to_owned(),
            ..defaults()
        })
    }

    /// What becomes of a request: the refusal's code, or nothing.
    fn code(
        guard: &Guard,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Option<&'static str> {
        let mut request = TestRequest::with_uri(path).method(method);
        for (name, value) in headers {
            request = request.append_header((*name, *value));
        }
        let request = request.peer_addr(LOOPBACK.parse().expect("an address"));
        let admitted = guard.admit(&request.to_srv_request());
        admitted.err().map(|refusal| refusal.code)
    }

    #[test]
    fn a_host_is_an_address_a_loopback_name_or_listed() {
        let guard = guard("", Open::Status, "data-loader, *.svc.cluster.local");
        for host in [
            "127.0.0.1:8082",
            "192.168.1.7",
            "[::1]:8082",
            "localhost:8082",
            "LOCALHOST.",
            "data-loader:8082",
            "Data-Loader",
            "loader.prices.svc.cluster.local:80",
        ] {
            let found = code(&guard, Method::GET, "/status", &[("Host", host)]);
            assert_eq!(found, None, "{host}");
        }
        for host in [
            "evil.example:8082",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "svc.cluster.local.evil.example",
            "evil-svc.cluster.local",
            "",
        ] {
            let found = code(&guard, Method::GET, "/status", &[("Host", host)]);
            assert_eq!(found, Some("host"), "{host}");
            // An orchestrator asks under whatever name.
            let found = code(&guard, Method::GET, "/health/ready", &[("Host", host)]);
            assert_eq!(found, None, "{host}");
        }
        let two = [("Host", "localhost"), ("Host", "evil.example")];
        assert_eq!(code(&guard, Method::GET, "/status", &two), Some("host"));
        assert_eq!(code(&guard, Method::GET, "/status", &[]), None);
    }

    #[test]
    fn a_page_elsewhere_changes_nothing() {
        let guard = guard("", Open::Status, "panel.example");
        let ours = ("Host", "127.0.0.1:8081");
        for (headers, expected) in [
            (vec![ours], None),
            (vec![ours, ("Origin", "http://127.0.0.1:8081")], None),
            (
                vec![
                    ours,
                    ("Origin", "https://panel.example"),
                    ("Sec-Fetch-Site", "cross-site"),
                ],
                None,
            ),
            (
                vec![ours, ("Origin", "http://evil.example")],
                Some("origin"),
            ),
            (
                vec![ours, ("Origin", "http://127.0.0.1:3000")],
                Some("origin"),
            ),
            (vec![ours, ("Origin", "null")], Some("origin")),
            (vec![ours, ("Sec-Fetch-Site", "cross-site")], Some("origin")),
            (vec![ours, ("Sec-Fetch-Site", "same-site")], Some("origin")),
            (vec![ours, ("Sec-Fetch-Site", "none")], None),
        ] {
            for method in [Method::POST, Method::PUT, Method::DELETE] {
                let found = code(&guard, method, "/stop", &headers);
                assert_eq!(found, expected, "{headers:?}");
            }
            // It may be linked to: reading changes nothing, and what it says is not shown to the page.
            assert_eq!(code(&guard, Method::GET, "/status", &headers), None);
        }
    }

    #[test]
    fn with_a_token_all_else_needs_it_and_what_is_open_is_a_setting() {
        let right = [("Authorization", "Bearer a-secret")];
        for wrong in [
            vec![],
            vec![("Authorization", "Bearer a-secre")],
            vec![("Authorization", "Bearer a-secret2")],
            vec![("Authorization", "Basic a-secret")],
            vec![("Authorization", "a-secret")],
        ] {
            for (open, path, expected) in [
                (Open::Status, "/stop", Some("token")),
                (Open::Status, "/whatever", Some("token")),
                (Open::Status, "/status/", Some("token")),
                (Open::Status, "/status", None),
                (Open::Status, "/quality", None),
                (Open::Metrics, "/status", Some("token")),
                (Open::Metrics, "/metrics", None),
                (Open::Health, "/metrics", Some("token")),
                (Open::Health, "/health/live", None),
                (Open::Health, "/health/ready", None),
            ] {
                let guard = guard("a-secret", open, "");
                let found = code(&guard, Method::GET, path, &wrong);
                assert_eq!(found, expected, "{open:?} {path} {wrong:?}");
                assert_eq!(code(&guard, Method::POST, path, &right), None);
            }
        }
    }

    #[test]
    fn a_get_that_sets_something_off_is_taken_from_this_machine_or_with_the_token() {
        let refusal = |guard: &Guard, peer: &str, headers: &[(&str, &str)]| {
            let mut request = TestRequest::with_uri("/generate_and_produce_requests")
                .peer_addr(peer.parse().expect("an address"));
            for (name, value) in headers {
                request = request.append_header((*name, *value));
            }
            let admitted = guard.admit_trigger(&request.to_srv_request());
            admitted.err().map(|refusal| refusal.code)
        };
        let open = guard("", Open::Status, "");
        assert_eq!(refusal(&open, LOOPBACK, &[]), None);
        assert_eq!(refusal(&open, "[::ffff:127.0.0.1]:5", &[]), None);
        assert_eq!(refusal(&open, "192.0.2.1:5", &[]), Some("trigger"));
        // An image on a page.
        let image = [("Sec-Fetch-Site", "cross-site")];
        assert_eq!(refusal(&open, LOOPBACK, &image), Some("origin"));
        let closed = guard("a-secret", Open::Status, "");
        assert_eq!(refusal(&closed, LOOPBACK, &[]), Some("token"));
        let right = [("Authorization", "Bearer a-secret")];
        assert_eq!(refusal(&closed, "192.0.2.1:5", &right), None);
    }
}
