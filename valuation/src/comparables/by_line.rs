//! The columns of a line by field: where no trees were grown, records are alike whose fields add as much.

use crate::linear_design::LinearDesign;

/// The columns of a line by field.
pub(crate) struct ByField {
    /// Which field each column is of.
    fields: Vec<usize>,
    names: Vec<String>,
}

impl ByField {
    pub(crate) fn of(design: &LinearDesign) -> ByField {
        let mut names: Vec<&str> = Vec::new();
        let fields = design.fields().into_iter().map(|field| {
            let known = names.iter().position(|name| *name == field);
            known.unwrap_or_else(|| {
                names.push(field);
                names.len() - 1
            })
        });
        ByField {
            fields: fields.collect(),
            names: names.into_iter().map(str::to_owned).collect(),
        }
    }

    /// How many fields there are.
    pub(crate) fn width(&self) -> usize {
        self.names.len()
    }

    /// Their names.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Adds `weight` times what each column adds to the sum of its field.
    pub(crate) fn add(&self, weight: f64, columns: &[f64], sums: &mut [f64]) {
        for (field, log) in self.fields.iter().zip(columns) {
            sums[*field] += weight * log;
        }
    }
}
