//! What anyone could say without a model: the median price of the listing's group.

use std::collections::BTreeMap;

use records::{Field, Kind, Schema};
use serde::{Deserialize, Serialize};

use crate::cells::{Cells, median};
use crate::uninformative::{Dropped, Why};

/// The field whose levels are the groups: `city` where it is a category, else the first category. An
/// identifier or a field without values, as `dropped` says, makes no groups; one that is the same in
/// every row makes one.
pub fn group_field<'a>(schema: &'a Schema, dropped: &[Dropped]) -> Option<&'a str> {
    let groups = |field: &&Field| {
        let mut same = dropped
            .iter()
            .filter(|field_dropped| field_dropped.field == field.name);
        same.all(|field_dropped| !field_dropped.is_identifier() && field_dropped.why != Why::Empty)
    };
    let categories: Vec<&str> = schema
        .features()
        .filter(|field| field.kind == Kind::Category)
        .filter(groups)
        .map(|field| field.name.as_str())
        .collect();
    let city = categories.iter().find(|name| **name == "city");
    city.or(categories.first()).copied()
}

/// Medians by group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GroupMedian {
    by_group: BTreeMap<String, f64>,
    overall: f64,
}

impl GroupMedian {
    /// Fits on the rows `train`; `values` is by row number of the batch.
    pub(crate) fn fit(groups: Cells, values: &[f64], train: &[usize]) -> GroupMedian {
        let mut by_group: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let mut all: Vec<f64> = Vec::with_capacity(train.len());
        for row in train {
            all.push(values[*row]);
            if let Some(group) = groups.text(*row) {
                by_group.entry(group).or_default().push(values[*row]);
            }
        }
        GroupMedian {
            by_group: by_group
                .into_iter()
                .filter_map(|(group, mut values)| Some((group.to_owned(), median(&mut values)?)))
                .collect(),
            overall: median(&mut all).unwrap_or(0.0),
        }
    }

    /// The median of a group, or of all where the group is unknown.
    pub(crate) fn of(&self, group: Option<&str>) -> f64 {
        group
            .and_then(|group| self.by_group.get(group))
            .copied()
            .unwrap_or(self.overall)
    }
}
