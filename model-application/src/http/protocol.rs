//! The Open Inference Protocol, version 2, over HTTP: tensors by field.
//!
//! <https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md>

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use records::{Purpose, Schema};
use registry::Version;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::binary;
use super::micro_batch::{Kind, MicroBatch};
use super::outputs::{Answer, Output, Part};
use super::predict::taken;
use super::predictor::{Asking, Predictor, RowAnswer, answered};
use super::refused::Refused;
use super::tensor::{self, Input};
use super::trace::traced;
use crate::answer::Namespace;
use crate::serving::Loaded;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let models = ["/v2/models/{name}", "/v2/models/{name}/versions/{version}"];
    for model in models {
        // First, as paths are compared in turn.
        config.service(web::resource(format!("{model}/infer")).route(web::post().to(infer)));
    }
    config
        .service(web::resource("/v2").route(web::get().to(server)))
        .service(web::resource("/v2/health/live").route(web::get().to(live)))
        .service(web::resource("/v2/health/ready").route(web::get().to(ready)))
        .service(
            web::resource("/v2/repository/index")
                .route(web::get().to(index))
                .route(web::post().to(index)),
        )
        .service(web::resource("/v2/models/stats").route(web::get().to(statistics)));
    for model in models {
        config
            .service(web::resource(model).route(web::get().to(metadata)))
            .service(web::resource(format!("{model}/ready")).route(web::get().to(model_ready)))
            .service(web::resource(format!("{model}/config")).route(web::get().to(configuration)))
            .service(
                web::resource(format!("{model}/stats")).route(web::get().to(model_statistics)),
            );
    }
}

/// Which model a path names.
#[derive(Debug, Deserialize)]
struct Place {
    name: String,
    version: Option<String>,
}

async fn server() -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "name": "hedonic",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": [
            "binary_tensor_data", "model_configuration", "model_repository", "statistics",
        ],
    }))
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "live": true }))
}

async fn ready(predictor: web::Data<Predictor>) -> HttpResponse {
    match predictor.serving.current() {
        Some(_) => HttpResponse::Ok().json(json!({ "ready": true })),
        None => HttpResponse::ServiceUnavailable().json(json!({
            "ready": false,
            "error": "there is no model yet: run model-prepare",
        })),
    }
}

async fn model_ready(
    predictor: web::Data<Predictor>,
    place: web::Path<Place>,
) -> Result<HttpResponse, Refused> {
    named(&predictor, &place)?;
    Ok(HttpResponse::Ok().json(json!({ "name": place.name, "ready": true })))
}

async fn metadata(
    predictor: web::Data<Predictor>,
    place: web::Path<Place>,
) -> Result<HttpResponse, Refused> {
    let loaded = named(&predictor, &place)?;
    let inputs: Vec<Value> = predictor
        .schema
        .columns(Purpose::Request)
        .map(|field| json!({ "name": field.name, "datatype": tensor::datatype(field), "shape": [-1] }))
        .collect();
    let outputs = Part::all(&predictor.schema).iter();
    let outputs: Vec<Value> = outputs
        .map(|part| json!({ "name": part.name(), "datatype": part.datatype(), "shape": part.shape() }))
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "name": predictor.schema.name,
        "versions": [Version::name(loaded.number)],
        "platform": "hedonic",
        "inputs": inputs,
        "outputs": outputs,
    })))
}

/// The models: the one that answers.
async fn index(predictor: web::Data<Predictor>) -> HttpResponse {
    let name = &predictor.schema.name;
    HttpResponse::Ok().json(match predictor.serving.current() {
        Some(loaded) => json!([{
            "name": name, "version": Version::name(loaded.number), "state": "READY", "reason": "",
        }]),
        None => {
            json!([{ "name": name, "state": "UNAVAILABLE", "reason": "there is no model yet" }])
        }
    })
}

/// Inputs and outputs as Triton's model configuration has them; without a dimension for batches, as each tensor has
/// one dimension, its rows.
async fn configuration(
    predictor: web::Data<Predictor>,
    place: web::Path<Place>,
) -> Result<HttpResponse, Refused> {
    named(&predictor, &place)?;
    let tensor = |name: &str, datatype: &str, shape: &[i64]| {
        let data_type = match datatype {
            "BYTES" => "TYPE_STRING".to_owned(),
            other => format!("TYPE_{other}"),
        };
        json!({ "name": name, "data_type": data_type, "dims": shape })
    };
    let inputs = predictor.schema.columns(Purpose::Request);
    let inputs: Vec<Value> = inputs
        .map(|field| tensor(&field.name, tensor::datatype(field), &[-1]))
        .collect();
    let outputs = Part::all(&predictor.schema).iter();
    let outputs: Vec<Value> = outputs
        .map(|part| tensor(part.name(), part.datatype(), part.shape()))
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "name": predictor.schema.name,
        "platform": "hedonic",
        "backend": "hedonic",
        "max_batch_size": 0,
        "input": inputs,
        "output": outputs,
    })))
}

