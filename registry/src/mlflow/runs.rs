//! Runs on the server.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Mlflow;
use super::client::{is_absent, is_there};
use super::place::Place;
use crate::limits::PAGES;
use crate::{Artifact, Measure, RegistryError, Run, RunStatus};

/// Our id of a run, among the server's tags.
const OWN_ID: &str = "hedonic.run";
/// Our id of the run it is a part of.
const OWN_PARENT: &str = "hedonic.parent";
/// What the server takes at once (its `MAX_METRICS_PER_BATCH`, `MAX_PARAMS_TAGS_PER_BATCH`).
const MEASURES: usize = 1000;
const TEXTS: usize = 100;
/// Longest value of a parameter and of a tag that every release of the server takes.
const LONGEST: usize = 500;
const LONGEST_TAG: usize = 5000;
/// Runs asked for at once.
const PAGE: u64 = 1000;

impl Mlflow {
    fn experiment(&self) -> Result<String, RegistryError> {
        let name = self.experiment.as_str();
        let by_name = || {
            let found = self
                .client
                .get("experiments/get-by-name", &[("experiment_name", name)])?;
            Ok(text(&found["experiment"]["experiment_id"]))
        };
        match by_name() {
            Err(error) if is_absent(&error) => {}
            other => return other,
        }
        let made = self
            .client
            .post("experiments/create", &json!({ "name": name }));
        match made {
            Ok(made) => Ok(text(&made["experiment_id"])),
            // Somebody else was quicker, or an answer was lost.
            Err(error) if is_there(&error) => by_name(),
            Err(error) => Err(error),
        }
    }

    /// Where the server keeps the run of our id.
    pub(super) fn place_of(&self, id: &str) -> Result<Option<Place>, RegistryError> {
        if let Some(place) = self.known().get(id) {
            return Ok(Some(place.clone()));
        }
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        let filter = format!("tags.`{OWN_ID}` = '{id}'");
        let found = self.search(&filter, 1, "")?;
        let Some(run) = found["runs"].get(0) else {
            return Ok(None);
        };
        let place = place(run);
        self.known().insert(id.to_owned(), place.clone());
        Ok(Some(place))
    }

    fn search(&self, filter: &str, most: u64, page: &str) -> Result<Value, RegistryError> {
        let mut body = json!({
            "experiment_ids": [self.experiment()?],
            "filter": filter,
            "max_results": most,
            "order_by": ["attributes.start_time DESC"],
        });
        if !page.is_empty() {
            body["page_token"] = page.into();
        }
        self.client.post("runs/search", &body)
    }

    /// The run on the server, made where it is not there.
    fn own_run(&self, run: &Run) -> Result<Place, RegistryError> {
        // Looked for first: an earlier call may have arrived whose answer was lost.
        if let Some(place) = self.place_of(&run.id)? {
            return Ok(place);
        }
        let mut tags = vec![json!({ "key": OWN_ID, "value": run.id })];
        if let Some(parent) = &run.parent {
            tags.push(json!({ "key": OWN_PARENT, "value": parent }));
            if let Some(place) = self.place_of(parent)? {
                tags.push(json!({ "key": "mlflow.parentRunId", "value": place.id }));
            }
        }
        let made = self.client.post(
            "runs/create",
            &json!({
                "experiment_id": self.experiment()?,
                "run_name": run.name,
                "start_time": run.started_ms,
                "tags": tags,
            }),
        )?;
        let place = place(&made["run"]);
        self.known().insert(run.id.clone(), place.clone());
        Ok(place)
    }

    pub(super) fn log(&self, run: &Run, artifacts: &[Artifact]) -> Result<(), RegistryError> {
        let place = self.own_run(run)?;
        let batch = |part: &str, values: &[Value]| {
            let mut body = json!({ "run_id": place.id });
            body[part] = values.into();
            self.client.post("runs/log-batch", &body).map(drop)
        };
        let pairs = |texts: &BTreeMap<String, String>, longest: usize| -> Vec<Value> {
            let short = |value: &str| value.chars().take(longest).collect::<String>();
            texts
                .iter()
                .map(|(key, value)| json!({ "key": plain(key), "value": short(value) }))
                .collect()
        };
        for part in pairs(&run.params, LONGEST).chunks(TEXTS) {
            batch("params", part)?;
        }
        for part in pairs(&run.tags, LONGEST_TAG).chunks(TEXTS) {
            batch("tags", part)?;
        }
        let measures: Vec<Value> = run
            .measures
            .iter()
            .map(|measure| {
                json!({
                    "key": plain(&measure.key),
                    "value": measure.value,
                    "timestamp": measure.at_ms,
                    "step": measure.step,
                })
            })
            .collect();
        for part in measures.chunks(MEASURES) {
            batch("metrics", part)?;
        }
        if !artifacts.is_empty() {
            let root = self.proxied(&place.files)?;
            for artifact in artifacts {
                self.put(&root, &artifact.name, &artifact.path)?;
            }
        }
        let mut update = json!({ "run_id": place.id, "status": status_name(run.status) });
        if let Some(ended_ms) = run.ended_ms {
            update["end_time"] = ended_ms.into();
        }
        self.client.post("runs/update", &update).map(drop)
    }

