//! Aliases, decisions and tags.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::atomic;
use super::lock::Lock;
use super::publish::{origin, versions};
use crate::error::at;
use crate::stage::{self, Plan};
use crate::{Aliases, Change, RegistryError, Stage, Version, VersionInfo};

/// What `aliases.json` holds; written last, it is what makes a decision taken.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Pointers {
    /// How many decisions were taken.
    #[serde(default)]
    changes: u64,
    /// Where aliases point.
    #[serde(default)]
    aliases: Aliases,
}

fn pointers(root: &Path) -> Result<Pointers, RegistryError> {
    Ok(atomic::read_json(&root.join("aliases.json"))?.unwrap_or_default())
}

fn decision(root: &Path, number: u64) -> PathBuf {
    root.join("history").join(format!("{number:06}.json"))
}

fn tags_of(root: &Path, number: u64) -> PathBuf {
    root.join("tags")
        .join(format!("{}.json", Version::name(number)))
}

pub(super) fn aliases(root: &Path) -> Result<Aliases, RegistryError> {
    Ok(pointers(root)?.aliases)
}

pub(super) fn history(root: &Path) -> Result<Vec<Change>, RegistryError> {
    let taken = pointers(root)?.changes;
    let mut changes = Vec::new();
    for number in 1..=taken {
        changes.extend(atomic::read_json::<Change>(&decision(root, number))?);
    }
    Ok(changes)
}

pub(super) fn change(
    root: &Path,
    plan: &dyn Fn(&Stage) -> Result<Plan, RegistryError>,
) -> Result<Change, RegistryError> {
    let _lock = Lock::take(root)?;
    let mut pointers = pointers(root)?;
    let plan = plan(&Stage {
        aliases: pointers.aliases.clone(),
        numbers: stage::numbers(&versions(root)?),
        history: history(root)?,
        place: root.display().to_string(),
    })?;
    for (alias, number) in &plan.moves {
        match number {
            Some(number) => pointers.aliases.insert(*alias, *number),
            None => pointers.aliases.remove(alias),
        };
    }
    pointers.changes += 1;
    let change = plan.change(pointers.changes);
    atomic::write_json(&decision(root, change.number), &change)?;
    atomic::write_json(&root.join("aliases.json"), &pointers)?;
    Ok(change)
}

pub(super) fn info(root: &Path, version: &Version) -> Result<VersionInfo, RegistryError> {
    let origin = origin(version)?;
    let created_ms = match &origin {
        Some(origin) => origin.created_ms,
        // Put there by somebody else: the directory's own time is the best there is.
        None => fs::metadata(&version.path)
            .and_then(|metadata| metadata.modified())
            .map_err(at(&version.path))?
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }),
    };
    let tags: Option<BTreeMap<String, String>> = atomic::read_json(&tags_of(root, version.number))?;
    Ok(VersionInfo {
        number: version.number,
        created_ms,
        run: origin.and_then(|origin| origin.run),
        tags: tags.unwrap_or_default(),
    })
}

pub(super) fn tag(root: &Path, number: u64, key: &str, value: &str) -> Result<(), RegistryError> {
    let _lock = Lock::take(root)?;
    let path = tags_of(root, number);
    let mut tags: BTreeMap<String, String> = atomic::read_json(&path)?.unwrap_or_default();
    match value {
        "" => tags.remove(key),
        value => tags.insert(key.to_owned(), value.to_owned()),
    };
    atomic::write_json(&path, &tags)
}

pub(super) fn delete(root: &Path, version: &Version) -> Result<(), RegistryError> {
    let _lock = Lock::take(root)?;
    let aliases = aliases(root)?;
    if let Some((alias, number)) = aliases
        .iter()
        .find(|(_, number)| **number == version.number)
    {
        return Err(RegistryError::InUse {
            number: *number,
            alias: *alias,
        });
    }
    // Out of sight at once, then away: a reader never sees half of it.
    let gone = atomic::beside(root);
    fs::rename(&version.path, &gone).map_err(at(&version.path))?;
    fs::remove_dir_all(&gone).map_err(at(&gone))?;
    match fs::remove_file(tags_of(root, version.number)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(at(&tags_of(root, version.number))(error))
        }
        _ => Ok(()),
    }
}
