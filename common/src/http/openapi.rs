//! OpenAPI documents: one for each service, and what all of them have.

use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, Resource, web};
use serde_json::{Map, Value, json};

/// A group of operations.
#[derive(Debug, Clone, Copy)]
pub struct Tag {
    /// Its name.
    pub name: &'static str,
    /// What its operations do.
    pub about: &'static str,
    /// Beginnings of their paths.
    pub paths: &'static [&'static str],
}

/// The operations that all services have; also the group of those that no other one has.
const SERVICE: Tag = Tag {
    name: "service",
    about: "state and control of the service",
    paths: &[],
};

/// A number in the query of an operation.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Whether it may be left out.
    pub is_optional: bool,
    /// Its bounds.
    pub least: u64,
    /// Its bounds.
    pub most: u64,
}

/// An operation that answers with a JSON object.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// `get` or `post`.
    pub method: &'static str,
    /// Where.
    pub path: &'static str,
    /// Its name in clients.
    pub id: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Numbers in its query.
    pub numbers: &'static [Number],
    /// Statuses of its errors, beside 401.
    pub errors: &'static [u16],
}

/// The document of a service: these operations, and those that all services have.
pub fn of_service(name: &str, about: &str, operations: &[Operation]) -> Value {
    let health = "#/components/schemas/Object";
    let object = json!({ "application/json": { "schema": { "$ref": health } } });
    let mut paths = json!({
        "/status": { "get": {
            "operationId": "status", "summary": "What the service does",
            "description": "Counts, consumer lag, the last error, and each thing that the service waits for.",
            "responses": { "200": { "description": "the state", "content": object } },
        } },
        "/health/live": { "get": {
            "operationId": "live", "summary": "Whether the process lives",
            "description": "For a liveness probe.",
            "responses": { "200": { "description": "it lives", "content": object } },
        } },
        "/health/ready": { "get": {
            "operationId": "ready", "summary": "Whether the service works",
            "description": "For a readiness probe.",
            "responses": {
                "200": { "description": "it works", "content": object },
                "503": { "description": "it waits, and for what", "content": object },
            },
        } },
        "/metrics": { "get": {
            "operationId": "metrics", "summary": "Metrics",
            "description": "Metrics in the text format of Prometheus.",
            "responses": { "200": {
                "description": "the metrics", "content": { "text/plain": { "schema": { "type": "string" } } },
            } },
        } },
    });
    for operation in operations {
        paths[operation.path][operation.method] = of_operation(operation);
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": format!("Hedonic: {name}"), "description": about },
        "paths": paths,
        "components": {
            "schemas": {
                "Object": { "type": "object" },
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": { "error": { "type": "string" } },
                },
            },
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
        },
    });
    complete(&mut document, &[]);
    document
}

fn of_operation(operation: &Operation) -> Value {
    let mut responses = Map::new();
    let answer =
        json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Object" } } });
    responses.insert(
        "200".to_owned(),
        json!({ "description": "done", "content": answer }),
    );
    for code in operation.errors.iter().chain(&[401]) {
        let error =
            json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } });
        let why = match code {
            400 => "a value in the query is not valid",
            401 => "the token is missing or wrong",
            403 => "a GET request from another machine, without a token",
            409 => "something else is in progress",
            503 => "a server that the service needs is away",
            _ => "it failed",
        };
        responses.insert(
            code.to_string(),
            json!({ "description": why, "content": error }),
        );
    }
    let mut value = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.about,
        "responses": responses,
        // The token is needed where one is set.
        "security": [{}, { "bearer": [] }],
    });
    if !operation.numbers.is_empty() {
        let numbers = operation.numbers.iter().map(|number| {
            json!({
                "name": number.name, "in": "query", "required": !number.is_optional,
                "description": number.about,
                "schema": { "type": "integer", "minimum": number.least, "maximum": number.most },
            })
        });
        value["parameters"] = numbers.collect();
    }
    value
}

