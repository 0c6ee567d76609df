//! The files of the web app, compiled in: `dashboard/dist`, as `npm run build` makes them.

use actix_web::http::header::{ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use common::http::error_answer;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal is $kind:literal),+ $(,)?) => {
        &[$(Asset {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!("../../../../dashboard/dist/", $name)),
        }),+]
    };
}

const ASSETS: &[Asset] = assets![
    "index.html" is "text/html; charset=utf-8",
    "app.js" is "text/javascript; charset=utf-8",
    "app.css" is "text/css; charset=utf-8",
    "world.json" is "application/json",
    "icon.svg" is "image/svg+xml",
    "licences.txt" is "text/plain; charset=utf-8",
];

/// Scripts and styles come from here alone, none is in the page, and no other page may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

pub(super) async fn page(request: HttpRequest) -> HttpResponse {
    give(&request, "index.html")
}

pub(super) async fn asset(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    give(&request, &name)
}

fn give(request: &HttpRequest, name: &str) -> HttpResponse {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return error_answer(404, "the web app has no such file: GET / is the page");
    };
    let tag = tag(asset.bytes);
    let known = request.headers().get(IF_NONE_MATCH);
    let is_known = known
        .and_then(|known| known.to_str().ok())
        .is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut answer = match is_known {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    answer
        .insert_header((ETAG, tag))
        // Asked for again each time; unchanged, it is not sent again.
        .insert_header(("cache-control", "no-cache"))
        .insert_header(("content-security-policy", POLICY))
        .insert_header(("x-content-type-options", "nosniff"))
        .insert_header(("referrer-policy", "no-referrer"));
    if is_known {
        return answer.finish();
    }
    answer.content_type(asset.kind).body(asset.bytes)
}

/// FNV-1a, 64 bits: distinguishes one build's file from another's.
fn tag(bytes: &[u8]) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = bytes.iter().fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    });
    format!("\"{hash:016x}-{:x}\"", bytes.len())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_page_is_sent_once_and_has_no_script_of_its_own() {
        let first = give(&TestRequest::default().to_http_request(), "index.html");
        assert_eq!(first.status(), 200);
        let tag = first.headers().get(ETAG).expect("a tag").clone();
        let again = TestRequest::default().insert_header((IF_NONE_MATCH, tag));
        let again = give(&again.to_http_request(), "index.html");
        assert_eq!(again.status(), 304);
        let unknown = give(&TestRequest::default().to_http_request(), "../Cargo.toml");
        assert_eq!(unknown.status(), 404);
        let page = std::str::from_utf8(ASSETS[0].bytes).expect("text");
        let scripts = page.matches("<script").count();
        assert_eq!(
            scripts,
            page.matches("<script type=\"module\" src=").count()
        );
        assert!(
            !page.contains("<style") && !page.contains("style="),
            "{page}"
        );
        assert!(!POLICY.contains("unsafe"));
    }
}
