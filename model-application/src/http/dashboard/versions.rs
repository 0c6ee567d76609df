//! What is known of model versions: decisions, reports, and the pages of their runs.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use actix_web::{HttpResponse, web};
use anyhow::Context;
use bytes::Bytes;
use records::timestamp;
use registry::{Registry, RegistryError, Version};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Dashboard, query};
use crate::http::refused::Refused;

/// Largest `model.json` and report that are read.
const MODEL_BYTES: u64 = 256 << 20;
pub(super) const REPORT_BYTES: u64 = 32 << 20;
/// A version that is so old has its tags and its run; a younger one is being judged.
const SETTLED_MS: i64 = 120_000;
/// Decisions that are shown: the newest.
const DECISIONS: usize = 500;

/// The parts of `model.json` that are shown.
#[derive(Deserialize)]
struct Kept {
    code_version: Option<String>,
    trained_at_us: Option<i64>,
    data_until_us: Option<i64>,
    confidence: Option<f64>,
    #[serde(default)]
    report: Value,
}

pub(super) async fn history(dashboard: web::Data<Dashboard>) -> Result<HttpResponse, Refused> {
    let registry = Arc::clone(dashboard.serving.registry());
    let found = blocking(move || {
        let mut history = registry.history()?;
        let first = history.len().saturating_sub(DECISIONS);
        history.drain(..first);
        Ok(json!({ "decisions": history }))
    });
    Ok(query::json(found.await?.to_string()))
}

pub(super) async fn version(
    dashboard: web::Data<Dashboard>,
    version: web::Path<String>,
) -> Result<HttpResponse, Refused> {
    let number = number(&version)?;
    if let Some(details) = dashboard.details.get(number) {
        return Ok(query::json(details));
    }
    let registry = Arc::clone(dashboard.serving.registry());
    let details = blocking(move || details(&*registry, number)).await?;
    let created_ms = details["created_ms"].as_i64().unwrap_or_default();
    let is_settled = timestamp::now_us() / 1000 - created_ms > SETTLED_MS;
    let details = Bytes::from(details.to_string());
    if is_settled {
        dashboard.details.keep(number, details.clone());
    }
    Ok(query::json(details))
}

/// The page that training has made of a version; it may run no script and ask for nothing.
pub(super) async fn report(
    dashboard: web::Data<Dashboard>,
    version: web::Path<String>,
) -> Result<HttpResponse, Refused> {
    let number = number(&version)?;
    let registry = Arc::clone(dashboard.serving.registry());
    let page = blocking(move || {
        let version = existing(&*registry, number)?;
        let run = registry.info(version.number)?.run;
        let page = run.and_then(|run| registry.artifact(&run, "report.html").transpose());
        let Some(page) = page.transpose()? else {
            return Err(Missing(format!("{version} has no report page")).into());
        };
        read(&page, REPORT_BYTES)
    });
    Ok(self::page(page.await?))
}

/// A page of its own, without scripts.
pub(super) fn page(bytes: Vec<u8>) -> HttpResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; \
                  frame-ancestors 'self'";
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("content-security-policy", policy))
        .insert_header(("x-content-type-options", "nosniff"))
        .body(bytes)
}

fn number(version: &str) -> Result<u64, Refused> {
    let why = || {
        Refused::new(
            400,
            format!("expected a version such as v000007, found {version}"),
        )
    };
    Version::parse(version).ok_or_else(why)
}

fn details(registry: &dyn Registry, number: u64) -> anyhow::Result<Value> {
    let version = existing(registry, number)?;
    let path = registry.fetch(&version)?.join("model.json");
    let kept: Kept = serde_json::from_slice(&read(&path, MODEL_BYTES)?)
        .with_context(|| format!("model.json of {version} cannot be read"))?;
    let info = registry.info(number)?;
    let run = match &info.run {
        Some(run) => registry.run(run)?,
        None => None,
    };
    Ok(json!({
        "version": version.to_string(),
        "number": number,
        "created_ms": info.created_ms,
        "tags": info.tags,
        "code_version": kept.code_version,
        "trained_at_ms": kept.trained_at_us.map(|us| us / 1000),
        "data_until_ms": kept.data_until_us.map(|us| us / 1000),
        "confidence": kept.confidence,
        "report": kept.report,
        "run": run.map(|run| json!({
            "id": run.id, "name": run.name, "started_ms": run.started_ms, "ended_ms": run.ended_ms,
            "params": run.params,
        })),
    }))
}

/// What is requested is not there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Missing(String);

pub(super) fn missing(why: String) -> anyhow::Error {
    Missing(why).into()
}

fn existing(registry: &dyn Registry, number: u64) -> anyhow::Result<Version> {
    let missing = || Missing(format!("there is no version {}", Version::name(number)));
    registry.version(number)?.ok_or_else(|| missing().into())
}

pub(super) fn read(path: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut bytes = Vec::new();
    BufReader::new(file)
        .take(most + 1)
        .read_to_end(&mut bytes)?;
    anyhow::ensure!(
        bytes.len() as u64 <= most,
        "{} is larger than {most} bytes",
        path.display()
    );
    Ok(bytes)
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Refused> {
    match web::block(work).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => {
            let code = match error.downcast_ref::<RegistryError>() {
                _ if error.is::<Missing>() => 404,
                Some(error) if error.may_pass() => 503,
                _ => 409,
            };
            Err(Refused::new(code, format!("{error:#}")))
        }
        Err(error) => Err(Refused::new(500, error.to_string())),
    }
}
