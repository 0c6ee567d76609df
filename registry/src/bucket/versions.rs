//! Versions: files first, then the object that says that there is a version.

use std::fs;
use std::path::{Path, PathBuf};

use object_store::PutMode;
use serde::{Deserialize, Serialize};

use super::Bucket;
use crate::error::Fill;
use crate::error::at;
use crate::history::now_ms;
use crate::limits::{Budget, VERSION_FILES};
use crate::run::fresh_id;
use crate::{RegistryError, Version, VersionInfo, fresh, sums};

/// Tries to find a free number while others publish too.
const TRIES: u64 = 1000;

/// What says that there is a version.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    /// Its files are below `files/` and this.
    id: String,
    /// Their names.
    files: Vec<String>,
    /// When it was published, milliseconds since 1970.
    created_ms: i64,
    /// By which run.
    run: Option<String>,
}

fn manifest_of(number: u64) -> String {
    format!("versions/{}.json", Version::name(number))
}

impl Bucket {
    fn version_of(&self, number: u64) -> Version {
        Version {
            number,
            path: self.cache.join(Version::name(number)),
        }
    }

    fn manifest(&self, number: u64) -> Result<Manifest, RegistryError> {
        let found = self.objects.get_json(&manifest_of(number))?;
        found
            .map(|(manifest, _)| manifest)
            .ok_or(RegistryError::NoVersion {
                number,
                place: self.objects.place().to_owned(),
            })
    }

    pub(super) fn all_versions(&self) -> Result<Vec<Version>, RegistryError> {
        let names = self.objects.names("versions")?;
        let number = |name: &String| name.strip_prefix('v')?.strip_suffix(".json")?.parse().ok();
        let mut versions: Vec<Version> = names
            .iter()
            .filter_map(number)
            .map(|number| self.version_of(number))
            .collect();
        versions.sort();
        Ok(versions)
    }

    pub(super) fn publish(
        &self,
        run: Option<&str>,
        write: &mut Fill<'_>,
    ) -> Result<Version, RegistryError> {
        let id = fresh_id();
        let fresh = self.fresh()?;
        let published = write(&fresh)
            .map_err(RegistryError::Write)
            .and_then(|()| self.place_files(&fresh, &id, run));
        // What is left of it costs room, and nothing else.
        let _ = fs::remove_dir_all(&fresh);
        if published.is_err() {
            let _ = self.objects.delete_all(&format!("files/{id}"));
        }
        published
    }

    fn place_files(
        &self,
        fresh: &Path,
        id: &str,
        run: Option<&str>,
    ) -> Result<Version, RegistryError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(fresh).map_err(at(fresh))? {
            let path = entry.map_err(at(fresh))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let bytes = fs::read(&path).map_err(at(&path))?;
            self.objects
                .put(&format!("files/{id}/{name}"), bytes, PutMode::Overwrite)?;
            files.push(name.into_owned());
        }
        files.sort();
        let manifest = Manifest {
            id: id.to_owned(),
            files,
            created_ms: now_ms(),
            run: run.map(str::to_owned),
        };
        let newest = self.all_versions()?.pop();
        let first = newest.map_or(1, |newest| newest.number + 1);
        for number in first..first + TRIES {
            // Refused where another has taken the number.
            if self
                .objects
                .put_json(&manifest_of(number), &manifest, PutMode::Create)?
            {
                return Ok(self.version_of(number));
            }
        }
        Err(RegistryError::Bucket {
            place: self.objects.place().to_owned(),
            detail: "no free version number".to_owned(),
        })
    }

    pub(super) fn fetched(&self, number: u64) -> Result<std::path::PathBuf, RegistryError> {
        let kept = self.version_of(number).path;
        if matches!(sums::check(&kept, number, self.limits), Ok(true)) {
            return Ok(kept);
        }
        let manifest = self.manifest(number)?;
        self.check_names(&manifest, number)?;
        let fresh = self.fresh()?;
        let mut budget = Budget::new(self.limits, number);
        let mut fetch = || {
            for name in &manifest.files {
                let object = format!("files/{}/{name}", manifest.id);
                let found = self.objects.get(&object, budget.left())?;
                let (bytes, _) = found.ok_or(RegistryError::Checksum {
                    number,
                    file: name.clone(),
                })?;
                budget.take(bytes.len())?;
                let path = fresh.join(name);
                fs::write(&path, bytes).map_err(at(&path))?;
            }
            sums::check(&fresh, number, self.limits)?;
            // What was there did not pass its checks.
            let _ = fs::remove_dir_all(&kept);
            match fs::rename(&fresh, &kept) {
                // Another has fetched it meanwhile.
                Err(_) if matches!(sums::check(&kept, number, self.limits), Ok(true)) => Ok(()),
                other => other.map_err(at(&kept)),
            }
        };
        let fetched = fetch();
        let _ = fs::remove_dir_all(&fresh);
        fetched.map(|()| kept)
    }

    /// Whether the manifest names files, and not too many: another may have written it.
    fn check_names(&self, manifest: &Manifest, number: u64) -> Result<(), RegistryError> {
        let wrong = |detail: String| RegistryError::Content {
            path: format!("{}/{}", self.objects.place(), manifest_of(number)).into(),
            detail,
        };
        if manifest.files.len() > VERSION_FILES {
            return Err(wrong(format!("it names more than {VERSION_FILES} files")));
        }
        let is_id = manifest.id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let mut names = manifest.files.iter();
        match names.find(|name| !sums::is_file_name(name)) {
            Some(name) => Err(wrong(format!("{name:?} is not a file name"))),
            None if !is_id => Err(wrong(format!("{:?} is not an id", manifest.id))),
            None => Ok(()),
        }
    }

    /// A directory of the cache to be filled.
    fn fresh(&self) -> Result<PathBuf, RegistryError> {
        fs::create_dir_all(&self.cache).map_err(at(&self.cache))?;
        fresh::sweep(&self.cache);
        let fresh = fresh::beside(&self.cache);
        fs::create_dir(&fresh).map_err(at(&fresh))?;
        Ok(fresh)
    }

    pub(super) fn info_of(&self, number: u64) -> Result<VersionInfo, RegistryError> {
        let manifest = self.manifest(number)?;
        Ok(VersionInfo {
            number,
            created_ms: manifest.created_ms,
            run: manifest.run,
            tags: self.tags(number)?.0,
        })
    }

    pub(super) fn delete_version(&self, number: u64) -> Result<(), RegistryError> {
        let manifest = self.manifest(number)?;
        let (pointers, _) = self.pointers()?;
        if let Some((alias, number)) = pointers.aliases.iter().find(|(_, named)| **named == number)
        {
            return Err(RegistryError::InUse {
                number: *number,
                alias: *alias,
            });
        }
        // Out of sight at once, then away.
        self.objects.delete(&manifest_of(number))?;
        self.objects.delete_all(&format!("files/{}", manifest.id))?;
        self.forget_tags(number)?;
        // A copy in the cache costs room, and nothing else.
        let _ = fs::remove_dir_all(self.version_of(number).path);
        Ok(())
    }
}
