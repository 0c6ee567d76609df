//! A site on this machine that remembers every request, and a crawler for it.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use testbed::{Running, Testbed, eventually};

/// Longest wait for a state: the machine may be busy.
pub const LIMIT: Duration = Duration::from_secs(180);
/// Longest wait for the end of a run of a thousand pages.
const RUN: Duration = Duration::from_secs(900);

/// A request.
#[derive(Debug, Clone)]
pub struct Hit {
    pub begun: Instant,
    pub ended: Instant,
    pub path: String,
    pub is_conditional: bool,
    pub user_agent: String,
    pub others: Vec<String>,
}

type Answer = dyn Fn(&HttpRequest) -> HttpResponse + Send + Sync;

/// The site.
pub struct Site {
    pub host: String,
    pub port: u16,
    hits: Arc<Mutex<Vec<Hit>>>,
    together: Arc<AtomicUsize>,
    server: ServerHandle,
}

struct Shared {
    answer: Arc<Answer>,
    hits: Arc<Mutex<Vec<Hit>>>,
    now: AtomicUsize,
    together: Arc<AtomicUsize>,
}

impl Site {
    /// Serves what `answer` makes of each request.
    pub fn start(answer: impl Fn(&HttpRequest) -> HttpResponse + Send + Sync + 'static) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (hits, together) = (
            Arc::<Mutex<Vec<Hit>>>::default(),
            Arc::new(AtomicUsize::new(0)),
        );
        let shared = web::Data::new(Shared {
            answer: Arc::new(answer),
            hits: Arc::clone(&hits),
            now: AtomicUsize::new(0),
            together: Arc::clone(&together),
        });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .default_service(web::to(serve))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Site {
            host: format!("127.0.0.1:{port}"),
            port,
            hits,
            together,
            server: handle,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.hits.lock().unwrap().clear();
    }

    /// How often each path was requested.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for hit in self.hits() {
            *counts.entry(hit.path).or_default() += 1;
        }
        counts
    }

    /// Most requests at the same time.
    pub fn most_together(&self) -> usize {
        self.together.load(Ordering::SeqCst)
    }

    /// The shortest pause from the end of a request to the beginning of the next.
    pub fn shortest_pause(&self) -> Duration {
        let hits = self.hits();
        let pauses = hits
            .windows(2)
            .map(|two| two[1].begun.saturating_duration_since(two[0].ended));
        pauses.min().unwrap_or_default()
    }
}

async fn serve(shared: web::Data<Shared>, request: HttpRequest) -> HttpResponse {
    let begun = Instant::now();
    let now = shared.now.fetch_add(1, Ordering::SeqCst) + 1;
    shared.together.fetch_max(now, Ordering::SeqCst);
    // Long enough for a second request to be seen.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let answer = (shared.answer)(&request);
    let header = |name: &str| {
        let value = request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let is_conditional =
        !header("if-none-match").is_empty() || !header("if-modified-since").is_empty();
    shared.now.fetch_sub(1, Ordering::SeqCst);
    shared.hits.lock().unwrap().push(Hit {
        begun,
        ended: Instant::now(),
        path: request.path().to_owned(),
        is_conditional,
        user_agent: header("user-agent"),
        others: ["cookie", "authorization", "referer", "from"]
            .map(header)
            .to_vec(),
    });
    answer
}

impl Drop for Site {
    fn drop(&mut self) {
        // Begins to stop when called; nobody waits for its end.
        drop(self.server.stop(false));
    }
}

pub fn html(body: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(body.into())
}

pub fn plain(body: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain")
        .body(body.into())
}

pub fn status(code: u16) -> HttpResponse {
    HttpResponse::build(actix_web::http::StatusCode::from_u16(code).unwrap()).finish()
}

pub fn redirect(to: &str) -> HttpResponse {
    HttpResponse::Found()
        .insert_header(("location", to))
        .finish()
}

/// A page of one listing.
pub fn flat(number: usize, price: u64) -> String {
    format!(
        r#"<html><body><script type="application/ld+json">{{"@context":"https://schema.org","@type":"Offer",
        "price":{price},"priceCurrency":"RUB","itemOffered":{{"@type":"Apartment","identifier":"flat-{number}",
        "numberOfRooms":2,"floorLevel":"3","floorSize":{{"value":54,"unitCode":"MTK"}},
        "address":{{"addressLocality":"Kazan","streetAddress":"Lenina"}}}}}}</script>
        <a href="/flats/{}">next</a> <a href="/private/{number}">owner</a></body></html>"#,
        number + 1
    )
}

pub fn sitemap(site: &HttpRequest, paths: impl Iterator<Item = String>) -> HttpResponse {
    let host = site.connection_info().host().to_owned();
    let urls: String = paths
        .map(|path| format!("<url><loc>http://{host}{path}</loc></url>"))
        .collect();
    HttpResponse::Ok()
        .content_type("application/xml")
        .body(format!("<urlset>{urls}</urlset>"))
}

/// The settings of a crawler for sites on this machine; `set` wins.
pub fn settings<'a>(hosts: &'a str, set: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        ("crawler.hosts", hosts),
        ("crawler.http", "127.0.0.1:0"),
        ("crawler.contact", "crawl@example.org"),
        ("crawler.right_to_crawl", "true"),
        ("crawler.allow_private_addresses", "true"),
        ("crawler.delay_ms", "5"),
        ("crawler.timeout_ms", "20000"),
        ("crawler.backoff_ms", "200"),
        ("crawler.backoff_most_ms", "1000"),
    ];
    all.extend(set);
    all
}

/// A crawler in this process.
pub fn crawler(bed: &Testbed, hosts: &str, set: &[(&str, &str)]) -> Running {
    let config = crawler::Config::new(&bed.settings(&settings(hosts, set))).unwrap();
    Running::start(|listener, shutdown| crawler::run(config, listener, shutdown))
}

/// Waits until it is ready, begins a run and waits for its end: the status then.
pub async fn one_run(crawler: &Running) -> serde_json::Value {
    eventually("the crawler is ready", LIMIT, || crawler.is_ready()).await;
    let runs = crawler.get("/status").await.1["runs"].as_u64().unwrap();
    assert_eq!(crawler.post("/start", "").await.0, 200);
    eventually("the run has ended", RUN, || async {
        let status = crawler.get("/status").await.1;
        status["runs"].as_u64() > Some(runs) && status["running"] == false
    })
    .await;
    crawler.get("/status").await.1
}

/// State and reason of each page by its path.
pub async fn pages(bed: &Testbed, site: &Site) -> BTreeMap<String, (String, String)> {
    let rows: Vec<(String, String, Option<String>)> =
        sqlx::query_as("SELECT url, state, reason FROM crawler_pages WHERE lane = $1")
            .bind(&site.host)
            .fetch_all(bed.pool())
            .await
            .unwrap();
    let before = format!("http://{}", site.host);
    rows.into_iter()
        .map(|(url, state, reason)| {
            let path = url.strip_prefix(&before).unwrap_or(&url).to_owned();
            (path, (state, reason.unwrap_or_default()))
        })
        .collect()
}
