//! What strangers, pages of other sites and those without the token get of each service. No server is
//! there: the HTTP interfaces answer all the same.

use std::net::TcpListener;

use common::Layered;
use reqwest::{Client, Method};
use testbed::Running;

const TOKEN: &str = "a-token-of-all";

/// Something of each service that changes what it does, or costs it work.
const CHANGES: [(&str, &str); 9] = [
    ("emulator", "/start"),
    ("emulator", "/stop"),
    ("emulator", "/generate/new_data?count=1"),
    ("loader", "/start"),
    ("loader", "/stop"),
    ("applier", "/models/rollback"),
    ("applier", "/models/v000001/activate"),
    ("applier", "/predict"),
    ("training", "/train"),
];

struct Services {
    all: Vec<(&'static str, Running)>,
    client: Client,
    _home: tempfile::TempDir,
}

impl Services {
    fn start(set: &[(&str, &str)]) -> Services {
        let home = tempfile::tempdir().expect("a temporary directory");
        let models = home.path().join("models").display().to_string();
        let mut all = vec![
            ("database.url", "postgres://nobody@127.0.0.1:1/none"),
            ("kafka.brokers", "127.0.0.1:1"),
            ("registry.path", &models),
        ];
        all.extend(set);
        let all: Vec<(String, String)> = all
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let layered = Layered::load(None, &all).expect("settings");
        let emulator = producer_emulator::Config::new(&layered).expect("settings");
        let loader = data_loader::Config::new(&layered).expect("settings");
        let applier = model_application::Config::new(&layered).expect("settings");
        let prepare = model_prepare::Config::new(&layered).expect("settings");
        let follow = model_prepare::Follow::new(&layered).expect("settings");
        let screen = model_prepare::Screen::new(Box::new(std::io::sink()), false);
        let all = vec![
            (
                "emulator",
                Running::start(|at, shutdown| producer_emulator::run(emulator, at, shutdown)),
            ),
            (
                "loader",
                Running::start(|at, shutdown| data_loader::run(loader, at, shutdown)),
            ),
            (
                "applier",
                Running::start(|at, shutdown| model_application::run(applier, at, shutdown)),
            ),
            (
                "training",
                Running::start(|at, shutdown| model_prepare::run(prepare, None, at, shutdown)),
            ),
            (
                "follower",
                Running::start(|at, shutdown| model_prepare::follow(follow, screen, at, shutdown)),
            ),
        ];
        Services {
            all,
            client: Client::new(),
            _home: home,
        }
    }

    /// The status code and the body.
    async fn send(
        &self,
        service: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (u16, String) {
        let (_, running) = self
            .all
            .iter()
            .find(|(name, _)| *name == service)
            .expect("a service");
        let url = format!("http://{}{path}", running.http);
        let mut request = self.client.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        let code = answer.status().as_u16();
        (code, answer.text().await.expect("a body"))
    }

    async fn refuses(
        &self,
        (service, path): (&str, &str),
        method: Method,
        headers: &[(&str, &str)],
        expected: u16,
    ) {
        let (code, body) = self.send(service, method, path, headers).await;
        assert_eq!(code, expected, "{service} {path} {headers:?}: {body}");
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert!(body["error"].is_string(), "{body}");
    }

    async fn stop(self) {
        for (_, running) in self.all {
            running.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_and_other_names_change_nothing() {
    let services = Services::start(&[("http.allowed_hosts", "panel.example")]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = format!("http://{}", listener.local_addr().expect("an address"));
    for place in CHANGES {
        for headers in [
            vec![("Origin", "http://evil.example")],
            vec![("Origin", &*other)],
            vec![("Origin", "null")],
            vec![("Sec-Fetch-Site", "cross-site")],
            vec![("Host", "evil.example")],
        ] {
            services.refuses(place, Method::POST, &headers, 403).await;
        }
        let fine = [
            ("Host", "panel.example"),
            ("Origin", "https://panel.example"),
        ];
        let (code, body) = services.send(place.0, Method::POST, place.1, &fine).await;
        assert!(code != 403 && code != 401, "{place:?}: {code} {body}");
    }
    for (service, _) in &services.all {
        // A name that was made to point here (DNS rebinding) reads nothing either.
        for path in ["/status", "/metrics"] {
            let rebound = [("Host", "evil.example:8081")];
            services
                .refuses((service, path), Method::GET, &rebound, 403)
                .await;
            let (code, body) = services.send(service, Method::GET, path, &[]).await;
            assert_eq!(code, 200, "{service} {path}: {body}");
        }
    }
    // An image on a page is enough to send a GET.
    for path in [
        "/generate_and_produce_new_data",
        "/generate_and_produce_requests",
    ] {
        let image = [
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", "no-cors"),
        ];
        services
            .refuses(("emulator", path), Method::GET, &image, 403)
            .await;
        // From this machine, by hand: Kafka is away, which it says.
        services
            .refuses(("emulator", path), Method::GET, &[], 503)
            .await;
    }
    services.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_guards_all_services_and_what_is_open_is_a_setting() {
    for (open, metrics, status) in [
        ("health", 401, 401),
        ("metrics", 200, 401),
        ("status", 200, 200),
    ] {
        let services = Services::start(&[("http.token", TOKEN), ("http.open", open)]);
        let bearer = format!("Bearer {TOKEN}");
        let right = [("Authorization", bearer.as_str())];
        for place in CHANGES {
            for wrong in [vec![], vec![("Authorization", "Bearer a-token-of-al")]] {
                services.refuses(place, Method::POST, &wrong, 401).await;
            }
            let (code, body) = services.send(place.0, Method::POST, place.1, &right).await;
            assert!(code != 401 && code != 403, "{place:?}: {code} {body}");
        }
        for (service, _) in &services.all {
            for (path, expected) in [
                ("/health/live", 200),
                ("/metrics", metrics),
                ("/status", status),
            ] {
                let (code, body) = services.send(service, Method::GET, path, &[]).await;
                assert_eq!(code, expected, "{service} {path}, {open}: {body}");
                assert!(!body.contains(TOKEN), "{body}");
                let (code, body) = services.send(service, Method::GET, path, &right).await;
                assert_eq!(code, 200, "{service} {path}, {open}: {body}");
            }
        }
        let (code, _) = services.send("applier", Method::GET, "/quality", &[]).await;
        assert_eq!(code, status, "{open}");
        services.stop().await;
    }
}

/// The applier's own setting continues working, and wins there.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_appliers_own_is_asked_for_there() {
    let set = [("http.token", TOKEN), ("applier.token", "its own")];
    let services = Services::start(&set);
    let token = [("Authorization", "Bearer its own")];
    let bearer = format!("Bearer {TOKEN}");
    let of_all = [("Authorization", bearer.as_str())];
    let rollback = ("applier", "/models/rollback");
    services.refuses(rollback, Method::POST, &of_all, 401).await;
    let (code, _) = services
        .send(rollback.0, Method::POST, rollback.1, &token)
        .await;
    assert_ne!(code, 401);
    services
        .refuses(("loader", "/stop"), Method::POST, &token, 401)
        .await;
    services.stop().await;
}
