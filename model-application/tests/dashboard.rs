//! What the web app asks for: the page, its files, and figures that nobody has to be a browser to read.

#[path = "conservation/model.rs"]
mod model;

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Executor;
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);
/// What a stranger may write.
const EVIL: &str = "<img src=x onerror=alert(1)>'; DROP TABLE answers; --";

async fn applier(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = model_application::Config::new(&bed.settings(set)).expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;
    running
}

async fn listings(bed: &Testbed) {
    let schema = records::Schema::real_estate();
    let pool = bed.pool();
    let tables = records::table::ddl(&schema);
    pool.execute(tables.as_str()).await.expect("the table");
    let insert = "INSERT INTO listings (id, listed_at, city, street, floor, rooms, area, latitude, longitude, price) \
                  SELECT 'l' || n, now() - n * interval '1 minute', 'city' || n % 3, 'street' || n % 7, 1 + n % 9, \
                  1 + n % 4, 30 + n % 50, 55 + n % 3, 37 + n % 3, 100000 * (30 + n % 50) FROM generate_series(1, 300) n";
    pool.execute(insert).await.expect("rows");
    sqlx::query("UPDATE listings SET street = $1 WHERE id = 'l1'")
        .bind(EVIL)
        .execute(pool)
        .await
        .expect("a row");
}

