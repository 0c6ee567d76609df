//! A site of a thousand pages: what is requested, how fast, how often, and what arrives on Kafka.

#![allow(clippy::unwrap_used, reason = "a test")]

mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse};
use site::{LIMIT, Site, crawler, flat, html, one_run, pages, plain, sitemap, status};
use testbed::{Testbed, eventually};

const PAGES: usize = 1000;

/// A site of listings with ETags: `price` is that of listing 7, and listing 8 is gone once `is_gone`.
fn shop(price: &Arc<AtomicU64>, is_gone: &Arc<AtomicBool>) -> Site {
    let (price, is_gone) = (Arc::clone(price), Arc::clone(is_gone));
    Site::start(move |request: &HttpRequest| {
        let path = request.path().to_owned();
        match path.as_str() {
            "/robots.txt" => plain("User-agent: *\nDisallow: /private/\nDisallow: /*?print\n"),
            "/sitemap.xml" => sitemap(request, (0..PAGES).map(|number| format!("/flats/{number}"))),
            "/" => {
                html("<a href=/flats/0>1</a> <a href='/flats/1?print=1'>2</a> <a href=/login>3</a>")
            }
            _ => match path
                .strip_prefix("/flats/")
                .and_then(|number| number.parse::<usize>().ok())
            {
                Some(8) if is_gone.load(Ordering::SeqCst) => status(410),
                Some(number) if number < PAGES => {
                    let price = if number == 7 {
                        price.load(Ordering::SeqCst)
                    } else {
                        5_000_000
                    };
                    let etag = format!("\"{number}-{price}\"");
                    let known = request.headers().get("if-none-match");
                    if known.is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
                        return status(304);
                    }
                    HttpResponse::Ok()
                        .content_type("text/html")
                        .insert_header(("etag", etag))
                        .body(flat(number, price))
                }
                _ => status(404),
            },
        }
    })
}

