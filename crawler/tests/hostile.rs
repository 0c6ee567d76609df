//! Pages and sites that mean no good, or ask to be left alone.

#![allow(clippy::unwrap_used, reason = "a test")]

mod site;

use std::io::Write;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use futures_util::stream;
use site::{Site, crawler, flat, html, one_run, pages, plain, redirect, sitemap, status};
use testbed::{Running, Testbed};

const PATHS: [&str; 19] = [
    "/huge",
    "/endless",
    "/slow",
    "/bomb",
    "/loop/a",
    "/chain/0",
    "/out",
    "/file",
    "/metadata",
    "/broken",
    "/charset",
    "/links",
    "/deep",
    "/photo",
    "/noindex",
    "/personal",
    "/lying",
    "/good",
    "/empty",
];

/// Thirty megabytes in a few thousand bytes.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(&vec![b' '; 30 << 20]).unwrap();
    writer.finish().unwrap()
});

fn hostile(request: &HttpRequest) -> HttpResponse {
    let packed = |body: Vec<u8>| {
        let mut answer = HttpResponse::Ok();
        answer
            .content_type("text/html")
            .insert_header(("content-encoding", "gzip"))
            .body(body)
    };
    match request.path() {
        "/robots.txt" => plain("User-agent: *\nDisallow: /private/\n"),
        "/sitemap.xml" => sitemap(request, PATHS.iter().map(|path| (*path).to_owned())),
        "/" => html("hello"),
        "/huge" => html("x".repeat(3 << 20)),
        "/endless" => {
            let chunk = || Bytes::from_static(&[b'x'; 16_384]);
            let all = stream::repeat_with(chunk).map(Ok::<_, actix_web::Error>);
            HttpResponse::Ok().content_type("text/html").streaming(all)
        }
        "/slow" => {
            let drops = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Some((Ok::<_, actix_web::Error>(Bytes::from_static(b"x")), ()))
            });
            HttpResponse::Ok()
                .content_type("text/html")
                .streaming(Box::pin(drops))
        }
        "/bomb" => packed(BOMB.clone()),
        "/loop/a" => redirect("/loop/b"),
        "/loop/b" => redirect("/loop/a"),
        "/out" => redirect("https://elsewhere.example/flats"),
        "/file" => redirect("file:///etc/passwd"),
        "/metadata" => redirect("http://169.254.169.254/latest/meta-data/"),
        "/broken" => html(
            "<script type='application/ld+json'>{\"@type\":\"Offer\",,</script><a href=/found>x</a>",
        ),
        "/charset" => HttpResponse::Ok()
            .content_type("text/html; charset=klingon")
            .body([b"<a href=/found2>".to_vec(), vec![0xff, 0xfe, 0xca]].concat()),
        "/links" => html(
            (0..10_000)
                .map(|n| format!("<a href=/many/{n}>{n}</a>"))
                .collect::<String>(),
        ),
        "/deep" => html("<div>".repeat(100_000)),
        "/photo" => HttpResponse::Ok()
            .content_type("image/jpeg")
            .body(vec![0xff; 100_000]),
        "/noindex" => html(format!(
            "<meta name=robots content=noindex>{}",
            flat(1, 5_000_000)
        )),
        "/personal" => html(
            flat(2, 5_000_000)
                .replace("Kazan", "Kazan, ask Ann +7 912 345-67-89")
                .replace("Lenina", "ann@example.org"),
        ),
        "/lying" => packed(b"<a href=/found3>not packed at all</a>".to_vec()),
        "/good" => html(flat(3, 5_000_000)),
        "/empty" => html(""),
        path if path.starts_with("/many/") || path.starts_with("/found") => html("nothing"),
        path => match path
            .strip_prefix("/chain/")
            .and_then(|n| n.parse::<u32>().ok())
        {
            Some(n) => redirect(&format!("/chain/{}", n + 1)),
            None => status(404),
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_pages_are_survived_and_each_says_why() {
    let bed = Testbed::start().await;
    // Packing takes longer than an answer may.
    assert!(BOMB.len() < 100_000);
    let site = Site::start(hostile);
    let running = crawler(
        &bed,
        &format!("http://{}", site.host),
        &[
            ("crawler.timeout_ms", "10000"),
            ("crawler.max_attempts", "2"),
            ("crawler.max_links_per_page", "100"),
            ("crawler.wait_most_s", "60"),
        ],
    );
    one_run(&running).await;
    let all = pages(&bed, &site).await;
    for (path, state, reason) in [
        ("/huge", "refused", "too_large"),
        ("/endless", "refused", "too_large"),
        ("/slow", "failed", "timeout"),
        ("/bomb", "refused", "too_large"),
        ("/loop/a", "redirected", ""),
        ("/loop/b", "redirected", ""),
        ("/chain/0", "redirected", ""),
        ("/chain/5", "refused", "redirects"),
        ("/out", "refused", "redirect_outside"),
        ("/file", "refused", "redirect"),
        ("/metadata", "refused", "redirect_outside"),
        ("/broken", "fetched", "no_listing"),
        ("/charset", "fetched", "no_listing"),
        ("/links", "fetched", "no_listing"),
        ("/deep", "refused", "nesting"),
        ("/photo", "refused", "content_type"),
        ("/noindex", "fetched", "noindex"),
        ("/personal", "fetched", "personal"),
        ("/lying", "fetched", "no_listing"),
        ("/found", "fetched", "no_listing"),
        ("/found2", "fetched", "no_listing"),
        ("/found3", "fetched", "no_listing"),
        ("/good", "fetched", ""),
    ] {
        assert_eq!(
            all.get(path),
            Some(&(state.to_owned(), reason.to_owned())),
            "{path}"
        );
    }
    assert!(!all.contains_key("/chain/6"));
    assert_eq!(
        all.keys().filter(|path| path.starts_with("/many/")).count(),
        100
    );
    assert_eq!(site.most_together(), 1);
    assert_eq!(bed.number("SELECT count(*) FROM crawler_listings").await, 1);
    // Nothing of a person is in any table.
    for (table, text) in [
        ("crawler_pages", "to_jsonb(t)::text"),
        ("crawler_listings", "to_jsonb(t)::text"),
    ] {
        let sql = format!(
            "SELECT count(*) FROM {table} t WHERE {text} LIKE '%912 345%' OR {text} LIKE '%ann@%'"
        );
        assert_eq!(bed.number(&sql).await, 0, "{table}");
    }
    running.stop().await;
}

/// A site of five listings that answers `code` to them once `after` were given, with `Retry-After`.
fn moody(code: &Arc<AtomicU16>, robots: u16) -> Site {
    let code = Arc::clone(code);
    let given = AtomicUsize::new(0);
    Site::start(move |request: &HttpRequest| match request.path() {
        "/robots.txt" if robots != 200 => status(robots),
        "/robots.txt" => plain(""),
        "/sitemap.xml" => sitemap(request, (0..5).map(|number| format!("/flats/{number}"))),
        "/" => html("hello"),
        path => match path
            .strip_prefix("/flats/")
            .and_then(|number| number.parse().ok())
        {
            Some(number) if number < 5 => match code.load(Ordering::SeqCst) {
                200 => html(flat(number, 5_000_000)),
                429 if given.fetch_add(1, Ordering::SeqCst) < 2 => HttpResponse::TooManyRequests()
                    .insert_header(("retry-after", "2"))
                    .finish(),
                429 => html(flat(number, 5_000_000)),
                other => status(other),
            },
            _ => status(404),
        },
    })
}

fn flats(site: &Site) -> usize {
    site.hits()
        .iter()
        .filter(|hit| hit.path.starts_with("/flats/"))
        .count()
}

async fn listings(bed: &Testbed) -> i64 {
    bed.number("SELECT count(*) FROM crawler_listings").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robots_txt_that_cannot_be_had_allows_nothing() {
    let bed = Testbed::start().await;
    let code = Arc::new(AtomicU16::new(200));
    let (broken, absent) = (moody(&code, 503), moody(&code, 404));
    let hosts = format!("http://{},http://{}", broken.host, absent.host);
    let running = crawler(&bed, &hosts, &[]);
    let status = one_run(&running).await;
    assert_eq!(
        broken.counts().len(),
        1,
        "robots.txt alone: {:?}",
        broken.counts()
    );
    let why = status["hosts"][&broken.host]["ended"].as_str().unwrap();
    assert!(why.contains("robots.txt"), "{why}");
    assert_eq!(flats(&absent), 6, "without one all is allowed");
    // It is kept: another run does not ask for it again.
    one_run(&running).await;
    assert_eq!(broken.hits().len(), 1);
    assert_eq!(absent.counts()["/robots.txt"], 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_busy_is_left_alone_for_as_long_as_it_asks() {
    let bed = Testbed::start().await;
    let code = Arc::new(AtomicU16::new(429));
    let site = moody(&code, 200);
    let running = crawler(&bed, &format!("http://{}", site.host), &[]);
    one_run(&running).await;
    assert_eq!(listings(&bed).await, 5);
    let hits = site.hits();
    let flats: Vec<_> = hits
        .iter()
        .filter(|hit| hit.path.starts_with("/flats/"))
        .collect();
    for two in flats.windows(2).take(2) {
        let pause = two[1].begun.saturating_duration_since(two[0].ended);
        assert!(pause >= Duration::from_secs(2), "{pause:?}");
    }
    running.stop().await;
}

async fn stopped(running: &Running, site: &Site) -> String {
    let status = one_run(running).await;
    status["hosts"][&site.host]["ended"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_forbids_is_not_asked_again_until_somebody_says_so() {
    let bed = Testbed::start().await;
    let code = Arc::new(AtomicU16::new(403));
    let site = moody(&code, 200);
    let running = crawler(&bed, &format!("http://{}", site.host), &[]);
    let why = stopped(&running, &site).await;
    assert!(why.contains("403"), "{why}");
    assert_eq!(flats(&site), 1);
    let why = stopped(&running, &site).await;
    assert!(why.contains("403"), "{why}");
    assert_eq!(flats(&site), 1, "not asked again by a second run");

    code.store(200, Ordering::SeqCst);
    let selection = crawler::pages::Selection {
        host: Some(site.host.clone()),
        ..Default::default()
    };
    let count = crawler::pages::retry(bed.pool(), &[], &selection)
        .await
        .unwrap();
    assert!(count >= 6, "{count}");
    one_run(&running).await;
    assert_eq!(listings(&bed).await, 5);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_resolves_to_this_machine_is_refused_unless_it_is_allowed() {
    let bed = Testbed::start().await;
    let code = Arc::new(AtomicU16::new(200));
    let site = moody(&code, 200);
    let hosts = format!("http://localhost:{}", site.port);
    let strict = [("crawler.allow_private_addresses", "false")];
    let running = crawler(&bed, &hosts, &strict);
    one_run(&running).await;
    assert_eq!(site.hits().len(), 0, "not one request");
    let why: String = sqlx::query_scalar("SELECT robots_error FROM crawler_sites")
        .fetch_one(bed.pool())
        .await
        .unwrap();
    assert!(why.contains("allow_private_addresses"), "{why}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_brings_no_more_pages_than_allowed() {
    let bed = Testbed::start().await;
    let site = Site::start(|request: &HttpRequest| match request.path() {
        "/robots.txt" | "/sitemap.xml" => status(404),
        path => html(format!(
            "<a href='{path}x'>deeper</a><a href='{path}y'>deeper</a>"
        )),
    });
    let set = [
        ("crawler.max_pages_per_host", "20"),
        ("crawler.max_depth", "50"),
    ];
    let running = crawler(&bed, &format!("http://{}", site.host), &set);
    one_run(&running).await;
    assert_eq!(bed.number("SELECT count(*) FROM crawler_pages").await, 20);
    assert_eq!(site.hits().len(), 21, "these and robots.txt");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_followed_so_deep_and_no_deeper() {
    let bed = Testbed::start().await;
    let site = Site::start(|request: &HttpRequest| match request.path() {
        "/robots.txt" | "/sitemap.xml" => status(404),
        path => html(format!("<a href='{path}x'>deeper</a>")),
    });
    let set = [("crawler.max_depth", "2")];
    let running = crawler(&bed, &format!("http://{}", site.host), &set);
    one_run(&running).await;
    let all = site.counts();
    let asked: Vec<&str> = all.keys().map(String::as_str).collect();
    assert_eq!(asked, ["/", "/robots.txt", "/sitemap.xml", "/x", "/xx"]);
    running.stop().await;
}
