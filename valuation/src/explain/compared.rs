//! Past records like a record, with what they differ by and what that adds to the price.

use arrow_array::RecordBatch;
use records::Schema;

use crate::comparables::{Comparable, Comparables, Differing, FieldDifference};
use crate::estimator::Estimator;

/// Most differences that are listed for a comparable, the most important ones.
const MOST_DIFFERENCES: usize = 20;
/// The most important of them have an amount. Each takes an estimate, unless another comparable has the same value.
const MOST_AMOUNTS: usize = 3;

/// The record that comparables are asked for.
pub(crate) struct Asked<'a> {
    pub(crate) schema: &'a Schema,
    /// The record as it was given, in one row.
    pub(crate) record: &'a RecordBatch,
    pub(crate) key: Option<&'a str>,
    /// The estimate of its log price.
    pub(crate) log: f64,
}

impl Estimator {
    /// The `count` past records that are most like a row of their space, and what each differs by.
    pub(crate) fn comparables_of(
        &self,
        known: &Comparables,
        row: &[f32],
        asked: &Asked,
        count: usize,
    ) -> Vec<Comparable> {
        let nearest = known.nearest(row, asked.key, asked.log, self.plan.link, count);
        let Some(values) = &known.values else {
            return nearest
                .into_iter()
                .map(|(_, comparable)| comparable)
                .collect();
        };
        let subject = values.beside(asked.schema, asked.record);
        let differing: Vec<Vec<Differing>> = nearest
            .iter()
            .map(|(position, _)| {
                subject
                    .differing(*position)
                    .take(MOST_DIFFERENCES)
                    .collect()
            })
            .collect();
        let amounts = Amounts::of(self, asked.record, &differing);
        let beside = nearest.into_iter().zip(differing);
        beside
            .map(|((_, comparable), differing)| {
                let differences = differing.iter().map(|one| FieldDifference {
                    field: one.field.to_owned(),
                    value: one.past.shown(one.kind),
                    subject: one.subject.shown(one.kind),
                    amount: amounts.get(one),
                });
                Comparable {
                    differences: Some(differences.collect()),
                    ..comparable
                }
            })
            .collect()
    }

    /// Drops what past records have in fields that are not the schema's, or that the model does not read.
    pub(crate) fn keep_values_read(&mut self, schema: &Schema) {
        let Some(mut comparables) = self.comparables.take() else {
            return;
        };
        if let Some(values) = &mut comparables.values {
            values.retain(|field| schema.field(field).is_some() && self.reads(field));
        }
        self.comparables = Some(comparables);
    }
}

/// What the values of past records would add, each estimated once.
struct Amounts<'a> {
    differing: Vec<Differing<'a>>,
    /// By the place among `differing`; empty where nothing could be estimated.
    amounts: Vec<f64>,
}

impl<'a> Amounts<'a> {
    fn of(estimator: &Estimator, record: &RecordBatch, all: &[Vec<Differing<'a>>]) -> Amounts<'a> {
        let mut differing: Vec<Differing> = Vec::new();
        for one in all.iter().flat_map(|own| own.iter().take(MOST_AMOUNTS)) {
            if !differing.iter().any(|other| other.is_as(one)) {
                differing.push(*one);
            }
        }
        let amounts = estimator.amounts(record, &differing).unwrap_or_default();
        Amounts { differing, amounts }
    }

    fn get(&self, one: &Differing) -> Option<f64> {
        let place = self.differing.iter().position(|other| other.is_as(one))?;
        self.amounts.get(place).copied()
    }
}
