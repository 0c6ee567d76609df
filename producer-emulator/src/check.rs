//! What `producer-emulator --check` looks at.

use std::path::Path;

use common::check::{Finding, Needs};

use crate::places::Places;
use crate::{Config, EmulatorConfig, street_source, streets};

/// The name of the line about cities and streets.
const PLACES: &str = "places";

impl Config {
    /// What the emulator needs: its topics, and cities and streets to make listings of. Mockaroo is not
    /// asked: it counts.
    pub fn needs(&self) -> Needs {
        let topics = &self.kafka.topics;
        let settings = self.emulator.clone();
        Needs::default()
            .kafka(
                &self.kafka,
                &[&topics.new_data, &topics.requests, &topics.actuals],
            )
            .service_check(PLACES, move || match places(&settings) {
                Ok(found) => Finding::passed(PLACES, found),
                Err(error) => Finding::failed(
                    PLACES,
                    format!("{error:#}"),
                    "correct the file, or leave emulator.cities_file and streets_file empty to use \
                     the compiled-in files",
                ),
            })
    }
}

fn places(settings: &EmulatorConfig) -> anyhow::Result<String> {
    let cities = match settings.cities_file.as_str() {
        "" => Places::built_in(),
        path => Places::load(Path::new(path))?,
    };
    let source = street_source(settings)?;
    let streets = match &source.file {
        Some(file) => streets::load(file)?,
        None => streets::built_in(),
    };
    let (cities, streets) = (cities.len(), streets.len());
    Ok(match source.url.is_some() && source.key.is_some() {
        true => format!("{cities} cities; streets from Mockaroo, else {streets} streets of a file"),
        false => format!("{cities} cities, {streets} streets"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(set: &[(&str, &str)]) -> EmulatorConfig {
        let set: Vec<(String, String)> = set
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let layered = common::Layered::load(None, &set).expect("settings");
        Config::new(&layered).expect("valid settings").emulator
    }

    #[test]
    fn cities_and_streets_are_counted_and_a_wrong_file_is_named() {
        let found = places(&settings(&[])).expect("those compiled in are right");
        assert!(found.contains(" cities, "), "{found}");
        let wrong = settings(&[("emulator.cities_file", "not-there.csv")]);
        let error = places(&wrong)
            .expect_err("there is no such file")
            .to_string();
        assert!(error.contains("not-there.csv"), "{error}");
    }
}
