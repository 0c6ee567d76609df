//! The interface described for programs (`/openapi.json`) and a page for people to try it (`/`).

mod record;
mod shapes;

use actix_web::{HttpResponse, web};
use records::Schema;
use serde_json::{Map, Value, json};

use self::record::{example, record, tensors};
use self::shapes::{answer, inference_request, inference_response};
use super::Predictor;

/// Self-contained: it asks nobody but this service.
const PAGE: &str = include_str!("page.html");

pub(super) async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(PAGE)
}

pub(super) async fn document(predictor: web::Data<Predictor>) -> HttpResponse {
    HttpResponse::Ok().json(describe(&predictor.schema, &predictor))
}

/// OpenAPI 3.1 of all that this service takes. Records are described by the schema it was started
/// with, which is why this is made here and not when it is compiled.
fn describe(schema: &Schema, predictor: &Predictor) -> Value {
    let ok = |about: &str, of: &str| {
        json!({ "description": about, "content": { "application/json": {
            "schema": { "$ref": format!("#/components/schemas/{of}") } } } })
    };
    let refused = |about: &str| ok(about, "Error");
    let json_body = |of: Value, example: Value| {
        json!({ "required": true, "content": { "application/json": {
            "schema": of, "example": example } } })
    };
    let model = json!({ "name": "name", "in": "path", "required": true,
        "schema": { "type": "string" }, "example": schema.name });
    let version = json!({ "name": "version", "in": "path", "required": true,
        "schema": { "type": "string", "pattern": "^v?[0-9]{1,15}$" }, "example": "v000001" });
    let why = json!({ "name": "why", "in": "query", "schema": { "type": "string" },
        "description": "kept in the registry's history" });
    let with_model = |mut operations: Value, is_versioned: bool| {
        operations["parameters"] = match is_versioned {
            true => json!([model, version]),
            false => json!([model]),
        };
        operations
    };
    let infer = json!({ "post": {
        "summary": "Open Inference Protocol: price tensors of fields", "operationId": "infer",
        "requestBody": json_body(json!({ "$ref": "#/components/schemas/InferenceRequest" }),
            tensors(schema)),
        "responses": {
            "200": ok("prices, low and high ends", "InferenceResponse"),
            "400": refused("not a request of the protocol, or a row that is no record"),
            "401": refused("a token is asked for"), "404": refused("another model or version"),
            "413": refused("too many rows or bytes"), "503": refused("no model, or too busy") } } });
    let metadata = json!({ "get": { "summary": "A model's inputs and outputs",
        "responses": { "200": ok("inputs and outputs", "Anything"),
            "401": refused("a token is asked for"), "404": refused("another model or version"),
            "503": refused("no model yet") } } });
    let model_ready = json!({ "get": { "summary": "Whether a model answers",
        "responses": { "200": ok("it does", "Anything"), "401": refused("a token is asked for"),
            "404": refused("another model or version"), "503": refused("no model yet") } } });
    let mut paths = Map::new();
    paths.insert("/predict".to_owned(), json!({ "post": {
        "summary": "Price one record or an array of them", "operationId": "predict",
        "parameters": [{ "name": "explain", "in": "query",
            "schema": { "type": "integer", "minimum": 0, "maximum": 1000 },
            "description": "explain each price, with so many past records like it (50 at most)" }],
        "requestBody": json_body(
            json!({ "oneOf": [{ "$ref": "#/components/schemas/Record" },
                { "type": "array", "items": { "$ref": "#/components/schemas/Record" },
                  "maxItems": predictor.max_records }] }),
            example(schema)),
        "responses": {
            "200": ok("an answer, or an array of answers and refusals in the records' order",
                "Answers"),
            "400": refused("not JSON, or no record of the schema: the error says what to mend"),
            "401": refused("a token is asked for"),
            "413": refused("too many records or bytes"), "503": refused("no model, or too busy") } } }));
    for (path, is_versioned) in [
        ("/v2/models/{name}", false),
        ("/v2/models/{name}/versions/{version}", true),
    ] {
        for (suffix, operations) in [
            ("", &metadata),
            ("/ready", &model_ready),
            ("/infer", &infer),
        ] {
            let mut operations = with_model(operations.clone(), is_versioned);
            if is_versioned && suffix == "/infer" {
                operations["post"]["operationId"] = "inferVersion".into();
            }
            paths.insert(format!("{path}{suffix}"), operations);
        }
    }
    let plain = |summary: &str, about: &str| json!({ "get": { "summary": summary, "responses": { "200": ok(about, "Anything") } } });
    for (path, summary) in [
        ("/health/live", "Whether the process lives"),
        ("/status", "What the service does"),
        (
            "/quality",
            "Live quality by window, model and segment, and drift",
        ),
    ] {
        paths.insert(path.to_owned(), plain(summary, "as JSON"));
    }
    paths["/quality"]["get"]["parameters"] = json!([
        { "name": "window", "in": "query", "schema": { "type": "string" } },
        { "name": "model", "in": "query", "schema": { "type": "string" } },
        { "name": "segment", "in": "query", "schema": { "type": "string" },
          "description": "empty for whole models" }]);
    paths["/quality"]["get"]["responses"]["400"] = refused("an unknown parameter");
    for (path, summary, is_sure) in [
        ("/health/ready", "Whether requests are answered", false),
        ("/v2", "Open Inference Protocol: the server", true),
        (
            "/v2/health/live",
            "Open Inference Protocol: the process lives",
            true,
        ),
        (
            "/v2/health/ready",
            "Open Inference Protocol: a model answers",
            false,
        ),
        ("/models", "The versions of the registry", false),
    ] {
        let mut operations = plain(summary, "as JSON");
        if super::is_guarded(path) {
            operations["get"]["responses"]["401"] = refused("a token is asked for");
        }
        let responses = &mut operations["get"]["responses"];
        if !is_sure {
            responses["503"] = ok("not yet, and why", "Anything");
        }
        if path == "/models" {
            responses["409"] = refused("the registry cannot be read");
        }
        paths.insert(path.to_owned(), operations);
    }
    for (path, id, summary, is_versioned) in [
        (
            "/models/{version}/activate",
            "activate",
            "Answer with a version from now on",
            true,
        ),
        (
            "/models/rollback",
            "rollBack",
            "Answer with the champion before the champion",
            false,
        ),
    ] {
        let parameters = if is_versioned {
            json!([version, why])
        } else {
            json!([why])
        };
        paths.insert(
            path.to_owned(),
            json!({ "post": {
            "summary": summary, "operationId": id, "parameters": parameters,
            "responses": {
                "200": ok("what answers now, and what it said of recent requests", "Anything"),
                "400": refused("no version, or an unknown parameter"),
                "401": refused("a token is asked for"), "404": refused("no such version"),
                "409": refused("it does not pass its checks, or there is none before"),
                "503": refused("the registry is away") } } }),
        );
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Hedonic: model-application", "version": env!("CARGO_PKG_VERSION"),
            "description": "Prices for records, with a range, reasons and the model that said so." },
        "paths": paths,
        "components": { "schemas": {
            "Record": record(schema),
            "Answer": answer(),
            "Answers": { "anyOf": [{ "$ref": "#/components/schemas/Answer" },
                { "type": "array", "items": { "anyOf": [
                    { "$ref": "#/components/schemas/Answer" },
                    { "$ref": "#/components/schemas/Error" }] } }] },
            "Error": { "type": "object", "required": ["error"],
                "properties": { "error": { "type": "string" }, "code": { "type": "string" } } },
            "InferenceRequest": inference_request(),
            "InferenceResponse": inference_response(),
            "Anything": { "type": "object" },
        } },
    });
    if predictor.is_guarded() {
        document["components"]["securitySchemes"] =
            json!({ "bearer": { "type": "http", "scheme": "bearer" } });
        let paths = document["paths"].as_object_mut().into_iter().flatten();
        for (_, operations) in paths.filter(|(path, _)| super::is_guarded(path)) {
            for method in ["get", "post"] {
                if let Some(operation) = operations.get_mut(method) {
                    operation["security"] = json!([{ "bearer": [] }]);
                }
            }
        }
    }
    document
}
