//! Settings in layers: compiled-in defaults, a file, the environment, flags.

use std::path::Path;

use config::{Config, Environment, File, FileFormat};
use serde::de::DeserializeOwned;

/// Every setting with its default and its meaning.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Why the settings could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A layer cannot be read, or a value is of the wrong type.
    #[error("invalid settings: {detail}")]
    Invalid {
        /// Which key or file, and what was expected.
        detail: String,
    },
    /// A section that no service has.
    #[error("unknown section [{section}]; expected one of: {known}")]
    UnknownSection {
        /// As found.
        section: String,
        /// What there is.
        known: String,
    },
    /// `--set` without an equals sign.
    #[error("--set {setting}: expected SECTION.KEY=VALUE, such as loader.batch_rows=1000")]
    Override {
        /// As found.
        setting: String,
    },
}

/// The settings of all services, layered; each service takes its own sections.
#[derive(Debug, Clone)]
pub struct Layered {
    config: Config,
}

impl Layered {
    /// Reads defaults, `file`, `HEDONIC__SECTION__KEY` and `overrides`, the later winning.
    ///
    /// # Errors
    /// When a layer cannot be read or names a section that does not exist.
    pub fn load(
        file: Option<&Path>,
        overrides: &[(String, String)],
    ) -> Result<Layered, ConfigError> {
        let mut builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = file {
            builder = builder.add_source(File::from(file).format(FileFormat::Toml));
        }
        builder = builder.add_source(
            Environment::with_prefix("HEDONIC")
                .prefix_separator("__")
                // Values stay texts: a password of digits must not become a number.
                .separator("__"),
        );
        for (key, value) in overrides {
            builder = builder
                .set_override(key.as_str(), value.as_str())
                .map_err(invalid)?;
        }
        let config = builder.build().map_err(invalid)?;
        let known = sections(&Layered::defaults()?.config)?;
        for section in sections(&config)? {
            if !known.contains(&section) {
                return Err(ConfigError::UnknownSection {
                    section,
                    known: known.join(", "),
                });
            }
        }
        Ok(Layered { config })
    }

    /// The compiled-in defaults alone.
    ///
    /// # Errors
    /// When they are not valid: a test reads them.
    pub fn defaults() -> Result<Layered, ConfigError> {
        let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
        let config = Config::builder().add_source(defaults).build();
        Ok(Layered {
            config: config.map_err(invalid)?,
        })
    }

    /// The settings of one section.
    ///
    /// # Errors
    /// When a key is unknown, missing or of the wrong type; the message names it.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        let mut read = None;
        self.read(name, &mut |section| {
            read = Some(T::deserialize(section)?);
            Ok(())
        })?;
        Ok(read.expect("what is read without an error is there"))
    }

    /// Not generic: a section's way from text to values is compiled once, not once a section.
    fn read(&self, name: &str, into: &mut Reader<'_>) -> Result<(), ConfigError> {
        let section: config::Value = self.config.get(name).map_err(invalid)?;
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(section, &mut track);
        let result = into(&mut <dyn erased_serde::Deserializer>::erase(tracked));
        result.map_err(|error| {
            let key = match track.path().to_string().as_str() {
                "." => name.to_owned(),
                key => format!("{name}.{key}"),
            };
            ConfigError::Invalid {
                detail: format!("{key}: {error}"),
            }
        })
    }
}

/// Takes the values of a section.
type Reader<'a> =
    dyn FnMut(&mut dyn erased_serde::Deserializer<'_>) -> Result<(), erased_serde::Error> + 'a;

fn sections(config: &Config) -> Result<Vec<String>, ConfigError> {
    let table: std::collections::BTreeMap<String, serde::de::IgnoredAny> =
        config.clone().try_deserialize().map_err(invalid)?;
    Ok(table.into_keys().collect())
}

fn invalid(error: config::ConfigError) -> ConfigError {
    ConfigError::Invalid {
        detail: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Schema {
        source: String,
    }

    #[test]
    fn later_layers_win_and_unknown_names_are_refused() {
        let layered = Layered::load(None, &[]).expect("defaults");
        let schema: Schema = layered.section("schema").expect("section");
        assert_eq!(schema.source, "real-estate");

        let set = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
        let layered = Layered::load(None, &set("schema.source", "elsewhere")).expect("override");
        let schema: Schema = layered.section("schema").expect("section");
        assert_eq!(schema.source, "elsewhere");

        let error = Layered::load(None, &set("colour.red", "1")).expect_err("unknown section");
        assert!(
            error.to_string().contains("unknown section [colour]"),
            "{error}"
        );
        let layered = Layered::load(None, &set("schema.colour", "1")).expect("loads");
        let error = layered
            .section::<Schema>("schema")
            .expect_err("unknown key");
        assert!(error.to_string().contains("schema.colour"), "{error}");
    }

    #[test]
    fn a_value_of_another_type_is_named_with_its_setting() {
        #[derive(Debug, serde::Deserialize)]
        struct Loader {
            #[allow(dead_code)]
            batch_rows: u64,
        }
        let set = [("loader.batch_rows".to_owned(), "ten".to_owned())];
        let layered = Layered::load(None, &set).expect("loads");
        let error = layered.section::<Loader>("loader").expect_err("no number");
        assert!(error.to_string().contains("loader.batch_rows"), "{error}");
        assert!(error.to_string().contains("ten"), "{error}");
    }
}
