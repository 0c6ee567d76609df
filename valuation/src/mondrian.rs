//! Ranges by segment: Mondrian conformal prediction (Vovk, Gammerman & Shafer 2005, Algorithmic
//! Learning in a Random World, chapter 4), which holds the share in each segment that ranges are to
//! hold on the whole (Romano, Barber, Sabatti & Candès 2019, With Malice Towards None: Assessing
//! Uncertainty via Equalized Coverage).
//!
//! A segment is a level of the group field. It gets a width of its own where there is enough data and
//! where the common one is beyond chance too narrow or too wide for it: elsewhere its own would only
//! add the chance of few rows.

use std::collections::BTreeMap;

use records::{Kind, Schema};
use serde::{Deserialize, Serialize};

use crate::by_text::ByText;
use crate::cells::Cells;
use crate::conformal::half_width;
use crate::name_codes::{ByName, NameList};
use crate::part_error::PartError;

/// Rows of a segment at least: with 200, what a 90 % range holds is uncertain by ±4 points.
const LEAST_ROWS: usize = 200;
/// How many standard deviations of chance the share held must be off: a segment in 370 is by chance.
const BEYOND_CHANCE: f64 = 3.0;

/// Widths by segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Widths {
    /// The field whose levels the segments are.
    pub(crate) field: String,
    /// By level: how many times as wide as elsewhere.
    factors: ByText<f64>,
}

impl Widths {
    /// Chooses by rows that the members have not seen: `segments` and `scores` (errors in spreads) are
    /// by row, `level` is the share to be held. None where the common width fits everywhere.
    pub(crate) fn fit<'a>(
        field: &str,
        segments: impl Iterator<Item = Option<&'a str>>,
        scores: &[f64],
        level: f64,
    ) -> Option<Widths> {
        let common = half_width(scores, level);
        let mut parts: BTreeMap<Option<&str>, Vec<f64>> = BTreeMap::new();
        for (segment, score) in segments.zip(scores) {
            parts.entry(segment).or_default().push(*score);
        }
        let is_apart = |segment: &Option<&str>, scores: &[f64]| {
            let count = scores.len() as f64;
            let held = scores.iter().filter(|score| **score <= common).count() as f64;
            let chance = (level * (1.0 - level) * count).sqrt();
            let off = (held - level * count).abs();
            segment.is_some() && scores.len() >= LEAST_ROWS && off > BEYOND_CHANCE * chance
        };
        let (apart, others): (BTreeMap<_, _>, BTreeMap<_, _>) = parts
            .into_iter()
            .partition(|(segment, scores)| is_apart(segment, scores));
        let others: Vec<f64> = others.into_values().flatten().collect();
        let elsewhere = match others.len() >= LEAST_ROWS {
            true => half_width(&others, level),
            false => common,
        };
        let factors: BTreeMap<String, f64> = apart
            .into_iter()
            .filter_map(|(segment, scores)| {
                let factor = half_width(&scores, level) / elsewhere;
                let usable = factor.is_finite() && factor > 0.0;
                usable.then_some((segment?.to_owned(), factor))
            })
            .collect();
        (!factors.is_empty()).then(|| Widths {
            field: field.to_owned(),
            factors: factors.into(),
        })
    }

    /// How many times as wide as elsewhere the range of a row is.
    pub(crate) fn of(&self, cells: Cells, row: usize) -> f64 {
        self.of_level(cells.text(row))
    }

    /// Adds every level with a width of its own.
    pub(crate) fn list_names<'a>(&'a self, list: &mut NameList<'a>) {
        let levels = self.factors.iter();
        levels.for_each(|(level, _)| list.add(&self.field, level));
    }

    /// [`Widths::of`] by the number of the level.
    pub(crate) fn by_names(&self, list: &NameList) -> Option<ByName<f64>> {
        list.by_name(&self.field, |named| self.of_level(named.text()))
    }

    fn of_level(&self, level: Option<&str>) -> f64 {
        let factor = level.and_then(|level| self.factors.get(level));
        factor.copied().unwrap_or(1.0)
    }

    /// Whether what was read is what a fit can give.
    ///
    /// # Errors
    /// States what is not.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), PartError> {
        let field = crate::check::field(schema, &self.field)?;
        if field.kind != Kind::Category {
            return Err(PartError::Misfit(format!(
                "{:?} is of kind {:?}",
                self.field, field.kind
            )));
        }
        let mut factors = self.factors.iter();
        match factors.find(|(_, factor)| !(factor.is_finite() && **factor > 0.0)) {
            Some((level, factor)) => Err(PartError::Misfit(format!(
                "ranges of {level:?} are {factor} times as wide, expected a number above 0"
            ))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1, 2, … times a scale, evenly.
    fn scores(count: usize, scale: f64) -> impl Iterator<Item = f64> {
        (1..=count).map(move |rank| scale * rank as f64 / count as f64)
    }

    #[test]
    fn a_segment_that_the_common_width_does_not_fit_has_its_own() {
        let parts = [("calm", 2000, 1.0), ("wild", 400, 3.0), ("few", 50, 9.0)];
        let segments = parts
            .iter()
            .flat_map(|(name, count, _)| vec![Some(*name); *count]);
        let all: Vec<f64> = parts
            .iter()
            .flat_map(|(_, count, scale)| scores(*count, *scale))
            .collect();
        let found = Widths::fit("city", segments, &all, 0.9).unwrap();
        // The calm one is held too often, and the few are too few: they are what is elsewhere.
        let names: Vec<&String> = found.factors.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["calm", "wild"]);
        let ratio = found.factors.get("wild").unwrap() / found.factors.get("calm").unwrap();
        assert!((ratio - 3.0).abs() < 0.05, "{ratio}");
    }

    #[test]
    fn segments_that_are_alike_have_one_width() {
        let segments = (0..3000).map(|row| Some(["a", "b", "c"][row % 3]));
        let all: Vec<f64> = scores(3000, 1.0).collect();
        assert_eq!(Widths::fit("city", segments, &all, 0.9), None);
        assert_eq!(Widths::fit("city", std::iter::empty(), &[], 0.9), None);
    }
}
