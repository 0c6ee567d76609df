//! A model that prices rows outside of the service, to the same bits.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use records::decode::Decoded;
use records::{Schema, timestamp};
use registry::{Alias, Intake, Registry, Version};
use valuation::PredictError;

use crate::answer::Answer;
use crate::config::Config;
use crate::price::{Asked, price};
use crate::request_options::RequestOptions;
use crate::serving::Loaded;

/// A version of the registry with its checks passed.
pub struct Scorer {
    /// What rows are.
    schema: Arc<Schema>,
    /// What prices them.
    loaded: Loaded,
}

impl Scorer {
    /// Loads what `name` means, `NAME@ALIAS` or `NAME@VERSION`; `None` for the champion.
    ///
    /// # Errors
    /// When there is no such version, or it does not pass its checks.
    pub fn load(config: &Config, name: Option<&str>) -> anyhow::Result<Scorer> {
        let registry = registry::open(&config.registry)?;
        let version = match name {
            None => registry.champion()?,
            Some(name) => named(registry.as_ref(), &config.schema, name)?,
        };
        let version = version.with_context(|| {
            let place = registry.place();
            match name {
                Some(name) => format!("there is no {name} in {place}: see model-prepare versions"),
                None => format!("there is no model in {place}: run model-prepare"),
            }
        })?;
        Ok(Scorer {
            loaded: Loaded::load(
                &version,
                &registry.fetch(&version)?,
                &config.schema,
                &Intake::new(&config.registry)?,
            )?,
            schema: Arc::clone(&config.schema),
        })
    }

    /// The model as `NAME@VERSION`.
    pub fn model(&self) -> &str {
        &self.loaded.name
    }

    /// An answer a row, in the rows' order.
    ///
    /// # Errors
    /// When the model does not take the columns.
    pub fn price(&self, rows: &Decoded) -> Result<Vec<Answer>, PredictError> {
        let now = Asked {
            arrival_us: timestamp::now_us(),
            options: RequestOptions::default(),
        };
        let asked = vec![now; rows.batch.num_rows()];
        Ok(price(&self.schema, rows, &asked, &self.loaded)?.answers)
    }
}

fn named(registry: &dyn Registry, schema: &Schema, name: &str) -> anyhow::Result<Option<Version>> {
    let Some((model, which)) = name.split_once('@') else {
        bail!("expected a model such as real-estate@champion or real-estate@v000007, found {name}");
    };
    ensure!(
        model == schema.name,
        "expected a model for the records {}, found {model}; schema.source chooses another schema",
        schema.name
    );
    let alias = Alias::ALL
        .into_iter()
        .find(|alias| alias.to_string() == which);
    match alias {
        Some(Alias::Champion) => Ok(registry.champion()?),
        Some(alias) => match registry.aliases()?.get(&alias) {
            Some(number) => Ok(registry.version(*number)?),
            None => Ok(None),
        },
        None => {
            let number = Version::parse(which).with_context(|| {
                format!("expected champion, challenger, previous or a version, found {which}")
            })?;
            Ok(registry.version(number)?)
        }
    }
}
