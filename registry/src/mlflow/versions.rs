//! Versions of the registered model and their files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::artifacts::write;
use super::client::{is_absent, is_there};
use super::runs::{list, text, whole};
use super::{Mlflow, pyfunc};
use crate::error::Fill;
use crate::error::at;
use crate::limits::{Budget, PAGES};
use crate::sums::{SIGNATURE, SUMS, check, listed};
use crate::{Alias, RegistryError, Run, RunStatus, Version, VersionInfo, fresh};

/// Versions asked for at once.
const PAGE: &str = "200";
/// The folder of a run in which its version lies.
const FOLDER: &str = "model";

/// A version as the server has it.
pub(super) struct FoundVersion {
    pub(super) number: u64,
    created_ms: i64,
    /// The server's id.
    pub(super) run: String,
    source: String,
    tags: BTreeMap<String, String>,
}

impl FoundVersion {
    fn read(value: &Value) -> Option<FoundVersion> {
        let tags = list(&value["tags"]).map(|tag| (text(&tag["key"]), text(&tag["value"])));
        Some(FoundVersion {
            number: u64::try_from(whole(&value["version"])?).ok()?,
            created_ms: whole(&value["creation_timestamp"]).unwrap_or(0),
            run: text(&value["run_id"]),
            source: text(&value["source"]),
            tags: tags.collect(),
        })
    }
}

impl Mlflow {
    pub(super) fn version_of(&self, number: u64) -> Version {
        Version {
            number,
            path: self
                .cache
                .join("versions")
                .join(&self.model)
                .join(Version::name(number)),
        }
    }

    /// All versions, rising, or those for which `further` holds too.
    pub(super) fn found_versions(&self, further: &str) -> Result<Vec<FoundVersion>, RegistryError> {
        let filter = format!("name = '{}'{further}", self.model.replace('\'', "''"));
        let (mut found, mut page) = (Vec::new(), String::new());
        for _ in 0..PAGES {
            let mut query = vec![("filter", filter.as_str()), ("max_results", PAGE)];
            if !page.is_empty() {
                query.push(("page_token", &page));
            }
            let answer = self.client.get("model-versions/search", &query)?;
            found.extend(list(&answer["model_versions"]).filter_map(FoundVersion::read));
            page = text(&answer["next_page_token"]);
            if page.is_empty() {
                break;
            }
        }
        found.sort_by_key(|version| version.number);
        Ok(found)
    }

