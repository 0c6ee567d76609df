//! Settings: which home.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::{Directory, Limits, Mlflow, Registry, RegistryError};

/// Longest wait for an answer of a server while somebody looks on; a call is tried four times.
const HASTY_MS: u64 = 2_000;

/// Section `[registry]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// The directory of versions; with an MLflow server, of its cache and of what waits to be sent.
    pub path: PathBuf,
    /// `s3://bucket/prefix`: the versions are kept there, and the directory is a cache; empty: in the
    /// directory.
    #[serde(default)]
    pub bucket: String,
    /// `http://…` of an MLflow server; empty: the environment's `MLFLOW_TRACKING_URI`, and where
    /// that is not set either, the directory.
    #[serde(default)]
    pub mlflow_tracking_uri: String,
    /// Name of the registered model on the server: several kinds of records may share a server.
    #[serde(default = "default_name")]
    pub mlflow_model: String,
    /// Name of the experiment that runs are logged to.
    #[serde(default = "default_name")]
    pub mlflow_experiment: String,
    /// Longest wait for an answer of the server, in milliseconds: a training is not to hang on it.
    #[serde(default = "default_timeout_ms")]
    pub mlflow_timeout_ms: u64,
    /// Bytes of a version's files together at most: more is not fetched and not loaded.
    #[serde(default = "default_version_bytes")]
    pub max_version_bytes: u64,
    /// Longest that fetching a version from a server or a bucket may take, in seconds.
    #[serde(default = "default_fetch_timeout_s")]
    pub fetch_timeout_s: u64,
    /// The key that versions must be signed by; empty: none need be.
    #[serde(default)]
    pub public_key: String,
}

fn default_name() -> String {
    "hedonic".to_owned()
}

fn default_timeout_ms() -> u64 {
    10_000
}

fn default_version_bytes() -> u64 {
    Limits::default().version_bytes
}

fn default_fetch_timeout_s() -> u64 {
    Limits::default().fetch.as_secs()
}

impl RegistryConfig {
    /// A directory, with nothing else set.
    pub fn directory(path: impl Into<PathBuf>) -> RegistryConfig {
        RegistryConfig {
            path: path.into(),
            bucket: String::new(),
            mlflow_tracking_uri: String::new(),
            mlflow_model: default_name(),
            mlflow_experiment: default_name(),
            mlflow_timeout_ms: default_timeout_ms(),
            max_version_bytes: default_version_bytes(),
            fetch_timeout_s: default_fetch_timeout_s(),
            public_key: String::new(),
        }
    }

    /// What a version may cost.
    pub fn limits(&self) -> Limits {
        Limits {
            version_bytes: self.max_version_bytes.max(1),
            fetch: Duration::from_secs(self.fetch_timeout_s.max(1)),
            signed: !self.public_key.trim().is_empty(),
        }
    }

    /// Whether the home is a server or a bucket, and the directory its cache.
    pub fn is_cache(&self) -> bool {
        self.server().is_some() || !self.bucket.trim().is_empty()
    }

    /// The same for somebody who waits for the answer: a server has two seconds.
    #[must_use]
    pub fn hasty(&self) -> RegistryConfig {
        RegistryConfig {
            mlflow_timeout_ms: self.mlflow_timeout_ms.min(HASTY_MS),
            ..self.clone()
        }
    }

    /// The MLflow server's address; `None` where the directory is the home.
    pub fn server(&self) -> Option<String> {
        let set = |text: String| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        set(self.mlflow_tracking_uri.clone())
            .or_else(|| std::env::var("MLFLOW_TRACKING_URI").ok().and_then(set))
    }
}

/// The home that the settings choose. A server is not asked yet: it may be away.
///
/// # Errors
/// When the address is none of a server.
pub fn open(config: &RegistryConfig) -> Result<Box<dyn Registry>, RegistryError> {
    let bucket = config.bucket.trim();
    match config.server() {
        None if !bucket.is_empty() => in_a_bucket(bucket, &config.path, config.limits()),
        None => Ok(Box::new(Directory::new(&config.path))),
        Some(uri) => {
            let server = Mlflow::new(
                &uri,
                &config.mlflow_model,
                &config.mlflow_experiment,
                config.path.join("mlflow"),
                Duration::from_millis(config.mlflow_timeout_ms.max(1)),
            )?;
            Ok(Box::new(server.with_limits(config.limits())))
        }
    }
}

#[cfg(feature = "s3")]
fn in_a_bucket(
    bucket: &str,
    path: &Path,
    limits: Limits,
) -> Result<Box<dyn Registry>, RegistryError> {
    let home = crate::Bucket::new(bucket, path.join("bucket"))?;
    Ok(Box::new(home.with_limits(limits)))
}

#[cfg(not(feature = "s3"))]
fn in_a_bucket(bucket: &str, _: &Path, _: Limits) -> Result<Box<dyn Registry>, RegistryError> {
    Err(RegistryError::Setting {
        setting: "registry.bucket",
        expected: "nothing, because this program was built without S3: build it with --features s3",
        found: bucket.to_owned(),
    })
}
