//! Objects of the bucket, asked for from threads that may block.

use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig, UpdateVersion};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::RegistryError;
use crate::error::at;
use crate::limits::JSON_BYTES;

/// Longest that a call is retried for: a training is not to hang on it.
const TRIED_FOR: Duration = Duration::from_secs(20);

/// The objects below a prefix.
#[derive(Debug)]
pub(super) struct Objects {
    store: AmazonS3,
    prefix: String,
    /// As it was given, for messages.
    place: String,
    /// `None` only while it is dropped: a runtime may not be waited for where others run.
    runtime: Option<Runtime>,
}

impl Objects {
    pub(super) fn new(address: &str) -> Result<Objects, RegistryError> {
        let wrong = |found: String| RegistryError::Setting {
            setting: "registry.bucket",
            expected: "s3://BUCKET or s3://BUCKET/PREFIX, and AWS_ENDPOINT_URL, AWS_REGION, \
                       AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as the storage needs them",
            found,
        };
        let rest = address
            .strip_prefix("s3://")
            .ok_or_else(|| wrong(address.to_owned()))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        if bucket.is_empty() || prefix.split('/').any(|part| part == "..") {
            return Err(wrong(address.to_owned()));
        }
        // One may have been installed before: that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig {
            retry_timeout: TRIED_FOR,
            max_retries: 3,
            ..RetryConfig::default()
        };
        let store = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            // Not every store takes the deletion of several objects at once.
            .with_disable_bulk_delete(true)
            // Of the address that was given: one on loopback has no certificate.
            .with_allow_http(
                std::env::var("AWS_ENDPOINT_URL").is_ok_and(|url| url.starts_with("http://")),
            )
            .with_retry(retry)
            .build()
            .map_err(|error| wrong(format!("{address} ({error})")))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("registry")
            .enable_all()
            .build()
            .map_err(at(std::path::Path::new(address)))?;
        Ok(Objects {
            store,
            prefix: prefix.to_owned(),
            place: address.to_owned(),
            runtime: Some(runtime),
        })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    fn path(&self, name: &str) -> Path {
        match self.prefix.as_str() {
            "" => Path::from(name),
            prefix => Path::from(format!("{prefix}/{name}")),
        }
    }

    fn wait<T>(&self, asked: impl Future<Output = T>) -> T {
        match &self.runtime {
            Some(runtime) => runtime.block_on(asked),
            None => unreachable!("it is there until it is dropped"),
        }
    }

    fn failed(&self, error: object_store::Error) -> RegistryError {
        // What lies beneath says more than the store's own words.
        let mut detail = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            let reason = error.to_string();
            if !detail.contains(&reason) {
                detail = format!("{detail}: {reason}");
            }
            source = error.source();
        }
        RegistryError::Bucket {
            place: self.place.clone(),
            detail,
        }
    }

    /// An object's bytes and what distinguishes its state from others; `None` where there is none.
    pub(super) fn get(
        &self,
        name: &str,
        most: u64,
    ) -> Result<Option<(Vec<u8>, UpdateVersion)>, RegistryError> {
        let path = self.path(name);
        let found = self.wait(async {
            let found = self.store.get(&path).await?;
            let state = UpdateVersion {
                e_tag: found.meta.e_tag.clone(),
                version: found.meta.version.clone(),
            };
            let mut bytes = Vec::new();
            let mut parts = found.into_stream();
            while let Some(part) = parts.try_next().await? {
                if (bytes.len() + part.len()) as u64 > most {
                    return Ok(None);
                }
                bytes.extend_from_slice(&part);
            }
            Ok(Some((bytes, state)))
        });
        match found {
            Ok(Some(found)) => Ok(Some(found)),
            Ok(None) => Err(RegistryError::Input(bounded::InputError::TooLarge {
                path: format!("{}/{name}", self.place).into(),
                most,
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The same of what [`Objects::put_json`] wrote.
    pub(super) fn get_json<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<(T, UpdateVersion)>, RegistryError> {
        let Some((bytes, state)) = self.get(name, JSON_BYTES)? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&bytes).map_err(|error| self.broken(name, &error))?;
        Ok(Some((value, state)))
    }

    fn broken(&self, name: &str, error: &serde_json::Error) -> RegistryError {
        RegistryError::Content {
            path: format!("{}/{name}", self.place).into(),
            detail: error.to_string(),
        }
    }

    /// Writes an object; false where the mode does not allow it, as another was quicker.
    pub(super) fn put(
        &self,
        name: &str,
        bytes: Vec<u8>,
        mode: PutMode,
    ) -> Result<bool, RegistryError> {
        let path = self.path(name);
        let options = PutOptions::from(mode);
        match self.wait(self.store.put_opts(&path, bytes.into(), options)) {
            Ok(_) => Ok(true),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The same of JSON.
    pub(super) fn put_json(
        &self,
        name: &str,
        value: &impl Serialize,
        mode: PutMode,
    ) -> Result<bool, RegistryError> {
        let bytes = serde_json::to_vec_pretty(value).map_err(|error| self.broken(name, &error))?;
        self.put(name, bytes, mode)
    }

    /// Names of the objects below `prefix`, without it, in order.
    pub(super) fn names(&self, prefix: &str) -> Result<Vec<String>, RegistryError> {
        let path = self.path(prefix);
        let listed: Result<Vec<_>, _> = self.wait(self.store.list(Some(&path)).try_collect());
        let listed = listed.map_err(|error| self.failed(error))?;
        let mut names: Vec<String> = listed
            .iter()
            .filter_map(|object| {
                let rest = object.location.as_ref().strip_prefix(path.as_ref())?;
                Some(rest.trim_start_matches('/').to_owned())
            })
            .collect();
        names.sort();
        Ok(names)
    }

    /// Takes an object away; one that is not there is no error.
    pub(super) fn delete(&self, name: &str) -> Result<(), RegistryError> {
        let path = self.path(name);
        match self.wait(self.store.delete(&path)) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Takes all objects below a prefix away.
    pub(super) fn delete_all(&self, prefix: &str) -> Result<(), RegistryError> {
        for name in self.names(prefix)? {
            self.delete(&format!("{prefix}/{name}"))?;
        }
        Ok(())
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
