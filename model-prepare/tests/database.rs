//! Training on stored listings, and the service around it, against a PostgreSQL of the test's own.

mod made;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use common::{Health, Layered, Shutdown};
use embedded::{Postgres, PostgresOptions};
use model_prepare::Config;
use serde_json::Value;
use sqlx::PgPool;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(180);

struct Stage {
    home: TempDir,
    postgres: Postgres,
    pool: PgPool,
    config: Config,
}

impl Stage {
    async fn set() -> Stage {
        common::telemetry::choose_tls_provider();
        let home = tempfile::tempdir().expect("temporary directory");
        // The server's user must reach it where the test runs as root.
        std::process::Command::new("chmod")
            .arg("755")
            .arg(home.path())
            .status()
            .expect("chmod");
        let postgres = Postgres::start(PostgresOptions::new(home.path()))
            .await
            .expect("PostgreSQL starts");
        let registry = home.path().join("models").display().to_string();
        let overrides = [
            ("database.url".to_owned(), postgres.url()),
            ("registry.path".to_owned(), registry),
        ];
        let config = Config::new(&Layered::load(None, &overrides).expect("settings"));
        let config = config.expect("configuration");
        let pool =
            common::database::connect(&config.database, &Health::default(), &Shutdown::new())
                .await
                .expect("connects")
                .expect("a pool");
        common::database::make_tables(&pool, &records::table::ddl(&config.schema))
            .await
            .expect("tables");
        Stage {
            home,
            postgres,
            pool,
            config,
        }
    }

    /// Stores made listings `ids`, each as old as `age` (SQL) says.
    async fn store(&self, ids: std::ops::Range<usize>, age: &str, price_times: f64) {
        let rows: Vec<String> = ids
            .map(|id| {
                let [key, _, city, street, floor, rooms, area, price] = made::listing(id);
                format!(
                    "('{key}', now() - ({age}) - interval '{id} seconds', '{city}', '{street}', \
                     {floor}, {rooms}, {area}, {price} * {price_times})"
                )
            })
            .collect();
        let sql = format!(
            "INSERT INTO listings (id, listed_at, city, street, floor, rooms, area, price) \
             VALUES {}",
            rows.join(", ")
        );
        let inserted = sqlx::query(&sql).execute(&self.pool).await;
        inserted.expect("inserts");
    }

    fn versions(&self) -> usize {
        let registry = registry::Directory::new(self.home.path().join("models"));
        registry.versions().expect("reads").len()
    }

    async fn end(self) {
        self.pool.close().await;
        self.postgres.stop().await.expect("stops");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_window_is_learned_from() {
    let mut stage = Stage::set().await;
    let error = model_prepare::train_on_database(&stage.config, &stage.pool)
        .await
        .expect_err("there is nothing to learn from");
    let error = format!("{error:#}");
    assert!(
        error.contains("last 28 days") && error.contains("found none"),
        "{error}"
    );

    stage.store(0..600, "interval '2 days'", 1.0).await;
    // Another market: had it been read, the prices would be between the two.
    stage.store(600..1500, "interval '40 days'", 10.0).await;
    let trained = model_prepare::train_on_database(&stage.config, &stage.pool)
        .await
        .expect("trains");
    assert_eq!(trained.report.rows(), 600);
    assert_eq!(trained.saved.as_ref().expect("is saved").number, 1);
    let report = trained.report.price().expect("prices");
    assert!(report.model.mdape < 0.08, "{report:?}");
    valuation::Model::load(&trained.saved.expect("is saved").path).expect("the version loads");

    stage.config.prepare.window_days = 60;
    let trained = model_prepare::train_on_database(&stage.config, &stage.pool)
        .await
        .expect("trains");
    assert_eq!(trained.report.rows(), 1500);

    stage.config.prepare.window_days = 1;
    let before = stage.versions();
    model_prepare::train_on_database(&stage.config, &stage.pool)
        .await
        .expect_err("nothing is so new");
    assert_eq!(stage.versions(), before);

    sqlx::query("DROP TABLE listings")
        .execute(&stage.pool)
        .await
        .expect("drops");
    let error = model_prepare::train_on_database(&stage.config, &stage.pool)
        .await
        .expect_err("there is no table");
    let error = format!("{error:#}");
    assert!(error.contains("cannot read the table listings"), "{error}");
    assert!(error.contains("does not exist"), "{error}");
    stage.end().await;
}

/// The service's HTTP interface.
struct Client {
    http: reqwest::Client,
    address: String,
}

impl Client {
    fn of(listener: &TcpListener) -> Client {
        Client {
            http: reqwest::Client::new(),
            address: format!("http://{}", listener.local_addr().expect("address")),
        }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.address));
        let answer = request.send().await.expect("answers");
        let code = answer.status().as_u16();
        (code, answer.json().await.expect("JSON"))
    }

