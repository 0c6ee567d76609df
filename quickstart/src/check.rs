//! What `hedonic check` looks at: the servers that are named, else those of a hedonic that runs.

use std::path::Path;

use common::Layered;
use common::check::{Directory, Finding, Needs};
use common::database::DatabaseConfig;
use common::kafka::KafkaConfig;
use embedded::Found;

use crate::address::Address;
use crate::options::Options;
use crate::settings::Settings;

/// What a whole set-up needs: that of all services together. Servers are those that `file`, the
/// environment or the options name; one that nobody names is the embedded one of a hedonic that runs
/// on the data directory.
///
/// # Errors
/// When a setting or the schema is not valid.
pub fn needs(options: &Options, file: Option<&Path>) -> anyhow::Result<Needs> {
    let mut set = Vec::new();
    if file.is_none() {
        let models = options.data_dir.join("models").display().to_string();
        set.push(("registry.path".to_owned(), models));
    }
    if let Some(brokers) = options.brokers() {
        set.push(("kafka.brokers".to_owned(), brokers.to_owned()));
    }
    if let Some(url) = &options.database_url {
        set.push(("database.url".to_owned(), url.clone()));
    }
    set.extend(options.set.iter().cloned());
    let named = Layered::load(file, &set)?;

    let is_file = file.is_some();
    let kafka: KafkaConfig = named.section("kafka")?;
    let unnamed: KafkaConfig = Layered::defaults()?.section("kafka")?;
    let has_brokers = is_file || options.brokers().is_some() || kafka.brokers != unnamed.brokers;
    let database: DatabaseConfig = named.section("database")?;
    let has_database = is_file || !database.url.is_empty();

    let data_dir = options.data_dir.display();
    let found = match has_database {
        true => Ok(None),
        false => Found::below(&options.data_dir),
    };
    let brokers = match has_brokers {
        true => None,
        false => Address::told(&options.data_dir),
    };
    let url = found.as_ref().ok().and_then(Option::as_ref);
    let url = url.and_then(|found| found.url.clone());
    for (key, own) in [("kafka.brokers", &brokers), ("database.url", &url)] {
        set.extend(own.iter().map(|value| (key.to_owned(), value.clone())));
    }
    let settings = Settings::of(&Layered::load(file, &set)?)?;
    let services = [
        settings.loader.needs(),
        settings.emulator.needs(),
        settings.applier.needs(),
    ];
    // hedonic fits the first model by itself; services of their own answer nothing without one.
    let (first, last) = match is_file {
        true => (Needs::default(), settings.prepare.needs()),
        false => (settings.prepare.needs(), Needs::default()),
    };
    let mut needs = services.into_iter().fold(first, Needs::and).and(last);

    if !has_brokers && brokers.is_none() {
        needs = needs.without_kafka(Finding::failed(
            "broker",
            format!("no hedonic runs on {data_dir}, so there is no embedded broker"),
            "start hedonic, or name your own brokers with --kafka or --config",
        ));
    }
    if !has_database && url.is_none() {
        let nothing = match &found {
            Ok(_) => format!("no hedonic runs on {data_dir}, so there is no embedded PostgreSQL"),
            Err(error) => format!("PostgreSQL of {data_dir}: {error}; are you its user?"),
        };
        needs = needs.without_database(Finding::failed(
            "database",
            nothing,
            "start hedonic, or name your own database with --database-url or --config",
        ));
    }
    if !has_database {
        needs = needs.directory(Directory {
            holds: "data",
            path: options.data_dir.clone(),
            is_written: true,
            setting: "--data-dir",
        });
    }
    if let Ok(Some(found)) = found
        && !found.data.starts_with(options.data_dir.canonicalize()?)
        && let Some(home) = found.data.parent()
    {
        needs = needs.directory(Directory {
            holds: "database",
            path: home.to_owned(),
            is_written: false,
            setting: "--data-dir",
        });
    }
    Ok(needs)
}
