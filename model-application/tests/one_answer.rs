//! One request, one answer, also among strangers: the same record under an id gets the same bytes again,
//! another record under it gets none.

#[path = "conservation/model.rs"]
mod model;

use std::time::Duration;

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use serde_json::{Value, json};
use testbed::{Received, Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

async fn applier(bed: &Testbed, version: &str) -> Running {
    applier_with(bed, version, &[]).await
}

async fn applier_with(bed: &Testbed, version: &str, set: &[(&str, &str)]) -> Running {
    let mut all = vec![("applier.max_swap_change", "0")];
    all.extend(set);
    let config = model_application::Config::new(&bed.settings(&all)).expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;
    eventually(version, LIMIT, || async {
        let (_, status) = running.get("/status").await;
        status["model"] == json!(format!("real-estate@{version}"))
    })
    .await;
    running
}

fn request(id: &str, area: f64) -> String {
    json!({"id": id, "city": "city1", "street": "street6", "floor": 3, "rooms": 2, "area": area})
        .to_string()
}

/// The same in other words.
fn again(id: &str, area: f64) -> String {
    format!(
        r#"{{ "area": {area:?}, "rooms": 2.0, "floor": 3, "street": "street6", "noise": [1],
           "city": "city1", "latitude": null, "id": "{id}" }}"#
    )
}

fn message(id: &str, payload: String) -> (String, Vec<u8>) {
    (id.to_owned(), payload.into_bytes())
}

