//! What `model-prepare --check` looks at.

use anyhow::Context;
use common::check::{Column, Directory, Finding, Needs, Table};
use records::table;

use crate::config::Config;
use crate::follow;
use crate::follow::config::Follow;

/// The name of the line about the model.
const MODEL: &str = "model";

impl Config {
    /// What a training needs: the table it reads, room for what it makes, and a champion to be judged
    /// against, where there is one. One of a server is fetched into the cache, as for a contest.
    pub fn needs(&self) -> Needs {
        let config = self.clone();
        Needs::default()
            .database(&self.database, "", vec![self.listings()])
            .directory(Directory {
                holds: "models",
                path: self.registry.path.clone(),
                is_written: true,
                setting: "--registry or registry.path",
            })
            .service_check(MODEL, move || match model(&config) {
                Ok(finding) => finding,
                Err(error) => Finding::failed(
                    MODEL,
                    format!("{error:#}"),
                    "see [registry] of the settings, and whether its server answers",
                ),
            })
    }

    /// The table of training records.
    fn listings(&self) -> Table {
        let schema = &self.schema;
        let columns = table::columns(schema).map(|column| Column {
            name: column.name.to_owned(),
            sql_type: column.sql_type.to_owned(),
            is_nullable: column.is_nullable,
        });
        Table {
            name: schema.table.clone(),
            schema: schema.name.clone(),
            key: schema.key.clone(),
            columns: columns.collect(),
            is_written: false,
        }
    }
}

impl Follow {
    /// What a follower needs: a training's needs, its topic and its tables.
    pub fn needs(&self) -> Needs {
        let training = &self.training;
        Needs::default()
            .kafka(&self.kafka, &[&self.kafka.topics.new_data])
            .database(
                &training.database,
                &follow::tables(),
                vec![training.listings()],
            )
            .and(training.needs())
    }
}

/// Loads the champion as a contest does: checksums, golden rows, the schema.
fn model(config: &Config) -> anyhow::Result<Finding> {
    let registry = registry::open(&config.registry.hasty())?;
    let place = registry.place();
    let Some(champion) = registry.champion()? else {
        return Ok(Finding::passed(
            MODEL,
            format!("none yet in {place}: the first training makes it"),
        ));
    };
    let path = registry.fetch(&champion)?;
    let loaded = valuation::TrainedModel::load(&path).context("it does not pass its checks");
    let loaded = loaded.and_then(|model| {
        model.fits(&config.schema)?;
        Ok(model)
    });
    Ok(match loaded {
        Ok(model) => Finding::passed(
            MODEL,
            format!(
                "{}@{champion} in {place}: checksums, golden rows and schema hold",
                model.schema().name
            ),
        ),
        Err(error) => Finding::failed(
            MODEL,
            format!("the champion {champion} in {place}: {error:#}"),
            "model-prepare rollback, or fit another that takes its place: \
             model-prepare --set prepare.promote=always",
        ),
    })
}
