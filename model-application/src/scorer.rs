//! A model that prices rows outside of the service, to the same bits.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use arrow_array::{RecordBatch, StringArray};
use records::Schema;
use registry::{Alias, Intake, Registry, Version};
use valuation::{PredictError, Prediction, predicted_level};

use crate::config::Config;
use crate::levels::Levels;
use crate::price::texts;
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

    /// The names of the classes, of a model of several.
    pub fn levels(&self) -> Option<&Levels> {
        self.loaded.levels.as_ref()
    }

    /// The model as `NAME@VERSION`.
    pub fn model(&self) -> &str {
        &self.loaded.name
    }

    /// What answers would say to rows, in their order; nothing of an answer is made that no file takes.
    ///
    /// # Errors
    /// When the model does not take the columns.
    pub fn price(&self, rows: &RecordBatch) -> Result<Scores, PredictError> {
        let model = &self.loaded.model;
        let (has_range, threshold) = (model.confidence().is_some(), model.threshold());
        let probabilities = self.loaded.probabilities(rows)?;
        let predictions = match self.loaded.levels {
            Some(_) => Vec::new(),
            None => self.loaded.predict(rows)?,
        };
        let of_levels = probabilities.iter().map(|row| {
            let level = predicted_level(row);
            Score {
                prediction: row[level],
                low: row[level],
                high: row[level],
                class: false,
                level,
            }
        });
        let scores = predictions.into_iter().map(|prediction| {
            let Prediction { value, low, high } = model.stated(prediction);
            Score {
                prediction: value,
                low: if has_range { low } else { value },
                high: if has_range { high } else { value },
                class: threshold.is_some_and(|threshold| value >= threshold),
                level: 0,
            }
        });
        let ids =
            texts(rows, &self.schema.key).expect("every schema has its key among its columns");
        Ok(Scores {
            scores: scores.chain(of_levels).collect(),
            probabilities,
            levels: self.loaded.levels.clone(),
            ids: ids.clone(),
            model: self.loaded.name.clone(),
        })
    }
}

/// What is made of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The price; of a class, how likely the record is of it, of several that of the predicted one; of a clustering, the
    /// cluster's number.
    pub prediction: f64,
    /// The lower end of the price's range; the prediction where there is none.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Whether the record is predicted to be of the class.
    pub class: bool,
    /// Of several classes the number of the predicted one.
    pub level: usize,
}

/// What is made of a batch of rows.
#[derive(Debug, Clone)]
pub struct Scores {
    /// Of each row.
    pub scores: Vec<Score>,
    /// Of several classes the probabilities of each row; empty otherwise.
    pub probabilities: Vec<Vec<f64>>,
    /// Of several classes their names.
    pub levels: Option<Levels>,
    /// The keys of the rows.
    pub ids: StringArray,
    /// The model as `NAME@VERSION`.
    pub model: String,
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