/// Adds what clients and linters expect of a document: version, contact, server, and of each operation a name, a
/// description and a tag; of each array what it has.
pub fn complete(document: &mut Value, tags: &[Tag]) {
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    document["info"]["contact"] = json!({ "name": "the operators of this service" });
    let license = env!("CARGO_PKG_LICENSE");
    document["info"]["license"] = json!({ "name": license, "identifier": license });
    document["servers"] = json!([{ "url": "/", "description": "this service" }]);
    let mut used: Vec<Tag> = Vec::new();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, operations) in paths {
        let tag = tags
            .iter()
            .find(|tag| tag.paths.iter().any(|begin| path.starts_with(begin)));
        let tag = tag.unwrap_or(&SERVICE);
        for method in ["get", "post"] {
            let Some(operation) = operations.get_mut(method).and_then(Value::as_object_mut) else {
                continue;
            };
            operation.entry("tags").or_insert_with(|| json!([tag.name]));
            operation
                .entry("operationId")
                .or_insert_with(|| id(method, path).into());
            let summary = operation
                .get("summary")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let sentence = format!("{summary}.");
            operation.entry("description").or_insert(sentence.into());
            if used.iter().all(|known| known.name != tag.name) {
                used.push(*tag);
            }
        }
    }
    let used = used
        .iter()
        .map(|tag| json!({ "name": tag.name, "description": tag.about }));
    document["tags"] = used.collect();
    fill_arrays(document);
}

/// `getV2ModelsNameReady` for `GET /v2/models/{name}/ready`.
fn id(method: &str, path: &str) -> String {
    let mut id = method.to_owned();
    for word in path.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let (first, rest) = word.split_at(word.len().min(1));
        id.push_str(&first.to_ascii_uppercase());
        id.push_str(rest);
    }
    id
}

/// An array of anything says so.
fn fill_arrays(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if object.get("type").is_some_and(|kind| kind == "array") {
                object.entry("items").or_insert_with(|| json!({}));
            }
            object.values_mut().for_each(fill_arrays);
        }
        Value::Array(values) => values.iter_mut().for_each(fill_arrays),
        _ => {}
    }
}

/// `/openapi.json` with a document.
pub fn resource(document: &Value) -> Resource {
    let text = web::Bytes::from(document.to_string());
    web::resource("/openapi.json").route(web::get().to(move || {
        let text = text.clone();
        async move {
            HttpResponse::Ok()
                .content_type(ContentType::json())
                .body(text)
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const COUNT: Number = Number {
        name: "count",
        about: "How many.",
        is_optional: false,
        least: 1,
        most: 9,
    };

    #[test]
    fn each_operation_has_a_name_a_description_and_a_known_tag() {
        let mut document = of_service(
            "test",
            "A service.",
            &[Operation {
                method: "post",
                path: "/generate",
                id: "generate",
                summary: "Generate",
                about: "Generates records.",
                numbers: &[COUNT],
                errors: &[400],
            }],
        );
        document["paths"]["/v2/models/{name}"]["get"] = json!({
            "summary": "A model",
            "responses": { "200": { "content": { "schema": { "type": "array" } } } },
        });
        let models = Tag {
            name: "models",
            about: "models",
            paths: &["/v2"],
        };
        complete(&mut document, &[models]);
        let known: BTreeSet<&str> = document["tags"]
            .as_array()
            .expect("tags")
            .iter()
            .filter_map(|tag| tag["name"].as_str())
            .collect();
        let mut ids = BTreeSet::new();
        let paths = document["paths"].as_object().expect("paths");
        for operation in paths
            .values()
            .flat_map(|path| path.as_object().expect("methods").values())
        {
            let tag = operation["tags"][0].as_str().expect("a tag");
            assert!(known.contains(tag), "{tag}");
            assert!(ids.insert(operation["operationId"].as_str().expect("an id")));
            assert!(
                operation["description"]
                    .as_str()
                    .is_some_and(|about| about.len() > 1)
            );
        }
        let added = &document["paths"]["/v2/models/{name}"]["get"];
        assert_eq!(added["operationId"], "getV2ModelsName");
        assert_eq!(added["description"], "A model.");
        assert_eq!(
            added["responses"]["200"]["content"]["schema"]["items"],
            json!({})
        );
        let parameter = &document["paths"]["/generate"]["post"]["parameters"][0];
        assert_eq!(parameter["name"], "count");
        assert_eq!(parameter["required"], true);
    }
}