    pub(super) fn whole_run(&self, id: &str) -> Result<Option<Run>, RegistryError> {
        let Some(place) = self.place_of(id)? else {
            return Ok(None);
        };
        let found = self.client.get("runs/get", &[("run_id", &place.id)])?;
        let mut run = read(&found["run"]);
        let keys: Vec<String> = run.measures.drain(..).map(|measure| measure.key).collect();
        for key in keys {
            let query = [("run_id", place.id.as_str()), ("metric_key", &key)];
            let found = self.client.get("metrics/get-history", &query)?;
            run.measures.extend(list(&found["metrics"]).map(measure));
        }
        Ok(Some(run))
    }

    pub(super) fn all_runs(&self) -> Result<Vec<Run>, RegistryError> {
        let (mut runs, mut page) = (Vec::new(), String::new());
        for _ in 0..PAGES {
            let found = self.search("", PAGE, &page)?;
            runs.extend(list(&found["runs"]).map(read));
            page = text(&found["next_page_token"]);
            if page.is_empty() {
                break;
            }
        }
        Ok(runs)
    }

    pub(super) fn delete_own_run(&self, id: &str) -> Result<(), RegistryError> {
        let Some(place) = self.place_of(id)? else {
            return Ok(());
        };
        self.known().remove(id);
        self.client
            .post("runs/delete", &json!({ "run_id": place.id }))
            .map(drop)
    }

    /// Our id of a run of the server.
    pub(super) fn own_id(&self, id: &str) -> Result<String, RegistryError> {
        let found = self.client.get("runs/get", &[("run_id", id)])?;
        Ok(read(&found["run"]).id)
    }
}

/// Names as the server allows them.
fn plain(key: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_-. /:".contains(letter);
    key.chars()
        .map(|letter| if allowed(letter) { letter } else { '_' })
        .take(250)
        .collect()
}

fn place(run: &Value) -> Place {
    Place {
        id: text(&run["info"]["run_id"]),
        files: text(&run["info"]["artifact_uri"]),
    }
}

fn read(run: &Value) -> Run {
    let pairs = |part: &Value| -> BTreeMap<String, String> {
        list(part)
            .map(|pair| (text(&pair["key"]), text(&pair["value"])))
            .collect()
    };
    let (info, data) = (&run["info"], &run["data"]);
    let mut tags = pairs(&data["tags"]);
    let id = tags.remove(OWN_ID);
    let parent = tags.remove(OWN_PARENT);
    tags.retain(|key, _| !key.starts_with("mlflow."));
    Run {
        // A run that somebody else logged has no other.
        id: id.unwrap_or_else(|| text(&info["run_id"])),
        name: text(&info["run_name"]),
        parent,
        status: match info["status"].as_str() {
            Some("FINISHED") => RunStatus::Finished,
            Some("FAILED") => RunStatus::Failed,
            Some("KILLED") => RunStatus::Killed,
            _ => RunStatus::Running,
        },
        started_ms: whole(&info["start_time"]).unwrap_or(0),
        ended_ms: whole(&info["end_time"]).filter(|time| *time > 0),
        params: pairs(&data["params"]),
        measures: list(&data["metrics"]).map(measure).collect(),
        tags,
    }
}

fn measure(value: &Value) -> Measure {
    Measure {
        key: text(&value["key"]),
        value: value["value"].as_f64().unwrap_or(f64::NAN),
        step: whole(&value["step"]).unwrap_or(0),
        at_ms: whole(&value["timestamp"]).unwrap_or(0),
    }
}

fn status_name(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "RUNNING",
        RunStatus::Finished => "FINISHED",
        RunStatus::Failed => "FAILED",
        RunStatus::Killed => "KILLED",
    }
}

pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A whole number, which the server may write as a text.
pub(super) fn whole(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}
