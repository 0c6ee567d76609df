//! The names that a model has learned something of, by field.

use std::collections::{BTreeMap, BTreeSet};

use crate::estimator::Estimator;

/// Names by field.
pub(crate) type Names<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

impl Estimator {
    /// The names of every category that is read: another one is taken for an average, or for a rare one.
    pub(crate) fn names(&self) -> Names<'_> {
        let mut names = Names::new();
        let mut add = |field, name| {
            names.entry(field).or_default().insert(name);
        };
        if let Some(linear_design) = &self.plan.linear_design {
            linear_design.each_name(&mut add);
        }
        if let Some(tree_features) = &self.plan.tree_features {
            tree_features.each_name(&mut add);
        }
        names
    }
}