async fn unpublished(bed: &Testbed) -> i64 {
    bed.number("SELECT count(*) FROM crawler_listings WHERE published_at IS NULL")
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_pages_are_read_once_politely_and_then_only_what_changed() {
    let bed = Testbed::start().await;
    let (price, is_gone) = (
        Arc::new(AtomicU64::new(5_000_000)),
        Arc::new(AtomicBool::new(false)),
    );
    let site = shop(&price, &is_gone);
    let hosts = format!("http://{}", site.host);
    let running = crawler(&bed, &hosts, &[]);
    let status = one_run(&running).await;
    assert_eq!(status["hosts"][&site.host]["listings"], PAGES, "{status}");

    // Every page once, and nothing that is not allowed.
    let counts = site.counts();
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    let flats = counts
        .keys()
        .filter(|path| path.starts_with("/flats/"))
        .count();
    assert_eq!(
        flats,
        PAGES + 1,
        "those of the sitemap, and one that is linked but not there"
    );
    assert!(
        !counts
            .keys()
            .any(|path| path.starts_with("/private/") || path == "/login")
    );
    let all = pages(&bed, &site).await;
    assert_eq!(
        all["/private/3"],
        ("refused".to_owned(), "robots".to_owned())
    );
    assert_eq!(
        all["/flats/1?print=1"],
        ("refused".to_owned(), "robots".to_owned())
    );
    assert_eq!(all["/login"], ("refused".to_owned(), "login".to_owned()));

    // In its own name, one at a time, at its pace.
    for hit in site.hits() {
        assert!(
            hit.user_agent.contains("HedonicCrawler")
                && hit.user_agent.contains("crawl@example.org")
        );
        assert!(hit.others.iter().all(String::is_empty), "{:?}", hit.others);
    }
    assert_eq!(site.most_together(), 1);
    let pause = site.shortest_pause();
    assert!(pause >= Duration::from_millis(5), "{pause:?}");
    assert!(site.hits()[0].path == "/robots.txt" && site.hits()[1].path == "/sitemap.xml");

    // All of it is on Kafka, once.
    let topic = bed.kafka(&[]).topics.new_data;
    eventually("all is published", LIMIT, || async {
        unpublished(&bed).await == 0
    })
    .await;
    let received = bed.receive(&topic, PAGES, LIMIT).await;
    assert_eq!(received.len(), PAGES);
    let keys: BTreeSet<&str> = received
        .iter()
        .map(|message| message.key.as_str())
        .collect();
    assert_eq!(keys.len(), PAGES);
    let one = received
        .iter()
        .find(|message| message.key.ends_with("/flat-7"))
        .unwrap()
        .json();
    assert_eq!(one["id"], format!("{}/flat-7", site.host));
    assert_eq!(
        (&one["price"], &one["area"], &one["city"]),
        (&5e6.into(), &54.0.into(), &"Kazan".into())
    );
    running.stop().await;

    // Once they are old enough, each is requested by its ETag; only what has changed is new.
    site.forget();
    price.store(4_500_000, Ordering::SeqCst);
    is_gone.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let running = crawler(&bed, &hosts, &[("crawler.refresh_s", "1")]);
    let status = one_run(&running).await;
    assert_eq!(status["hosts"][&site.host]["listings"], 1, "{status}");
    let asked: Vec<_> = site
        .hits()
        .into_iter()
        .filter(|hit| hit.path.starts_with("/flats/"))
        .collect();
    let of: BTreeMap<&str, bool> = asked
        .iter()
        .map(|hit| (hit.path.as_str(), hit.is_conditional))
        .collect();
    assert_eq!(
        (asked.len(), of.len()),
        (PAGES, PAGES),
        "all but the one that was not there, once"
    );
    assert_eq!(
        status["hosts"][&site.host]["unchanged"],
        PAGES - 2,
        "{status}"
    );
    assert!(of.values().all(|is_conditional| *is_conditional), "{of:?}");
    let all = pages(&bed, &site).await;
    assert_eq!(all["/flats/8"].0, "gone");
    let gone =
        "SELECT count(*) FROM crawler_listings WHERE gone_at IS NOT NULL AND id LIKE '%/flat-8'";
    assert_eq!(bed.number(gone).await, 1);
    eventually("the new price is published", LIMIT, || async {
        unpublished(&bed).await == 0
    })
    .await;
    let received = bed.receive(&topic, PAGES + 1, LIMIT).await;
    let of_seven: Vec<f64> = received
        .iter()
        .filter(|message| message.key.ends_with("/flat-7"))
        .map(|message| message.json()["price"].as_f64().unwrap())
        .collect();
    assert_eq!((received.len(), of_seven), (PAGES + 1, vec![5e6, 4.5e6]));
    let metrics = running.text("/metrics").await;
    assert!(
        metrics.contains("hedonic_crawler_unchanged_total"),
        "{metrics}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_are_read_at_the_same_time_each_at_its_own_pace() {
    let bed = Testbed::start().await;
    let shop = |delay: &'static str| {
        Site::start(move |request: &HttpRequest| match request.path() {
            "/robots.txt" => plain(format!(
                "User-agent: *\nCrawl-delay: {delay}\nDisallow: /private/\n"
            )),
            "/sitemap.xml" => sitemap(request, (0..40).map(|number| format!("/flats/{number}"))),
            "/" => html("hello"),
            path => match path
                .strip_prefix("/flats/")
                .and_then(|number| number.parse().ok())
            {
                Some(number) if number < 40 => html(flat(number, 5_000_000)),
                _ => status(404),
            },
        })
    };
    let (slow, quick) = (shop("0.2"), shop("0.05"));
    let hosts = format!("http://{},http://localhost:{}", slow.host, quick.port);
    let running = crawler(&bed, &hosts, &[]);
    one_run(&running).await;
    for (site, pause) in [(&slow, 200), (&quick, 50)] {
        assert_eq!(site.most_together(), 1);
        assert_eq!(
            site.counts()
                .keys()
                .filter(|path| path.starts_with("/flats/"))
                .count(),
            41
        );
        let shortest = site.shortest_pause();
        assert!(
            shortest >= Duration::from_millis(pause),
            "{shortest:?} for {pause} ms"
        );
    }
    // Each is under way while the other is.
    let (slow, quick) = (slow.hits(), quick.hits());
    let within = quick
        .iter()
        .filter(|hit| hit.begun > slow[0].begun && hit.begun < slow.last().unwrap().begun);
    assert!(within.count() > 20, "the quick one waits for the slow one");
    running.stop().await;
}
