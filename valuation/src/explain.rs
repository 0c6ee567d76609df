//! Why a price is what it is: what each field adds, and past records like it.

mod compared;
mod exchanged;

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use serde::Serialize;

use self::compared::Asked;
use crate::cells::Cells;
use crate::comparables::{ByField, Comparable};
use crate::estimator::Estimator;
use crate::linear::SparseRow;
use crate::linear_design::LinearDesign;
use crate::members::Fitted as _;
use crate::model::Model;
use crate::part_error::PartError;
use crate::predict_error::PredictError;
use crate::stated::stated;
use crate::tree_features::TreeFeatures;

/// What stands for the prices of past records near by.
const NEIGHBOURHOOD: &str = "neighbourhood";

/// What a field adds to a prediction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// The field, or `neighbourhood`: what past records near by cost.
    pub field: String,
    /// What it adds, in the target's unit (of a class in log odds); below 0 it takes away.
    pub amount: f64,
}

/// What the numbers of an explanation are in, where it is not the target's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Scale {
    /// The logarithm of p/(1 − p), of a class.
    #[serde(rename = "log odds")]
    LogOdds,
}

/// A price, or how likely a record is of a class, taken apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The price of a record of which nothing is known, in the target's unit; of a class the log odds of its probability.
    pub base: f64,
    /// The greatest amount first; base and amounts add up to the price (to what a count would be, where
    /// it is held at 0; of a class to the log odds of the probability).
    pub reasons: Vec<Reason>,
    /// Past records like it, the most alike first; none of classes.
    pub comparables: Vec<Comparable>,
    /// What base and amounts are in, where it is not the target's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Of a model of several classes the level that is predicted: base and amounts add up to the log odds of this level
    /// against all others, before the probabilities are made to sum to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}

impl Explanation {
    /// The same as answers state it: amounts and prices as [`crate::Prediction::stated`] has them. Log odds are not rounded,
    /// as probabilities are not.
    #[must_use]
    pub fn stated(mut self) -> Explanation {
        if self.scale.is_some() {
            return self;
        }
        self.base = stated(self.base);
        for reason in &mut self.reasons {
            reason.amount = stated(reason.amount);
        }
        for comparable in &mut self.comparables {
            comparable.price = stated(comparable.price);
            for difference in comparable.differences.iter_mut().flatten() {
                difference.amount = difference.amount.map(stated);
            }
        }
        self
    }
}

fn not_explained(error: PartError) -> PredictError {
    PredictError::Explain {
        detail: error.to_string(),
    }
}

impl Model {
    /// Takes the price of a row of `batch` apart, and finds `comparables` past records like it.
    ///
    /// Each member states what a field adds to the log price: exactly for the linear member, TreeSHAP
    /// for trees (Lundberg et al. 2020), for sales compared the line's and what sales near by add to
    /// it; the stack adds them by its weights. In the target's unit a
    /// field's amount is its log amount times the logarithmic mean of base and price, (p − b)/(ln p
    /// − ln b) (Ang 2004, the LMDI decomposition), so that base and amounts add up exactly.
    ///
    /// # Errors
    /// When the batch lacks a column that the model reads, or has no such row.
    pub fn explain(
        &self,
        batch: &RecordBatch,
        row: usize,
        comparables: usize,
    ) -> Result<Explanation, PredictError> {
        self.check_columns(batch)?;
        if row >= batch.num_rows() {
            let rows = batch.num_rows();
            return Err(PredictError::Row { row, rows });
        }
        let given = batch.slice(row, 1);
        let estimator = &self.estimator;
        let record = estimator.complete(&given);
        let bound = estimator.bind(&record);
        let (tree_features, design) = (bound.frame_row(0), bound.design_row(0));
        let linear_design = estimator.plan.linear_design.as_ref();
        let (base, mut parts) = estimator.parts(&design, &tree_features)?;
        for (field, log) in bound.carried(0) {
            *parts.entry(field.to_owned()).or_default() += log;
        }
        let equity = &estimator.plan.equity;
        let total: f64 = base + parts.values().sum::<f64>();
        let (low, high) = (equity.apply(base), equity.apply(total));
        let scale = match (high - low).abs() > 1e-12 {
            true => (high.exp() - low.exp()) / (high - low) * equity.slope,
            false => low.exp() * equity.slope,
        };
        let asked = Asked {
            schema: &self.head.schema,
            record: &given,
            key: Cells::of(&given, &self.head.schema.key).text(0),
            log: high,
        };
        Ok(Explanation {
            base: low.exp() - estimator.plan.link.offset(),
            reasons: reasons(parts, scale),
            scale: None,
            level: None,
            comparables: match &estimator.comparables {
                Some(known) if known.by_line => match linear_design.map(ByField::of) {
                    Some(by_field) => {
                        let row = estimator.line_row(&by_field, &design, &tree_features);
                        let row = row.map_err(not_explained)?;
                        estimator.comparables_of(known, &row, &asked, comparables)
                    }
                    None => Vec::new(),
                },
                Some(known) => estimator.comparables_of(known, &tree_features, &asked, comparables),
                None => Vec::new(),
            },
        })
    }

