//! Sweeps: what was tried, the best so far, and the page with parallel coordinates.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use registry::{Registry, Run, RunStatus};
use serde_json::{Value, json};

use super::versions::{REPORT_BYTES, blocking, missing, page, read};
use super::{Dashboard, query};
use crate::http::refused::Refused;

/// Sweeps that are shown: the newest.
const MOST: usize = 30;
/// How long what was found is good for: it reads all runs.
const GOOD_FOR: Duration = Duration::from_secs(5);
/// Of a sweep's run; other runs have none.
const SAMPLER: &str = "sampler";
const OBJECTIVE: &str = "objective";

pub(super) async fn sweeps(dashboard: web::Data<Dashboard>) -> Result<HttpResponse, Refused> {
    let mut kept = dashboard.sweeps.lock().await;
    if let Some((at, found)) = &*kept
        && at.elapsed() < GOOD_FOR
    {
        return Ok(query::json(found.clone()));
    }
    let registry = Arc::clone(dashboard.serving.registry());
    let sweeps = blocking(move || newest_sweeps(&*registry)).await?;
    let body = Bytes::from(json!({ "sweeps": sweeps }).to_string());
    *kept = Some((Instant::now(), body.clone()));
    Ok(query::json(body))
}

/// The newest sweeps of the registry, with their trials.
fn newest_sweeps(registry: &dyn Registry) -> anyhow::Result<Vec<Value>> {
    let runs = registry.runs()?;
    let mut trials: HashMap<&str, Vec<&Run>> = HashMap::new();
    for run in &runs {
        if let Some(parent) = &run.parent {
            trials.entry(parent.as_str()).or_default().push(run);
        }
    }
    let sweeps = runs.iter().filter(|run| run.params.contains_key(SAMPLER));
    let shown = sweeps.take(MOST).map(|run| {
        let trials = trials.get(run.id.as_str());
        summary(run, trials.map_or(&[], Vec::as_slice))
    });
    Ok(shown.collect())
}

/// A sweep with its trials; those that finished have an error.
fn summary(sweep: &Run, parts: &[&Run]) -> Value {
    // The best is fitted once more, as a run that is not a trial.
    let trials = parts.iter().filter(|run| run.name.starts_with("trial "));
    let trials: Vec<&Run> = trials.copied().collect();
    let of = |status: RunStatus| trials.iter().filter(|run| run.status == status).count();
    let finished = trials
        .iter()
        .filter_map(|run| Some((run, run.value(OBJECTIVE)?)));
    let best = finished.min_by(|one, other| one.1.total_cmp(&other.1));
    json!({
        "run": sweep.id,
        "name": sweep.name.strip_prefix("sweep ").unwrap_or(&sweep.name),
        "status": sweep.status,
        "started_ms": sweep.started_ms,
        "ended_ms": sweep.ended_ms,
        "last_trial_ms": trials.iter().filter_map(|run| run.ended_ms).max(),
        "sampler": sweep.params.get(SAMPLER),
        "data": sweep.params.get("data.source"),
        "trials": trials.len(),
        "finished": of(RunStatus::Finished),
        "given_up": of(RunStatus::Killed),
        "failed": of(RunStatus::Failed),
        "best": best.map(|(run, objective)| json!({
            "trial": run.name,
            "objective": objective,
            "settings": run.params.iter()
                .filter_map(|(key, value)| Some((key.strip_prefix("sweep.")?, value)))
                .collect::<std::collections::BTreeMap<_, _>>(),
        })),
    })
}

/// The page that a sweep has made of its trials; it may run no script and ask for nothing.
pub(super) async fn sweep_page(
    dashboard: web::Data<Dashboard>,
    run: web::Path<String>,
) -> Result<HttpResponse, Refused> {
    let run = run.into_inner();
    if run.len() != 32 || !run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let why = format!("expected a run's id, 32 hexadecimal digits, found {run:.64}");
        return Err(Refused::new(400, why));
    }
    let registry = Arc::clone(dashboard.serving.registry());
    let found = blocking(move || match registry.artifact(&run, "sweep.html")? {
        Some(path) => read(&path, REPORT_BYTES),
        None => Err(missing(format!(
            "the run {run} has no page: a sweep makes it at its end"
        ))),
    });
    Ok(page(found.await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_a_sweep_is_the_least_error_of_trials_that_came_to_their_end() {
        let mut sweep = Run::start("sweep night");
        sweep.param(SAMPLER, "tpe");
        let trial = |number: usize, objective: Option<f64>| {
            let mut run = Run::start(format!("trial {number}"));
            run.param("sweep.boosted.rate", number);
            match objective {
                Some(objective) => {
                    run.measure(OBJECTIVE, number, objective);
                    run.end(RunStatus::Finished);
                }
                None => run.end(RunStatus::Killed),
            }
            run
        };
        let trials = [trial(0, Some(0.3)), trial(1, Some(0.2)), trial(2, None)];
        let fitted = Run::start("real-estate on sweep, trial 1");
        let mut parts: Vec<&Run> = trials.iter().collect();
        parts.push(&fitted);
        let shown = summary(&sweep, &parts);
        assert_eq!(shown["name"], "night");
        assert_eq!(
            (&shown["trials"], &shown["given_up"]),
            (&json!(3), &json!(1))
        );
        assert_eq!(shown["best"]["trial"], "trial 1");
        assert_eq!(shown["best"]["settings"]["boosted.rate"], "1");
        assert_eq!(summary(&sweep, &[])["best"], Value::Null);
    }
}