async fn statistics(predictor: web::Data<Predictor>) -> HttpResponse {
    let loaded = predictor.serving.current();
    let of = |loaded: Arc<Loaded>| {
        let version = Version::name(loaded.number);
        predictor.statistics.of(&predictor.schema.name, &version)
    };
    let all: Vec<Value> = loaded.map(of).into_iter().collect();
    HttpResponse::Ok().json(json!({ "model_stats": all }))
}

async fn model_statistics(
    predictor: web::Data<Predictor>,
    place: web::Path<Place>,
) -> Result<HttpResponse, Refused> {
    named(&predictor, &place)?;
    Ok(statistics(predictor).await)
}

/// The model that answers, where it is the one that is named.
fn named(predictor: &Predictor, place: &Place) -> Result<Arc<Loaded>, Refused> {
    let model = &predictor.schema.name;
    if place.name != *model {
        let why = format!("there is no model {}: this is {model}", place.name);
        return Err(Refused::new(404, why));
    }
    let Some(loaded) = predictor.serving.current() else {
        return Err(Refused::no_model());
    };
    let answering = loaded.number;
    match place.version.as_deref() {
        Some(version) if Version::parse(version) != Some(answering) => {
            let answering = Version::name(answering);
            let why = format!("{model} answers with version {answering}, not with {version}");
            Err(Refused::new(404, why))
        }
        _ => Ok(loaded),
    }
}

