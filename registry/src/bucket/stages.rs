//! Aliases, decisions and tags: read, changed, and written where nobody was quicker.

use std::collections::BTreeMap;
use std::time::Duration;

use object_store::{PutMode, UpdateVersion};
use serde::{Deserialize, Serialize};

use super::Bucket;
use crate::run::fresh_id;
use crate::stage::{self, Plan};
use crate::{Aliases, Change, RegistryError, Stage, Version};

/// Tries to change what others change too.
const TRIES: u32 = 50;
/// Pause after a try that came too late, times how many there were.
const PAUSE: Duration = Duration::from_millis(20);
const ALIASES: &str = "aliases.json";

/// What `aliases.json` holds; written last, it is what makes a decision taken.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Pointers {
    /// The decisions that were taken, by the names of their objects.
    #[serde(default)]
    changes: Vec<String>,
    /// Where aliases point.
    #[serde(default)]
    pub(super) aliases: Aliases,
}

/// How to write what was read: where it is as it was.
fn mode(state: Option<UpdateVersion>) -> PutMode {
    state.map_or(PutMode::Create, PutMode::Update)
}

impl Bucket {
    pub(super) fn pointers(&self) -> Result<(Pointers, Option<UpdateVersion>), RegistryError> {
        let found = self.objects.get_json(ALIASES)?;
        Ok(found.map_or_else(Default::default, |(stage, state)| (stage, Some(state))))
    }

    pub(super) fn decisions(&self, pointers: &Pointers) -> Result<Vec<Change>, RegistryError> {
        let mut changes = Vec::new();
        for name in &pointers.changes {
            let found = self.objects.get_json(&format!("history/{name}.json"))?;
            changes.extend(found.map(|(change, _)| change));
        }
        Ok(changes)
    }

    pub(super) fn decide(
        &self,
        plan: &dyn Fn(&Stage) -> Result<Plan, RegistryError>,
    ) -> Result<Change, RegistryError> {
        self.until_first(|| {
            let (mut pointers, state) = self.pointers()?;
            let plan = plan(&Stage {
                aliases: pointers.aliases.clone(),
                numbers: stage::numbers(&self.all_versions()?),
                history: self.decisions(&pointers)?,
                place: self.objects.place().to_owned(),
            })?;
            for (alias, number) in &plan.moves {
                match number {
                    Some(number) => pointers.aliases.insert(*alias, *number),
                    None => pointers.aliases.remove(alias),
                };
            }
            let number = pointers.changes.len() as u64 + 1;
            let name = format!("{number:06}-{}", fresh_id());
            let change = plan.change(number);
            let decision = format!("history/{name}.json");
            self.objects.put_json(&decision, &change, PutMode::Create)?;
            pointers.changes.push(name);
            if self.objects.put_json(ALIASES, &pointers, mode(state))? {
                return Ok(Some(change));
            }
            // Never taken: nobody names it.
            self.objects.delete(&decision)?;
            Ok(None)
        })
    }

    /// Tries until a write was not too late.
    fn until_first<T>(
        &self,
        mut attempt: impl FnMut() -> Result<Option<T>, RegistryError>,
    ) -> Result<T, RegistryError> {
        for tried in 1..=TRIES {
            if let Some(done) = attempt()? {
                return Ok(done);
            }
            std::thread::sleep(PAUSE * tried.min(10));
        }
        Err(RegistryError::Bucket {
            place: self.objects.place().to_owned(),
            detail: format!("another writer was faster {TRIES} times"),
        })
    }

    pub(super) fn tags(
        &self,
        number: u64,
    ) -> Result<(BTreeMap<String, String>, Option<UpdateVersion>), RegistryError> {
        let found = self.objects.get_json(&tags_of(number))?;
        Ok(found.map_or_else(Default::default, |(tags, state)| (tags, Some(state))))
    }

    pub(super) fn set_tag(&self, number: u64, key: &str, value: &str) -> Result<(), RegistryError> {
        // There must be such a version.
        self.info_of(number)?;
        self.until_first(|| {
            let (mut tags, state) = self.tags(number)?;
            match value {
                "" => tags.remove(key),
                value => tags.insert(key.to_owned(), value.to_owned()),
            };
            let written = self
                .objects
                .put_json(&tags_of(number), &tags, mode(state))?;
            Ok(written.then_some(()))
        })
    }

    pub(super) fn forget_tags(&self, number: u64) -> Result<(), RegistryError> {
        self.objects.delete(&tags_of(number))
    }
}

fn tags_of(number: u64) -> String {
    format!("tags/{}.json", Version::name(number))
}
