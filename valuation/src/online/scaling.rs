//! Columns between 0 and 1: a step moves what is measured in metres as it moves a yes or no.

use crate::linear::{Linear, SparseRow};
use crate::linear_design::LinearDesign;

/// Min-max scaling by what the base's features say of their columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scaling {
    /// By column: its least value and its reach; 1 where it has none.
    columns: Vec<(f64, f64)>,
}

impl Scaling {
    pub(super) fn of(linear_design: &LinearDesign) -> Scaling {
        let described = linear_design.describe();
        let columns = described.iter().map(|column| {
            let reach = column.high - column.low;
            let reach = if reach > 0.0 { reach } else { 1.0 };
            (column.low, reach)
        });
        Scaling {
            columns: columns.collect(),
        }
    }

    /// A row of the design, scaled, after a 1 for the intercept.
    pub(super) fn write(&self, design: &SparseRow, out: &mut Vec<f64>) {
        out.clear();
        out.push(1.0);
        out.extend(self.columns.iter().map(|(low, reach)| -low / reach));
        for (column, value) in design {
            out[column + 1] += value / self.columns[*column].1;
        }
    }

    /// The coefficients on scaled columns that state what the weights say on columns as they are.
    pub(super) fn coefficients(&self, line: &Linear) -> Vec<f64> {
        let pairs = || self.columns.iter().zip(&line.weights);
        let at_low: f64 = pairs().map(|((low, _), weight)| low * weight).sum();
        let scaled = pairs().map(|((_, reach), weight)| weight * reach);
        std::iter::once(line.intercept + at_low)
            .chain(scaled)
            .collect()
    }

    /// The other way: the line that says the same; what else `base` knows of its columns stays.
    pub(super) fn line(&self, coefficients: &[f64], base: &Linear) -> Linear {
        let pairs = self.columns.iter().zip(&coefficients[1..]);
        let weights: Vec<f64> = pairs.map(|((_, reach), weight)| weight / reach).collect();
        let at_low: f64 = self
            .columns
            .iter()
            .zip(&weights)
            .map(|((low, _), weight)| low * weight)
            .sum();
        Linear {
            intercept: coefficients[0] - at_low,
            weights,
            active: base.active,
            means: base.means.clone(),
            shrinkage: None,
        }
    }
}
