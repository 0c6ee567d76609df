//! What `model-application --check` looks at.

use common::check::{Directory, Finding, Needs};

use crate::serving::Loaded;
use crate::{Config, tables};

/// The name of the line about the model.
const MODEL: &str = "model";

impl Config {
    /// What the applier needs: its topics, its tables, and a model that passes its checks. One of a
    /// server is fetched into the cache, as at the start.
    pub fn needs(&self) -> Needs {
        let config = self.clone();
        let servers = match self.applier.store {
            true => self.servers(),
            false => Needs::default(),
        };
        servers
            .directory(Directory {
                holds: "models",
                path: self.registry.path.clone(),
                is_written: self.registry.is_cache(),
                setting: "registry.path",
            })
            .service_check(MODEL, move || match model(&config) {
                Ok(finding) => finding,
                Err(error) => Finding::failed(
                    MODEL,
                    format!("{error:#}"),
                    "check [registry] in the settings, and whether its server answers",
                ),
            })
    }

    /// Kafka and the database, where answers are stored.
    fn servers(&self) -> Needs {
        let topics = &self.kafka.topics;
        Needs::default()
            .kafka(
                &self.kafka,
                &[
                    &topics.requests,
                    &topics.answers,
                    &topics.actuals,
                    &topics.rejects,
                ],
            )
            .database(&self.database, &tables(&self.schema), Vec::new())
    }
}

/// Loads the champion as the service does: checksums, golden rows, the schema.
fn model(config: &Config) -> anyhow::Result<Finding> {
    let registry = registry::open(&config.registry.hasty())?;
    let place = registry.place();
    let Some(champion) = registry.champion()? else {
        return Ok(Finding::failed(
            MODEL,
            format!("no model yet in {place}: requests wait for the first"),
            "run model-prepare, or name another place (registry.path)",
        ));
    };
    let path = registry.fetch(&champion)?;
    let intake = registry::Intake::new(&config.registry)?;
    Ok(
        match Loaded::load(&champion, &path, &config.schema, &intake) {
            Ok(loaded) => Finding::passed(
                MODEL,
                format!(
                    "{} in {place}: checksums, golden rows and schema are correct",
                    loaded.name
                ),
            ),
            Err(error) => Finding::failed(
                MODEL,
                format!("{champion} in {place} is refused: {error:#}"),
                "model-prepare rollback, or fit another model: model-prepare",
            ),
        },
    )
}
