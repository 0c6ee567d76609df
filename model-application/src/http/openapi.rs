//! The interface described for programs (`/openapi.json`).

mod record;

use actix_web::{HttpResponse, web};
use common::http::openapi::{Tag, complete};
use records::Schema;
use serde_json::{Value, json};

use self::record::{example, record, tensors};
use super::Predictor;
use super::guarded::is_guarded;

/// OpenAPI 3.1 of all that this service takes; null where [`fill`] states what the schema and the
/// settings make of it.
const DOCUMENT: &str = include_str!("openapi/document.json");

const TAGS: [Tag; 5] = [
    Tag {
        name: "prices",
        about: "prices of records (docs/serving.md)",
        paths: &["/predict", "/what-if", "/similar", "/features"],
    },
    Tag {
        name: "inference protocol",
        about: "the Open Inference Protocol, version 2",
        paths: &["/v2"],
    },
    Tag {
        name: "models",
        about: "versions, their training and their evidence (docs/registry.md)",
        paths: &["/models", "/sweeps", "/train"],
    },
    Tag {
        name: "quality",
        about: "live quality and drift (docs/serving.md)",
        paths: &["/quality"],
    },
    Tag {
        name: "data",
        about: "stored records, answers, labels and rejects (docs/dashboard.md)",
        paths: &[
            "/schema",
            "/values",
            "/overview",
            "/events",
            "/newest",
            "/records",
            "/market",
            "/changes",
            "/rejects",
        ],
    },
];

pub(super) async fn document(predictor: web::Data<Predictor>) -> HttpResponse {
    let mut document: Value =
        serde_json::from_str(DOCUMENT).expect("JSON, for every request for it is the same");
    fill(&mut document, &predictor.schema, predictor.max_records);
    if predictor.is_guarded {
        ask_for_tokens(&mut document);
    }
    HttpResponse::Ok().json(document)
}

/// Records as the schema describes them that the service was started with.
fn fill(document: &mut Value, schema: &Schema, max_records: usize) {
    let parts = &mut document["components"];
    parts["schemas"]["Record"] = record(schema);
    parts["parameters"]["Model"]["example"] = schema.name.clone().into();
    let bodies = &mut parts["requestBodies"];
    let of_records = &mut bodies["Records"]["content"]["application/json"];
    of_records["schema"]["oneOf"][1]["maxItems"] = max_records.into();
    of_records["example"] = example(schema);
    bodies["Tensors"]["content"]["application/json"]["example"] = tensors(schema);
    complete(document, &TAGS);
}

fn ask_for_tokens(document: &mut Value) {
    document["components"]["securitySchemes"] =
        json!({ "bearer": { "type": "http", "scheme": "bearer" } });
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, operations) in paths.filter(|(path, _)| is_guarded(path)) {
        for method in ["get", "post"] {
            if let Some(operation) = operations.get_mut(method) {
                operation["security"] = json!([{ "bearer": [] }]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_document_is_left_open() {
        let mut document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
        fill(&mut document, &Schema::real_estate(), 100);
        assert!(!document.to_string().contains(":null"), "{document:#}");
        let known = json!({ "bearer": [] });
        ask_for_tokens(&mut document);
        assert_eq!(document["paths"]["/predict"]["post"]["security"][0], known);
        assert!(document["paths"]["/status"]["get"]["security"].is_null());
    }
}
