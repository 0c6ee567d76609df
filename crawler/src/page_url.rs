//! Addresses of pages: in one spelling, and which are worth asking for at all.

use url::Url;

use crate::personal;

/// Longest address that is kept, in bytes.
const LONGEST: usize = 2048;
/// Parameters that state where a visitor came from, not what a page is.
const TRACKING: [&str; 8] = [
    "fbclid",
    "gclid",
    "yclid",
    "msclkid",
    "dclid",
    "mc_cid",
    "mc_eid",
    "_openstat",
];
/// Parts of a path behind which a login, an account or a form lies.
const LOGIN: [&str; 15] = [
    "login",
    "log-in",
    "logon",
    "signin",
    "sign-in",
    "signup",
    "sign-up",
    "register",
    "registration",
    "logout",
    "auth",
    "oauth",
    "account",
    "password",
    "wp-login.php",
];
/// Endings of paths that are not pages.
const NO_PAGES: [&str; 22] = [
    "jpg", "jpeg", "png", "gif", "webp", "avif", "svg", "ico", "bmp", "css", "js", "pdf", "zip",
    "mp4", "webm", "mp3", "woff", "woff2", "doc", "docx", "xls", "xlsx",
];

/// An address in one spelling: without a fragment, without parameters of tracking. `None` for what is not
/// http or https, has a user or a password, or is too long.
pub fn normalised(mut url: Url) -> Option<Url> {
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_web || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.set_fragment(None);
    if url.query().is_some() {
        let is_tracking = |name: &str| TRACKING.contains(&name) || name.starts_with("utm_");
        let parts = url.query().unwrap_or_default().split('&');
        let kept: Vec<&str> = parts
            .filter(|part| {
                !part.is_empty() && !is_tracking(part.split('=').next().unwrap_or_default())
            })
            .collect();
        let query = (!kept.is_empty()).then(|| kept.join("&"));
        url.set_query(query.as_deref());
    }
    (url.as_str().len() <= LONGEST).then_some(url)
}

/// Why an address is not asked for, though a page links to it; `None` where it may be.
pub fn refusal(url: &Url) -> Option<&'static str> {
    let path = url.path().to_ascii_lowercase();
    if path.split('/').any(|part| LOGIN.contains(&part)) {
        return Some("login");
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    let end = last.rsplit_once('.').map_or("", |(_, end)| end);
    if NO_PAGES.contains(&end) {
        return Some("content_type");
    }
    let has_mail = url.as_str().contains("%40") || url.as_str().contains('@');
    (has_mail && personal::has_mail(&url.as_str().replace("%40", "@"))).then_some("personal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_has_one_spelling() {
        let one = |text: &str| {
            let url = Url::parse(text).expect("a URL");
            normalised(url).map(|url| url.to_string())
        };
        for text in [
            "https://Example.com:443/a/../b?x=1#top",
            "https://example.com/b?utm_source=y&x=1&gclid=3",
        ] {
            assert_eq!(one(text).as_deref(), Some("https://example.com/b?x=1"));
        }
        for text in [
            "mailto:a@b.c",
            "ftp://example.com/",
            "https://me:x@example.com/",
            "data:text/html,x",
        ] {
            assert_eq!(one(text), None, "{text}");
        }
        assert_eq!(
            one(&format!("https://example.com/{}", "x".repeat(3000))),
            None
        );
    }

    #[test]
    fn logins_files_and_addresses_of_people_are_not_asked_for() {
        for (path, expected) in [
            ("/flats/1", None),
            ("/catalogue/1", None),
            ("/en/Login", Some("login")),
            ("/account/me", Some("login")),
            ("/photo/1.JPG", Some("content_type")),
            ("/contact?mail=ann%40example.org", Some("personal")),
            ("/@55.7,37.6", None),
        ] {
            let url = Url::parse(&format!("https://example.com{path}")).expect("a URL");
            assert_eq!(refusal(&url), expected, "{path}");
        }
    }
}
