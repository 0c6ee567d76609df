//! Which records a fit would not learn from, by rules that were fitted before.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use records::{Schema, Task};
use serde::{Deserialize, Serialize};

use crate::cells::Cells;
use crate::clean::{Listings, PriceBounds, Records, ResidualRule};
use crate::fit::FitOptions;
use crate::link::Link;

const NOT_POSITIVE: &str = "target_not_positive";
const DUPLICATE: &str = "duplicate";
const RESIDUAL: &str = "residual_outlier";

/// The rules of a fit that holds nothing out. They look at the price: other tasks have none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rules {
    /// How far prices may lie from their group's.
    bounds: PriceBounds,
    /// How far from what lines say; none where no price is too far for a line.
    residual: Option<ResidualRule>,
    /// Whether copies are looked for: where most rows were such, equal records are not copies.
    marks_copies: bool,
}

/// What the rules read of a batch.
pub(super) struct Priced<'a> {
    /// The schema without what shows nothing.
    schema: &'a Schema,
    batch: &'a RecordBatch,
    /// The field of the groups.
    group: Option<&'a str>,
    /// By row; NaN where there is none.
    prices: Vec<f64>,
    /// The same on the scale that they are learned on: logarithms.
    logs: Vec<f64>,
}

impl<'a> Priced<'a> {
    /// `None` where the schema has no prices.
    pub(super) fn of(
        schema: &'a Schema,
        batch: &'a RecordBatch,
        group: Option<&'a str>,
    ) -> Option<Priced<'a>> {
        let target = schema.target.as_deref();
        let target = target.filter(|_| schema.task == Task::Regression)?;
        let cells = Cells::of(batch, target);
        let price = |row| cells.number(row).unwrap_or(f64::NAN);
        let prices: Vec<f64> = (0..batch.num_rows()).map(price).collect();
        let link = Link::of(schema);
        Some(Priced {
            schema,
            batch,
            group,
            logs: prices.iter().map(|price| link.log(*price)).collect(),
            prices,
        })
    }

    /// Log prices by row.
    pub(super) fn logs(&self) -> &[f64] {
        &self.logs
    }

    fn groups(&self) -> Cells<'a> {
        self.group
            .map_or(Cells::Absent, |name| Cells::of(self.batch, name))
    }

    fn areas(&self) -> Cells<'a> {
        let area = self.schema.area();
        area.map_or(Cells::Absent, |name| Cells::of(self.batch, name))
    }

    /// Rows whose price has a logarithm, and that the bounds leave.
    fn within(&self, bounds: &PriceBounds) -> Vec<usize> {
        let found = bounds.rules(self.groups(), self.areas(), &self.logs);
        (0..self.logs.len())
            .filter(|row| self.logs[*row].is_finite() && found[*row].is_none())
            .collect()
    }

    /// Those of `rows` that state what a newer one says; of one time, the later row is newer.
    fn copies(&self, rows: &[usize]) -> BTreeSet<usize> {
        let time = self.schema.time.as_deref();
        let times = time.map_or(Cells::Absent, |name| Cells::of(self.batch, name));
        let records = Records::of(self.schema, self.batch, &self.prices);
        let age = |row: usize| (times.time_us(row).unwrap_or(i64::MIN), row);
        records.all_copies(rows, age)
    }

    fn listings(&self) -> Listings<'_> {
        let options = FitOptions::default();
        Listings {
            schema: self.schema,
            batch: self.batch,
            logs: &self.logs,
            group: self.group,
            levels: options.level_limits(),
            seed: options.seed,
        }
    }
}

impl Rules {
    /// Fits the rules on all rows, in the order in which a fit does.
    pub(super) fn fit(priced: &Priced) -> Rules {
        let all = 0..priced.logs.len();
        let usable: Vec<usize> = all.filter(|row| priced.logs[*row].is_finite()).collect();
        let (groups, areas) = (priced.groups(), priced.areas());
        let bounds = PriceBounds::fit(groups, areas, &priced.logs, &usable);
        let mut kept = priced.within(&bounds);
        let copies = priced.copies(&kept);
        let marks_copies = 2 * copies.len() <= kept.len();
        if marks_copies {
            kept.retain(|row| !copies.contains(row));
        }
        let residual = ResidualRule::fit(priced.listings(), &kept);
        Rules {
            bounds,
            residual: residual.map(|pair| pair.0).filter(|range| !range.is_open()),
            marks_copies,
        }
    }

    /// Whether other rows of the same features matter.
    pub(super) fn marks_copies(&self) -> bool {
        self.marks_copies
    }

    /// By row: the rule that takes it, if any. Copies are reported among these rows alone.
    pub(super) fn excluded(&self, priced: &Priced) -> Vec<Option<&'static str>> {
        let (groups, areas) = (priced.groups(), priced.areas());
        let mut excluded = self.bounds.rules(groups, areas, &priced.logs);
        for (rule, log) in excluded.iter_mut().zip(&priced.logs) {
            if !log.is_finite() {
                *rule = Some(NOT_POSITIVE);
            }
        }
        let left = |excluded: &[Option<&str>]| -> Vec<usize> {
            let rows = 0..excluded.len();
            rows.filter(|row| excluded[*row].is_none()).collect()
        };
        if self.marks_copies {
            for row in priced.copies(&left(&excluded)) {
                excluded[row] = Some(DUPLICATE);
            }
        }
        if let Some(residual) = &self.residual {
            let rows = left(&excluded);
            let kept: BTreeSet<usize> = residual
                .keeps(priced.listings(), &rows)
                .into_iter()
                .collect();
            for row in rows.into_iter().filter(|row| !kept.contains(row)) {
                excluded[row] = Some(RESIDUAL);
            }
        }
        excluded
    }
}
