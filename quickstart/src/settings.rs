//! The services' settings as one process has them.

use anyhow::Context;
use common::Layered;

use crate::options::Options;

/// What quickstart changes: short schedules, so that something happens.
const QUICK: [(&str, &str); 11] = [
    ("emulator.new_data_every_s", "5"),
    ("emulator.new_data_count", "50"),
    ("emulator.requests_every_s", "1"),
    ("emulator.requests_count", "20"),
    ("emulator.actuals_delay_s", "10"),
    ("loader.batch_ms", "50"),
    ("applier.model_poll_ms", "200"),
    // A version about every minute, fitted beside services that answer.
    ("prepare.watch.new_rows", "500"),
    ("prepare.watch.pause_s", "20"),
    ("prepare.watch.keep_versions", "10"),
    ("prepare.threads", "1"),
];

/// The embedded broker holds a fetch for the whole of this time, also when messages arrive.
const ON_EMBEDDED_BROKER: [(&str, &str); 3] = [
    ("loader.fetch_wait_ms", "5"),
    ("applier.fetch_wait_ms", "1"),
    ("follow.fetch_wait_ms", "50"),
];

/// The settings of each service.
pub(crate) struct Settings {
    /// Of the loader; also says which topics and tables there are.
    pub loader: data_loader::Config,
    /// Of the applier.
    pub applier: model_application::Config,
    /// Of the emulator.
    pub emulator: producer_emulator::Config,
    /// Of the training: the least work.
    pub prepare: model_prepare::Config,
    /// The same with the effort that the settings name.
    pub prepare_in_full: model_prepare::Config,
}

impl Settings {
    /// The defaults, the environment, quickstart's own, the servers' addresses, and `--set`.
    ///
    /// # Errors
    /// When a setting is not valid; the message names it.
    pub fn load(options: &Options, database_url: &str, brokers: &str) -> anyhow::Result<Settings> {
        let models = options.data_dir.join("models").display().to_string();
        let on_broker = match options.kafka {
            None => &ON_EMBEDDED_BROKER[..],
            Some(_) => &[],
        };
        let mut overrides: Vec<(String, String)> = QUICK
            .iter()
            .chain(on_broker)
            .copied()
            .chain([
                ("registry.path", models.as_str()),
                ("database.url", database_url),
                ("kafka.brokers", brokers),
            ])
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        overrides.extend(options.set.iter().cloned());
        let layered = Layered::load(None, &overrides)
            .context("cannot use the settings; config/default.toml lists all of them")?;
        let settings = Settings::of(&layered)?;
        anyhow::ensure!(
            settings.loader.http.health.is_empty(),
            "http.health is set: the services of one process cannot share that address; leave it \
             empty here, and use the address of each service"
        );
        Ok(settings)
    }

    /// The same of settings as they are.
    ///
    /// # Errors
    /// When a setting is not valid; the message names it.
    pub fn of(layered: &Layered) -> anyhow::Result<Settings> {
        Ok(Settings {
            loader: data_loader::Config::new(layered)?,
            applier: model_application::Config::new(layered)?,
            emulator: producer_emulator::Config::new(layered)?,
            prepare: model_prepare::Config::new(layered)?.quick(),
            prepare_in_full: model_prepare::Config::new(layered)?,
        })
    }
}
