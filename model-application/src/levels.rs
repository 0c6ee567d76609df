//! The levels of a model of several classes, in answers: the one that is predicted, and the probability of each.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use valuation::{TrainedModel, predicted_level};

/// The names of the levels of a model, shared by its answers.
#[derive(Debug, Clone)]
pub struct Levels(Arc<[Arc<str>]>);

impl Levels {
    /// Of a model of several classes; `None` of others.
    pub(crate) fn of(model: &TrainedModel) -> Option<Levels> {
        let levels = model.multiclass()?.levels();
        Some(Levels(
            levels.iter().map(|level| level.as_str().into()).collect(),
        ))
    }

    /// Levels of these names.
    #[cfg(test)]
    pub(crate) fn named(names: &[&str]) -> Levels {
        Levels(names.iter().map(|name| (*name).into()).collect())
    }

    /// All names, in their order.
    pub fn names(&self) -> &[Arc<str>] {
        &self.0
    }

    /// The level that is predicted.
    pub(crate) fn predicted(&self, probabilities: &[f64]) -> Option<Arc<str>> {
        self.0.get(predicted_level(probabilities)).cloned()
    }
}

/// The class of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnsweredClass {
    /// Whether the record is predicted to be of the class.
    IsOf(bool),
    /// Of several classes the one that is predicted.
    Level(Arc<str>),
}

impl Serialize for AnsweredClass {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            AnsweredClass::IsOf(is_of) => to.serialize_bool(*is_of),
            AnsweredClass::Level(level) => to.serialize_str(level),
        }
    }
}

/// The probability of each level, which sum to one.
#[derive(Debug, Clone)]
pub struct Probabilities {
    pub(crate) levels: Levels,
    /// In the order of the levels.
    pub(crate) values: Vec<f64>,
}

impl Serialize for Probabilities {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.values.len()))?;
        for (level, value) in self.levels.0.iter().zip(&self.values) {
            map.serialize_entry(&**level, value)?;
        }
        map.end()
    }
}