fn flat(area: f64) -> Value {
    json!({"city": "city1", "street": "street6", "floor": 3, "rooms": 2, "area": area})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_if_prices_are_those_of_requests_and_leave_no_trace() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    let asked = json!([flat(50.0), flat(70.0), {"city": "city1"}]).to_string();
    let (code, found) = running.post("/what-if?explain=2", &asked).await;
    assert_eq!(code, 200, "{found}");
    assert!(found[0]["explanation"]["reasons"].is_array(), "{found}");
    assert_eq!(found[2]["code"], "missing_field", "{found}");
    let mut record = flat(70.0);
    record["id"] = "in earnest".into();
    let (_, answer) = running.post("/predict", &record.to_string()).await;
    assert_eq!(answer["prediction"], found[1]["prediction"]);
    assert_ne!(found[0]["prediction"], found[1]["prediction"]);
    eventually("the answer is stored", LIMIT, || async {
        bed.number("SELECT count(*) FROM answers").await == 1
    })
    .await;
    let many = Value::Array(vec![flat(50.0); 65]).to_string();
    assert_eq!(running.post("/what-if", &many).await.0, 413);
    assert_eq!(running.post("/what-if", "{}").await.0, 400);
    let one = bed.number("SELECT count(*) FROM answers").await;
    assert_eq!(one, 1, "what was not asked for in earnest is not stored");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_market_is_read_by_the_schema_and_texts_of_strangers_do_no_harm() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    // The loader has not made its table yet.
    assert_eq!(running.get("/market").await.0, 503);
    let (code, schema) = running.get("/schema").await;
    assert_eq!((code, &schema["stored"]), (200, &Value::Null));
    listings(&bed).await;

    let (_, schema) = running.get("/schema").await;
    let names: Vec<&str> = schema["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .filter_map(|field| field["name"].as_str())
        .collect();
    assert_eq!(names[..4], ["id", "listed_at", "city", "street"]);
    assert_eq!(schema["market"], "city");
    assert_eq!(schema["stored"]["fields"]["area"]["quantiles"][0], 30.0);
    let (_, levels) = running
        .get("/values?field=street&within=city&value=city1")
        .await;
    assert_eq!(levels.as_array().map(Vec::len), Some(8), "{levels}");
    let (_, places) = running.get("/market?field=rooms&value=2").await;
    let counted: i64 = places
        .as_array()
        .expect("places")
        .iter()
        .filter_map(|place| place["count"].as_i64())
        .sum();
    let rooms = "SELECT count(*) FROM listings WHERE rooms = 2";
    assert_eq!(counted, bed.number(rooms).await);
    assert_eq!(places[0]["by_area"], 100_000.0);
    let (_, squares) = running.get("/market?cell=1").await;
    assert_eq!(squares.as_array().map(Vec::len), Some(3), "{squares}");

    let sql = "SELECT row_to_json(one)::text FROM (SELECT city, street, floor, rooms, area FROM listings \
               WHERE id = 'l50') AS one";
    let known: String = sqlx::query_scalar(sql)
        .fetch_one(bed.pool())
        .await
        .expect("a row");
    let (code, similar) = running.post("/similar?limit=4", &known).await;
    assert_eq!(code, 200, "{similar}");
    let similar = similar.as_array().expect("records");
    assert_eq!((similar.len(), &similar[0]["distance"]), (4, &json!(0)));
    let known: Value = serde_json::from_str(&known).expect("JSON");
    assert!(similar.iter().all(|one| one["city"] == known["city"]));
    let distances = similar.iter().map(|one| one["distance"].as_f64());
    assert!(distances.is_sorted(), "{similar:?}");
    let evil = json!({"city": EVIL, "street": EVIL, "area": 1e308}).to_string();
    assert_eq!(running.post("/similar", &evil).await, (200, json!([])));
    let (_, life) = running.get("/records/l1").await;
    assert_eq!(life["record"]["street"], EVIL);
    let (_, records) = running.get("/records?ids=l1,l2,none").await;
    assert_eq!(records.as_array().map(Vec::len), Some(2));
    for (path, expected) in [
        ("/records/none", 200),
        ("/records/%27%3B%20DROP%20TABLE%20listings", 200),
        ("/values?field=area", 400),
        ("/values?field=street&within=city", 400),
        ("/market?cell=0", 400),
        ("/market?field=price&value=1", 400),
        ("/market?unknown=1", 400),
        ("/newest?limit=100000", 200),
        ("/quality/history?segment=%00", 400),
        ("/quality/history?window=1h", 200),
        ("/quality/tenths", 200),
        ("/quality/segments", 200),
        (
            "/quality/segments?model=real-estate@v000001&since_s=86400",
            200,
        ),
        ("/quality/segments?since_s=-1", 400),
        ("/quality/segments?model=%00", 400),
        ("/changes", 200),
        ("/rejects", 200),
        ("/rejects/requests/0/0", 404),
        ("/rejects/requests/0/0?cluster=%00", 400),
        ("/rejects/requests/no/number", 404),
        ("/sweeps", 200),
        ("/sweeps/none/page", 400),
        ("/sweeps/00000000000000000000000000000000/page", 404),
        ("/quality/drift", 200),
        ("/models/history", 200),
        ("/models/v000001", 200),
        ("/models/1/report", 404),
        ("/models/v000009", 404),
        ("/models/newest", 400),
    ] {
        let (code, found) = running.get(path).await;
        assert_eq!(code, expected, "{path}: {found}");
    }
    assert_eq!(running.post("/train", "").await.0, 404);
    assert_eq!(bed.number("SELECT count(*) FROM listings").await, 300);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_needs_no_token_and_all_that_it_shows_does() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[("applier.token", "a secret")]).await;
    let client = reqwest::Client::new();
    let get = async |path: &str, token: Option<&str>| {
        let request = client.get(format!("http://{}{path}", running.http));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.expect("an answer")
    };
    for path in [
        "/",
        "/assets/app.js",
        "/assets/app.css",
        "/assets/world.json",
    ] {
        let answer = get(path, None).await;
        assert_eq!(answer.status(), 200, "{path}");
        let policy = answer.headers()["content-security-policy"].to_str();
        let policy = policy.expect("text").to_owned();
        assert!(
            policy.contains("script-src 'self'") && !policy.contains("unsafe"),
            "{policy}"
        );
        let tag = answer.headers()["etag"].clone();
        assert!(!answer.bytes().await.expect("a body").is_empty());
        let again = client
            .get(format!("http://{}{path}", running.http))
            .header("if-none-match", tag);
        assert_eq!(
            again.send().await.expect("an answer").status(),
            304,
            "{path}"
        );
    }
    assert_eq!(get("/assets/none.js", None).await.status(), 404);
    for path in [
        "/overview",
        "/events",
        "/schema",
        "/newest",
        "/records/a",
        "/quality/drift",
        "/models/history",
        "/rejects",
        "/rejects/requests/0/0",
        "/changes",
        "/sweeps",
    ] {
        assert_eq!(get(path, None).await.status(), 401, "{path}");
        assert_eq!(get(path, Some("another")).await.status(), 401, "{path}");
    }
    let replay = format!("http://{}/rejects/requests/0/0/replay", running.http);
    for (token, origin, expected) in [
        ("another", None, 401),
        ("a secret", Some("http://elsewhere.example"), 403),
        ("a secret", None, 404),
    ] {
        let mut request = client.post(&replay).bearer_auth(token).body("{}");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), expected, "{token} {origin:?}");
    }
    let overview: Value = get("/overview", Some("a secret"))
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(overview["status"]["model"], "real-estate@v000001");
    let mut events = get("/events", Some("a secret")).await;
    let first = events.chunk().await.expect("no error").expect("an event");
    let first = String::from_utf8_lossy(&first).into_owned();
    assert!(first.starts_with("event: overview\ndata: {"), "{first}");
    assert_eq!(
        first.matches('\n').count(),
        3,
        "an event is one line: {first}"
    );
    // An open stream does not hold up anyone who leaves.
    let leaving = std::time::Instant::now();
    running.stop().await;
    assert!(
        leaving.elapsed() < Duration::from_secs(30),
        "{:?}",
        leaving.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reject_is_mended_and_sent_again_from_the_page() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    let topics = bed.kafka(&[]).topics;
    let spoilt = br#"{"id":"spoilt","city":"city1","street":"street6","rooms":2}"#;
    bed.send(&topics.requests, &[("spoilt".into(), spoilt.to_vec())])
        .await;
    eventually("the reject is kept", LIMIT, || async {
        bed.number("SELECT count(*) FROM rejects").await == 1
    })
    .await;
    let (_, reasons) = running.get("/rejects").await;
    assert_eq!(
        (&reasons[0]["code"], &reasons[0]["count"]),
        (&json!("missing_field"), &json!(1)),
        "{reasons}"
    );
    let (_, newest) = running.get("/newest").await;
    let reject = &newest["rejects"][0];
    let path = format!(
        "/rejects/{}/{}/{}",
        topics.requests, reject["partition"], reject["offset"]
    );
    let (code, whole) = running.get(&path).await;
    assert_eq!(
        (code, &whole["replayed_at"]),
        (200, &Value::Null),
        "{whole}"
    );
    assert_eq!(whole["key_base64"], "c3BvaWx0");

    let mended =
        json!({"id": "spoilt", "city": "city1", "street": "street6", "rooms": 2, "floor": 3});
    let replay = format!("{path}/replay");
    let long = format!("{replay}?why={}", "x".repeat(2000));
    assert_eq!(running.post(&long, "").await.0, 400);
    assert_eq!(
        running.post(&format!("{replay}?unknown=1"), "").await.0,
        400
    );
    let other = format!("{replay}?cluster=another");
    assert_eq!(running.post(&other, &mended.to_string()).await.0, 404);
    let with_why = format!("{replay}?why=the+floor+was+missing+(Anna)");
    let huge = "x".repeat(2_000_000);
    assert_eq!(running.post(&replay, &huge).await.0, 413);
    let (code, sent) = running.post(&with_why, &mended.to_string()).await;
    assert_eq!((code, &sent["mended"]), (200, &json!(true)), "{sent}");
    eventually("the mended request is answered", LIMIT, || async {
        bed.number("SELECT count(*) FROM answers WHERE request_id = 'spoilt'")
            .await
            == 1
    })
    .await;
    let marked = "SELECT count(*) FROM rejects WHERE replayed_at IS NOT NULL";
    assert_eq!(bed.number(marked).await, 1);

    // As it came it is as wrong as it was, and a reject of its own.
    let (code, sent) = running.post(&replay, "").await;
    assert_eq!((code, &sent["mended"]), (200, &json!(false)), "{sent}");
    eventually("it is rejected again", LIMIT, || async {
        bed.number("SELECT count(*) FROM rejects").await == 2
    })
    .await;
    let messages = bed.receive(&topics.requests, 3, LIMIT).await;
    assert!(messages.iter().all(|message| message.key == "spoilt"));
    assert_eq!(messages.len(), 3);

    // What is kept in part only is not sent as if it were whole.
    let shorten = "UPDATE rejects SET payload_bytes = 100000";
    bed.pool().execute(shorten).await.expect("rows");
    assert_eq!(running.post(&replay, "").await.0, 409);
    assert_eq!(running.post(&replay, &mended.to_string()).await.0, 200);
    running.stop().await;
}
