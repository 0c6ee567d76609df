//! Answers, and the Open Inference Protocol's requests and responses.

use serde_json::{Value, json};

pub(super) fn answer() -> Value {
    json!({ "type": "object",
        "required": ["id", "prediction", "low", "high", "confidence", "model", "answered_at", "took_ms"],
        "properties": {
            "id": { "type": ["string", "integer"] },
            "prediction": { "type": "number" }, "low": { "type": "number" },
            "high": { "type": "number" },
            "confidence": { "type": "number", "description": "share of prices within low and high" },
            "unit": { "type": "string" },
            "model": { "type": "string", "description": "name@version of the model that said so" },
            "data_until": { "type": "string", "description": "newest time it has learned from" },
            "answered_at": { "type": "string" }, "took_ms": { "type": "number" },
            "explanation": { "type": "object" } } })
}

pub(super) fn inference_request() -> Value {
    json!({ "type": "object", "required": ["inputs"], "properties": {
        "id": { "type": "string" },
        "inputs": { "type": "array", "minItems": 1, "items": { "type": "object",
            "required": ["name", "shape", "datatype", "data"], "properties": {
                "name": { "type": "string", "description": "a field of the record" },
                "shape": { "type": "array", "items": { "type": "integer", "minimum": 0 } },
                "datatype": { "type": "string" },
                "data": { "type": "array" } } } },
        "outputs": { "type": "array", "items": { "type": "object", "required": ["name"],
            "properties": { "name": { "enum": ["prediction", "low", "high"] } } } } } })
}

pub(super) fn inference_response() -> Value {
    json!({ "type": "object", "required": ["model_name", "model_version", "outputs"], "properties": {
        "model_name": { "type": "string" }, "model_version": { "type": ["string", "null"] },
        "id": { "type": "string" },
        "outputs": { "type": "array", "items": { "type": "object",
            "required": ["name", "shape", "datatype", "data"], "properties": {
                "name": { "type": "string" }, "datatype": { "type": "string" },
                "shape": { "type": "array", "items": { "type": "integer" } },
                "data": { "type": "array", "items": { "type": "number" } } } } } } })
}