async fn stored(bed: &Testbed, count: i64) {
    eventually("the answers are stored", LIMIT, || async {
        bed.number("SELECT count(*) FROM answers").await == count
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_record_under_a_known_id_is_a_conflict_over_kafka() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    // A row of an earlier release, whose request nobody knows.
    let running = applier(&bed, "v000001").await;
    sqlx::query(
        "INSERT INTO answers (request_id, prediction, model, payload) VALUES ('old', 1, 'm', '{\"id\":\"old\"}')",
    )
    .execute(bed.pool())
    .await
    .expect("a row");
    // In one batch, large enough to be copied; the third is the first again.
    let mut messages = vec![
        message("a", request("a", 50.0)),
        message("a", request("a", 70.0)),
        message("a", again("a", 50.0)),
        message("old", request("old", 50.0)),
    ];
    messages.extend((0..40).map(|id| message(&id.to_string(), request(&id.to_string(), 50.0))));
    bed.send(&topics.requests, &messages).await;
    let answers = bed.receive(&topics.answers, 44, LIMIT).await;
    assert_eq!(answers.len(), 44);
    // And in later ones.
    let later = [
        message("a", request("a", 71.0)),
        message("a", again("a", 50.0)),
    ];
    bed.send(&topics.requests, &later).await;
    let answers = bed.receive(&topics.answers, 46, LIMIT).await;
    let of_a = answers.iter().filter(|answer| answer.json()["id"] == "a");
    let (conflicts, given): (Vec<&Received>, Vec<&Received>) =
        of_a.partition(|answer| answer.json()["code"] == "conflict");
    assert_eq!((conflicts.len(), given.len()), (2, 3));
    assert!(
        given
            .iter()
            .all(|answer| answer.payload == given[0].payload)
    );
    let why = conflicts[0].json()["error"].to_string();
    assert!(why.contains("a new id"), "{why}");
    let old = answers.iter().find(|answer| answer.json()["id"] == "old");
    assert_eq!(old.expect("an answer").payload, b"{\"id\":\"old\"}");
    let rejects = "SELECT count(*) FROM rejects WHERE code = 'conflict' AND convert_from(payload, 'UTF8') \
         LIKE '%city1%'";
    assert_eq!(bed.number(rejects).await, 2);
    assert_eq!(bed.receive(&topics.rejects, 2, LIMIT).await.len(), 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_the_reply_is_what_is_stored() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, "v000001").await;
    let (code, first) = running.post("/predict", &request("a", 50.0)).await;
    assert_eq!((code, &first["id"]), (200, &json!("a")), "{first}");
    // At once, while it waits to be stored, and in one body.
    let body = format!("[{},{}]", again("a", 50.0), request("a", 70.0));
    let (code, both) = running.post("/predict", &body).await;
    assert_eq!((code, &both[0]), (200, &first));
    assert_eq!(both[1]["code"], "conflict", "{both}");
    assert_eq!(both[1]["id"], "a");
    stored(&bed, 1).await;
    assert_eq!(
        bed.number("SELECT count(*) FROM answers WHERE request_id = 'http:a'")
            .await,
        1
    );

    // Another model, another process: the answer stays.
    model::publish(&bed, 200_000.0);
    running.stop().await;
    let running = applier(&bed, "v000002").await;
    assert_eq!(
        running.post("/predict", &again("a", 50.0)).await,
        (200, first.clone())
    );
    let (code, conflict) = running.post("/predict", &request("a", 51.0)).await;
    assert_eq!(
        (code, &conflict["code"]),
        (409, &json!("conflict")),
        "{conflict}"
    );

    // What is asked over HTTP decides nothing for Kafka, unless it says so.
    bed.send(&topics.requests, &[message("a", request("a", 70.0))])
        .await;
    let kafka = bed.receive(&topics.answers, 1, LIMIT).await[0].json();
    assert_eq!(kafka["model"], "real-estate@v000002", "{kafka}");
    let shared = "/predict?namespace=shared";
    assert_eq!(
        running.post(shared, &request("a", 70.0)).await,
        (200, kafka.clone())
    );
    assert_eq!(running.post(shared, &request("a", 50.0)).await.0, 409);
    let (code, new) = running.post(shared, &request("b", 50.0)).await;
    assert_eq!(code, 200);
    stored(&bed, 3).await;
    bed.send(&topics.requests, &[message("b", again("b", 50.0))])
        .await;
    let answers = bed.receive(&topics.answers, 2, LIMIT).await;
    let of_b = answers.iter().find(|answer| answer.json()["id"] == "b");
    assert_eq!(of_b.expect("an answer").json(), new);
    assert_eq!(running.post("/predict?namespace=x", "{}").await.0, 400);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_the_same_at_once_get_one_answer() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, "v000001").await;
    let asking = (0..32).map(|n| {
        let body = format!(
            "[{},{}]",
            request("a", 50.0),
            request(&format!("b{}", n % 4), 50.0)
        );
        let url = format!("http://{}/predict", running.http);
        tokio::spawn(async move {
            let asked = reqwest::Client::new().post(url).body(body);
            let reply = asked.send().await.expect("an answer");
            assert_eq!(reply.status().as_u16(), 200);
            let answers: Vec<Value> = reply.json().await.expect("JSON");
            (n % 4, answers)
        })
    });
    let asking: Vec<_> = asking.collect();
    let mut replies = Vec::new();
    for asking in asking {
        replies.push(asking.await.expect("it does not panic"));
    }
    for (n, answers) in &replies {
        let first = replies.iter().find(|(other, _)| other == n).expect("one");
        assert_eq!(answers, &first.1);
        assert_eq!(answers[0], replies[0].1[0]);
    }
    stored(&bed, 5).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tensors_under_a_known_id_get_the_stored_answer_or_a_conflict() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, "v000001").await;
    let tensors = |id: Option<&str>, area: f64| {
        let of = |name: &str, datatype: &str, value: Value| json!({"name": name, "shape": [1], "datatype": datatype, "data": [value]});
        json!({ "id": id, "inputs": [
            of("city", "BYTES", json!("city1")), of("street", "BYTES", json!("street6")),
            of("floor", "INT64", json!(3)), of("rooms", "INT64", json!(2)), of("area", "FP64", json!(area)),
        ]})
        .to_string()
    };
    let infer = "/v2/models/real-estate/infer";
    let (code, first) = running.post(infer, &tensors(Some("t"), 50.0)).await;
    assert_eq!(code, 200, "{first}");
    stored(&bed, 1).await;
    model::publish(&bed, 200_000.0);
    running.stop().await;
    let running = applier(&bed, "v000002").await;
    assert_eq!(
        running.post(infer, &tensors(Some("t"), 50.0)).await,
        (200, first)
    );
    let (code, conflict) = running.post(infer, &tensors(Some("t"), 51.0)).await;
    assert_eq!(
        (code, &conflict["code"]),
        (409, &json!("conflict")),
        "{conflict}"
    );
    // Ids that are drawn here are nobody's.
    let (_, one) = running.post(infer, &tensors(None, 50.0)).await;
    assert_eq!(one["model_version"], "v000002");
    stored(&bed, 2).await;
    // The same record as `/predict` gets the same answer.
    let (code, same) = running.post("/predict", &request("t", 50.0)).await;
    assert_eq!(
        (code, &same["model"]),
        (200, &json!("real-estate@v000001")),
        "{same}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_goes_on_answering_while_the_database_is_away() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let (gate, url) = bed.behind_a_gate().await;
    gate.set_open(true);
    let set = [("database.url", url.as_str())];
    let config = model_application::Config::new(&bed.settings(&set)).expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;
    assert_eq!(running.post("/predict", &request("a", 50.0)).await.0, 200);
    stored(&bed, 1).await;
    gate.set_open(false);
    for id in ["b", "c"] {
        assert_eq!(running.post("/predict", &request(id, 50.0)).await.0, 200);
    }
    // What waits to be stored is known all the same.
    assert_eq!(running.post("/predict", &request("b", 51.0)).await.0, 409);
    gate.set_open(true);
    stored(&bed, 3).await;
    eventually("ready again", LIMIT, || running.is_ready()).await;
    running.stop().await;
}

/// Sends a request with headers, all to one partition.
async fn send_with(bed: &Testbed, payload: &str, headers: &[(&str, &[u8])]) {
    let topic = bed.kafka(&[]).topics.requests;
    let producer = bed.kafka(&[]).producer().expect("a producer");
    let mut all = OwnedHeaders::new();
    for (key, value) in headers {
        let value = Some(*value);
        all = all.insert(Header { key, value });
    }
    let record = FutureRecord::to(&topic)
        .key("k")
        .payload(payload)
        .headers(all);
    let sent = producer.send_result(record).map_err(|(error, _)| error);
    let delivery = tokio::time::timeout(LIMIT, sent.expect("is taken")).await;
    let delivered = delivery.expect("in time").expect("the producer lives");
    delivered.map_err(|(error, _)| error).expect("is delivered");
}

/// The headers as a message has them.
fn of(headers: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    let headers = headers.iter();
    let headers = headers.map(|(key, value)| ((*key).to_owned(), value.to_vec()));
    headers.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_the_headers_of_its_request_also_when_it_is_published_again() {
    const FIRST: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const SECOND: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    let set = [("kafka.envelopes.requests", "debezium")];
    let running = applier_with(&bed, "v000001", &set).await;
    let record = request("a", 50.0);
    let enveloped = format!(r#"{{"before":null,"after":{record},"op":"c","ts_ms":1}}"#);
    let large = vec![b'x'; 5000];
    let first: [(&str, &[u8]); 4] = [
        ("traceparent", FIRST),
        ("password", b"secret"),
        ("X-Correlation-ID", b"\x00\xff"),
        ("tracestate", &large),
    ];
    send_with(&bed, &enveloped, &first).await;
    // The same request, of another trace.
    send_with(&bed, &enveloped, &[("traceparent", SECOND)]).await;
    send_with(&bed, r#"{"op":"t"}"#, &[("traceparent", FIRST)]).await;
    let answers = bed.receive(&topics.answers, 3, LIMIT).await;
    let (given, refused): (Vec<&Received>, Vec<&Received>) = answers
        .iter()
        .partition(|answer| answer.json()["id"] == "a");
    assert_eq!((given.len(), refused.len()), (2, 1));
    assert_eq!(given[0].payload, given[1].payload);
    assert_eq!(given[0].headers, of(&[first[0], first[2]]));
    assert_eq!(given[1].headers, of(&[("traceparent", SECOND)]));
    assert_eq!(refused[0].json()["code"], "envelope");
    assert_eq!(refused[0].headers, of(&[("traceparent", FIRST)]));
    let metrics = running.text("/metrics").await;
    let left_out = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("hedonic_applier_headers_left_out_total "))
        .filter_map(|count| count.parse::<f64>().ok());
    assert!(left_out.sum::<f64>() >= 1.0, "{metrics}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_shows_what_a_price_was_asked_for() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    // Enough for one batch that is copied, and a few that are inserted.
    let ids = (0..40).map(|id| id.to_string());
    let messages: Vec<_> = ids.map(|id| message(&id, request(&id, 50.5))).collect();
    bed.send(&topics.requests, &messages).await;
    let running = applier(&bed, "v000001").await;
    stored(&bed, 40).await;
    let (code, _) = running.post("/predict", &request("h", 50.5)).await;
    assert_eq!(code, 200);
    stored(&bed, 41).await;
    let asked = "SELECT count(*) FROM answers_readable WHERE request ->> 'city' = 'city1' \
                 AND (request ->> 'area')::float8 = 50.5 AND (request ->> 'floor')::int = 3 \
                 AND request -> 'id' IS NULL AND (answer ->> 'prediction')::float8 = prediction";
    assert_eq!(bed.number(asked).await, 41);
    running.stop().await;

    let set = [("applier.store_requests", "false")];
    let running = applier_with(&bed, "v000001", &set).await;
    bed.send(&topics.requests, &[message("b", request("b", 50.5))])
        .await;
    stored(&bed, 42).await;
    let without = "SELECT count(*) FROM answers WHERE record IS NULL AND request_id = 'b'";
    assert_eq!(bed.number(without).await, 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_the_trace_comes_back() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, "v000001").await;
    let client = reqwest::Client::new();
    for (body, code) in [(request("a", 50.0), 200), ("{".to_owned(), 400)] {
        let url = format!("http://{}/predict", running.http);
        let asked = client.post(url).header("traceparent", TRACE).body(body);
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), code);
        assert_eq!(answer.headers()["traceparent"], TRACE);
    }
    running.stop().await;
}