#[derive(Debug, Deserialize)]
struct Request {
    id: Option<String>,
    inputs: Vec<Input>,
    #[serde(default)]
    outputs: Vec<RequestedOutput>,
    #[serde(default)]
    parameters: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct RequestedOutput {
    name: String,
    #[serde(default)]
    parameters: Map<String, Value>,
}

/// A parameter that is true or false; `None` where it is absent.
fn flag(parameters: &Map<String, Value>, name: &str) -> Option<bool> {
    parameters.get(name)?.as_bool()
}

/// What may stand behind `/infer?`.
#[derive(Debug, Deserialize)]
struct Query {
    /// As of `/predict`.
    #[serde(default = "Namespace::http")]
    namespace: Namespace,
}

/// An output, and whether its values stand after the JSON.
type Asked = (Part, bool);

async fn infer(
    request: HttpRequest,
    predictor: web::Data<Predictor>,
    place: web::Path<Place>,
    query: web::Query<Query>,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<HttpResponse, Refused> {
    let began = Instant::now();
    let namespace = query.namespace;
    let answer = answer(&request, &predictor, &place, namespace, body).await;
    let rows = answer.as_ref().ok().map(|(_, rows)| *rows);
    predictor.statistics.add(rows, began.elapsed());
    if rows.is_some() {
        answered(began);
    }
    traced(&request, answer.map(|(response, _)| response))
}

/// The reply, and how many rows it is about.
async fn answer(
    request: &HttpRequest,
    predictor: &web::Data<Predictor>,
    place: &Place,
    namespace: Namespace,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<(HttpResponse, usize), Refused> {
    named(predictor, place)?;
    let body = taken(predictor, body)?;
    let _place = predictor.place()?;
    let wrong = |why: String| Refused::new(400, why);
    let micro_batch = request.app_data::<Rc<MicroBatch>>();
    let (json, mut values) = binary::split(request.headers(), &body).map_err(wrong)?;
    let mut request: Request = serde_json::from_slice(json).map_err(|error| {
        let why = format!("expected an inference request of the protocol's version 2: {error}");
        Refused::new(400, why)
    })?;
    for input in &mut request.inputs {
        let (name, datatype, parameters) = (&input.name, &input.datatype, &input.parameters);
        let taken = binary::take(name, datatype, parameters, &mut values).map_err(wrong)?;
        input.data = taken.or(input.data.take());
    }
    if !values.is_empty() {
        let left = values.len();
        return Err(wrong(format!(
            "{left} bytes are left after the values of all inputs; expected none"
        )));
    }
    let outputs = requested(&predictor.schema, &request)?;
    let mut bodies = records(predictor, &request).map_err(wrong)?;
    let key = &predictor.schema.key;
    let has_ids = has_id(&request) || request.inputs.iter().any(|input| input.name == *key);
    let is_drawn = !has_ids;
    let answers = match micro_batch {
        Some(micro_batch) if bodies.len() == 1 => {
            let kind = Kind {
                namespace,
                is_drawn,
            };
            let record = bodies.remove(0).into();
            vec![micro_batch.price(predictor, record, kind).await?]
        }
        _ => {
            let bodies: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
            let asking = Asking {
                records: &bodies,
                explain: None,
                namespace,
                is_drawn,
            };
            predictor.price(&asking).await?
        }
    };
    let rows = answers.len();
    Ok((reply(predictor, request.id, answers, &outputs)?, rows))
}

fn requested(schema: &Schema, request: &Request) -> Result<Vec<Asked>, Refused> {
    let is_binary = flag(&request.parameters, "binary_data_output").unwrap_or_default();
    let known = Part::all(schema);
    if request.outputs.is_empty() {
        return Ok(known.iter().map(|part| (*part, is_binary)).collect());
    }
    let find = |output: &RequestedOutput| {
        let mut found = known.iter().copied();
        let part = found
            .find(|part| part.name() == output.name)
            .ok_or_else(|| {
                let names: Vec<&str> = known.iter().map(|part| part.name()).collect();
                let (names, found) = (names.join(", "), &output.name);
                Refused::new(
                    400,
                    format!("expected some of the outputs {names}, found {found}"),
                )
            })?;
        let is_binary = flag(&output.parameters, "binary_data").unwrap_or(is_binary);
        Ok((part, is_binary))
    };
    request.outputs.iter().map(find).collect()
}

/// Whether the client has given an id for the rows without a key.
fn has_id(request: &Request) -> bool {
    request.id.as_ref().is_some_and(|id| !id.is_empty())
}

/// A record a row. One without a key gets one: the request's id, or a drawn one, and its row.
fn records(predictor: &Predictor, request: &Request) -> Result<Vec<Vec<u8>>, String> {
    let schema = &predictor.schema;
    tensor::check_content_type("the request", &request.parameters)?;
    let mut records: Vec<Map<String, Value>> = Vec::new();
    for (index, input) in request.inputs.iter().enumerate() {
        let Some(field) = schema.field(&input.name) else {
            let names: Vec<&str> = schema
                .columns(Purpose::Request)
                .map(|field| field.name.as_str())
                .collect();
            let (found, names) = (&input.name, names.join(", "));
            return Err(format!(
                "there is no input {found}: expected some of {names}"
            ));
        };
        tensor::set(&mut records, input, field, index == 0)?;
    }
    if records.is_empty() {
        return Err("expected at least one input with at least one row".to_owned());
    }
    let drawn = match &request.id {
        Some(id) if has_id(request) => id.clone(),
        _ => format!("{:032x}", rand::random::<u128>()),
    };
    let several = records.len() > 1;
    for (row, record) in records.iter_mut().enumerate() {
        record.entry(schema.key.clone()).or_insert_with(|| {
            Value::String(if several {
                format!("{drawn}/{row}")
            } else {
                drawn.clone()
            })
        });
    }
    let write = |record| serde_json::to_vec(record).map_err(|error| error.to_string());
    records.iter().map(write).collect()
}

fn reply(
    predictor: &Predictor,
    id: Option<String>,
    priced: Vec<RowAnswer>,
    outputs: &[Asked],
) -> Result<HttpResponse, Refused> {
    let mut answers: Vec<Answer> = Vec::with_capacity(priced.len());
    for (row, answer) in priced.into_iter().enumerate() {
        match answer {
            RowAnswer::Priced(payload) => {
                answers.push(serde_json::from_slice(&payload).map_err(|error| {
                    Refused::new(500, format!("a stored answer cannot be read: {error}"))
                })?)
            }
            // A tensor has no place for the reason of one row.
            RowAnswer::Refused(mut refusal) => {
                let why = refusal["error"].as_str().unwrap_or_default();
                refusal["error"] = format!("row {row}: {why}").into();
                return Err(Refused::Record(refusal));
            }
        }
    }
    let model = answers.first().map(|answer| answer.model.as_str());
    let version = model.and_then(|model| Some(model.rsplit_once('@')?.1));
    let mut values = Vec::new();
    // What answers do not have, such as a class's range, is not an output.
    let output = |(part, is_binary): &Asked| {
        let mut output = part.of(&answers)?;
        if *is_binary {
            output.move_behind(&mut values);
        }
        Some(output)
    };
    let outputs: Vec<Output> = outputs.iter().filter_map(output).collect();
    let is_binary = outputs.iter().any(Output::is_binary);
    let mut body = json!({
        "model_name": predictor.schema.name,
        "model_version": version,
        "outputs": outputs,
    });
    if let Some(id) = id {
        body["id"] = id.into();
    }
    if !is_binary {
        return Ok(HttpResponse::Ok().json(body));
    }
    let mut bytes = body.to_string().into_bytes();
    let length = bytes.len();
    bytes.extend(values);
    Ok(HttpResponse::Ok()
        .insert_header((binary::JSON_LENGTH, length))
        .content_type(ContentType::octet_stream())
        .body(bytes))
}
