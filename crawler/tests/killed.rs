//! The program itself: killed again and again it continues where it was; what it knows can be requested.

#![allow(clippy::unwrap_used, reason = "a test")]

mod site;

use std::collections::BTreeSet;
use std::process::Output;

use actix_web::HttpRequest;
use serde_json::Value;
use site::{LIMIT, Site, flat, html, plain, settings, sitemap, status};
use testbed::{Members, Testbed, eventually};

const PAGES: usize = 300;
const KILLS: usize = 4;

fn shop(pages: usize) -> Site {
    Site::start(move |request: &HttpRequest| match request.path() {
        "/robots.txt" => plain("User-agent: *\nDisallow: /private/\n"),
        "/sitemap.xml" => sitemap(request, (0..pages).map(|number| format!("/flats/{number}"))),
        "/" => html("hello"),
        path => match path
            .strip_prefix("/flats/")
            .and_then(|number| number.parse().ok())
        {
            Some(number) if number < pages => {
                let page = flat(number, 5_000_000);
                // One page has no city.
                html(if number == 1 {
                    page.replace("addressLocality", "place")
                } else {
                    page
                })
            }
            _ => status(404),
        },
    })
}

async fn known(bed: &Testbed, sql: &str) -> i64 {
    let there = "SELECT (to_regclass('crawler_listings') IS NOT NULL)::int::bigint";
    match bed.number(there).await {
        1 => bed.number(sql).await,
        _ => 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawler_that_is_killed_goes_on_where_it_was() {
    let bed = Testbed::start().await;
    let site = shop(PAGES);
    let hosts = format!("http://{}", site.host);
    let set = settings(
        &hosts,
        &[
            ("crawler.autostart", "true"),
            ("crawler.delay_ms", "20"),
            // How long the turn at a host is held by one that was killed.
            ("crawler.timeout_ms", "1000"),
        ],
    );
    let mut members = Members::new(env!("CARGO_BIN_EXE_crawler"), &bed, &set);
    let mut rng = rand_chacha_seed();
    let mut before = 0;
    for _ in 0..KILLS {
        members.start();
        let enough = before + PAGES as i64 / 6;
        let count = "SELECT count(*) FROM crawler_listings";
        eventually("more listings", LIMIT, || async {
            known(&bed, count).await >= enough
        })
        .await;
        members.kill(&mut rng);
        before = known(&bed, count).await;
    }
    members.start();
    let left = "SELECT count(*) FROM crawler_pages WHERE state = 'pending'";
    eventually("nothing is pending", LIMIT, || async {
        known(&bed, left).await == 0
    })
    .await;
    let unpublished = "SELECT count(*) FROM crawler_listings WHERE published_at IS NULL";
    eventually("all is published", LIMIT, || async {
        known(&bed, unpublished).await == 0
    })
    .await;
    members.stop().await;

    // No page twice, except for those that were under way when it was killed: one a kill at most.
    let counts = site.counts();
    let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(
        twice.len() <= KILLS && counts.values().all(|count| *count <= 2),
        "{twice:?}"
    );
    assert_eq!(counts["/robots.txt"], 1, "kept over a kill");
    assert_eq!(site.most_together(), 1);
    // At least once on Kafka, with the same id.
    let topic = bed.kafka(&[]).topics.new_data;
    let received = bed.receive(&topic, PAGES - 1, LIMIT).await;
    let keys: BTreeSet<&str> = received
        .iter()
        .map(|message| message.key.as_str())
        .collect();
    assert_eq!(keys.len(), PAGES - 1);
}

/// Which member is killed does not matter: there is one.
fn rand_chacha_seed() -> rand_chacha::ChaCha8Rng {
    rand::SeedableRng::seed_from_u64(1)
}

/// Runs `crawler` with flags, behind a proxy that is not there.
async fn run(bed: &Testbed, set: &[(&str, &str)], flags: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_crawler"));
    command.args(bed.flags(set)).args(flags);
    command.output().await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_permission_the_program_says_what_to_set_and_leaves() {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    let refused = run(&bed, &[], &[]).await;
    assert_eq!(refused.status.code(), Some(1));
    let why = text(&refused.stderr);
    assert!(why.contains("crawler.hosts is empty"), "{why}");
    let set = [
        ("crawler.hosts", "example.com"),
        ("crawler.contact", "me@example.org"),
    ];
    let refused = run(&bed, &set, &[]).await;
    let why = text(&refused.stderr);
    assert!(
        !refused.status.success() && why.contains("crawler.right_to_crawl"),
        "{why}"
    );
    let checked = run(&bed, &set, &["--check=json"]).await;
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert!(
        report.to_string().contains("crawler.right_to_crawl"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_pages_is_listed_shown_and_tried_again_and_no_proxy_is_used() {
    let bed = Testbed::start().await;
    let site = shop(3);
    let hosts = format!("http://{}", site.host);
    let set = settings(&hosts, &[("crawler.autostart", "true")]);
    let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_crawler"));
    // Where these are obeyed, nothing arrives.
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "all_proxy",
        "ALL_PROXY",
    ] {
        program.env(name, "http://127.0.0.1:1");
    }
    let mut running = program
        .args(bed.flags(&set))
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let published = "SELECT count(*) FROM crawler_listings WHERE published_at IS NOT NULL";
    eventually("two listings", LIMIT, || async {
        known(&bed, published).await == 2
    })
    .await;
    let left = "SELECT count(*) FROM crawler_pages WHERE state = 'pending'";
    eventually("nothing is pending", LIMIT, || async {
        known(&bed, left).await == 0
    })
    .await;
    running.kill().await.unwrap();

    let listed = run(&bed, &set, &["pages", "list"]).await;
    let lines = text(&listed.stdout);
    assert!(
        lines.contains("fetched (missing_field) 1"),
        "{lines}{}",
        text(&listed.stderr)
    );
    assert!(lines.contains("refused (robots)"), "{lines}");
    let url = site.url("/flats/1");
    let shown = run(&bed, &set, &["pages", "show", &url]).await;
    let page: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(page["reason"], "missing_field");
    let found = &page["extraction"]["listings"][0];
    assert!(
        found["refused"].as_str().unwrap().contains("city"),
        "{page}"
    );
    let from = found["fields"]["price"]["from"].as_str().unwrap();
    assert_eq!(from, "json-ld: Offer.price");
    let url_of_good = site.url("/flats/0");
    let shown = run(&bed, &set, &["pages", "show", &url_of_good]).await;
    let page: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(page["versions"][0]["version"], 1, "{page}");
    assert_eq!(
        page["versions"][0]["provenance"]["area"],
        "json-ld: Offer.itemOffered.floorSize"
    );

    let nothing = run(&bed, &set, &["pages", "retry"]).await;
    assert!(!nothing.status.success());
    let again = run(&bed, &set, &["pages", "retry", "--reason", "missing_field"]).await;
    assert!(
        text(&again.stdout).contains("next run: 1"),
        "{}",
        text(&again.stdout)
    );
    let left = bed.number(left).await;
    assert_eq!(left, 1);
    let unknown = run(&bed, &set, &["pages", "show", "http://nowhere.example/"]).await;
    assert!(
        text(&unknown.stderr).contains("unknown page"),
        "{}",
        text(&unknown.stderr)
    );
}
