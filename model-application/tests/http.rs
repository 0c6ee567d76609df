//! The HTTP interface beside `POST /predict`: the Open Inference Protocol, models by hand, a token.

#[path = "conservation/model.rs"]
mod model;

use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

async fn applier(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = model_application::Config::new(&bed.settings(set)).expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;
    running
}

fn request(id: &str, area: f64) -> Value {
    json!({"id": id, "city": "city1", "street": "street6", "floor": 3, "rooms": 2, "area": area})
}

fn tensor(name: &str, datatype: &str, data: &Value) -> Value {
    let rows = data.as_array().map_or(0, Vec::len);
    json!({ "name": name, "shape": [rows], "datatype": datatype, "data": data })
}

fn two_flats() -> Vec<Value> {
    vec![
        tensor("city", "BYTES", &json!(["city1", "city1"])),
        tensor("street", "BYTES", &json!(["street6", "street6"])),
        tensor("floor", "INT64", &json!([3, 3])),
        tensor("rooms", "INT32", &json!([[2], [2]])),
        tensor("area", "FP32", &json!([50.0, 70.0])),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn tensors_get_the_prices_of_records_and_bad_ones_are_told() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    let records = json!([request("a", 50.0), request("b", 70.0)]).to_string();
    let (_, answers) = running.post("/predict", &records).await;

    let infer = "/v2/models/real-estate/infer";
    let body = json!({ "id": "x", "inputs": two_flats() }).to_string();
    let (code, found) = running.post(infer, &body).await;
    assert_eq!(code, 200, "{found}");
    assert_eq!(found["id"], "x");
    assert_eq!(found["model_name"], "real-estate");
    assert_eq!(found["model_version"], "v000001");
    for (index, part) in ["prediction", "low", "high"].iter().enumerate() {
        let output = &found["outputs"][index];
        assert_eq!(output["name"], *part);
        assert_eq!(output["shape"], json!([2]));
        for row in 0..2 {
            // A whole number has a point in a tensor, and none in an answer.
            assert_eq!(
                output["data"][row].as_f64(),
                answers[row][part].as_f64(),
                "{part} of row {row}"
            );
        }
    }
    eventually(
        "its answers are stored under the request's id",
        LIMIT,
        || async {
            let sql = "SELECT count(*) FROM answers WHERE request_id IN ('http:x/0', 'http:x/1')";
            bed.number(sql).await == 2
        },
    )
    .await;

    let (code, metadata) = running.get("/v2/models/real-estate").await;
    assert_eq!(code, 200);
    let inputs = metadata["inputs"].as_array().expect("inputs");
    let area = inputs.iter().find(|input| input["name"] == "area");
    assert_eq!(area.expect("an input")["datatype"], "FP64");
    assert!(!inputs.iter().any(|input| input["name"] == "price"));
    for path in [
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/openapi.json",
    ] {
        assert_eq!(running.get(path).await.0, 200, "{path}");
    }
    let version = "/v2/models/real-estate/versions/v000001/ready";
    assert_eq!(running.get(version).await.0, 200);

    let with = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut inputs = two_flats();
        change(&mut inputs);
        json!({ "inputs": inputs }).to_string()
    };
    for (body, expected) in [
        ("{}".to_owned(), "missing field `inputs`"),
        (json!({ "inputs": [] }).to_string(), "at least one input"),
        (
            with(&|inputs| inputs[0]["name"] = "town".into()),
            "no input town",
        ),
        (
            with(&|inputs| inputs[0]["datatype"] = "FP32".into()),
            "expected the datatype BYTES",
        ),
        (
            with(&|inputs| inputs[0]["parameters"] = json!({"content_type": "base64"})),
            "input city: expected no content_type",
        ),
        (
            json!({ "inputs": two_flats(), "parameters": {"content_type": "base64"} }).to_string(),
            "the request: expected no content_type",
        ),
        (
            with(&|inputs| inputs[0]["shape"] = json!([3])),
            "expected 3 values",
        ),
        (
            with(&|inputs| inputs[0]["shape"] = json!([2, 2])),
            "[rows] or [rows, 1]",
        ),
        (
            with(&|inputs| inputs[2] = tensor("floor", "INT64", &json!([3]))),
            "expected 2 rows",
        ),
        (
            with(&|inputs| inputs[2]["data"] = json!([3, 9999])),
            "row 1: ",
        ),
        (with(&|inputs| drop(inputs.remove(0))), "row 0: "),
        (
            json!({ "inputs": two_flats(), "outputs": [{"name": "x"}] }).to_string(),
            "found x",
        ),
    ] {
        let (code, answer) = running.post(infer, &body).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!(code, 400, "{body}: {answer}");
        assert!(error.contains(expected), "{body}: {answer}");
    }
    for path in [
        "/v2/models/cars/infer",
        "/v2/models/real-estate/versions/v000009/infer",
    ] {
        assert_eq!(running.post(path, &body).await.0, 404, "{path}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_arrive_together_get_their_prices_and_their_errors_each() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    let area = |number: usize| 40.0 + number as f64 / 10.0;
    let bodies: Vec<(String, String)> = (0..200)
        .map(|number| match number % 10 {
            7 => ("/predict".to_owned(), "{\"id\": ".to_owned()),
            8 => {
                let again = request(&format!("n{}", number - 1 - 5), 777.0).to_string();
                ("/predict".to_owned(), again)
            }
            9 => {
                let shared = request(&format!("n{number}"), area(number)).to_string();
                ("/predict?namespace=shared".to_owned(), shared)
            }
            _ => {
                let lone = request(&format!("n{number}"), area(number)).to_string();
                ("/predict".to_owned(), lone)
            }
        })
        .collect();
    let client = reqwest::Client::new();
    let asked = bodies.iter().map(|(path, body)| {
        let url = format!("http://{}{path}", running.http);
        let request = client.post(url).body(body.clone());
        async move {
            let answer = request.send().await.expect("an answer");
            let code = answer.status().as_u16();
            (code, answer.json::<Value>().await.expect("JSON"))
        }
    });
    let answers = futures_util::future::join_all(asked).await;
    let lone = request("lone", area(5)).to_string();
    let (_, lone) = running.post("/predict", &lone).await;
    assert_eq!(lone["prediction"], answers[5].1["prediction"]);
    for (number, (code, answer)) in answers.iter().enumerate() {
        match number % 10 {
            7 => assert_eq!(
                (*code, &answer["code"]),
                (400, &json!("malformed")),
                "{answer}"
            ),
            // Whichever of two records came first under one id: the other is a conflict.
            8 => {
                let first = number - 1 - 5;
                let codes = (answers[first].0, *code);
                assert!(codes == (200, 409) || codes == (409, 200), "{codes:?}");
            }
            2 => {}
            _ => {
                assert_eq!(*code, 200, "{answer}");
                assert_eq!(answer["id"], format!("n{number}"));
            }
        }
    }
    let cheap = answers[0].1["prediction"].as_f64().expect("a price");
    let dear = answers[190].1["prediction"].as_f64().expect("a price");
    assert!(dear > cheap, "each has its own price: {cheap}, {dear}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_activated_and_rolled_back_by_hand() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    model::publish(&bed, 110_000.0);
    let running = applier(&bed, &[]).await;
    let model_of = |answer: &Value| answer["model"].as_str().unwrap_or_default().to_owned();
    // Under a known id the answer would stay.
    let ids = std::sync::atomic::AtomicU32::new(0);
    let predict = || async {
        let id = ids.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let body = request(&id.to_string(), 50.0).to_string();
        model_of(&running.post("/predict", &body).await.1)
    };
    assert_eq!(
        predict().await,
        "real-estate@v000002",
        "the newest is champion"
    );

    let (code, activated) = running
        .post("/models/v000001/activate?why=a+test", "")
        .await;
    assert_eq!(code, 200, "{activated}");
    assert_eq!(model_of(&activated), "real-estate@v000001");
    assert_eq!(
        activated["shadow"]["rows"], 1,
        "it was tried on what was asked"
    );
    assert_eq!(predict().await, "real-estate@v000001");
    let (_, models) = running.get("/models").await;
    assert_eq!(models["models"][1]["serving"], true, "{models}");
    assert_eq!(
        models["models"][1]["aliases"],
        json!(["champion"]),
        "{models}"
    );

    // A far more expensive one is not taken up by itself, but by hand.
    model::publish(&bed, 1_000_000.0);
    assert_eq!(
        predict().await,
        "real-estate@v000001",
        "what was activated stays"
    );
    assert_eq!(running.post("/models/3/activate", "").await.0, 200);
    assert_eq!(predict().await, "real-estate@v000003");
    let (code, back) = running.post("/models/rollback", "").await;
    assert_eq!(
        (code, model_of(&back)),
        (200, "real-estate@v000001".to_owned())
    );
    assert_eq!(predict().await, "real-estate@v000001");

    for (path, code) in [
        ("/models/v000009/activate", 404),
        ("/models/latest/activate", 400),
        ("/models/rollback?because=x", 400),
    ] {
        let (found, answer) = running.post(path, "").await;
        assert_eq!(found, code, "{path}: {answer}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_champion_that_moves_prices_too_far_is_refused() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    for n in 0..5 {
        let body = request(&n.to_string(), 50.0).to_string();
        assert_eq!(running.post("/predict", &body).await.0, 200);
    }
    model::publish(&bed, 1_000_000.0);
    eventually("it is refused", LIMIT, || async {
        let (_, status) = running.get("/status").await;
        let why = status["refused_model"].as_str().unwrap_or_default();
        why.starts_with("v000002") && why.contains("max_swap_change")
    })
    .await;
    let (_, status) = running.get("/status").await;
    assert_eq!(status["model"], "real-estate@v000001", "it goes on");
    model::publish(&bed, 110_000.0);
    eventually("the next is taken", LIMIT, || async {
        let (_, status) = running.get("/status").await;
        status["model"] == "real-estate@v000003"
    })
    .await;
    let (_, status) = running.get("/status").await;
    let ratio = &status["last_swap"]["shadow"]["median_ratio"];
    let ratio = ratio.as_f64().expect("a ratio");
    assert!((ratio - 1.1).abs() < 0.02, "{status}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_where_one_is_set() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[("applier.token", "a secret")]).await;
    let client = reqwest::Client::new();
    let predict = |path: &'static str, token: Option<&'static str>| {
        let url = format!("http://{}{path}", running.http);
        let mut request = client.post(url).body(request("a", 50.0).to_string());
        if let Some(token) = token {
            request = request.header("Authorization", token);
        }
        async move { request.send().await.expect("an answer").status().as_u16() }
    };
    assert_eq!(predict("/predict", Some("Bearer a secret")).await, 200);
    for wrong in [
        None,
        Some("Bearer a secre"),
        Some("Bearer a secret2"),
        Some("Basic a secret"),
        Some(""),
    ] {
        assert_eq!(predict("/predict", wrong).await, 401, "{wrong:?}");
        assert_eq!(
            predict("/models/v000001/activate", wrong).await,
            401,
            "{wrong:?}"
        );
    }
    for open in [
        "/health/live",
        "/health/ready",
        "/status",
        "/openapi.json",
        "/quality",
    ] {
        assert_eq!(running.get(open).await.0, 200, "{open}");
    }
    let status = running.get("/status").await.1.to_string();
    assert!(!status.contains("a secret"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unseen_names_and_misspelt_fields_are_named_in_the_answer() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    let (_, known) = running
        .post("/predict", &request("known", 50.0).to_string())
        .await;
    for absent in ["unseen", "unknown_fields"] {
        assert!(known.get(absent).is_none(), "{known}");
    }

    let mut flat = request("unseen", 50.0);
    flat["city"] = "CITY1".into();
    flat["street"] = "Atlantis".into();
    flat["Area"] = 50.into();
    flat["built"] = 1990.into();
    let (code, answer) = running.post("/predict", &flat.to_string()).await;
    assert_eq!(code, 200, "{answer}");
    let unseen = json!([
        {"field": "city", "value": "CITY1", "near": ["city1"]},
        {"field": "street", "value": "Atlantis"},
    ]);
    assert_eq!(answer["unseen"], unseen, "{answer}");
    // The record has an area, so that another one is not meant.
    assert_eq!(
        answer["unknown_fields"],
        json!({"Area": null, "built": null})
    );

    let mut flat = request("misspelt", 50.0);
    let fields = flat.as_object_mut().expect("a record");
    let city = fields.remove("city").expect("a city");
    fields.insert("citty".to_owned(), city);
    let (code, refused) = running.post("/predict", &flat.to_string()).await;
    assert_eq!(
        (code, &refused["code"]),
        (400, &json!("missing_field")),
        "{refused}"
    );
    assert_eq!(refused["unknown_fields"], json!({"citty": "city"}));

    // Over Kafka an answer says the same of names.
    let topics = bed.kafka(&[]).topics;
    let mut flat = request("kafka", 50.0);
    flat["city"] = "CITY1".into();
    bed.send(
        &topics.requests,
        &[("kafka".to_owned(), flat.to_string().into_bytes())],
    )
    .await;
    let answer = bed.receive(&topics.answers, 1, LIMIT).await[0].json();
    assert_eq!(answer["unseen"], json!([unseen[0]]), "{answer}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_have_hundredths_at_most() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    let records: Vec<Value> = (0..20)
        .map(|number| request(&format!("h{number}"), 30.0 + f64::from(number) / 3.0))
        .collect();
    let (_, answers) = running
        .post("/predict?explain=2", &json!(records).to_string())
        .await;
    for answer in answers.as_array().expect("answers") {
        for part in ["prediction", "low", "high"] {
            let text = answer[part].to_string();
            let decimals = text
                .split_once('.')
                .map_or(0, |(_, decimals)| decimals.len());
            assert!(decimals <= 2, "{part}: {text}");
        }
        for comparable in answer["explanation"]["comparables"]
            .as_array()
            .expect("some")
        {
            let time = comparable["time"].as_str().expect("a time");
            assert!(time.starts_with("2023-11-14T"), "{comparable}");
        }
    }
    running.stop().await;
}

/// A tensor whose values stand after the JSON, and these values.
fn binary(name: &str, datatype: &str, rows: usize, values: Vec<u8>) -> (Value, Vec<u8>) {
    let parameters = json!({ "binary_data_size": values.len() });
    let tensor = json!({
        "name": name, "shape": [rows], "datatype": datatype, "parameters": parameters,
    });
    (tensor, values)
}

fn texts(texts: &[&str]) -> Vec<u8> {
    let texts = texts.iter().flat_map(|text| {
        let length = u32::try_from(text.len()).expect("a short text");
        [&length.to_le_bytes()[..], text.as_bytes()].concat()
    });
    texts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_tensors_get_the_prices_of_json_tensors() {
    const LENGTH: &str = "Inference-Header-Content-Length";
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    let infer = "/v2/models/real-estate/infer";
    let body = json!({ "inputs": two_flats() }).to_string();
    let (code, expected) = running.post(infer, &body).await;
    assert_eq!(code, 200, "{expected}");

    let tensors = [
        binary("city", "BYTES", 2, texts(&["city1", "city1"])),
        binary("street", "BYTES", 2, texts(&["street6", "street6"])),
        binary(
            "floor",
            "INT64",
            2,
            [3_i64, 3].map(i64::to_le_bytes).concat(),
        ),
        binary(
            "rooms",
            "INT32",
            2,
            [2_i32, 2].map(i32::to_le_bytes).concat(),
        ),
        binary(
            "area",
            "FP32",
            2,
            [50_f32, 70.0].map(f32::to_le_bytes).concat(),
        ),
    ];
    let (inputs, values): (Vec<Value>, Vec<Vec<u8>>) = tensors.into_iter().unzip();
    let outputs = json!([
        { "name": "prediction", "parameters": { "binary_data": true } },
        { "name": "low", "parameters": { "binary_data": false } },
        { "name": "high" },
    ]);
    let head = json!({
        "inputs": inputs, "outputs": outputs, "parameters": { "binary_data_output": true },
    });
    let head = head.to_string();
    let client = reqwest::Client::new();
    let ask = async |length: usize, values: &[u8]| {
        let url = format!("http://{}{infer}", running.http);
        let body = [head.as_bytes(), values].concat();
        let request = client.post(url).header(LENGTH, length).body(body);
        request.send().await.expect("an answer")
    };
    let values = values.concat();
    let answer = ask(head.len(), &values).await;
    assert_eq!(answer.status().as_u16(), 200);
    let length = answer.headers()[LENGTH].to_str().expect("a text");
    let length: usize = length.parse().expect("a length");
    let bytes = answer.bytes().await.expect("a body");
    let (json, rest) = bytes.split_at(length);
    let found: Value = serde_json::from_slice(json).expect("JSON");
    assert_eq!(found["outputs"][1]["data"], expected["outputs"][1]["data"]);
    for (output, part) in [(0, 0..16), (2, 16..32)] {
        let numbers = rest[part].as_chunks::<8>().0.iter();
        let numbers: Vec<f64> = numbers.map(|number| f64::from_le_bytes(*number)).collect();
        assert_eq!(json!(numbers), expected["outputs"][output]["data"]);
        let parameters = &found["outputs"][output]["parameters"];
        assert_eq!(parameters["binary_data_size"], 16);
    }
    assert_eq!(rest.len(), 32);

    // Too few bytes, and too many.
    assert_eq!(ask(head.len(), &values[1..]).await.status().as_u16(), 400);
    let more = [&values[..], b"x"].concat();
    assert_eq!(ask(head.len(), &more).await.status().as_u16(), 400);
    assert_eq!(ask(1_000_000, &values).await.status().as_u16(), 400);

    let (code, index) = running.post("/v2/repository/index", "{}").await;
    assert_eq!((code, &index[0]["state"]), (200, &json!("READY")));
    let (_, config) = running.get("/v2/models/real-estate/config").await;
    let mut inputs = config["input"].as_array().expect("inputs").iter();
    let area = inputs.find(|input| input["name"] == "area");
    assert_eq!(area.expect("an input")["data_type"], "TYPE_FP64");
    let (_, statistics) = running.get("/v2/models/real-estate/stats").await;
    let statistics = &statistics["model_stats"][0];
    assert_eq!(statistics["inference_count"], 4);
    assert_eq!(statistics["inference_stats"]["success"]["count"], 2);
    assert_eq!(statistics["inference_stats"]["fail"]["count"], 3);
    assert_eq!(running.get("/v2/models/cars/stats").await.0, 404);
    running.stop().await;
}
