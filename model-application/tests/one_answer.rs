//! One request, one answer, also among strangers: the same record under an id gets the same bytes again,
//! another record under it gets none.

#[path = "conservation/model.rs"]
mod model;

use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Received, Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

async fn applier(bed: &Testbed, version: &str) -> Running {
    let set = [("applier.max_swap_change", "0")];
    let config = model_application::Config::new(&bed.settings(&set)).expect("valid settings");
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
