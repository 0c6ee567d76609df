//! Nothing stops the answers: what a server will never take is rejected, the rest is answered; what a
//! person has to fix ends the service.

#[path = "conservation/model.rs"]
mod model;

use std::net::TcpListener;
use std::time::Duration;

use common::Shutdown;
use rand::RngExt;
use rdkafka::producer::FutureRecord;
use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

fn config(bed: &Testbed, set: &[(&str, &str)]) -> model_application::Config {
    model_application::Config::new(&bed.settings(set)).expect("valid settings")
}

async fn applier(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = config(bed, set);
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;
    running
}

fn request(id: impl Into<Value>) -> Vec<u8> {
    let id: Value = id.into();
    json!({"id": id, "city": "city1", "street": "street6", "floor": 3, "rooms": 2, "area": 50})
        .to_string()
        .into_bytes()
}

fn keyed(id: u32) -> (String, Vec<u8>) {
    (id.to_string(), request(id))
}

async fn execute(bed: &Testbed, sql: &str) {
    sqlx::raw_sql(sql)
        .execute(bed.pool())
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Random letters: nothing that a database could compress.
fn letters(count: usize) -> String {
    let mut rng = rand::rng();
    (0..count)
        .map(|_| char::from(rng.random_range(b'a'..=b'z')))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_of_every_kind_is_rejected_and_all_else_is_answered() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    let in_utf_16: Vec<u8> = "{\"id\":\"x\"}"
        .repeat(20_000)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let poison = [
        ("long id".to_owned(), request(letters(3500))),
        ("junk".to_owned(), vec![0xff; 300_000]),
        ("utf-16".to_owned(), in_utf_16),
        ("control characters".to_owned(), vec![1; 300_000]),
        ("k".repeat(400_000), b"{".to_vec()),
    ];
    let mut messages = Vec::new();
    for (index, poison) in poison.into_iter().enumerate() {
        messages.push(keyed(index as u32));
        messages.push(poison);
    }
    messages.push(keyed(99));
    bed.send(&topics.requests, &messages).await;
    let answers = bed.receive(&topics.answers, 11, LIMIT).await;
    assert_eq!(answers.len(), 11, "each is answered once");
    let (good, bad): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer.json().get("prediction").is_some());
    assert_eq!((good.len(), bad.len()), (6, 5));
    for answer in bad {
        assert!(answer.json()["code"].is_string(), "{}", answer.json());
        assert!(answer.payload.len() < 10_000, "{}", answer.payload.len());
        assert!(answer.key.len() <= 1024, "{}", answer.key.len());
    }
    assert_eq!(bed.number("SELECT count(*) FROM rejects").await, 5);
    assert_eq!(bed.receive(&topics.rejects, 5, LIMIT).await.len(), 5);
    assert!(running.is_ready().await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_is_singled_out_of_its_batch() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    execute(
        &bed,
        "ALTER TABLE answers ADD CONSTRAINT unlucky \
         CHECK (request_id NOT IN ('7', '42', 'http:7')); \
         ALTER TABLE actuals ADD CONSTRAINT unlucky CHECK (actual <> 13);",
    )
    .await;
    let requests: Vec<_> = (0..100).map(keyed).collect();
    bed.send(&topics.requests, &requests).await;
    let answers = bed.receive(&topics.answers, 100, LIMIT).await;
    assert_eq!(answers.len(), 100);
    let refused: Vec<Value> = answers
        .iter()
        .map(|answer| answer.json())
        .filter(|answer| answer["code"] == "refused")
        .collect();
    let mut ids: Vec<u64> = refused
        .iter()
        .filter_map(|answer| answer["id"].as_u64())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, [7, 42]);
    let why = refused[0]["error"].as_str().unwrap_or_default();
    assert!(why.contains("unlucky"), "{why}");
    assert_eq!(bed.number("SELECT count(*) FROM answers").await, 98);
    let rejects = "SELECT count(*) FROM rejects WHERE code = 'refused' AND payload LIKE '%city1%'";
    assert_eq!(bed.number(rejects).await, 2);

    // Over HTTP: the reply stands, and all others are stored.
    for id in [7, 8, 9] {
        let body = String::from_utf8(request(id.to_string())).expect("text");
        assert_eq!(running.post("/predict", &body).await.0, 200);
    }
    let stored = "SELECT count(*) FROM answers WHERE request_id IN ('http:8', 'http:9')";
    eventually("the others are stored", LIMIT, || async {
        bed.number(stored).await == 2
    })
    .await;

    // Labels: the same.
    let label = |id: u32, price: u32| {
        let label = json!({ "id": id, "price": price });
        (id.to_string(), label.to_string().into_bytes())
    };
    let labels: Vec<_> = (0..50)
        .map(|id| label(id, if id == 20 { 13 } else { 5_000_000 }))
        .collect();
    bed.send(&topics.actuals, &labels).await;
    eventually("the other labels are stored", LIMIT, || async {
        bed.number("SELECT count(*) FROM actuals").await == 49
    })
    .await;
    let rejects =
        "SELECT count(*) FROM rejects WHERE code = 'bad_actual' AND reason LIKE '%unlucky%'";
    eventually("the one is a reject", LIMIT, || async {
        bed.number(rejects).await == 1
    })
    .await;
    assert!(running.is_ready().await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_from_the_future_locks_no_later_one_out() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    // One that an earlier release took.
    execute(
        &bed,
        "INSERT INTO actuals (request_id, actual, observed_at) VALUES ('old', 1, '2126-01-01')",
    )
    .await;
    let label = |label: Value| ("1".to_owned(), label.to_string().into_bytes());
    bed.send(
        &topics.actuals,
        &[
            label(json!({"id": "a", "price": 1e6, "observed_at": "2126-11-01T00:00:00Z"})),
            label(json!({"id": "a", "price": 5.5e6, "observed_at": "2026-01-01T00:00:00Z"})),
            label(json!({"id": "a", "price": 5.6e6})),
            label(json!({"id": "old", "price": 5.6e6})),
        ],
    )
    .await;
    eventually("the later ones count", LIMIT, || async {
        bed.number("SELECT count(*) FROM actuals WHERE actual = 5600000")
            .await
            == 2
    })
    .await;
    let rejects = "SELECT count(*) FROM rejects WHERE code = 'bad_actual' AND reason LIKE '%2126%'";
    assert_eq!(bed.number(rejects).await, 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_its_topic_never_takes_is_published_shortened() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    // The least that a client takes; with its key and its reasons the first answer is larger.
    let small = [("kafka.properties.message.max.bytes", "1000")];
    let running = applier(&bed, &small).await;
    let id = "a".repeat(300);
    let mut with_reasons: Value = serde_json::from_slice(&request(&*id)).expect("JSON");
    with_reasons["explain"] = 50.into();
    let messages = [
        (id.clone(), with_reasons.to_string().into_bytes()),
        ("junk".to_owned(), vec![b'x'; 5000]),
        keyed(2),
    ];
    bed.send(&topics.requests, &messages).await;
    let answers = bed.receive(&topics.answers, 3, LIMIT).await;
    let of = |id: Value| {
        let mut answers = answers.iter().map(|answer| answer.json());
        answers.find(|answer| answer["id"] == id)
    };
    assert_eq!(of(json!(id)).expect("an answer")["code"], "too_large");
    assert!(of(json!(2)).expect("an answer")["prediction"].is_number());
    let rejects = bed.receive(&topics.rejects, 1, LIMIT).await;
    assert_eq!(rejects[0].json()["payload_bytes"], 5000);
    let stored =
        "SELECT count(*) FROM answers WHERE length(request_id) = 300 AND length(payload) > 700";
    assert_eq!(bed.number(stored).await, 1, "the table has it whole");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_gone_ends_the_service_with_what_to_mend() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let config = config(&bed, &[]);
    let running = tokio::spawn(model_application::run(config, listener, Shutdown::new()));
    bed.send(&topics.requests, &[keyed(1)]).await;
    assert_eq!(bed.receive(&topics.answers, 1, LIMIT).await.len(), 1);
    execute(&bed, "ALTER TABLE answers RENAME TO answers_of_before").await;
    bed.send(&topics.requests, &[keyed(2)]).await;
    let ended = tokio::time::timeout(LIMIT, running).await;
    let ended = ended.expect("it ends").expect("it does not panic");
    let why = format!("{:#}", ended.expect_err("it says why"));
    assert!(why.contains("answers") && why.contains("--check"), "{why}");

    // After the repair nothing is lost.
    execute(&bed, "ALTER TABLE answers_of_before RENAME TO answers").await;
    let running = applier(&bed, &[]).await;
    assert_eq!(bed.receive(&topics.answers, 2, LIMIT).await.len(), 2);
    running.stop().await;
}

/// From now on a write to `table` fails for want of a right.
async fn forbid(bed: &Testbed, table: &str) {
    execute(
        bed,
        &format!(
            "CREATE FUNCTION forbid_{table}() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'permission denied' USING ERRCODE = '42501'; END $$; \
             CREATE TRIGGER forbidden BEFORE INSERT OR UPDATE ON {table} \
             FOR EACH STATEMENT EXECUTE FUNCTION forbid_{table}()"
        ),
    )
    .await;
}

async fn allow(bed: &Testbed, table: &str) {
    execute(bed, &format!("DROP TRIGGER forbidden ON {table}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_labels_that_may_not_be_written_ends_the_service_with_what_to_mend() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    forbid(&bed, "actuals").await;
    let label = json!({"id": "a", "price": 5_000_000}).to_string();
    bed.send(&topics.actuals, &[("a".to_owned(), label.into_bytes())])
        .await;
    let why = running.failure(LIMIT).await;
    assert!(
        why.contains("labels") && why.contains("actuals") && why.contains("--check"),
        "{why}"
    );

    // Mended, nothing is lost.
    allow(&bed, "actuals").await;
    let running = applier(&bed, &[]).await;
    eventually("the label is stored", LIMIT, || async {
        bed.number("SELECT count(*) FROM actuals WHERE actual = 5000000")
            .await
            == 1
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_over_http_that_may_not_be_stored_end_the_service_with_what_to_mend() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    forbid(&bed, "answers").await;
    let body = String::from_utf8(request("a")).expect("text");
    assert_eq!(running.post("/predict", &body).await.0, 200);
    let why = running.failure(LIMIT).await;
    assert!(
        why.contains("answers over HTTP") && why.contains("--check"),
        "{why}"
    );
    allow(&bed, "answers").await;
    let running = applier(&bed, &[]).await;
    assert_eq!(running.post("/predict", &body).await.0, 200);
    eventually("the answer is stored", LIMIT, || async {
        bed.number("SELECT count(*) FROM answers").await == 1
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_changes_neither_expiry_nor_how_long_it_took() {
    let bed = Testbed::start().await;
    let kafka = bed.kafka(&[]);
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[("applier.expire_after_s", "60")]).await;
    let producer = kafka.producer().expect("a producer");
    let now_ms = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a clock")
        .as_millis() as i64;
    // Seconds for milliseconds, and a clock that is half an hour ahead.
    for (id, stamp) in [("1", now_ms / 1000), ("2", now_ms + 1_800_000)] {
        let payload = request(id);
        let record = FutureRecord::to(&kafka.topics.requests)
            .key(id)
            .payload(&payload)
            .timestamp(stamp);
        let delivery = match producer.send_result(record) {
            Ok(delivery) => delivery,
            Err((error, _)) => panic!("a message is not taken: {error}"),
        };
        delivery
            .await
            .expect("the producer lives")
            .expect("it is delivered");
    }
    let answers = bed.receive(&kafka.topics.answers, 2, LIMIT).await;
    for answer in answers {
        let answer = answer.json();
        let took_ms = answer["took_ms"].as_f64().unwrap_or(f64::MAX);
        assert!((0.0..180_000.0).contains(&took_ms), "{answer}");
    }
    running.stop().await;
}