    async fn text(&self, path: &str) -> String {
        let request = self.http.get(format!("{}{path}", self.address));
        let answer = request.send().await.expect("answers");
        answer.text().await.expect("a body")
    }

    async fn train(&self) -> (u16, Value) {
        let request = self.http.post(format!("{}/train", self.address));
        let answer = request.send().await.expect("answers");
        let code = answer.status().as_u16();
        (code, answer.json().await.expect("JSON"))
    }

    async fn status_where(&self, holds: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let (_, status) = self.get("/status").await;
            if holds(&status) {
                return status;
            }
            assert!(started.elapsed() < LIMIT, "not in time: {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_training_is_reported_and_the_schedule_goes_on() {
    let stage = Stage::set().await;
    let listener = common::http::listen("127.0.0.1:0").expect("listens");
    let client = Client::of(&listener);
    let shutdown = Shutdown::new();
    let service = tokio::spawn(model_prepare::run(
        stage.config.clone(),
        Some("* * * * * *".to_owned()),
        listener,
        shutdown.clone(),
    ));
    let status = client
        .status_where(|status| status["failures"].as_u64() >= Some(2))
        .await;
    let error = status["last_error"]["error"].as_str().expect("an error");
    assert!(
        error.contains("found none in the table listings"),
        "{error}"
    );
    assert!(status["last_training"].is_null(), "{status}");
    assert!(status["next_run"].is_string(), "{status}");
    assert_eq!(stage.versions(), 0);
    assert_eq!(client.get("/health/live").await.0, 200);
    assert_eq!(client.get("/health/ready").await.0, 200);

    stage.store(0..500, "interval '1 day'", 1.0).await;
    let status = client
        .status_where(|status| status["last_training"].is_object())
        .await;
    assert!(status["last_error"].is_null(), "{status}");
    assert_eq!(status["last_training"]["rows"], 500);
    assert_eq!(status["schedule"], "* * * * * *");
    shutdown.cancel();
    tokio::time::timeout(LIMIT, service)
        .await
        .expect("leaves in time")
        .expect("no panic")
        .expect("no error");
    assert!(stage.versions() >= 1);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_training_at_a_time_on_demand() {
    let stage = Stage::set().await;
    stage.store(0..500, "interval '1 day'", 1.0).await;
    let listener = common::http::listen("127.0.0.1:0").expect("listens");
    let client = Client::of(&listener);
    let shutdown = Shutdown::new();
    let service = tokio::spawn(model_prepare::run(
        stage.config.clone(),
        None,
        listener,
        shutdown.clone(),
    ));
    client.status_where(|status| status["ready"] == true).await;

    // While the table is locked, a training hangs in the middle.
    let mut lock = stage.pool.begin().await.expect("begins");
    sqlx::query("LOCK TABLE listings IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .expect("locks");
    let (first, second) = tokio::join!(client.train(), async {
        client
            .status_where(|status| status["training"] == true)
            .await;
        let second = client.train().await;
        lock.rollback().await.expect("unlocks");
        second
    });
    assert_eq!(second.0, 409, "{second:?}");
    let error = second.1["error"].as_str().expect("an error");
    assert!(error.contains("a training is running"), "{error}");
    assert_eq!(first.0, 200, "{first:?}");
    assert_eq!(first.1["version"], "v000001");
    let (_, status) = client.get("/status").await;
    assert_eq!(status["training"], false);
    assert_eq!(status["trainings"], 1, "{status}");
    assert!(status["next_run"].is_null(), "{status}");

    sqlx::query("DELETE FROM listings WHERE id <> 'l1'")
        .execute(&stage.pool)
        .await
        .expect("deletes");
    let (code, answer) = client.train().await;
    assert_eq!(code, 500);
    let error = answer["error"].as_str().expect("an error");
    assert!(
        error.contains("at least 200 usable listings, found 1 of 1"),
        "{error}"
    );
    assert_eq!(stage.versions(), 1);
    shutdown.cancel();
    service.await.expect("no panic").expect("no error");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_how_far_a_training_is() {
    let stage = Stage::set().await;
    // Trees are fitted for a while on so many, as no line says what they cost.
    stage.store(0..4000, "interval '1 day'", 1.0).await;
    let crooked =
        "UPDATE listings SET price = price * (2 + sin(area::float8 / 4) * cos(floor::float8 * 2))";
    let crooked = sqlx::query(crooked).execute(&stage.pool).await;
    crooked.expect("updates");
    let listener = common::http::listen("127.0.0.1:0").expect("listens");
    let client = Client::of(&listener);
    let shutdown = Shutdown::new();
    let service = tokio::spawn(model_prepare::run(
        stage.config.clone(),
        None,
        listener,
        shutdown.clone(),
    ));
    client.status_where(|status| status["ready"] == true).await;
    let (_, idle) = client.get("/status").await;
    assert!(idle["running"].is_null(), "{idle}");

    let (trained, seen) = tokio::join!(client.train(), async {
        let mut seen = Vec::new();
        let started = Instant::now();
        // Until it is over, which it is in time.
        loop {
            let (_, status) = client.get("/status").await;
            let fit = status["running"]["fit"].clone();
            match fit.is_object() {
                true => seen.push(fit),
                false if !seen.is_empty() => return seen,
                false => {}
            }
            assert!(started.elapsed() < LIMIT, "not in time: {status}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    assert_eq!(trained.0, 200, "{trained:?}");
    let fractions: Vec<f64> = seen
        .iter()
        .map(|fit| fit["fraction"].as_f64().expect("a number"))
        .collect();
    assert!(fractions.is_sorted(), "{fractions:?}");
    let in_folds = seen.iter().find(|fit| {
        let is_known = fit["fraction"].as_f64() > Some(0.0) && fit["left_s"].is_number();
        fit["member"].is_string() && fit["fold"].is_number() && is_known
    });
    let in_folds = in_folds.expect("a fold was seen");
    let members = in_folds["members"].as_array().expect("members");
    let names: Vec<&Value> = members.iter().map(|member| &member["name"]).collect();
    assert!(names.contains(&&in_folds["member"]), "{in_folds}");
    // The line is through before trees are grown: it is the best so far, or the trees are.
    assert!(in_folds["best"].is_string(), "{in_folds}");
    let (_, over) = client.get("/status").await;
    assert!(over["running"].is_null(), "{over}");
    let (code, described) = client.get("/openapi.json").await;
    assert_eq!((code, described["openapi"].as_str()), (200, Some("3.1.0")));
    shutdown.cancel();
    service.await.expect("no panic").expect("no error");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enough_new_listings_start_a_training_and_a_failed_one_is_tried_again() {
    let mut stage = Stage::set().await;
    common::database::make_tables(&stage.pool, ledger::arrivals::DDL)
        .await
        .expect("the loader's table");
    let watch = &mut stage.config.prepare.watch;
    (watch.new_rows, watch.pause_s, watch.retry_s) = (400, 1, 1);
    let listener = common::http::listen("127.0.0.1:0").expect("listens");
    let client = Client::of(&listener);
    let shutdown = Shutdown::new();
    let service = tokio::spawn(model_prepare::watch(
        stage.config.clone(),
        None,
        listener,
        shutdown.clone(),
    ));
    let arrive = async |rows: usize| {
        let mut transaction = stage.pool.begin().await.expect("begins");
        ledger::arrivals::count(&mut transaction, "listings", rows, 0)
            .await
            .expect("counts");
        transaction.commit().await.expect("commits");
    };
    // Too few rows of those that were reported are there: it fails, and continues trying.
    stage.store(0..100, "interval '1 day'", 1.0).await;
    arrive(300).await;
    let status = client
        .status_where(|status| status["watch"]["new_rows"] == 300)
        .await;
    assert_eq!(status["trainings"], 0, "{status}");
    assert_eq!(status["watch"]["new_rows_wanted"], 400);
    arrive(100).await;
    let status = client
        .status_where(|status| status["failures"].as_u64() >= Some(2))
        .await;
    assert!(status["watch"]["retry_in_s"].is_number(), "{status}");
    assert_eq!(stage.versions(), 0);

    stage.store(100..600, "interval '1 day'", 1.0).await;
    let status = client
        .status_where(|status| status["last_training"].is_object())
        .await;
    assert_eq!(status["last_training"]["promoted"], true, "{status}");
    assert_eq!(status["failures_in_a_row"], 0);
    let status = client
        .status_where(|status| status["watch"]["new_rows"] == 0)
        .await;
    assert!(status["watch"]["retry_in_s"].is_null(), "{status}");
    let trainings = status["trainings"].as_u64().expect("a number");

    // Another machine has the turn: it is waited for, and the champion stays.
    let mut elsewhere = stage.pool.acquire().await.expect("a connection");
    let lock = "SELECT pg_advisory_lock(hashtextextended('hedonic: training on listings', 0))";
    sqlx::query(lock)
        .execute(&mut *elsewhere)
        .await
        .expect("locks");
    let (code, answer) = client.train().await;
    assert_eq!(code, 409, "{answer}");
    let error = answer["error"].as_str().expect("an error");
    assert!(
        error.contains("another training runs on the table listings"),
        "{error}"
    );
    stage.store(600..1100, "interval '1 hour'", 1.0).await;
    arrive(500).await;
    client
        .status_where(|status| status["watch"]["new_rows"] == 500)
        .await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (_, status) = client.get("/status").await;
    assert_eq!(status["trainings"], trainings, "{status}");
    let unlock = lock.replace("advisory_lock", "advisory_unlock");
    sqlx::query(&unlock)
        .execute(&mut *elsewhere)
        .await
        .expect("unlocks");
    let status = client
        .status_where(|status| status["last_training"]["rows"] == 1100)
        .await;
    assert_eq!(status["last_training"]["version"], "v000002");
    assert_eq!(status["promotions"], 2, "{status}");
    shutdown.cancel();
    tokio::time::timeout(LIMIT, service)
        .await
        .expect("leaves in time")
        .expect("no panic")
        .expect("no error");

    // One that starts afresh counts from the newest version on.
    drop(elsewhere);
    let listener = common::http::listen("127.0.0.1:0").expect("listens");
    let client = Client::of(&listener);
    let shutdown = Shutdown::new();
    let service = tokio::spawn(model_prepare::watch(
        stage.config.clone(),
        None,
        listener,
        shutdown.clone(),
    ));
    let status = client
        .status_where(|status| status["watch"].is_object())
        .await;
    assert_eq!(status["trainings"], 0, "{status}");
    shutdown.cancel();
    service.await.expect("no panic").expect("no error");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_too_far_off_start_a_training_once_a_champion() {
    let mut stage = Stage::set().await;
    stage.store(0..600, "interval '1 day'", 1.0).await;
    let first = model_prepare::train_on_database(&stage.config, &stage.pool)
        .await
        .expect("trains");
    let holdout = first.report.price().expect("prices").model.mdape;
    let schema = &stage.config.schema;
    let tables = model_application::tables(schema);
    common::database::make_tables(&stage.pool, &tables)
        .await
        .expect("the applier's tables");
    let record_quality = async |model: &str, labelled: i32, mdape: f64| {
        sqlx::query(
            "INSERT INTO quality (computed_at, time_window, model, segment, answers, labelled, mdape) \
             VALUES (now(), '1h', $1, '', 200, $2, $3)",
        )
        .bind(model)
        .bind(labelled)
        .bind(mdape)
        .execute(&stage.pool)
        .await
        .expect("inserts");
    };
    stage.config.prepare.watch.new_rows = 0;
    let listener = common::http::listen("127.0.0.1:0").expect("listens");
    let client = Client::of(&listener);
    let shutdown = Shutdown::new();
    // Not so far, and of too few: nothing is started.
    record_quality("real-estate@v000001", 150, holdout * 1.4).await;
    record_quality("real-estate@v000001", 50, holdout * 4.0).await;
    let service = tokio::spawn(model_prepare::watch(
        stage.config.clone(),
        None,
        listener,
        shutdown.clone(),
    ));
    let status = client
        .status_where(|status| status["watch"]["live_mdape"].is_number())
        .await;
    assert_eq!(status["trainings"], 0, "{status}");
    let bound = status["watch"]["live_mdape_bound"].as_f64();
    assert!((bound.expect("a number") - 1.5 * holdout).abs() < 1e-12);

    record_quality("real-estate@v000001", 150, holdout * 1.6).await;
    let status = client.status_where(|status| status["trainings"] == 1).await;
    assert_eq!(status["last_training"]["version"], "v000002", "{status}");
    // The same again is not a reason: only other listings would make another model.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let (_, status) = client.get("/status").await;
    assert_eq!(status["trainings"], 1, "{status}");
    shutdown.cancel();
    service.await.expect("no panic").expect("no error");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_champion_that_answers_worse_than_the_one_before_is_rolled_back_once() {
    let mut stage = Stage::set().await;
    let tables = model_application::tables(&stage.config.schema);
    common::database::make_tables(&stage.pool, &tables)
        .await
        .expect("the applier's tables");
    stage.store(0..600, "interval '1 day'", 1.0).await;
    stage.config.prepare.watch.new_rows = 0;
    stage.config.prepare.watch.live_error_factor = 0.0;
    // Nothing is promoted but by the test.
    stage.config.prepare.promote = model_prepare::PromotionMode::Never;
    for number in 1..=3 {
        let trained = model_prepare::train_on_database(&stage.config, &stage.pool)
            .await
            .expect("trains");
        assert_eq!(trained.saved.expect("is saved").number, number);
    }
    let registry = registry::Directory::new(stage.home.path().join("models"));
    let promote = |which: &str, force| {
        model_prepare::promote(
            &registry,
            &stage.config.prepare,
            which,
            force,
            "the test",
            "",
        )
    };
    promote("3", true).expect("by force");
    // Answers of a version, off by `off` in the log price on the whole, with a spread of their own.
    let answer = async |version: u64, count: i32, off: f64, ago: &str| {
        let sql = format!(
            "WITH new AS (INSERT INTO answers (request_id, prediction, low, high, model, \
             answered_at, payload) SELECT gen_random_uuid()::text, 100 * exp($2 * \
             (0.5 + n::float8 / $3)), 1, 1000, $1, now() - interval '{ago}', '' \
             FROM generate_series(1, $3) AS n RETURNING request_id) \
             INSERT INTO actuals (request_id, actual, observed_at) \
             SELECT request_id, 100, now() FROM new"
        );
        sqlx::query(&sql)
            .bind(format!("real-estate@v{version:06}"))
            .bind(off)
            .bind(count)
            .execute(&stage.pool)
            .await
            .expect("inserts");
    };
    let before = registry::Registry::aliases(&registry).expect("reads");
    let previous = before[&registry::Alias::Previous];
    assert_eq!(previous, 1);
    answer(previous, 400, 0.1, "1 hour").await;
    // What it answered before it was the champion, such as in a comparison, is not looked at.
    answer(3, 400, 0.5, "1 hour").await;
    answer(3, 150, 0.2, "0 seconds").await;

    let listener = common::http::listen("127.0.0.1:0").expect("listens");
    let client = Client::of(&listener);
    let shutdown = Shutdown::new();
    common::telemetry::record_metrics();
    let service = tokio::spawn(model_prepare::watch(
        stage.config.clone(),
        None,
        listener,
        shutdown.clone(),
    ));
    let status = client
        .status_where(|status| status["watch"]["live_compared"]["champion"]["known"] == 150)
        .await;
    assert_eq!(status["rollbacks"], 0, "too few: {status}");
    assert_eq!(status["watch"]["live_compared"]["previous"]["known"], 400);

    answer(3, 150, 0.2, "0 seconds").await;
    let status = client.status_where(|status| status["rollbacks"] == 1).await;
    let why = status["last_rollback"]["why"].as_str().expect("words");
    assert!(why.contains("v000003: it answers worse than"), "{why}");
    let champion = || registry::Registry::champion(&registry).expect("reads");
    assert_eq!(champion().map(|champion| champion.number), Some(previous));
    let history = registry::Registry::history(&registry).expect("reads");
    let last = history.last().expect("a decision");
    assert_eq!(
        (last.action, last.from),
        (registry::Action::RolledBack, Some(3))
    );
    assert_eq!(last.evidence["champion"]["known"], 300, "{}", last.evidence);
    let error = last.evidence["champion"]["mean_log_error"].as_f64();
    assert!(
        (error.expect("a number") - 0.2).abs() < 0.01,
        "{}",
        last.evidence
    );
    let metrics = client.text("/metrics").await;
    assert!(
        metrics.contains("hedonic_prepare_rollbacks_total 1"),
        "{metrics}"
    );

    // Not again by rule. By force it is, and has a new beginning: what it answered before does not count.
    let error = promote("3", false).expect_err("it was rolled back");
    assert!(
        format!("{error:#}").contains("v000003 was rolled back"),
        "{error:#}"
    );
    promote("3", true).expect("by force");
    let status = client
        .status_where(|status| status["watch"]["live_compared"]["champion"]["known"] == 0)
        .await;
    assert_eq!(status["rollbacks"], 1, "{status}");
    assert_eq!(champion().map(|champion| champion.number), Some(3));
    shutdown.cancel();
    service.await.expect("no panic").expect("no error");
    stage.end().await;
}
