//! Files of runs, through the server's proxy.

use std::fs;
use std::path::{Path, PathBuf};

use super::Mlflow;
use crate::RegistryError;
use crate::error::at;
use crate::limits::Budget;
use crate::run::is_inside;

impl Mlflow {
    /// The path below the proxy of what `uri` names.
    pub(super) fn proxied(&self, uri: &str) -> Result<String, RegistryError> {
        let rest = uri.strip_prefix("mlflow-artifacts:");
        let rest = rest.ok_or_else(|| RegistryError::Refused {
            uri: self.client.uri().to_owned(),
            call: "files".to_owned(),
            code: format!("they are at {uri}"),
            message: "expected a server that proxies artifacts: start it with \
                      --artifacts-destination (and without --no-serve-artifacts), and create the \
                      experiment after that"
                .to_owned(),
        })?;
        // `mlflow-artifacts://host:port/path` names the server, `mlflow-artifacts:/path` means this.
        let path = match rest.strip_prefix("//") {
            Some(with_host) => with_host.split_once('/').map_or("", |(_, path)| path),
            None => rest,
        };
        let path = path.trim_matches('/');
        // A path that a URL would read otherwise may be any other call of the server.
        let is_plain =
            |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '%', '?', '#']);
        if !path.split('/').all(is_plain) || path.contains(char::is_control) {
            return Err(RegistryError::Refused {
                uri: self.client.uri().to_owned(),
                call: "files".to_owned(),
                code: format!("they are at {uri:?}"),
                message: "expected a plain path, without `..`, backslashes and escapes".to_owned(),
            });
        }
        Ok(path.to_owned())
    }

    pub(super) fn put(&self, root: &str, name: &str, file: &Path) -> Result<(), RegistryError> {
        let bytes = fs::read(file).map_err(at(file))?;
        self.client.upload(&format!("{root}/{name}"), bytes)
    }

    /// A file that a run has kept.
    pub(super) fn kept_file(
        &self,
        run: &str,
        name: &str,
    ) -> Result<Option<PathBuf>, RegistryError> {
        let Some(place) = self.place_of(run)?.filter(|_| is_inside(name)) else {
            return Ok(None);
        };
        let path = format!("{}/{name}", self.proxied(&place.files)?);
        // A server does not say clearly that there is no such file.
        let (folder, file_name) = path.rsplit_once('/').unwrap_or(("", &path));
        if !self
            .client
            .list(folder)?
            .iter()
            .any(|file| file == file_name)
        {
            return Ok(None);
        }
        let bytes = self
            .client
            .download(&path, &mut Budget::new(self.limits, 0))?;
        let to = self.cache.join("runs").join(run).join(name);
        write(&to, &bytes)?;
        Ok(Some(to))
    }
}

/// Writes a file; directories on the way are made.
pub(super) fn write(to: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
    let parent = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(at(parent))?;
    fs::write(to, bytes).map_err(at(to))
}
