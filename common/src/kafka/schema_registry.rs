//! The schema registry of values in Confluent's wire format: its settings, and decoding that waits for it.

use std::time::Duration;

use anyhow::ensure;
use schema_registry_converter::blocking::schema_registry::SrSettings;
use schema_registry_converter::error::SRCError;

use super::envelope::EnvelopeError;
use super::format::SchemaRegistryConfig;

/// Tries to get a schema, and the pause between them: a registry that restarts is waited for.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_secs(1);

/// # Errors
/// When a setting is wrong.
pub(super) fn check(config: &SchemaRegistryConfig) -> anyhow::Result<()> {
    ensure!(
        config.url.starts_with("http://") || config.url.starts_with("https://"),
        "kafka.schema_registry.url is {:?}; expected an address such as http://localhost:8081",
        config.url
    );
    ensure!(
        (1..=600_000).contains(&config.timeout_ms),
        "kafka.schema_registry.timeout_ms is {}; expected 1 to 600000 milliseconds",
        config.timeout_ms
    );
    Ok(())
}

/// The settings as a decoder takes them.
///
/// # Errors
/// When the HTTP client cannot be made.
pub(super) fn settings(config: &SchemaRegistryConfig) -> Result<SrSettings, EnvelopeError> {
    let mut settings = SrSettings::new_builder(config.url.trim_end_matches('/').to_owned());
    settings.set_timeout(Duration::from_millis(config.timeout_ms));
    if !config.user.is_empty() {
        settings.set_basic_authorization(&config.user, Some(config.password.expose()));
    }
    settings.build().map_err(|error| failed(config, 1, &error))
}

/// What `decode` gives; a registry that does not answer is asked again.
///
/// # Errors
/// `wrong` of the reason when the bytes are not a value of a known schema; and when the registry does not answer.
pub(super) fn decoded<T>(
    config: &SchemaRegistryConfig,
    wrong: impl Fn(String) -> EnvelopeError,
    mut decode: impl FnMut() -> Result<T, SRCError>,
) -> Result<T, EnvelopeError> {
    let mut attempt = 1;
    loop {
        match decode() {
            Ok(value) => return Ok(value),
            Err(error) if !error.retriable => return Err(wrong(description(&error))),
            Err(error) if attempt == ATTEMPTS => return Err(failed(config, ATTEMPTS, &error)),
            Err(error) => {
                tracing::warn!(
                    url = config.url,
                    attempt,
                    "no schema yet: {}",
                    description(&error)
                );
                attempt += 1;
                std::thread::sleep(PAUSE);
            }
        }
    }
}

fn failed(config: &SchemaRegistryConfig, attempts: u32, error: &SRCError) -> EnvelopeError {
    EnvelopeError::Registry {
        url: config.url.clone(),
        attempts,
        detail: description(error),
    }
}

fn description(error: &SRCError) -> String {
    match &error.cause {
        Some(cause) => format!("{}: {cause}", error.error),
        None => error.error.clone(),
    }
}