    pub(super) fn found_version(&self, number: u64) -> Result<Option<FoundVersion>, RegistryError> {
        let version = number.to_string();
        let query = [("name", self.model.as_str()), ("version", &version)];
        match self.client.get("model-versions/get", &query) {
            Ok(answer) => Ok(FoundVersion::read(&answer["model_version"])),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn existing(&self, number: u64) -> Result<FoundVersion, RegistryError> {
        self.found_version(number)?
            .ok_or_else(|| RegistryError::NoVersion {
                number,
                place: crate::Registry::place(self),
            })
    }

    pub(super) fn publish(
        &self,
        run: Option<&str>,
        fill: &mut Fill<'_>,
    ) -> Result<Version, RegistryError> {
        let fresh = self.fresh()?;
        let published = fill(&fresh)
            .map_err(RegistryError::Write)
            .and_then(|()| self.publish_files(run, &fresh));
        // What has become the cached copy is not there any more.
        let _ = fs::remove_dir_all(&fresh);
        published
    }

    fn publish_files(&self, run: Option<&str>, files: &Path) -> Result<Version, RegistryError> {
        let run = match run {
            Some(run) => run.to_owned(),
            None => {
                // A version needs a run for its files to lie in.
                let mut run = Run::start("a version");
                run.end(RunStatus::Finished);
                self.log(&run, &[])?;
                run.id
            }
        };
        let place = self.place_of(&run)?.ok_or(RegistryError::Setting {
            setting: "the run of a version",
            expected: "a run that has been logged",
            found: run.clone(),
        })?;
        let root = format!("{}/{FOLDER}", self.proxied(&place.files)?);
        for entry in fs::read_dir(files).map_err(at(files))? {
            let entry = entry.map_err(at(files))?;
            let name = entry.file_name();
            let name = format!("{}/{}", pyfunc::DATA, name.to_string_lossy());
            self.put(&root, &name, &entry.path())?;
        }
        for (name, content) in pyfunc::files(&place.id, files) {
            self.client
                .upload(&format!("{root}/{name}"), content.into_bytes())?;
        }
        match self
            .client
            .post("registered-models/create", &json!({ "name": self.model }))
        {
            Err(error) if !is_there(&error) => return Err(error),
            _ => {}
        }
        let source = format!("{}/{FOLDER}", place.files.trim_end_matches('/'));
        let of_run = format!(" AND run_id = '{}'", place.id);
        // Looked for first: an earlier call may have arrived whose answer was lost.
        let number = match self.found_versions(&of_run)?.pop() {
            Some(found) => found.number,
            None => {
                let made = self.client.post(
                    "model-versions/create",
                    &json!({ "name": self.model, "source": source, "run_id": place.id }),
                )?;
                let made = FoundVersion::read(&made["model_version"]);
                made.map(|version| version.number)
                    .ok_or(RegistryError::Refused {
                        uri: self.client.uri().to_owned(),
                        call: "model-versions/create".to_owned(),
                        code: "an answer without a version".to_owned(),
                        message: "is it an MLflow server?".to_owned(),
                    })?
            }
        };
        let version = self.version_of(number);
        if !version.path.exists() {
            place_in_cache(files, &version.path)?;
        }
        Ok(version)
    }

    pub(super) fn fetched(&self, version: &Version) -> Result<PathBuf, RegistryError> {
        let kept = self.version_of(version.number).path;
        if matches!(check(&kept, version.number, self.limits), Ok(true)) {
            return Ok(kept);
        }
        let found = self.existing(version.number)?;
        let root = format!("{}/{}", self.proxied(&found.source)?, pyfunc::DATA);
        let fresh = self.fresh()?;
        let fetched = self.fetch_files(&root, &fresh, version.number);
        let placed = fetched.and_then(|()| {
            // What was there did not pass its checks.
            let _ = fs::remove_dir_all(&kept);
            place_in_cache(&fresh, &kept)
        });
        let _ = fs::remove_dir_all(&fresh);
        placed.map(|()| kept)
    }

    fn fetch_files(&self, root: &str, to: &Path, number: u64) -> Result<(), RegistryError> {
        let mut budget = Budget::new(self.limits, number);
        let sums = self
            .client
            .download(&format!("{root}/{SUMS}"), &mut budget)?;
        write(&to.join(SUMS), &sums)?;
        for (_, file) in listed(&sums, number)? {
            let path = format!("{root}/{file}");
            let bytes = self.client.download(&path, &mut budget)?;
            write(&to.join(&file), &bytes)?;
        }
        // Not among the sums, which it signs.
        if self.client.list(root)?.iter().any(|file| file == SIGNATURE) {
            let path = format!("{root}/{SIGNATURE}");
            let bytes = self.client.download(&path, &mut budget)?;
            write(&to.join(SIGNATURE), &bytes)?;
        }
        check(to, number, self.limits).map(drop)
    }

    /// A directory of the cache to be filled.
    fn fresh(&self) -> Result<PathBuf, RegistryError> {
        fs::create_dir_all(&self.cache).map_err(at(&self.cache))?;
        fresh::sweep(&self.cache);
        let fresh = fresh::beside(&self.cache);
        fs::create_dir(&fresh).map_err(at(&fresh))?;
        Ok(fresh)
    }

    pub(super) fn version_info(&self, number: u64) -> Result<VersionInfo, RegistryError> {
        let found = self.existing(number)?;
        Ok(VersionInfo {
            number,
            created_ms: found.created_ms,
            run: match found.run.as_str() {
                "" => None,
                run => Some(self.own_id(run)?),
            },
            tags: found.tags,
        })
    }

    pub(super) fn tag_version(
        &self,
        number: u64,
        key: &str,
        value: &str,
    ) -> Result<(), RegistryError> {
        self.existing(number)?;
        let mut body = json!({ "name": self.model, "version": number.to_string(), "key": key });
        if value.is_empty() {
            let method = reqwest::Method::DELETE;
            return match self.client.send(method, "model-versions/delete-tag", &body) {
                Err(error) if !is_absent(&error) => Err(error),
                _ => Ok(()),
            };
        }
        body["value"] = value.into();
        self.client.post("model-versions/set-tag", &body).map(drop)
    }

    pub(super) fn delete_version(&self, number: u64) -> Result<(), RegistryError> {
        self.existing(number)?;
        let aliases = self.registered()?.0;
        if let Some(alias) = Alias::ALL
            .into_iter()
            .find(|alias| aliases.get(alias) == Some(&number))
        {
            return Err(RegistryError::InUse { number, alias });
        }
        let body = json!({ "name": self.model, "version": number.to_string() });
        self.client
            .send(reqwest::Method::DELETE, "model-versions/delete", &body)?;
        // The copy is of no use any more; the server is what counts.
        let _ = fs::remove_dir_all(self.version_of(number).path);
        Ok(())
    }
}

/// Moves files to where fetched versions lie; another process may have been quicker.
fn place_in_cache(files: &Path, to: &Path) -> Result<(), RegistryError> {
    let parent = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(at(parent))?;
    match fs::rename(files, to) {
        Err(error) if !to.exists() => Err(at(to)(error)),
        _ => Ok(()),
    }
}
