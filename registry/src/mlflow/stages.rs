//! Aliases and decisions on the server.

use serde_json::{Value, json};

use super::Mlflow;
use super::artifacts::write;
use super::client::is_absent;
use super::runs::{list, text, whole};
use crate::stage::{self, Plan};
use crate::{Alias, Aliases, Change, Registry, RegistryError, Stage};

/// Begins the name of a decision's tag.
const CHANGE: &str = "hedonic.change.";
/// Longest tag that every release of the server takes: evidence beyond it is a file.
const LONGEST: usize = 5000;

/// Where the evidence of a decision is in the run of its version.
fn evidence(number: u64) -> String {
    format!("decisions/{number:06}.json")
}

impl Mlflow {
    /// Aliases and tags of the registered model; none where it is not there.
    pub(super) fn registered(&self) -> Result<(Aliases, Vec<(String, String)>), RegistryError> {
        let query = [("name", self.model.as_str())];
        let answer = match self.client.get("registered-models/get", &query) {
            Err(error) if is_absent(&error) => return Ok((Aliases::new(), Vec::new())),
            answer => answer?,
        };
        let model = &answer["registered_model"];
        let mut aliases = Aliases::new();
        for entry in list(&model["aliases"]) {
            let name = text(&entry["alias"]);
            let alias = Alias::ALL.into_iter().find(|alias| alias.as_str() == name);
            let number = whole(&entry["version"]).and_then(|number| u64::try_from(number).ok());
            if let (Some(alias), Some(number)) = (alias, number) {
                aliases.insert(alias, number);
            }
        }
        let tags = list(&model["tags"]).map(|tag| (text(&tag["key"]), text(&tag["value"])));
        Ok((aliases, tags.collect()))
    }

    pub(super) fn changes(&self) -> Result<Vec<Change>, RegistryError> {
        let mut changes = Vec::new();
        for (key, value) in self.registered()?.1 {
            if !key.starts_with(CHANGE) {
                continue;
            }
            let mut change: Change =
                serde_json::from_str(&value).map_err(|error| RegistryError::Refused {
                    uri: self.client.uri().to_owned(),
                    call: "registered-models/get".to_owned(),
                    code: format!("the tag {key}"),
                    message: format!("it was not written by this program: {error}"),
                })?;
            // Distinguished from evidence that is null by being a text of this very form.
            if change.evidence == json!(evidence(change.number)) {
                change.evidence = self.evidence(&change)?;
            }
            changes.push(change);
        }
        changes.sort_by_key(|change| change.number);
        Ok(changes)
    }

    fn evidence(&self, change: &Change) -> Result<Value, RegistryError> {
        // The version may have been deleted since, and its run.
        let Some(found) = self.found_version(change.version)? else {
            return Ok(Value::Null);
        };
        let run = self.own_id(&found.run)?;
        let Some(file) = self.kept_file(&run, &evidence(change.number))? else {
            return Ok(Value::Null);
        };
        let text = std::fs::read_to_string(&file).map_err(crate::error::at(&file))?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub(super) fn take_decision(
        &self,
        plan: &dyn Fn(&Stage) -> Result<Plan, RegistryError>,
    ) -> Result<Change, RegistryError> {
        let history = self.changes()?;
        let number = history.last().map_or(1, |last| last.number + 1);
        let plan = plan(&Stage {
            aliases: self.registered()?.0,
            numbers: stage::numbers(&self.versions()?),
            history,
            place: self.place(),
        })?;
        let moves = plan.moves.clone();
        let change = plan.change(number);
        self.write_decision(&change)?;
        // The champion last: anyone who follows it finds the rest in its place.
        let (last, first): (Vec<_>, Vec<_>) = moves
            .into_iter()
            .partition(|(alias, _)| *alias == Alias::Champion);
        for (alias, number) in first.into_iter().chain(last) {
            self.point(alias, number)?;
        }
        Ok(change)
    }

    fn write_decision(&self, change: &Change) -> Result<(), RegistryError> {
        let mut short = change.clone();
        let whole = change.evidence.to_string();
        if whole.len() > LONGEST / 2 {
            let local = self.cache.join(evidence(change.number));
            write(&local, whole.as_bytes())?;
            if let Some(found) = self.found_version(change.version)? {
                let run = self.own_id(&found.run)?;
                if let Some(place) = self.place_of(&run)? {
                    let root = self.proxied(&place.files)?;
                    self.put(&root, &evidence(change.number), &local)?;
                }
            }
            short.evidence = json!(evidence(change.number));
        }
        short.why = short.why.chars().take(LONGEST / 4).collect();
        self.client
            .post(
                "registered-models/set-tag",
                &json!({
                    "name": self.model,
                    "key": format!("{CHANGE}{:06}", change.number),
                    "value": json!(short).to_string(),
                }),
            )
            .map(drop)
    }

    fn point(&self, alias: Alias, number: Option<u64>) -> Result<(), RegistryError> {
        let mut body = json!({ "name": self.model, "alias": alias.as_str() });
        let Some(number) = number else {
            let method = reqwest::Method::DELETE;
            return match self.client.send(method, "registered-models/alias", &body) {
                Err(error) if !is_absent(&error) => Err(error),
                _ => Ok(()),
            };
        };
        body["version"] = number.to_string().into();
        self.client.post("registered-models/alias", &body).map(drop)
    }
}