    /// Shares of what each value of the trees' row takes from their error, by the weights of the members, the
    /// greatest first; empty where no trees are used.
    pub fn importance(&self) -> Vec<(String, f64)> {
        self.estimator.importance()
    }
}

/// Parts times a scale, the greatest first.
pub(crate) fn reasons(parts: BTreeMap<String, f64>, scale: f64) -> Vec<Reason> {
    let reasons = parts.into_iter().map(|(field, part)| Reason {
        field,
        amount: part * scale,
    });
    let mut reasons: Vec<Reason> = reasons.filter(|reason| reason.amount != 0.0).collect();
    reasons.sort_by(|one, other| other.amount.abs().total_cmp(&one.amount.abs()));
    reasons
}

impl Estimator {
    /// What the ensemble predicts for a record of which nothing is known, and what each field adds to it, before the stretch
    /// (of classes the calibration).
    ///
    /// # Errors
    /// When a member's prediction is no sum.
    pub(crate) fn parts(
        &self,
        design: &SparseRow,
        tree_features: &[f32],
    ) -> Result<(f64, BTreeMap<String, f64>), PredictError> {
        let linear_design = self.plan.linear_design.as_ref();
        let line_fields = linear_design.map_or_else(Vec::new, LinearDesign::fields);
        let value_fields = self.value_fields();
        let mut base = 0.0;
        let mut parts: BTreeMap<String, f64> = BTreeMap::new();
        for (head, member) in self.plan.members.iter().zip(&self.members) {
            let mut add = |field: &str, log: f64| {
                *parts.entry(field.to_owned()).or_default() += head.weight * log;
            };
            let contributions = member.contributions(design, tree_features);
            let explained = contributions.map_err(not_explained)?;
            base += head.weight * explained.base;
            if let Some(beyond_line) = explained.neighbourhood {
                add(NEIGHBOURHOOD, beyond_line);
            }
            for (field, log) in line_fields.iter().zip(explained.columns) {
                add(field, log);
            }
            for (field, log) in value_fields.iter().zip(explained.values) {
                add(field, log);
            }
        }
        Ok((base, parts))
    }

    /// Shares of what each value of a row takes from the error of the trees, by the weights of the
    /// members, the greatest first; empty where no trees are used.
    pub(crate) fn importance(&self) -> Vec<(String, f64)> {
        let names = self.value_names();
        let mut shares = vec![0.0; names.len()];
        let mut weights = 0.0;
        for (head, member) in self.plan.members.iter().zip(&self.members) {
            if let Some(trees) = member.ensemble() {
                weights += head.weight;
                for (share, gain) in shares.iter_mut().zip(trees.importance()) {
                    *share += head.weight * gain;
                }
            }
        }
        let mut named: Vec<(String, f64)> = names
            .into_iter()
            .zip(shares)
            .filter(|(_, share)| *share > 0.0)
            .map(|(name, share)| (name, share / weights))
            .collect();
        named.sort_by(|one, other| other.1.total_cmp(&one.1));
        named
    }

    /// The field each value of the trees' row stands for.
    fn value_fields(&self) -> Vec<&str> {
        let mut fields = self
            .plan
            .tree_features
            .as_ref()
            .map_or_else(Vec::new, TreeFeatures::fields);
        fields.resize(self.width(), NEIGHBOURHOOD);
        fields
    }

    /// A name for each value of the trees' row.
    fn value_names(&self) -> Vec<String> {
        let mut names = self
            .plan
            .tree_features
            .as_ref()
            .map_or_else(Vec::new, TreeFeatures::names);
        names.extend(
            self.neighbours
                .iter()
                .flat_map(|neighbours| neighbours.names()),
        );
        names
    }
}
